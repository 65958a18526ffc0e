//! The walled process alone, for tests and trials: `sago` has the same behind a command of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    sago_sandbox::serve()
}
