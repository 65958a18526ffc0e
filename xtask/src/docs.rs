//! `cargo xtask docs`: regenerates the parts of the documents that the program itself knows best.
//!
//! A generated part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`, each alone on its line; what is
//! outside the markers is written by hand and never touched. The text comes from `sago reference NAME`.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::run;
use crate::test;
use crate::workspace::Workspace;

/// Every generated part: the document and the name, which is both the marker's and the argument of `sago reference`.
const PARTS: [(&str, &str); 6] = [
    ("docs/guide/commands.md", "commands"),
    ("docs/guide/settings.md", "settings"),
    ("docs/guide/findings.md", "findings"),
    ("docs/guide/reading.md", "formats"),
    ("docs/guide/reading.md", "reading"),
    ("docs/formats.md", "events"),
];

/// Arguments of `cargo xtask docs`.
#[derive(Args)]
pub struct Docs {
    /// Changes nothing; fails when a document is out of date
    #[arg(long)]
    check: bool,
}

impl Docs {
    /// Runs the verb.
    pub fn run(self, ws: &Workspace) -> Result<()> {
        test::build(ws)?;
        if self.check { compare(ws) } else { write(ws) }
    }
}

/// Fails when a generated part differs from what the built `sago` says.
pub fn compare(ws: &Workspace) -> Result<()> {
    run::say("· generated documents");
    for (file, name) in PARTS {
        let (old, new) = render(ws, file, name)?;
        ensure!(old == new, "{file}: part {name} is out of date; run `cargo xtask docs`{}", first_difference(&old, &new));
    }
    Ok(())
}

fn write(ws: &Workspace) -> Result<()> {
    for (file, name) in PARTS {
        let (old, new) = render(ws, file, name)?;
        if old != new {
            fs::write(ws.root.join(file), new).with_context(|| format!("cannot write {file}"))?;
            run::say(format_args!("· {file}: {name} rewritten"));
        }
    }
    Ok(())
}

/// The document as it is and as it should be.
fn render(ws: &Workspace, file: &str, name: &str) -> Result<(String, String)> {
    let old = fs::read_to_string(ws.root.join(file)).with_context(|| format!("cannot read {file}"))?;
    let part = run::text(ws.command(ws.built("sago")).args(["reference", name]))?;
    ensure!(!part.trim().is_empty(), "sago reference {name} prints nothing");
    let new = replace(&old, name, &part).with_context(|| file.to_owned())?;
    Ok((old, new))
}

/// Puts `part` between the markers of `name`, with one empty line on each side.
fn replace(document: &str, name: &str, part: &str) -> Result<String> {
    let begin = format!("<!-- begin {name} -->\n");
    let end = format!("<!-- end {name} -->");
    let (before, rest) = document.split_once(&begin).with_context(|| format!("no line `{}`", begin.trim_end()))?;
    let (old, after) = rest.split_once(&end).with_context(|| format!("no line `{end}` after its beginning"))?;
    if after.contains(&begin) || old.contains(&begin) {
        bail!("`{}` stands there twice", begin.trim_end());
    }
    Ok(format!("{before}{begin}\n{}\n\n{end}{after}", part.trim_matches('\n')))
}

fn first_difference(old: &str, new: &str) -> String {
    let line = old.lines().zip(new.lines()).position(|(a, b)| a != b);
    line.map_or_else(String::new, |n| format!(" (line {}: `{}`)", n + 1, new.lines().nth(n).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_between_the_markers_changes() {
        let document = "# A\n<!-- begin x -->\nold\n<!-- end x -->\nby hand\n";
        let once = replace(document, "x", "\nnew\n\n").unwrap();
        assert_eq!(once, "# A\n<!-- begin x -->\n\nnew\n\n<!-- end x -->\nby hand\n");
        assert_eq!(replace(&once, "x", "new").unwrap(), once);
    }

    #[test]
    fn missing_or_double_markers_are_refused() {
        for document in [
            "",
            "<!-- begin x -->\n",
            "<!-- end x -->\n<!-- begin x -->\n",
            "<!-- begin x -->\n<!-- begin x -->\n<!-- end x -->\n",
            "<!-- begin x -->\n<!-- end x -->\n<!-- begin x -->\n<!-- end x -->\n",
            "<!-- begin y -->\n<!-- end y -->\n",
        ] {
            assert!(replace(document, "x", "text").is_err(), "{document:?}");
        }
    }
}
