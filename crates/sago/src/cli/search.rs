//! `sago search`: questions to the index, answered with passages that can be cited.

use clap::{Args, ValueEnum};
use sago_core::Result;
use sago_core::search::{self, Found};
use sago_formats::Anchor;
use sago_search::{Fold, Hit, Passage, Request, Sort};
use serde_json::{Value, json};

use super::{Common, Done, out};

/// How a query is written.
const LANGUAGE: &str = "How a query is written:
  보위부 요원              both words
  a OR b, NOT a, ( )       capital letters; AND binds tighter than OR
  \"국가 보위부\"            a phrase; between Korean words spacing does not matter
  \"a b\"~5                 both within five words
  보위*  kim~1  =보위부     beginnings; one letter different; exactly so
  title: path: from: to: subject: author:      only there
  accession: number: format: label:            a property, whole (accession:A-2026-*)
  received:2024..2025  pages:10..  size:..1000000   ranges";

/// Arguments of `sago search`.
#[derive(Debug, Args)]
#[command(after_help = LANGUAGE)]
pub struct Search {
    /// The question; it is entered in the log with what was shown.
    query: String,
    /// Hits to leave out at the beginning.
    #[arg(long, default_value_t = 0, value_name = "N")]
    offset: usize,
    /// Hits to show, at most 1000.
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
    /// Their order.
    #[arg(long, value_enum, default_value_t = Order::Relevance)]
    sort: Order,
    /// Passages for each hit, at most 20.
    #[arg(long, default_value_t = 3, value_name = "N")]
    passages: usize,
    /// Show one of several equal files.
    #[arg(long)]
    fold_duplicates: bool,
    /// Show one of several files whose texts are nearly the same.
    #[arg(long, conflicts_with = "fold_duplicates")]
    fold_similar: bool,
    /// Count formats and accessions of everything that matches.
    #[arg(long)]
    facets: bool,
    /// Say in which ways each word was searched.
    #[arg(long)]
    explain: bool,
}

/// The order of hits.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Order {
    /// The best first.
    Relevance,
    /// Received last first.
    Newest,
    /// Received first first.
    Oldest,
    /// By number.
    Number,
    /// By path.
    Path,
    /// The largest first.
    Largest,
}

/// Bits by which the texts of similar files differ at most.
const SIMILAR_BITS: u32 = 6;

impl Search {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        let request = Request {
            query: self.query.clone(),
            offset: self.offset,
            limit: self.limit,
            passages: self.passages,
            facets: self.facets,
            sort: match self.sort {
                Order::Relevance => Sort::Relevance,
                Order::Newest => Sort::Newest,
                Order::Oldest => Sort::Oldest,
                Order::Number => Sort::Number,
                Order::Path => Sort::Path,
                Order::Largest => Sort::Largest,
            },
            fold: match (self.fold_duplicates, self.fold_similar) {
                (true, _) => Fold::Duplicates,
                (_, true) => Fold::NearDuplicates(SIMILAR_BITS),
                _ => Fold::Nothing,
            },
            ..Request::default()
        };
        let found = search::search(&repo, &ctx, request).await?;
        if common.json {
            self.print_json(&found)
        } else {
            self.print(&found)
        }
        repo.close().await;
        Ok(Done::Sound)
    }

    fn print_json(&self, found: &Found) {
        for hit in &found.answer.hits {
            out::object(&json!({
                "number": hit.number, "title": hit.title, "path": hit.path, "format": hit.format, "pages": hit.pages, "bytes": hit.size_bytes,
                "has_gaps": hit.has_gaps, "score": hit.score, "passages": hit.passages.iter().map(passage_json).collect::<Vec<_>>(),
                "folded": hit.folded.len(),
            }));
        }
        let answer = &found.answer;
        out::object(&json!({
            "total": answer.total, "folded_total": answer.folded_total, "shown": answer.hits.len(), "behind": found.behind,
            "not_searched": { "waiting": found.waiting, "sealed": found.sealed, "with_gaps": answer.not_searched.items_with_gaps },
            "facets": self.facets.then(|| json!({ "format": answer.facets.format, "accession": answer.facets.accession, "label": answer.facets.label })),
            "searched": self.explain.then(|| answer.searched.iter().map(|clause| json!({
                "text": clause.text, "field": clause.field, "excluded": clause.excluded,
                "ways": clause.ways.iter().map(|way| json!({ "why": format!("{:?}", way.why), "terms": way.terms })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>()),
        }));
    }

    fn print(&self, found: &Found) {
        let answer = &found.answer;
        for hit in &answer.hits {
            show(hit);
        }
        let folded = if answer.folded_total == answer.total { String::new() } else { format!(" ({} without repetitions)", answer.folded_total) };
        let shown = match answer.hits.len() {
            0 if answer.total == 0 => "Nothing was found.".to_owned(),
            0 => format!("{} found{folded}; none from {} on.", answer.total, self.offset + 1),
            count => format!("{} found{folded}; shown: {} to {}.", answer.total, self.offset + 1, self.offset + count),
        };
        out::line(shown);
        if self.facets {
            for (name, counts) in [("Format", &answer.facets.format), ("Accession", &answer.facets.accession)] {
                let counts: Vec<String> = counts.iter().map(|(value, count)| format!("{} {count}", out::plain(value))).collect();
                out::line(format!("  {name:<10} {}", counts.join(", ")));
            }
        }
        if self.explain {
            for clause in &answer.searched {
                out::line(format!("  Searched   {}{}", if clause.excluded { "not " } else { "" }, out::plain(&clause.text)));
                for way in &clause.ways {
                    out::line(format!("               {:?}: {}", way.why, out::plain(&way.terms.join(" "))));
                }
            }
        }
        let not = [
            (found.waiting, "items were not read yet (`sago read`)"),
            (found.sealed, "items belong to sealed units"),
            (answer.not_searched.items_with_gaps, "files were read in part or not at all (`sago coverage`)"),
        ];
        for (count, what) in not.iter().filter(|(count, _)| *count > 0) {
            out::line(format!("  Not searched: {count} {what}."));
        }
        if let Some(behind) = &found.behind {
            out::line(format!("  The index may be behind: {behind}"));
        }
    }
}

fn passage_json(passage: &Passage) -> Value {
    json!({
        "anchor": serde_json::from_str::<Value>(&passage.anchor).ok(), "property": passage.property, "start": passage.start, "text": passage.text,
        "highlights": passage.highlights.iter().map(|range| [range.start, range.end]).collect::<Vec<_>>(),
    })
}

fn show(hit: &Hit) {
    out::line(format!("{}   {}", hit.number, out::plain(if hit.path.is_empty() { &hit.title } else { &hit.path })));
    for passage in &hit.passages {
        let place = match &passage.property {
            Some(property) => out::plain(property),
            None => serde_json::from_str::<Anchor>(&passage.anchor).map(|anchor| super::text::place(&anchor)).unwrap_or_default(),
        };
        out::line(format!("  {place:<12} {}", marked(passage)));
    }
    if !hit.folded.is_empty() {
        out::line(format!("  and {} others with the same or nearly the same content", hit.folded.len()));
    }
}

/// The passage on one line, what was found in angle quotes.
fn marked(passage: &Passage) -> String {
    let mut text = String::new();
    let mut at = 0;
    for range in &passage.highlights {
        let (Some(before), Some(found)) = (passage.text.get(at..range.start), passage.text.get(range.clone())) else { continue };
        text.push_str(before);
        text.push('«');
        text.push_str(found);
        text.push('»');
        at = range.end;
    }
    text.push_str(passage.text.get(at..).unwrap_or_default());
    out::plain(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}
