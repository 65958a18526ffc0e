//! The custody history in plain sentences, newest first, each with its proof file.

use std::collections::HashMap;

use super::super::dossier::{Detail, Dossier, Event, Log};
use super::super::escape::{html, line};
use super::super::kinds;
use super::super::words::{self, Lang};
use super::MAX_ROWS;

/// Objects named in one sentence before “and n more”.
const NAMED: usize = 3;

/// Writes the list.
pub(super) fn write(page: &mut String, dossier: &Dossier, lang: Lang) {
    let names = Names::of(dossier);
    let mut events: Vec<&Event> = dossier.events.iter().collect();
    // Times of our form sort as text; entries of the same moment stay in the order of their log, newest first.
    events.sort_by(|a, b| (&b.at, b.log, b.index).cmp(&(&a.at, a.log, a.index)));
    page.push_str("<ol class=\"history\">\n");
    for event in events.iter().take(MAX_ROWS) {
        entry(page, dossier, event, &names, lang);
    }
    page.push_str("</ol>\n");
    if let Some(left) = events.len().checked_sub(MAX_ROWS).filter(|left| *left > 0) {
        let left = words::number(left as u64);
        page.push_str(&match lang {
            Lang::En => {
                format!("<p class=\"warn\">{left} older entries are not shown on this page. All are in <code>data/provenance/events.jsonl</code>.</p>\n")
            }
            Lang::Ko => format!(
                "<p class=\"warn\">더 오래된 기록 {left}건은 이 화면에 표시하지 않았습니다. 전체는 <code>data/provenance/events.jsonl</code>에 있습니다.</p>\n"
            ),
        });
    }
}

fn entry(page: &mut String, dossier: &Dossier, event: &Event, names: &Names<'_>, lang: Lang) {
    page.push_str(&format!(
        "<li><time datetime=\"{}\">{}</time>\n<p>{}</p>\n",
        html(&event.at),
        html(&words::time(&event.at, lang)),
        html(&sentence(dossier, event, names, lang))
    ));
    match &event.detail {
        Detail::Open(members) if members.is_empty() => {}
        Detail::Open(members) => {
            page.push_str("<ul>\n");
            for (name, value) in members {
                page.push_str(&format!("<li>{}: <span class=\"path\">{}</span></li>\n", html(name), html(value)));
            }
            page.push_str("</ul>\n");
        }
        Detail::Withheld => {
            let text = lang.pick(
                "The details of this entry are withheld from this package. Their digest is in the log, so they cannot be changed later.",
                "이 기록의 세부 내용은 이 자료에 공개하지 않았습니다. 그 해시값은 기록부에 있으므로 나중에 바꿀 수 없습니다.",
            );
            page.push_str(&format!("<p>{text}</p>\n"));
        }
    }
    let place = match (event.log, lang) {
        (Log::Custody, Lang::En) => format!("Entry {} of the custody log. Proof:", event.index),
        (Log::Access, Lang::En) => format!("Entry {} of the access log. Proof:", event.index),
        (Log::Custody, Lang::Ko) => format!("보관 기록부 {}번 기록. 증명 파일:", event.index),
        (Log::Access, Lang::Ko) => format!("열람 기록부 {}번 기록. 증명 파일:", event.index),
    };
    page.push_str(&format!("<p class=\"proof\">{place} <code class=\"path whole\">{}</code></p></li>\n", html(&event.proof)));
}

/// What is described in the dossier, by UUID.
struct Names<'a> {
    items: HashMap<&'a str, &'a str>,
    accessions: HashMap<&'a str, &'a str>,
}

impl<'a> Names<'a> {
    fn of(dossier: &'a Dossier) -> Self {
        Self {
            items: dossier.items.iter().map(|item| (item.uuid.as_str(), item.number.as_str())).collect(),
            accessions: dossier.accessions.iter().map(|accession| (accession.uuid.as_str(), accession.number.as_str())).collect(),
        }
    }

    /// What the event is about, in words: the items if any is known, else the accessions.
    fn about(&self, event: &Event, lang: Lang) -> String {
        let ids = || event.about.iter().map(|id| id.strip_prefix("urn:uuid:").unwrap_or(id));
        let mut known: Vec<&str> = ids().filter_map(|id| self.items.get(id).copied()).collect();
        let mut word = lang.pick(if known.len() == 1 { "item" } else { "items" }, "자료");
        if known.is_empty() {
            known = ids().filter_map(|id| self.accessions.get(id).copied()).collect();
            word = lang.pick(if known.len() == 1 { "deposit" } else { "deposits" }, "접수 건");
        }
        if known.is_empty() {
            return lang.pick("something that is not in this package", "이 자료에 들어 있지 않은 것").to_owned();
        }
        let named = known.iter().take(NAMED).map(|name| line(name)).collect::<Vec<_>>().join(", ");
        match (known.len().saturating_sub(NAMED), lang) {
            (0, _) => format!("{word} {named}"),
            (more, Lang::En) => format!("{word} {named} and {} more", words::number(more as u64)),
            (more, Lang::Ko) => format!("{word} {named} 외 {}건", words::number(more as u64)),
        }
    }
}

/// The event in one sentence, as plain text.
fn sentence(dossier: &Dossier, event: &Event, names: &Names<'_>, lang: Lang) -> String {
    let who = words::agent(dossier, &event.agent, lang);
    let about = names.about(event, lang);
    let text = match kinds::find(&event.kind) {
        Some(kind) => fill(lang.pick(kind.en, kind.ko), &who, &about),
        None => {
            let kind = line(&event.kind);
            match lang {
                Lang::En => format!("{who} made an entry of the kind “{kind}”."),
                Lang::Ko => fill(&format!("{{who|이/가}} ‘{}’ 종류의 기록을 남겼습니다.", kind.replace(['{', '}'], "")), &who, &about),
            }
        }
    };
    let mut letters = text.chars();
    // English sentences may begin with “a custodian”.
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Fills `{who}` and `{about}`, with the Korean particle a placeholder asks for. What is filled in is not looked at again.
fn fill(template: &str, who: &str, about: &str) -> String {
    let mut out = String::with_capacity(template.len() + who.len() + about.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((placeholder, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        let (name, particles) = placeholder.split_once('|').unwrap_or((placeholder, ""));
        let value = if name == "who" { who } else { about };
        out.push_str(value);
        if let Some((closed, open)) = particles.split_once('/') {
            out.push_str(&words::particle(value, closed, open));
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_once_and_take_their_particle() {
        assert_eq!(fill("{who|이/가} {about|을/를} 열었습니다.", "보관 담당자(가명 12)", "자료 A-1"), "보관 담당자(가명 12)가 자료 A-1을 열었습니다.");
        assert_eq!(fill("{who} saw {about}.", "{about}", "{who}"), "{about} saw {who}.");
        assert_eq!(fill("an open { brace", "x", "y"), "an open  brace");
    }
}
