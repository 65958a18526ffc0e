//! `sago index`: this machine's search index.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use sago_core::Result;
use sago_core::search::{self, Progress};
use serde_json::json;

use super::{Common, Done, out, progress};

/// Arguments of `sago index`.
#[derive(Debug, Args)]
pub struct Index {
    /// Throw the index away and make it from the texts.
    #[arg(long)]
    anew: bool,
}

impl Index {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        let counters = Arc::new(Progress::default());
        let shown = counters.clone();
        let bar = progress::follow(common.quiet, false, move || (shown.files.load(Ordering::Relaxed), 0, "files".to_owned()));
        let followed = search::follow(&repo, &ctx, self.anew, &counters).await;
        bar.finish();
        let followed = followed?;
        if common.json {
            out::object(&json!({
                "items": followed.items, "members": followed.members, "units_removed": followed.units_removed, "anew": followed.is_new,
            }));
        } else {
            let made = if followed.is_new { "Made the search index anew" } else { "Brought the search index up to date" };
            out::line(format!("{made}: {} items and {} files in them.", followed.items, followed.members));
        }
        repo.close().await;
        Ok(Done::Sound)
    }
}
