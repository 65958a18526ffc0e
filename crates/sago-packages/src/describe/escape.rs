//! Text from strangers, made safe for the format it goes into.
//!
//! File names, titles and reasons may hold anything Unicode allows. Two rules: what a format cannot carry is shown as `[U+0001]`, never
//! dropped; and what people read shows the characters that would make them read something else (direction overrides, invisible ones).
//! The exact bytes of a path are in `path_bytes` of the manifest and in the PREMIS description, so showing loses nothing.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Replaces each character that `hidden` picks by its visible form `[U+XXXX]`.
fn show(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "[U+{:04X}]", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Control characters (C0 but tab and line ends, DEL, C1) and non-characters: XML 1.0 forbids most and discourages the rest (section 2.2).
fn cannot_be_carried(c: char) -> bool {
    let code = u32::from(c);
    (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || code & 0xFFFE == 0xFFFE || (0xFDD0..=0xFDEF).contains(&code)
}

/// Characters that change what a reader believes to read: direction controls, invisible ones. Joiners stay: scripts and emoji need them.
fn misleads(c: char) -> bool {
    matches!(c,
        '\u{61C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}' | '\u{AD}' | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' | '\u{E0000}'..='\u{E007F}')
}

/// One line for people: also tabs, line ends and misleading characters are shown.
pub fn line(text: &str) -> Cow<'_, str> {
    show(text, |c| cannot_be_carried(c) || misleads(c) || c.is_control())
}

/// Several lines for people: as [`line()`], but line ends stay.
pub fn prose(text: &str) -> Cow<'_, str> {
    show(text, |c| c != '\n' && (cannot_be_carried(c) || misleads(c) || c.is_control()))
}

/// Text between XML tags or in a double-quoted attribute. Line ends and tabs survive a parser's normalisation.
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in show(text, cannot_be_carried).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            other => out.push(other),
        }
    }
    out
}

/// One line in HTML, in text or in a quoted attribute.
pub fn html(text: &str) -> String {
    markup(&line(text))
}

/// Several lines in HTML text.
pub fn html_prose(text: &str) -> String {
    markup(&prose(text))
}

fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Running text in Markdown (CommonMark): what would be markup is escaped, line ends become spaces.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in prose(text).chars() {
        match c {
            '\n' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '#' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            other => out.push(other),
        }
    }
    out
}

/// A code span in Markdown, whatever backticks the text holds.
pub fn code(text: &str) -> String {
    let text = line(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.is_empty() || text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A fenced code block in Markdown; the fence is longer than any run of backticks inside.
pub fn block(language: &str, content: &str) -> String {
    let fence = "`".repeat(longest_run(content).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", content.trim_end_matches('\n'))
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// One word of a bash command: exactly these bytes reach the program, and nothing invisible stands on the page.
pub fn shell(word: &str) -> String {
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '=')) {
        return word.to_owned();
    }
    if !word.chars().any(|c| c.is_control() || cannot_be_carried(c) || misleads(c)) {
        return format!("'{}'", word.replace('\'', "'\\''"));
    }
    let mut out = String::from("$'");
    for c in word.chars() {
        if c.is_control() || cannot_be_carried(c) || misleads(c) {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Octal takes at most three digits, so what follows cannot be drawn into it.
                let _ = write!(out, "\\{byte:03o}");
            }
        } else {
            if matches!(c, '\'' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out.push('\'');
    out
}

/// A path as a relative reference (RFC 3987): letters and digits of every script stay, as RO-Crate 1.2 asks; all else but `-._~/` is encoded.
pub fn uri_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        if (c.is_alphanumeric() && !misleads(c)) || matches!(c, '-' | '.' | '_' | '~' | '/') {
            out.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_dropped_and_nothing_stays_hidden() {
        assert_eq!(line("a\u{0}b\u{202E}c\nd"), "a[U+0000]b[U+202E]c[U+000A]d");
        assert_eq!(prose("a\nb\u{85}"), "a\nb[U+0085]");
        assert_eq!(xml("\u{FFFE}\u{1}<]]>&\"\r\n\u{1F9EA}"), "[U+FFFE][U+0001]&lt;]]&gt;&amp;&quot;&#13;&#10;\u{1F9EA}");
        assert!(matches!(line("진술서.hwp"), Cow::Borrowed(_)));
    }

    #[test]
    fn markup_of_other_people_is_text() {
        assert_eq!(html("<script>'\"&"), "&lt;script&gt;&#39;&quot;&amp;");
        assert_eq!(markdown("[a](b) *c*\n<d>"), "\\[a\\](b) \\*c\\* \\<d\\>");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(block("sh", "echo ```\n"), "````sh\necho ```\n````\n");
    }

    #[test]
    fn a_word_reaches_the_program_as_it_was() {
        for word in ["data/a.txt", "it's", "", "$(rm -rf ~)", "a\nb\u{1}2", "\u{202E}x", "진술서 (1).hwp", "a\\b`c\"", "\u{7f}'\\"] {
            let output = std::process::Command::new("bash").args(["-c", &format!("printf %s {}", shell(word))]).output().unwrap();
            assert_eq!(output.stdout, word.as_bytes(), "{word:?} as {}", shell(word));
        }
    }

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(uri_path("evidence/진 <1>:%\u{202E}.hwp"), "evidence/진%20%3C1%3E%3A%25%E2%80%AE.hwp");
    }
}
