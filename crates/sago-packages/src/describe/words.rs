//! Words, dates, numbers and particles in the two languages of the story.

use super::dossier::{Agent, AgentKind, Dossier};
use super::escape;

/// A language of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lang {
    /// English.
    En,
    /// Korean.
    Ko,
}

impl Lang {
    /// Picks the text of this language.
    pub(super) fn pick<'a>(self, en: &'a str, ko: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Ko => ko,
        }
    }
}

const MONTHS: [&str; 12] = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// A time as people write it, to the second, with its zone. What is not `YYYY-MM-DDThh:mm:ss…Z` is given back as it is.
pub(super) fn time(at: &str, lang: Lang) -> String {
    let Some((year, month, day, clock)) = parts(at) else {
        return at.to_owned();
    };
    match lang {
        Lang::En => format!("{day} {} {year}, {clock} UTC", MONTHS[month - 1]),
        Lang::Ko => format!("{year}년 {month}월 {day}일 {clock}(협정 세계시)"),
    }
}

/// The day alone, for sentences.
pub(super) fn day(at: &str, lang: Lang) -> String {
    let Some((year, month, day, _)) = parts(at) else {
        return at.to_owned();
    };
    match lang {
        Lang::En => format!("{day} {} {year}", MONTHS[month - 1]),
        Lang::Ko => format!("{year}년 {month}월 {day}일"),
    }
}

fn parts(at: &str) -> Option<(u32, usize, u32, &str)> {
    let (date, rest) = at.split_once('T')?;
    let clock = rest.strip_suffix('Z')?.split('.').next()?;
    let mut fields = date.split('-');
    let year = fields.next()?.parse().ok()?;
    let month: usize = fields.next()?.parse().ok()?;
    let day = fields.next()?.parse().ok()?;
    let shape = clock.len() == 8 && clock.bytes().enumerate().all(|(i, b)| if i % 3 == 2 { b == b':' } else { b.is_ascii_digit() });
    (fields.next().is_none() && (1..=12).contains(&month) && shape).then_some((year, month, day, clock))
}

/// Seconds since 1970 of a time of our form, for `openssl … -attime`.
pub(super) fn seconds(at: &str) -> Option<i64> {
    let (year, month, day, clock) = parts(at)?;
    let mut fields = clock.split(':').map(|field| field.parse::<i64>().ok());
    let (hour, minute, second) = (fields.next()??, fields.next()??, fields.next()??);
    // Days from the civil calendar: years begin in March, so that the leap day is the last of its year.
    let (year, month) = (i64::from(year) - i64::from(month <= 2), i64::try_from((month + 9) % 12).ok()?);
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + i64::from(day) - 1;
    Some((days - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// A number with its thousands grouped.
pub(super) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A size: exact, and rounded where that helps.
pub(super) fn size(bytes: u64, lang: Lang) -> String {
    let unit = match lang {
        Lang::En if bytes == 1 => " byte",
        Lang::En => " bytes",
        Lang::Ko => "바이트",
    };
    let exact = format!("{}{unit}", number(bytes));
    let rounded = match bytes {
        0..10_000 => return exact,
        10_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    };
    format!("{rounded} ({exact})")
}

/// The word for a label code.
pub(super) fn label(code: &str, lang: Lang) -> &'static str {
    match (code, lang) {
        ("public", Lang::En) => "Public",
        ("public", Lang::Ko) => "공개",
        ("restricted", Lang::En) => "Restricted",
        ("restricted", Lang::Ko) => "열람 제한",
        ("confidential", Lang::En) => "Confidential",
        ("confidential", Lang::Ko) => "기밀",
        (_, Lang::En) => "Strictly confidential",
        (_, Lang::Ko) => "극비",
    }
}

/// Roles the repository knows, with their Korean names; other roles are shown in the words given.
const ROLES: &[(&str, &str)] = &[
    ("custodian", "보관 담당자"),
    ("interviewer", "면담 담당자"),
    ("analyst", "분석 담당자"),
    ("legal-officer", "법무 담당자"),
    ("approver", "승인 담당자"),
    ("administrator", "시스템 관리자"),
    ("auditor", "감사 담당자"),
    ("program", "프로그램"),
];

/// How an agent is called in a sentence: role and the first eight characters of the pseudonym.
pub(super) fn agent(dossier: &Dossier, urn: &str, lang: Lang) -> String {
    let short: String = escape::line(urn.strip_prefix("urn:uuid:").unwrap_or(urn)).chars().take(8).collect();
    let Some(Agent { role, kind, .. }) = dossier.agent(urn) else {
        return match lang {
            Lang::En => format!("an agent not described here (pseudonym {short})"),
            Lang::Ko => format!("이 자료에 설명이 없는 행위자(가명 {short})"),
        };
    };
    let key = role.to_lowercase().replace([' ', '_'], "-");
    let known = ROLES.iter().find(|(code, _)| *code == key);
    let role = escape::line(role);
    if *kind == AgentKind::Software {
        return match lang {
            Lang::En => format!("the program {role} (pseudonym {short})"),
            Lang::Ko => format!("프로그램 {role}(가명 {short})"),
        };
    }
    match lang {
        Lang::En => {
            // Codes are read as words; what is not a known code is nobody's to change.
            let role = known.map_or_else(|| role.to_string(), |(code, _)| code.replace('-', " "));
            let article = if role.to_lowercase().starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
            format!("{article} {role} (pseudonym {short})")
        }
        Lang::Ko => format!("{}(가명 {short})", known.map_or(&*role, |(_, name)| name)),
    }
}

/// Chooses a Korean particle by the last sound of the word before it, brackets aside: `particle("1호", "을", "를")` is `를`.
///
/// Digits are read as they are spoken one by one; after letters of other scripts both forms are given.
pub(super) fn particle(word: &str, closed: &str, open: &str) -> String {
    let mut word = word.trim_end();
    while let Some((before, _)) = word.strip_suffix(')').and_then(|inner| inner.rsplit_once('(')) {
        word = before.trim_end();
    }
    let last = word.trim_end_matches(['”', '’', '"', '\'', '」', '』']).chars().last();
    match last {
        Some(c @ '가'..='힣') if (u32::from(c) - 0xAC00) % 28 == 0 => open.to_owned(),
        Some('가'..='힣') => closed.to_owned(),
        Some('0' | '1' | '3' | '6' | '7' | '8') => closed.to_owned(),
        Some('2' | '4' | '5' | '9') => open.to_owned(),
        _ => format!("{closed}({open})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_their_zone_and_strange_ones_stay() {
        assert_eq!(time("2026-03-14T09:02:07.123456Z", Lang::En), "14 March 2026, 09:02:07 UTC");
        assert_eq!(time("2026-03-14T09:02:07Z", Lang::Ko), "2026년 3월 14일 09:02:07(협정 세계시)");
        assert_eq!(day("2026-03-14T09:02:07Z", Lang::Ko), "2026년 3월 14일");
        for strange in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-03-14T09:02Z", "2026-03-14T09:02:07+09:00"] {
            assert_eq!(time(strange, Lang::En), strange);
        }
    }

    #[test]
    fn seconds_agree_with_known_moments() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2000-02-29T12:00:00Z"), Some(951_825_600));
        assert_eq!(seconds("2026-03-14T09:02:00.000000Z"), Some(1_773_478_920));
        assert_eq!(seconds("soon"), None);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(number(0), "0");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(size(1, Lang::En), "1 byte");
        assert_eq!(size(12_345, Lang::Ko), "12 kB (12,345바이트)");
        assert_eq!(size(1_950_000_000, Lang::En), "1.9 GB (1,950,000,000 bytes)");
    }

    #[test]
    fn particles_follow_the_sound() {
        assert_eq!(particle("자료 A-2026-0001", "을", "를"), "을");
        assert_eq!(particle("자료 A-2026-0002", "을", "를"), "를");
        assert_eq!(particle("보관 담당자(가명 1f3a9c2e)", "이", "가"), "가");
        assert_eq!(particle("기록", "은", "는"), "은");
        assert_eq!(particle("file", "을", "를"), "을(를)");
        assert_eq!(particle("", "을", "를"), "을(를)");
    }
}
