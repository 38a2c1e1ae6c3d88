//! `tombola fetch`, from mirrors on this machine that stall, truncate, change and lie. (Those of the shipped data sets
//! are nowhere asked: no test needs a network.)

mod server;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::io::Write;
use tempfile::TempDir;

use server::{Answer, Server, Then};

/// A folder with an experiment, `mine/`, whose data set has one file of its own, and a data directory, `data/`.
struct Place {
    folder: TempDir,
    name: String,
}

/// What a command gave: its exit code, stdout and stderr.
#[derive(Debug)]
struct Told(i32, String, String);

impl Place {
    /// The file holds `content` once it is decompressed, and is at these mirrors.
    fn new(name: &str, content: &[u8], mirrors: &[&Server]) -> Place {
        let mirrors: Vec<String> = mirrors.iter().map(|server| server.address.clone()).collect();
        Place::with(name, content, &format!("mirrors = {mirrors:?}"))
    }

    fn with(name: &str, content: &[u8], more: &str) -> Place {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("mine/datasets")).unwrap();
        std::fs::write(folder.path().join("mine/experiment.toml"), EXPERIMENT).unwrap();
        let text = DATASET.replace("MORE", more).replace("NAME", name).replace("BYTES", &content.len().to_string());
        let text = text.replace("SHA256", &sha256(content));
        std::fs::write(folder.path().join("mine/datasets/letters.toml"), text).unwrap();
        Place { folder, name: name.into() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data/letters").join(&self.name)
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("data/letters").join(format!("{}.part", self.name))
    }

    /// What is in the data set's folder.
    fn there(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("data/letters")).into_iter().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Writes what an earlier download left, or another hand.
    fn leave(&self, path: &Path, bytes: &[u8]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tombola"));
        command.current_dir(self.folder.path()).arg("fetch").args(arguments.split(' '));
        for variable in ["TOMBOLA_DATA", "XDG_DATA_HOME", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(variable);
        }
        command.env("HOME", self.folder.path().join("home")).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &str) -> Told {
        told(&mut self.command(arguments))
    }

    /// Fetches into `data/`, with little patience.
    fn fetch(&self) -> Told {
        self.run("mine --data data --timeout 0.5")
    }
}

const EXPERIMENT: &str = r#"
title = "Letters"
extends = "quickstart"
dataset = { use = "letters" }
"#;

const DATASET: &str = r#"
summary = "Letters"
folder = "letters"
format = { use = "idx" }
classes = 10
shape = [1, 28, 28]
train = 1000
test = 100
validation = 50
normalise = { mean = [0.0], std = [1.0] }
MORE
[[file]]
name = "NAME"
bytes = BYTES
sha256 = "SHA256"
"#;

fn told(command: &mut Command) -> Told {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Told(output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Bytes without a pattern that a compressor could use.
fn letters(count: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// The command ended with 0, and the file is there whole and alone.
fn assert_fetched(place: &Place, told: &Told, distributed: &[u8]) {
    assert_eq!(told.0, 0, "{told:?}");
    assert!(std::fs::read(place.path()).unwrap() == distributed, "{told:?}");
    assert_eq!(place.there(), std::slice::from_ref(&place.name), "{told:?}");
}

/// The command ended with 1 and said each of these.
fn assert_failed(told: &Told, parts: &[&str]) {
    assert_eq!(told.0, 1, "{told:?}");
    for part in parts {
        assert!(told.2.contains(part), "{part:?} is not in {told:?}");
    }
}

#[test]
fn a_missing_file_is_fetched_as_it_is_distributed_and_once() {
    let content = letters(300_000);
    for (name, distributed) in [("letters.gz", gzip(&content)), ("letters", content.clone())] {
        let server = Server::of(&distributed);
        let place = Place::new(name, &content, &[&server]);
        let told = place.fetch();
        assert_fetched(&place, &told, &distributed);
        assert_eq!(told.1, format!("fetched: data/letters/{name}\n"));
        assert!(told.2.contains(&format!("fetching {name}")), "{told:?}");
        let again = place.fetch();
        assert_eq!((again.0, again.1), (0, format!("already there: data/letters/{name}\n")));
        let asked = server.asked();
        assert_eq!((asked.len(), asked[0].path.as_str()), (1, format!("/letters/{name}").as_str()));
    }
}

#[test]
fn a_file_that_stands_in_another_data_directory_or_is_spelled_without_gz_is_not_fetched() {
    let server = Server::of(b"");
    let place = Place::new("letters.gz", b"abc", &[&server]);
    let elsewhere = place.folder.path().join("elsewhere/letters/letters");
    place.leave(&elsewhere, b"abc");
    let told = told(place.command("mine --data data").env("TOMBOLA_DATA", "elsewhere"));
    assert_eq!((told.0, told.1.as_str()), (0, "already there: elsewhere/letters/letters\n"), "{}", told.2);
    assert_eq!(server.asked(), []);
}

#[test]
fn without_a_data_directory_the_users_gets_the_files_and_runs_find_them_there() {
    let server = Server::of(b"abc");
    let place = Place::new("letters", b"abc", &[&server]);
    let told = place.run("mine");
    let path = place.folder.path().join("home/.local/share/tombola/letters/letters");
    assert_eq!((told.0, told.1), (0, format!("fetched: {}\n", path.display())), "{}", told.2);
    assert_eq!(std::fs::read(path).unwrap(), b"abc");
}

#[test]
fn what_was_cut_goes_on_with_the_bytes_that_are_missing() {
    let content = letters(400_000);
    let (distributed, served) = (gzip(&content), gzip(&content));
    let server = Server::start(move |asked| match asked.number {
        0 => Answer::of(&served, "a", asked).cut(150_000, Then::Close),
        _ => Answer::of(&served, "a", asked),
    });
    let place = Place::new("letters.gz", &content, &[&server]);
    let told = place.fetch();
    assert_fetched(&place, &told, &distributed);
    assert!(told.2.contains("the connection ended too early"), "{told:?}");
    let second = &server.asked()[1];
    assert_eq!((second.from, second.if_range.as_deref()), (Some(150_000), Some("\"a\"")));
}

#[test]
fn what_is_silent_is_left_for_the_next_mirror_which_goes_on_where_the_length_is_the_same() {
    let content = letters(200_000);
    let (one, other) = (content.clone(), content.clone());
    let stalls = Server::start(move |asked| Answer::of(&one, "a", asked).cut(70_000, Then::Stall));
    let goes_on = Server::start(move |asked| Answer::of(&other, "b", asked));
    let place = Place::new("letters", &content, &[&stalls, &goes_on]);
    let told = place.fetch();
    assert_fetched(&place, &told, &content);
    assert!(told.2.contains("it stalled: no byte came in 0.5 s"), "{told:?}");
    // No tag of another server's is asked for.
    assert_eq!(goes_on.asked()[0].from, Some(70_000));
    assert_eq!(goes_on.asked()[0].if_range, None);
}

#[test]
fn a_server_that_says_nothing_at_all_is_left_too() {
    let silent = Server::start(|_| Answer::new("", b"", Then::Stall));
    let good = Server::of(b"abc");
    let place = Place::new("letters", b"abc", &[&silent, &good]);
    assert_fetched(&place, &place.fetch(), b"abc");
}

#[test]
fn where_all_mirrors_stall_each_is_asked_three_times_and_the_part_is_kept_for_the_next_command() {
    let content = letters(100_000);
    let (served, calm) = (content.clone(), std::sync::atomic::AtomicBool::new(false));
    let calm = std::sync::Arc::new(calm);
    let is_calm = calm.clone();
    let server = Server::start(move |asked| {
        let rest = served.len() - asked.from.unwrap_or(0);
        match is_calm.load(std::sync::atomic::Ordering::Relaxed) {
            true => Answer::of(&served, "a", asked),
            false => Answer::of(&served, "a", asked).cut(rest.min(20_000), Then::Stall),
        }
    });
    let place = Place::new("letters", &content, &[&server]);
    let told = place.fetch();
    assert_failed(&told, &["it stalled", "data/letters/letters.part keeps what came: the same command goes on"]);
    assert_eq!(server.asked_from(), [None, Some(20_000), Some(40_000)]);
    assert_eq!(std::fs::read(place.part()).unwrap(), content[..60_000]);
    assert!(!place.path().exists());
    calm.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_fetched(&place, &place.fetch(), &content);
    assert_eq!(server.asked_from()[3], Some(60_000));
}

#[test]
fn a_file_that_changed_meanwhile_begins_anew() {
    let content = letters(100_000);
    let (old, new) = (letters(100_001)[1..].to_vec(), content.clone());
    // The one server knows If-Range, the other sends what was asked for and its new tag.
    for honest in [true, false] {
        let (old, new) = (old.clone(), new.clone());
        let server = Server::start(move |asked| match (asked.number, asked.from) {
            (0, _) => Answer::of(&old, "old", asked).cut(30_000, Then::Close),
            (_, Some(from)) if !honest => Answer::range(&new, from, "ETag: \"new\""),
            _ => Answer::of(&new, "new", asked),
        });
        let place = Place::new("letters", &content, &[&server]);
        assert_fetched(&place, &place.fetch(), &content);
    }
}

#[test]
fn a_server_that_tells_no_change_is_asked_anew_before_it_is_blamed() {
    let content = letters(100_000);
    let (old, new) = (letters(100_001)[1..].to_vec(), content.clone());
    let server = Server::start(move |asked| match (asked.number, asked.from) {
        (0, _) => Answer::whole("200 OK", &old).cut(30_000, Then::Close),
        (_, Some(from)) => Answer::range(&new, from, "X: y"),
        _ => Answer::whole("200 OK", &new),
    });
    let place = Place::new("letters", &content, &[&server]);
    let told = place.fetch();
    assert_fetched(&place, &told, &content);
    assert!(told.2.contains("beginning anew"), "{told:?}");
    assert_eq!(server.asked_from(), [None, Some(30_000), None]);
}

#[test]
fn a_server_that_ignores_ranges_begins_anew() {
    let content = letters(100_000);
    let served = content.clone();
    let server = Server::start(move |asked| {
        let whole = Answer::whole("200 OK\r\nETag: \"a\"", &served);
        if asked.number == 0 { whole.cut(30_000, Then::Close) } else { whole }
    });
    let place = Place::new("letters", &content, &[&server]);
    assert_fetched(&place, &place.fetch(), &content);
    assert_eq!(server.asked_from(), [None, Some(30_000)]);
}

#[test]
fn a_part_of_which_nothing_is_known_or_that_is_too_long_is_no_beginning() {
    let content = letters(100_000);
    let server = Server::of(&content);
    for left in [letters(50_000), letters(200_000)] {
        let place = Place::new("letters", &content, &[&server]);
        place.leave(&place.part(), &left);
        assert_fetched(&place, &place.fetch(), &content);
    }
    assert_eq!(server.asked_from(), [None, None]);
    let refuses = content.clone();
    let server = Server::start(move |asked| match asked.from {
        Some(_) => Answer::status("416 Range Not Satisfiable"),
        None => Answer::of(&refuses, "a", asked),
    });
    let place = Place::new("letters", &content, &[&server]);
    place.leave(&place.part(), &letters(200_000));
    let origin = format!("{{\"address\":\"{}letters\",\"validator\":\"\\\"a\\\"\",\"total\":300000}}", server.address);
    place.leave(&place.part().with_added_extension("json"), origin.as_bytes());
    assert_fetched(&place, &place.fetch(), &content);
    assert_eq!(server.asked_from(), [Some(200_000), None]);
}

#[test]
fn other_content_is_deleted_and_named_with_both_checksums_and_the_next_mirror_is_asked() {
    let (content, other) = (letters(100_000), letters(100_001)[1..].to_vec());
    let (lies, honest) = (Server::of(&other), Server::of(&content));
    let place = Place::new("letters", &content, &[&lies, &honest]);
    let told = place.fetch();
    assert_fetched(&place, &told, &content);
    for part in [&lies.address, &sha256(&content), &sha256(&other), "it is deleted"] {
        assert!(told.2.contains(part), "{part}: {told:?}");
    }
    let place = Place::new("letters", &content, &[&lies]);
    assert_failed(&place.fetch(), &["could not be fetched", &sha256(&other)]);
    // It was asked once: what lies, lies again.
    assert_eq!((place.there(), lies.asked().len()), (vec![], 2));
}

#[test]
fn another_length_is_found_out_before_it_is_downloaded_or_as_soon_as_it_is() {
    let content = letters(100_000);
    let short = Server::of(&content[..90_000]);
    let place = Place::new("letters", &content, &[&short]);
    assert_failed(&place.fetch(), &["truncated", "90000 of the declared 100000 bytes"]);
    let long = Server::start(|_| Answer::new("200 OK\r\nContent-Length: 900000000", b"abc", Then::Stall));
    let place = Place::new("letters", &content, &[&long]);
    assert_failed(&place.fetch(), &["announces 900000000 bytes, more than the declared 100000 bytes take"]);
    assert_eq!((place.there(), long.asked().len()), (vec![], 1));
    let cut = gzip(&content);
    let server = Server::of(&cut[..cut.len() - 9]);
    let place = Place::new("letters.gz", &content, &[&server]);
    assert_failed(&place.fetch(), &["truncated: it ends within its compressed data"]);
    let server = Server::of(&content);
    let place = Place::new("letters.gz", &content, &[&server]);
    assert_failed(&place.fetch(), &["not gzip"]);
}

#[test]
fn a_body_without_end_is_left_after_the_declared_bytes() {
    let content = letters(100_000);
    let endless = |piece: Vec<u8>| Server::start(move |_| Answer::new("200 OK", &piece, Then::Repeat));
    for (name, piece) in [("letters", content.clone()), ("letters.gz", gzip(&[])), ("letters.gz", gzip(&content))] {
        let server = endless(piece);
        let place = Place::new(name, &content, &[&server]);
        let told = place.fetch();
        assert_failed(&told, &["it is deleted"]);
        assert_eq!((place.there(), server.asked().len()), (vec![], 1), "{told:?}");
    }
}

#[test]
fn a_decompression_bomb_is_left_after_the_declared_bytes() {
    // What follows the first 64 MiB is no gzip: a reader that went on would meet it and say so.
    let mut bomb = gzip(&vec![0; 64 << 20]);
    bomb.extend(b"not gzip");
    let server = Server::of(&bomb);
    let place = Place::new("letters.gz", &letters(1_000_000), &[&server]);
    assert_failed(&place.fetch(), &["oversized", "declared 1000000 bytes"]);
    assert_eq!(place.there(), Vec::<String>::new());
}

#[test]
fn a_mirror_without_the_file_is_asked_once_and_a_broken_one_three_times() {
    let (none, broken) = (Server::start(|_| Answer::status("404 Not Found")), "500 Internal Server Error");
    let broken = Server::start(move |_| Answer::status(broken));
    let place = Place::new("letters", b"abc", &[&none, &broken]);
    assert_failed(&place.fetch(), &["it says 404 Not Found", "it says 500 Internal Server Error", "letters.part"][..2]);
    assert_eq!((none.asked().len(), broken.asked().len(), place.there().len()), (1, 3, 0));
    assert!(!place.folder.path().join("data").exists(), "what was made for nothing is gone");
    let nobody = "mirrors = ['http://127.0.0.1:9/', 'http://no.such.host.invalid/']";
    assert_failed(&Place::with("letters", b"abc", nobody).fetch(), &["127.0.0.1:9/letters: ", "no.such.host.invalid"]);
}

#[test]
fn why_a_mirror_has_not_the_file_is_said_once_each_time_that_it_is_asked() {
    let none = Server::start(|_| Answer::status("404 Not Found"));
    let place = Place::new("letters", b"abc", &[&none]);
    std::fs::create_dir(place.folder.path().join("data")).unwrap();
    let told = place.fetch();
    assert_failed(
        &told,
        &["error: letters of letters could not be fetched from any mirror", "To come by it otherwise"],
    );
    assert_eq!(told.2.matches("404 Not Found").count(), 1, "{told:?}");
    assert_eq!(std::fs::read_dir(place.folder.path().join("data")).unwrap().count(), 0);
}

#[test]
fn a_folder_of_images_is_found_or_missing_in_words_and_json() {
    let place = Place::with("letters", b"abc", "");
    let declaration = place.folder.path().join("mine/datasets/letters.toml");
    let text = std::fs::read_to_string(&declaration).unwrap();
    let text = text.split("[[file]]").next().unwrap().replace("idx", "image-folder") + "content = 'unknown'\n";
    std::fs::write(&declaration, text).unwrap();
    let missing = place.run("mine --data data");
    assert_failed(&missing, &["letters is a folder of images, which is not fetched", "data/letters", "TOMBOLA_DATA"]);
    let line = |told: &Told| serde_json::from_str::<serde_json::Value>(&told.1).unwrap();
    let missing = place.run("mine --data data --json");
    let [told, error] =
        [&line(&missing)["state"], &line(&missing)["error"]].map(|value| value.as_str().unwrap().to_string());
    assert!((missing.0, &told[..]) == (1, "failed") && error.contains("data/letters"), "{missing:?}");
    let folder = place.folder.path().join("data/letters");
    std::fs::create_dir_all(&folder).unwrap();
    let there = folder.canonicalize().unwrap().display().to_string();
    assert_eq!(place.run("mine --data data").1, format!("already there: {there}\n"));
    let found = place.run("mine --data data --json");
    assert!(found.0 == 0 && line(&found)["state"] == "there" && line(&found)["path"] == there, "{found:?}");
}

#[test]
fn a_broken_mirror_that_is_well_again_gives_the_file() {
    let server = Server::start(|asked| match asked.number {
        0 | 1 => Answer::status("503 Service Unavailable"),
        _ => Answer::of(b"abc", "a", asked),
    });
    let place = Place::new("letters", b"abc", &[&server]);
    assert_fetched(&place, &place.fetch(), b"abc");
}

#[test]
fn five_redirects_are_followed_to_other_hosts_with_the_range_and_no_more() {
    let content = letters(100_000);
    let served = content.clone();
    let last = Server::start(move |asked| match asked.number {
        0 => Answer::of(&served, "a", asked).cut(30_000, Then::Close),
        _ => Answer::of(&served, "a", asked),
    });
    let target = format!("{}elsewhere", last.address);
    let hops = Server::start(move |asked| match asked.path.as_str() {
        "/letters/letters" => Answer::redirect("/1"),
        "/1" => Answer::redirect("2"),
        "/2" => Answer::redirect("./3?x=y"),
        "/./3?x=y" => Answer::redirect("/4"),
        _ => Answer::redirect(&target),
    });
    let place = Place::new("letters", &content, &[&hops]);
    assert_fetched(&place, &place.fetch(), &content);
    assert_eq!(last.asked_from(), [None, Some(30_000)]);
    let circle = Server::start(|_| Answer::redirect("/letters/letters"));
    let place = Place::new("letters", b"abc", &[&circle]);
    assert_failed(&place.fetch(), &["it redirects more than 5 times"]);
    assert_eq!(circle.asked().len(), 6);
    let file = Server::start(|_| Answer::redirect("file:///etc/passwd"));
    let place = Place::new("letters", b"abc", &[&file]);
    assert_failed(&place.fetch(), &["it redirects to file:///etc/passwd, which is neither https nor http"]);
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let server = Server::of(b"abc");
    let place = Place::new("letters", b"abc", &[&server]);
    place.leave(&place.path(), b"mine");
    let told = place.fetch();
    assert_failed(
        &told,
        &["data/letters/letters: it is oversized", "Nothing that is there is overwritten: move it away"],
    );
    assert_eq!((std::fs::read(place.path()).unwrap().as_slice(), server.asked().len()), (&b"mine"[..], 0));
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_that_leads_out_of_the_data_directory() {
    let server = Server::of(b"abc");
    let place = Place::new("letters", b"abc", &[&server]);
    let outside = place.folder.path().join("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::create_dir_all(place.folder.path().join("data")).unwrap();
    std::os::unix::fs::symlink(&outside, place.folder.path().join("data/letters")).unwrap();
    assert_failed(&place.fetch(), &["this link leads out of the data directory"]);
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    let place = Place::new("letters", b"abc", &[&server]);
    std::fs::create_dir_all(place.part().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(outside.join("made"), place.part()).unwrap();
    assert_failed(&place.fetch(), &["letters.part is not a plain file: remove it"]);
    assert_eq!((std::fs::read_dir(&outside).unwrap().count(), server.asked().len()), (0, 0));
}

#[test]
fn two_processes_do_not_write_to_one_part() {
    let server = Server::of(b"abc");
    let place = Place::new("letters", b"abc", &[&server]);
    place.leave(&place.part(), b"a");
    let held = std::fs::File::open(place.part()).unwrap();
    held.lock().unwrap();
    assert_failed(&place.fetch(), &["letters.part: another process is fetching this file: wait until it ends"]);
    drop(held);
    assert_fetched(&place, &place.fetch(), b"abc");
}

#[test]
fn without_mirrors_it_says_what_else_there_is() {
    let more = "debian_package = 'dataset-letters'\nhomepage = 'https://example.org/letters'";
    let place = Place::with("letters", b"abc", more);
    assert_failed(
        &place.fetch(),
        &["letters has no mirror", "the Debian package dataset-letters", "https://example.org/letters"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_takes_no_more_ends_with_1_and_the_part_is_kept() {
    let content = letters(300_000);
    let server = Server::of(&content);
    let place = Place::new("letters", &content, &[&server]);
    // Files of 64 KiB at most, of which a write says so and no signal.
    let limited = format!("trap '' XFSZ; ulimit -f 128; exec {} fetch mine --data data", env!("CARGO_BIN_EXE_tombola"));
    let told = told(Command::new("sh").arg("-c").arg(limited).current_dir(place.folder.path()));
    assert_failed(
        &told,
        &["cannot write data/letters/letters.part: File too large", "`--data DIR` names another place"],
    );
    assert_fetched(&place, &place.fetch(), &content);
    assert!(server.asked_from()[1].is_some_and(|from| from > 0), "{:?}", server.asked_from());
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_130_keeps_the_part_and_says_how_to_go_on() {
    let content = letters(100_000);
    let served = content.clone();
    let server = Server::start(move |asked| match asked.number {
        0 => Answer::of(&served, "a", asked).cut(60_000, Then::Stall),
        _ => Answer::of(&served, "a", asked),
    });
    let place = Place::new("letters", &content, &[&server]);
    let child = place.command("mine --data data").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while std::fs::metadata(place.part()).map_or(0, |part| part.len()) < 60_000 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    for part in ["letters.part keeps what came", "Run the same command again to go on"] {
        assert!(said.contains(part), "{said}");
    }
    assert_fetched(&place, &place.fetch(), &content);
    assert_eq!(server.asked_from(), [None, Some(60_000)]);
}

#[test]
fn names_and_folders_are_told_apart_and_what_is_neither_is_a_wrong_command() {
    let server = Server::of(b"abc");
    let place = Place::new("letters", b"abc", &[&server]);
    let told = place.run("mnist-10k fashion-mnist-12k");
    assert_eq!((told.0, told.1.as_str()), (0, "mnist-10k is built in\nfashion-mnist-12k is built in\n"), "{}", told.2);
    let told = place.run("fashion-mnits");
    assert!(told.0 == 2 && told.2.contains("neither a data set nor an experiment's folder"), "{told:?}");
    assert!(told.2.contains("did you mean `fashion-mnist`?"), "{told:?}");
    let spec = EXPERIMENT.replace("letters", "lettres");
    std::fs::write(place.folder.path().join("mine/experiment.toml"), spec).unwrap();
    let told = place.fetch();
    assert!(told.0 == 2 && told.2.contains("did you mean `letters`?"), "{told:?}");
    assert_eq!(place.run("mnist --data mine/experiment.toml").0, 2);
    assert_eq!(place.run("mnist --timeout 0").0, 2);
    assert_eq!(server.asked(), []);
}

#[test]
fn a_mirror_is_an_address_of_http_or_https_and_anything_else_is_a_wrong_declaration() {
    let place = Place::with("letters", b"abc", "mirrors = ['file:///etc/']");
    let told = place.fetch();
    assert!(told.0 == 2 && told.2.contains("letters.toml") && told.2.contains("http"), "{told:?}");
}

#[test]
fn json_has_a_line_a_file() {
    let (right, wrong) = (Server::of(b"abc"), Server::of(b"abd"));
    let lines = |told: &Told| {
        told.1.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
    };
    let place = Place::new("letters", b"abc", &[&right]);
    let told = place.run("mnist-10k mine --data data --json");
    let files = lines(&told);
    assert_eq!((told.0, files.len()), (0, 5), "{told:?}");
    let (built_in, fetched) = (&files[0], &files[4]);
    assert!(built_in["state"] == "built in" && built_in["path"].is_null() && built_in["dataset"] == "mnist-10k");
    assert!(fetched["state"] == "fetched" && fetched["path"] == "data/letters/letters" && fetched["bytes"] == 3);
    assert_eq!(fetched["sha256"], sha256(b"abc"));
    assert_eq!(lines(&place.run("mine --data data --json"))[0]["state"], "there");
    let place = Place::new("letters", b"abc", &[&wrong]);
    let told = place.run("mine --data data --json");
    assert_eq!(told.0, 1);
    let failed = &lines(&told)[0];
    assert!(failed["state"] == "failed" && failed["error"].as_str().unwrap().contains(&sha256(b"abd")), "{failed}");
}

/// An archive of one file.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, name, content).unwrap();
    archive.into_inner().unwrap()
}

#[test]
fn an_archive_stays_as_it_is_and_its_files_are_held_to_their_checksums() {
    let content = letters(100_000);
    for (held, right) in [(content.clone(), true), (letters(100_001)[1..].to_vec(), false)] {
        let distributed = gzip(&tar("within/letters", &held));
        let server = Server::of(&distributed);
        let mut place = Place::new("within/letters", &content, &[&server]);
        let declaration = place.folder.path().join("mine/datasets/letters.toml");
        let text = std::fs::read_to_string(&declaration).unwrap() + "archive = \"letters.tar.gz\"\n";
        std::fs::write(&declaration, text).unwrap();
        place.name = "letters.tar.gz".into();
        let told = place.fetch();
        if right {
            assert_fetched(&place, &told, &distributed);
            assert_eq!(place.fetch().1, "already there: data/letters/letters.tar.gz\n");
            assert_eq!((server.asked().len(), server.asked()[0].path.as_str()), (1, "/letters/letters.tar.gz"));
        } else {
            assert_failed(&told, &["within/letters in it: it is not the declared file", &sha256(&held)]);
            assert_eq!(place.there(), Vec::<String>::new());
        }
    }
}
