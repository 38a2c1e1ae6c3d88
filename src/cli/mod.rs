//! The command line: a file a command. Results go to stdout, progress and diagnostics to stderr.

mod check;
mod checkpoint;
mod devices;
mod export;
mod fetch;
mod interrupt;
mod layers;
mod list;
mod lock;
mod machine;
mod new;
mod open;
mod pack;
mod place;
mod plan;
mod predictions;
mod progress;
mod reading;
mod records;
mod report;
mod reported;
mod run;
mod schema;
mod show;
mod store;
mod unpack;
mod verify;

pub use open::planned;

use std::borrow::Cow;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::dataset;
use crate::registry::Registry;
use crate::run::crash;
use crate::unseen::is_harmful;

/// Runs lottery-ticket experiments: a folder of TOML in, a report out.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done (a diverged training and a failed prediction are outcomes, too); \
    1 a step crashed or lacked disk or memory, `verify` found a difference or ran nothing, a file cannot be fetched, or output cannot be written; 2 the command or the spec is wrong; 130 interrupted.\n\n\
    Start with: tombola new first --from quickstart, then tombola run first";

#[derive(Subcommand)]
enum Command {
    /// Says everything that is wrong with an experiment, and runs nothing
    Check(check::Check),
    /// Shows what a run would do: steps, recorded or new and why, weights remaining by layer, time, memory and disk
    Plan(plan::PlanCommand),
    /// Runs an experiment, resuming where it stopped, and renders its report
    Run(run::RunCommand),
    /// Renders the report of what has run so far, or the index of all reports
    Report(report::ReportCommand),
    /// Runs an experiment again and says whether its numbers hold
    Verify(verify::VerifyCommand),
    /// Writes a citation of an experiment, or an RO-Crate of it and its results
    Export(export::Export),
    /// Packs an experiment with its results into one archive, for a reviewer
    Pack(pack::PackCommand),
    /// Unpacks what `pack` wrote, and checks it
    Unpack(unpack::UnpackCommand),
    /// Says what is in a store of steps, and deletes what no experiment refers to
    Store(store::StoreCommand),
    /// Downloads the files of data sets that are not there yet, and checks them
    Fetch(fetch::FetchCommand),
    /// Makes a folder for an experiment, from nothing or from another one
    New(new::New),
    /// Lists what a spec may name
    List(list::List),
    /// Shows one thing that a spec may name: its parameters, their types and defaults, its source, an example
    Show(show::Show),
    /// Writes JSON Schemas, by which editors complete and check what a spec says
    Schema(schema::SchemaCommand),
    /// Lists what there is to compute on: what is built in, what is found, what `--device auto` picks
    Devices(devices::Devices),
}

/// What `check`, `plan`, `run` and `report` take, so that one line of options serves them all.
#[derive(Args, Clone)]
pub struct Experiment {
    /// The experiment's folder
    folder: PathBuf,
    #[command(flatten)]
    options: Options,
}

/// What such a command takes besides.
#[derive(Args, Clone)]
pub struct Options {
    /// Override a value of the spec, as `--set replicates=1` or `--set training.length=500it`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Override how many replicates there are
    #[arg(long, allow_negative_numbers = true)]
    replicates: Option<u32>,
    /// Where steps are stored
    #[arg(long, default_value = "runs", value_name = "DIR")]
    runs: PathBuf,
    /// Where reports are written, a folder an experiment
    #[arg(long, default_value = "reports", value_name = "DIR")]
    reports: PathBuf,
    /// Where data sets are looked for first
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// What to compute on: auto, cpu, cpu:plain or, where it is built in, libtorch, libtorch:cuda:0 or wgpu (see `devices`)
    #[arg(long, default_value = "auto")]
    device: String,
}

/// Why a command ended without doing what was asked.
pub enum Ended {
    /// What was asked failed, and is said already.
    Crashed,
    /// The command was right and could not be done, with what to print.
    Failed(String),
    /// The command or the spec is wrong, with what to print.
    Wrong(String),
    Interrupted,
}

impl From<dataset::Failure> for Ended {
    fn from(failure: dataset::Failure) -> Ended {
        match failure {
            dataset::Failure::Interrupted => Ended::Interrupted,
            dataset::Failure::Machine(message) => Ended::Failed(message),
            dataset::Failure::Wrong(message) => message.into(),
        }
    }
}

impl From<String> for Ended {
    fn from(message: String) -> Ended {
        Ended::Wrong(format!("error: {}\n", harmless(&message)))
    }
}

/// Runs the command line with these plugins, and gives the exit code.
pub fn main(registry: Registry) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help, too, or the version.
        Err(told) => {
            let code = u8::try_from(told.exit_code()).unwrap_or(2);
            return written(told.print()).map_or_else(exit, |()| ExitCode::from(code));
        }
    };
    let run = || match &cli.command {
        Command::Check(command) => command.run(&registry),
        Command::Plan(command) => command.run(&registry),
        Command::Run(command) => command.run(&registry),
        Command::Report(command) => command.run(&registry),
        Command::Verify(command) => command.run(&registry),
        Command::Export(command) => command.run(&registry),
        Command::Pack(command) => command.run(&registry),
        Command::Unpack(command) => command.run(),
        Command::Store(command) => command.run(&registry),
        Command::Fetch(command) => command.run(&registry),
        Command::New(command) => command.run(&registry),
        Command::List(command) => command.run(&registry),
        Command::Show(command) => command.run(&registry),
        Command::Schema(command) => command.run(&registry),
        Command::Devices(command) => command.run(),
    };
    match crash::guarded(run) {
        Ok(done) => done.map_or_else(exit, |()| ExitCode::SUCCESS),
        Err(crash) => exit(Ended::Failed(crash)),
    }
}

/// Says why a command ended, and gives its exit code.
fn exit(ended: Ended) -> ExitCode {
    match ended {
        Ended::Crashed => ExitCode::from(1),
        Ended::Failed(message) => {
            say(&format!("error: {message}"));
            ExitCode::from(1)
        }
        Ended::Wrong(message) => {
            // Its colours are ours.
            let _ = writeln!(std::io::stderr(), "{}", message.trim_end());
            ExitCode::from(2)
        }
        Ended::Interrupted => ExitCode::from(130),
    }
}

/// "1 step", "7 steps".
fn count(n: usize, of: &str) -> String {
    format!("{n} {of}{}", if n == 1 { "" } else { "s" })
}

/// A line to stderr, which may be closed: that is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", harmless(line));
}

/// The text without what would move a terminal's cursor or turn a line around, as names of files might: each such
/// character escaped as JSON does it, so that what was JSON stays the same JSON.
fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match is_harmful(character) {
            true => character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| shown += &format!("\\u{unit:04x}")),
            false => shown.push(character),
        }
    }
    shown.into()
}

/// Writes a result to stdout.
fn print(text: &str) -> Result<(), Ended> {
    let mut stdout = std::io::stdout();
    written(stdout.write_all(harmless(text).as_bytes()).and_then(|()| stdout.flush()))
}

/// A reader that has gone away, as `head` does, ends the output and is no error.
fn written(result: std::io::Result<()>) -> Result<(), Ended> {
    let failed = result.err().filter(|e| e.kind() != std::io::ErrorKind::BrokenPipe);
    failed.map_or(Ok(()), |e| Err(Ended::Failed(format!("cannot write to standard output: {e}"))))
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn what_moves_the_cursor_is_shown_and_json_stays_the_same_json() {
        let text = "a\u{1b}[2J\u{9b}b\r\u{202e}\u{e0041}é\n";
        let shown = harmless(text);
        assert_eq!(shown, "a\\u001b[2J\\u009bb\r\\u202e\\udb40\\udc41é\n");
        let json = serde_json::to_string(text).unwrap();
        assert_eq!(serde_json::from_str::<String>(&harmless(&json)).unwrap(), text);
        assert!(matches!(harmless("plain\ttext\n"), std::borrow::Cow::Borrowed(_)));
    }
}
