//! `sago`: command line, network door and jobs (later also pages and an interface) of an electronic repository for human-rights accountability.
//!
//! Parses, opens what the command needs, dispatches. What a command does is in `cli/<command>.rs`; what it may do is in `sago-core`.

mod cli;
mod web;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Before anything else: whoever reads the files of strangers opens nothing, knows nothing, and ends with the file.
    if std::env::args_os().nth(1).is_some_and(|command| command == sago_core::reading::COMMAND) {
        return sago_sandbox::serve();
    }
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version end well; anything else could not be done (2). Printing to a closed pipe is not worth an error.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    // Whatever a command writes is for its owner alone, and a crash leaves no image of memory on the disk.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    if rustix::process::setrlimit(rustix::process::Resource::Core, none).is_err() {
        cli::out::complain("sago: core dumps could not be switched off; a crash may leave secrets on the disk");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            cli::out::complain(&format!("sago: the machine gives no threads: {error}"));
            return ExitCode::from(2);
        }
    };
    let is_json = arguments.common.json;
    let done = runtime.block_on(cli::run(arguments));
    // Nobody waits for a thread that still asks somebody over the network.
    runtime.shutdown_background();
    match done {
        Ok(cli::Done::Sound) => ExitCode::SUCCESS,
        Ok(cli::Done::WithFindings) => ExitCode::from(1),
        Err(error) => {
            cli::out::error(&error, is_json);
            ExitCode::from(2)
        }
    }
}
