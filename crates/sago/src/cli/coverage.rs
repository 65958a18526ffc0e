//! `sago coverage`: how much of what was received was read.

use clap::Args;
use sago_core::Result;
use sago_core::accession::{Accession, accession, accessions};
use sago_core::reading::{self, Standings};
use serde_json::{Value, json};

use super::{Common, Done, out};

/// Arguments of `sago coverage`.
#[derive(Debug, Args)]
pub struct Coverage {
    /// Number of an accession; all of them unless given.
    accession: Option<String>,
}

impl Coverage {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        let chosen: Vec<Accession> = match &self.accession {
            Some(number) => vec![accession(&repo, &ctx, number).await?],
            None => accessions(&repo, &ctx).await?.into_iter().filter(|one| one.status == "received").collect(),
        };
        for one in &chosen {
            let found = reading::coverage(&repo, &ctx, one).await?;
            if common.json {
                out::object(&json!({
                    "accession": one.number, "items": standings(&found.items), "members": standings(&found.members), "findings": found.findings,
                    "formats": found.formats.iter().map(|(format, found)| (format.clone(), standings(found))).collect::<serde_json::Map<_, _>>(),
                    "text_bytes": found.text_bytes, "not_taken": found.not_taken, "sealed": found.is_sealed,
                }));
            } else {
                show(one, &found);
            }
        }
        if chosen.is_empty() && !common.json {
            out::line("Nothing was received yet.");
        }
        repo.close().await;
        Ok(Done::Sound)
    }
}

fn standings(found: &Standings) -> Value {
    json!({ "all": found.all, "read": found.read, "partly": found.partly, "unreadable": found.unreadable, "waiting": found.waiting })
}

fn show(one: &Accession, found: &reading::Coverage) {
    out::line(format!("{}   {}", one.number, out::plain(one.title.as_deref().unwrap_or("(its unit is sealed)"))));
    let row = |name: &str, found: &Standings| -> Vec<String> {
        let counts = [found.all, found.read, found.partly, found.unreadable, found.waiting].map(|count| count.to_string());
        std::iter::once(name.to_owned()).chain(counts).collect()
    };
    let mut rows = vec![row("items", &found.items), row("files in them", &found.members)];
    for (format, found) in &found.formats {
        rows.push(row(&format!("  {}", if format.is_empty() { "(unknown)" } else { format }), found));
    }
    out::table(&["", "all", "read", "in part", "not", "waiting"], &rows);
    out::line(format!("  {} of text.", out::size(found.text_bytes)));
    if found.not_taken > 0 {
        out::line(format!("  {} files were seen and not taken at the deposit: they are no items (`sago show {}`).", found.not_taken, one.number));
    }
    if found.items.waiting > 0 {
        let why = if found.is_sealed { "their unit is sealed" } else { "run `sago read`" };
        out::line(format!("  {} items wait: {why}.", found.items.waiting));
    }
    if !found.findings.is_empty() {
        out::line("  Why not all of it, by the number of files:");
        for (code, count) in &found.findings {
            let known = sago_formats::Code::ALL.iter().find(|known| known.code() == code);
            out::line(format!("  {count:>8}  {code:<26} {}", known.map_or("", |code| code.meaning())));
        }
    }
}
