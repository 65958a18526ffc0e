//! Licences, bans and sources of every dependency, judged by `deny.toml` without installing anything.
//!
//! This reads the same file as cargo-deny, which is used as well when it is there, but knows less: it trusts the
//! licence a package declares and does not read licence texts. Known vulnerabilities are not looked up here at
//! all: that needs a fresh advisory database, and an old one gives a false green.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::run;
use crate::workspace::Workspace;

/// Fails when a dependency of the lock file breaks `deny.toml`.
pub fn check(ws: &Workspace) -> Result<()> {
    run::say("· dependencies");
    let text = fs::read_to_string(ws.root.join("deny.toml")).context("cannot read deny.toml")?;
    let policy = Policy::parse(&text).context("deny.toml")?;
    let mut findings = BTreeSet::new();
    for target in &policy.targets {
        let mut metadata = ws.cargo(["metadata", "--locked", "--format-version", "1", "--filter-platform", target]);
        let metadata: Value = serde_json::from_str(&run::text(&mut metadata)?)?;
        let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
        ensure!(packages.len() > 10, "cargo metadata lists only {} packages", packages.len());
        findings.extend(packages.iter().filter_map(|package| policy.objection(package)));
    }
    for finding in &findings {
        run::say(format_args!("  {finding}"));
    }
    ensure!(findings.is_empty(), "dependencies: {} finding(s)", findings.len());

    if run::which("cargo-deny").is_some() {
        run::quiet("cargo-deny", &mut ws.cargo(["deny", "--offline", "check", "licenses", "bans", "sources"]))
    } else {
        run::say("  declared licences, bans and sources are in order; cargo-deny is not installed, so licence texts were not read");
        Ok(())
    }
}

/// What `deny.toml` says, as far as it is judged here.
struct Policy {
    targets: Vec<String>,
    licences: Vec<String>,
    banned: Vec<String>,
    sources: Vec<String>,
}

impl Policy {
    fn parse(text: &str) -> Result<Self> {
        let table: toml::Table = text.parse()?;
        let list = |section: &str, key: &str, inner: Option<&str>| -> Result<Vec<String>> {
            let values = table.get(section).and_then(|s| s.get(key)).and_then(toml::Value::as_array);
            let values = values.with_context(|| format!("no list {key} in [{section}]"))?;
            let strings = values.iter().map(|value| inner.map_or(Some(value), |name| value.get(name))?.as_str().map(str::to_owned));
            strings.collect::<Option<Vec<_>>>().with_context(|| format!("{key} in [{section}] is not a list of names"))
        };
        Ok(Self {
            targets: list("graph", "targets", None)?,
            licences: list("licenses", "allow", None)?,
            banned: list("bans", "deny", Some("crate"))?,
            sources: list("sources", "allow-registry", None)?,
        })
    }

    /// What is wrong with a package of `cargo metadata`; nothing is ever wrong with our own.
    fn objection(&self, package: &Value) -> Option<String> {
        let source = package["source"].as_str()?;
        let name = package["name"].as_str().unwrap_or_default();
        let say = |what: &str| Some(format!("{name} {}: {what}", package["version"].as_str().unwrap_or_default()));
        if self.banned.iter().any(|banned| banned == name) {
            return say("is banned");
        }
        if !source.strip_prefix("registry+").is_some_and(|index| self.sources.iter().any(|allowed| allowed == index)) {
            return say(&format!("comes from {source}"));
        }
        match package["license"].as_str() {
            None => say("declares no licence"),
            Some(expression) => match satisfied(expression, &self.licences) {
                Ok(true) => None,
                Ok(false) => say(&format!("licence {expression} is not allowed")),
                Err(error) => say(&format!("licence {expression} is not understood: {error}")),
            },
        }
    }
}

/// Whether an SPDX licence expression (annex D of the SPDX specification) can be met with the allowed licences alone.
///
/// A `/` between licences is the older spelling of `OR`. An exception counts as part of the licence's name.
fn satisfied(expression: &str, allowed: &[String]) -> Result<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let met = either(&mut words, allowed)?;
    ensure!(words.next().is_none(), "something follows its end");
    Ok(met)
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words<'_>, allowed: &[String]) -> Result<bool> {
    let mut met = both(words, allowed)?;
    while words.next_if_eq(&"OR").is_some() {
        met |= both(words, allowed)?;
    }
    Ok(met)
}

fn both(words: &mut Words<'_>, allowed: &[String]) -> Result<bool> {
    let mut met = one(words, allowed)?;
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed)?;
    }
    Ok(met)
}

fn one(words: &mut Words<'_>, allowed: &[String]) -> Result<bool> {
    match words.next() {
        Some("(") => {
            let met = either(words, allowed)?;
            ensure!(words.next() == Some(")"), "a parenthesis stays open");
            Ok(met)
        }
        None | Some(")" | "AND" | "OR" | "WITH") => bail!("a licence is missing"),
        Some(licence) => {
            let full = match words.next_if_eq(&"WITH") {
                Some(_) => format!("{licence} WITH {}", words.next().context("an exception is missing")?),
                None => licence.to_owned(),
            };
            Ok(allowed.contains(&full))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn licence_expressions_are_judged_by_precedence() {
        let allowed = ["MIT", "ISC", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        for (expression, expected) in [
            ("MIT", Some(true)),
            ("GPL-3.0-only", Some(false)),
            ("MIT OR GPL-3.0-only", Some(true)),
            ("MIT/GPL-3.0-only", Some(true)),
            ("MIT AND GPL-3.0-only", Some(false)),
            ("GPL-3.0-only OR MIT AND ISC", Some(true)),
            ("(GPL-3.0-only OR MIT) AND ISC", Some(true)),
            ("(GPL-3.0-only OR MIT) AND Zlib", Some(false)),
            ("Apache-2.0 WITH LLVM-exception", Some(true)),
            ("MIT WITH LLVM-exception", Some(false)),
            ("", None),
            ("MIT AND", None),
            ("(MIT", None),
            ("MIT)", None),
            ("MIT ISC", None),
            ("MIT WITH", None),
        ] {
            assert_eq!(satisfied(expression, &allowed).ok(), expected, "{expression:?}");
        }
    }

    #[test]
    fn banned_foreign_and_unlicensed_packages_are_objected_to() {
        let policy = Policy::parse(
            "[graph]\ntargets = [\"t\"]\n[licenses]\nallow = [\"MIT\"]\n\
             [bans]\ndeny = [{ crate = \"bad\" }]\n[sources]\nallow-registry = [\"index\"]\n",
        )
        .unwrap();
        let objection =
            |name: &str, source: Value, licence: Value| policy.objection(&json!({"name": name, "version": "1.0.0", "source": source, "license": licence}));
        assert_eq!(objection("good", json!("registry+index"), json!("MIT")), None);
        assert_eq!(objection("ours", Value::Null, Value::Null), None);
        assert_eq!(objection("bad", json!("registry+index"), json!("MIT")).unwrap(), "bad 1.0.0: is banned");
        assert!(objection("good", json!("git+index"), json!("MIT")).unwrap().contains("comes from git+index"));
        assert!(objection("good", json!("registry+other"), json!("MIT")).unwrap().contains("comes from"));
        assert!(objection("good", json!("registry+index"), Value::Null).unwrap().contains("no licence"));
        assert!(objection("good", json!("registry+index"), json!("GPL-3.0-only")).unwrap().contains("not allowed"));
    }
}
