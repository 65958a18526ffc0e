//! `sago migrate`: moves the repository to another place.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use sago_core::Result;
use sago_core::ctx::Clock;
use sago_core::migrate::{self, NewPlace, Progress};
use sago_core::repository::Repository;
use serde_json::json;

use super::elsewhere::Elsewhere;
use super::{Common, Done, out, progress};

/// Arguments of `sago migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Folder of the new place: absent or empty. The same words again go on with a move that was interrupted.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    elsewhere: Elsewhere,
}

impl Migrate {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let root = common.repo()?;
        sago_core::settings::Settings::read(root)?;
        let passphrase = common.passphrase()?;
        let repo = Repository::open(root, &passphrase, Clock::System).await?;
        let ctx = sago_core::user::act_as(&repo, common.act_as.as_deref(), Clock::System).await?;
        let new = NewPlace { folder: self.to, elsewhere: self.elsewhere.into() };
        let counters = Arc::new(Progress::default());
        let shown = counters.clone();
        let bar = progress::follow(common.quiet, false, move || (shown.files.load(Ordering::Relaxed), 0, out::size(shown.bytes.load(Ordering::Relaxed))));
        let moved = migrate::migrate(&repo, &ctx, &passphrase, &new, &counters).await;
        bar.finish();
        repo.close().await;
        let moved = moved?;
        if common.json {
            out::object(&json!({
                "dir": moved.folder, "place": moved.place.to_string(), "left": moved.left, "reached": moved.reached, "files": moved.files,
                "bytes": moved.bytes, "custody_size": moved.custody_size, "access_size": moved.access_size, "went_on": moved.was_retired,
                "checked_before": moved.before.map(|report| report.checked), "checked_after": moved.after.map(|report| report.checked),
            }));
            return Ok(Done::Sound);
        }
        out::line(format!("The repository lives in {} now ({}).", moved.folder.display(), moved.reached));
        if moved.was_retired {
            out::line("  The move had been interrupted after the old place was retired; it is finished.");
        } else {
            out::line(format!(
                "  Copied {} files, {}, and all rows; both places were verified before the old one was retired.",
                moved.files,
                out::size(moved.bytes)
            ));
        }
        out::line(format!("  The log goes on there after {} entries; the last one says that it moved.", moved.custody_size));
        out::line(format!("  {} can still be read and verified; nothing can be entered there any more.", root.display()));
        out::line("  Before you remove it: back up the new place (`sago backup`), and erase the old vault and keys as carefully as keys deserve.");
        out::line(format!("  Next: sago --repo {} verify", moved.folder.display()));
        Ok(Done::Sound)
    }
}
