//! Rolling upgrade: one step apart works, more is refused and says what to do.

use super::process::Running;
use crate::cast::{Stage, answer};

fn as_version(stage: &Stage, version: &str, line: &str) -> crate::cast::Answer {
    answer(stage.command(line.split_whitespace()).env("SAGO_TEST_VERSION", version).output().unwrap())
}

#[test]
fn versions_one_step_apart_work_together_and_more_is_refused() {
    let stage = Stage::new();
    let mut node = Running::begin_with(&stage, &["work"], &[("SAGO_TEST_VERSION", "0.3.1")]);
    node.wait_ready();
    for version in ["0.2.0", "0.3.7", "0.4.0"] {
        as_version(&stage, version, "list").ends(0);
        as_version(&stage, version, "work --once").ends(0);
    }
    for version in ["0.1.0", "0.5.0", "1.3.1"] {
        for line in ["list", "work --once"] {
            let refused = as_version(&stage, version, line).ends(2);
            for word in [version, "sago work 0.3.1 (node ", "Upgrade node by node", "stop all of these nodes"] {
                assert!(refused.err.contains(word), "{word} is not in {}", refused.err);
            }
        }
    }
    node.ends_when_asked();
    // Nobody is left who could be disturbed.
    as_version(&stage, "0.5.0", "work --once").ends(0);
    stage.verify_everything();
}
