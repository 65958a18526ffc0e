//! Tools written for Node.

use anyhow::{Context, Result};

use super::{Places, once};
use crate::run;
use crate::workspace::Workspace;

/// The second implementation of age that knows the hybrid recipients.
const AGE_ENCRYPTION: &str = "age-encryption@0.3.1";

/// Installs age-encryption into a folder of its own.
pub fn age_encryption(ws: &Workspace) -> Result<Places> {
    let node = run::which("node").context("node is missing: install Node 20 or later")?;
    let npm = run::which("npm").context("npm is missing: install Node 20 or later with npm")?;
    let folder = ws.tools.join("age-encryption");
    once(&folder, AGE_ENCRYPTION, || {
        let mut command = ws.command(npm);
        command.args(["install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", "--prefix"]);
        run::quiet(&format!("npm install {AGE_ENCRYPTION}"), command.arg(&folder).arg(AGE_ENCRYPTION))
    })?;
    Ok(vec![("SAGO_TOOL_AGE_ENCRYPTION", folder), ("SAGO_TOOL_NODE", node)])
}
