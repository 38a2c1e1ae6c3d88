//! The binary embeds these folders: a file added to one is no change to any source file. And it says which compiler
//! made it.

fn main() {
    for folder in ["plugins", "templates", "data"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    println!("cargo::rustc-env=TOMBOLA_RUSTC={}", compiler());
}

/// "rustc 1.95.0", for provenance.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = std::process::Command::new(rustc).arg("--version").output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}
