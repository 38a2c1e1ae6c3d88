//! The binary embeds these folders: a file added to one is no change to any source file. And it says which compiler
//! made it, and finds the libtorch that it was linked to.

use std::path::Path;

fn main() {
    for folder in ["plugins", "experiments", "templates", "data"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    println!("cargo::rustc-env=TOMBOLA_RUSTC={}", compiler());
    if let Some(lib) = std::env::var_os("DEP_TCH_LIBTORCH_LIB") {
        libtorch(Path::new(&lib));
    }
}

/// The binary looks for libtorch where it was when it was built; `LD_LIBRARY_PATH` comes first.
fn libtorch(lib: &Path) {
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
    if lib.join("libtorch_cuda.so").exists() {
        // Nothing names a symbol of it: it registers itself when it is loaded.
        println!("cargo::rustc-link-arg=-Wl,--push-state,--no-as-needed,-ltorch_cuda,--pop-state");
    }
    println!("cargo::rustc-env=TOMBOLA_LIBTORCH={}", libtorch_version(lib).unwrap_or("2.9".into()));
}

/// "2.9.1", as libtorch's header says it.
fn libtorch_version(lib: &Path) -> Option<String> {
    let header = lib.parent()?.join("include/torch/csrc/api/include/torch/version.h");
    println!("cargo::rerun-if-changed={}", header.display());
    let text = std::fs::read_to_string(header).ok()?;
    let version = text.split_once("#define TORCH_VERSION ")?.1.split('"').nth(1)?;
    Some(version.into())
}

/// "rustc 1.95.0", for provenance.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = std::process::Command::new(rustc).arg("--version").output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}
