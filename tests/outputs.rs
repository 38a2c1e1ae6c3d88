//! Where a command cannot write, or is told to use a file as a folder: found out before anything runs, with the path, what
//! to do about it, and the exit code that the help says.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::small;

fn tombola(folder: &Path, arguments: &[&str], out: Stdio) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
    command.current_dir(folder).args(arguments).stdout(out).stderr(Stdio::piped());
    let Output { status, stderr, .. } = command.spawn().unwrap().wait_with_output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

fn quietly(folder: &Path, arguments: &str) -> (i32, String) {
    tombola(folder, &arguments.split(' ').collect::<Vec<_>>(), Stdio::null())
}

#[test]
fn a_file_in_the_place_of_a_folder_is_a_wrong_command() {
    let folder = small::folder();
    let folder = folder.path();
    std::fs::write(folder.join("file"), "mine").unwrap();
    for (arguments, option) in [
        ("plan small --runs file", "--runs"),
        ("plan small --runs file/below", "--runs"),
        ("run small --runs file", "--runs"),
        ("report small --runs file", "--runs"),
        ("run small --reports file", "--reports"),
        ("report small --reports file", "--reports"),
        ("schema --dir file", "--dir"),
        ("list --pages file", "--pages"),
        ("new file/below", "tombola new"),
        ("fetch mnist --data file", "--data"),
    ] {
        let (code, said) = quietly(folder, arguments);
        let told = format!("error: file is no folder: `{option} DIR` names another place\n");
        assert_eq!((code, said), (2, told), "{arguments}");
    }
    assert_eq!(std::fs::read_to_string(folder.join("file")).unwrap(), "mine");
    assert!(!folder.join("runs").exists() && !folder.join("reports").exists());
    // A report's figures, too, are a folder.
    std::fs::create_dir_all(folder.join("reports/small")).unwrap();
    std::fs::write(folder.join("reports/small/figures"), "").unwrap();
    let (code, said) = quietly(folder, "run small");
    assert!(
        code == 2 && said.contains("reports/small/figures is no folder") && !folder.join("runs").exists(),
        "{said}"
    );
}

/// Nobody can write in /proc, not even root.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_told_before_anything_runs() {
    let folder = small::folder();
    let folder = folder.path();
    for (arguments, path, remedy) in [
        ("run small --reports /proc/none", "/proc/none/small/figures", "`--reports DIR` names another place"),
        ("report small --reports /proc/none", "/proc/none/small/figures", "`--reports DIR` names another place"),
        ("run small --runs /proc/none", "/proc/none/steps", "`--runs DIR` names another place"),
        ("schema --dir /proc/none", "/proc/none", "`--dir DIR` names another place"),
        ("list --pages /proc/none", "/proc/none", "`--pages DIR` names another place"),
        ("new /proc/none", "/proc/none", "choose a folder in another place"),
    ] {
        let (code, said) = quietly(folder, arguments);
        let lines = said.lines().count();
        assert!(code == 1 && lines == 1 && said.contains(path) && said.contains(remedy), "{arguments}: {code}, {said}");
    }
    assert!(!folder.join("runs").exists() && !folder.join("reports").exists());
    let (code, said) = quietly(folder, "plan small --runs /proc/none");
    assert_eq!(code, 0, "a plan writes nothing: {said}");
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_ends_with_1_and_a_reader_that_has_gone_with_0() {
    let folder = small::folder();
    for arguments in [
        "check small",
        "check small --resolved",
        "plan small",
        "plan small --json",
        "list",
        "list --json",
        "show pipeline imp",
        "schema experiment",
        "devices",
        "fetch mnist-10k",
        "fetch mnist-10k --json",
        "--help",
        "--version",
        "run --help",
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (code, said) = tombola(folder.path(), &arguments, full.into());
        assert!(code == 1 && said.contains("cannot write to standard output: No space left"), "{arguments:?}: {said}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(tombola(folder.path(), &arguments, writer.into()), (0, String::new()), "{arguments:?}");
    }
}
