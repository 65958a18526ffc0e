//! `sago text`: what was read of an item, with where it stands.

use clap::Args;
use sago_core::Result;
use sago_core::reading::{self, FamilyLine};
use sago_formats::{Anchor, Part};
use serde_json::json;

use super::{Common, Done, out};

/// Arguments of `sago text`.
#[derive(Debug, Args)]
pub struct Text {
    /// Number of an item (`A-2026-0001.00017`), or of a file contained in it (`A-2026-0001.00017/3`).
    id: String,
    /// Why; entered in the log.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Only list the files it contains and what was found, not the words.
    #[arg(long)]
    outline: bool,
}

impl Text {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        let (number, of) = self.id.split_once('/').unwrap_or((&self.id, ""));
        let (item, family) = reading::open_text(&repo, &ctx, number, &self.reason).await?;
        let is_wanted = |path: &str| of.is_empty() || path == of || path.strip_prefix(of).is_some_and(|rest| rest.starts_with('/'));
        let name = |of: &str| if of.is_empty() { item.number.clone() } else { format!("{}/{of}", item.number) };
        for line in family {
            match line? {
                FamilyLine::Head { software, .. } if !common.json => out::line(format!("{number}   read by {software}")),
                FamilyLine::Head { .. } | FamilyLine::Tail { .. } => {}
                FamilyLine::Member(member) if is_wanted(&member.path) => {
                    if common.json {
                        out::object(&json!({
                            "item": name(&member.path), "name": member.child.name, "role": member.child.role, "sha256": member.sha256,
                            "bytes": member.bytes, "whole": member.whole,
                        }));
                    } else {
                        out::line("");
                        out::line(format!("{}   “{}”, {}", name(&member.path), out::plain(&member.child.name), out::size(member.bytes)));
                    }
                }
                FamilyLine::Part { of, part } if is_wanted(&of) => {
                    if common.json {
                        if !self.outline || !matches!(part, Part::Block(_)) {
                            out::object(&json!({ "item": name(&of), "part": part }));
                        }
                    } else {
                        show(&part, self.outline);
                    }
                }
                FamilyLine::End { of, summary } if is_wanted(&of) && common.json => out::object(&json!({ "item": name(&of), "summary": summary })),
                FamilyLine::Member(_) | FamilyLine::Part { .. } | FamilyLine::End { .. } => {}
            }
        }
        repo.close().await;
        Ok(Done::Sound)
    }
}

fn show(part: &Part, is_outline: bool) {
    match part {
        Part::Identified(format) => out::line(format!("  {} ({})", format.name, format.puid.as_deref().unwrap_or("not in PRONOM"))),
        Part::Block(block) if !is_outline => {
            let place = place(&block.anchor);
            for (at, line) in block.text.lines().enumerate() {
                out::line(format!("  {:<12} {}", if at == 0 { place.as_str() } else { "" }, out::plain(line)));
            }
        }
        Part::Block(_) | Part::Page { .. } => {}
        Part::Property(property) => out::line(format!("    {} = {}", out::plain(&property.name), out::plain(&property.value))),
        Part::Finding(finding) => {
            let place = if finding.place.is_empty() { String::new() } else { format!(" [{}]", out::plain(&finding.place)) };
            out::line(format!("  !  {}{place}: {}", finding.code.code(), out::plain(&finding.text)));
        }
    }
}

/// Where a block stands, in short.
pub(super) fn place(anchor: &Anchor) -> String {
    let mut words = Vec::new();
    words.extend(anchor.page.map(|page| format!("p{page}")));
    words.extend(anchor.part.as_ref().map(|part| out::plain(part)));
    words.extend(anchor.cell.map(|(row, column)| format!("r{row}c{column}")));
    if anchor.cell.is_none() {
        words.extend(anchor.paragraph.map(|paragraph| format!("¶{paragraph}")));
    }
    words.extend(anchor.time_ms.map(|(from, to)| format!("{}–{} s", from / 1000, to / 1000)));
    words.join(" ")
}
