//! The binary embeds these folders: a file added to one is no change to any source file.

fn main() {
    for folder in ["plugins", "templates", "data"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
