//! READ-ME-FIRST.html: the page a judge reads. Plain words, English first, then Korean; one file, no script, nothing from elsewhere.
//!
//! The sections stand in [`sections`]; this file holds the frame, the label band and the limits. Originals are named, never linked:
//! opening a stranger's file should be a decision, not a click.

mod history;
mod sections;

use super::dossier::Dossier;
use super::escape::html;
use super::words::{self, Lang};

/// Rows of a table and entries of the history shown at most; what is left out is said, and where it stands in full.
pub const MAX_ROWS: usize = 5_000;

const STYLE: &str = include_str!("page.css");

/// Writes `READ-ME-FIRST.html`: a whole HTML document, the same content in English and in Korean.
///
/// Tables end after [`MAX_ROWS`] rows and then say how many rows are not shown. All text is escaped; a content security policy
/// in the page forbids scripts and loads even if a browser were told otherwise.
pub fn story_html(dossier: &Dossier) -> String {
    let label = dossier.label();
    let mut page = String::with_capacity(64 * 1024);
    page.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
    page.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"/>\n",
    );
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n");
    let (en, ko) = (words::label(label, Lang::En), words::label(label, Lang::Ko));
    let name = html(&dossier.export.name);
    page.push_str(&format!("<title>Read me first · 먼저 읽어 주십시오 · {name}</title>\n<style>\n{STYLE}"));
    // On paper every sheet carries the label, not only the first: sheets get separated.
    page.push_str(&format!(
        "@page {{ @top-center {{ content: \"{en} · {ko}\"; }} @bottom-center {{ content: counter(page) \" / \" counter(pages); }} }}\n</style>\n</head>\n"
    ));
    page.push_str(&format!("<body class=\"{label}\">\n<div class=\"band\">{en} · <span lang=\"ko\">{ko}</span></div>\n<main>\n"));
    for lang in [Lang::En, Lang::Ko] {
        page.push_str(&format!("<article lang=\"{0}\" id=\"{0}\">\n", lang.pick("en", "ko")));
        sections::write(&mut page, dossier, lang);
        page.push_str("</article>\n");
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}
