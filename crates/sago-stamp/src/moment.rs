//! A point in time with a fraction of a second, read from ASN.1 times; no clock is asked here.

use crate::tlv::{Read, Tlv, malformed};
use der::Tag;
use std::fmt;

/// A point in time, UTC.
///
/// Digits after the ninth of a fraction are cut. A leap second (`:60`) counts as the first second of the next minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// Whole seconds since 1970-01-01T00:00:00Z; negative before it.
    pub seconds: i64,
    /// Nanoseconds after that second, below 1,000,000,000.
    pub nanos: u32,
}

impl Moment {
    /// The moment `seconds` after 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }

    pub(crate) fn plus_seconds(self, seconds: i64) -> Self {
        Self { seconds: self.seconds.saturating_add(seconds), ..self }
    }

    /// Reads `YYYYMMDDhhmmss[.f…]Z`, the form RFC 3161 section 2.4.2 asks for.
    pub(crate) fn from_gen_time(element: Tlv<'_>, place: &str) -> Read<Self> {
        let text = element.is(Tag::GeneralizedTime, place)?.value;
        let parse = || {
            let (whole, fraction) = text.strip_suffix(b"Z")?.split_at_checked(14)?;
            let mut moment = civil(digits(&whole[..4])?, &whole[4..])?;
            if !fraction.is_empty() {
                let fraction = fraction.strip_prefix(b".").filter(|digits| !digits.is_empty())?;
                digits(fraction)?;
                let nine = fraction.iter().chain(std::iter::repeat(&b'0')).take(9);
                moment.nanos = nine.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
            }
            Some(moment)
        };
        parse().ok_or_else(|| malformed(place, "not a time of the form YYYYMMDDhhmmss[.f]Z"))
    }

    /// Reads the validity of a certificate: UTCTime or GeneralizedTime, whole seconds, UTC (RFC 5280 section 4.1.2.5).
    pub(crate) fn from_validity(element: Tlv<'_>, place: &str) -> Read<Self> {
        let parse = || {
            let text = element.value.strip_suffix(b"Z")?;
            match (element.tag, text.len()) {
                (Tag::UtcTime, 12) => {
                    let year = digits(&text[..2])?;
                    civil(if year < 50 { 2000 + year } else { 1900 + year }, &text[2..])
                }
                (Tag::GeneralizedTime, 14) => civil(digits(&text[..4])?, &text[4..]),
                _ => None,
            }
        };
        parse().ok_or_else(|| malformed(place, "not a time of a certificate"))
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    // Eighteen digits fit an i64; longer fractions are only checked to be digits.
    text.iter().try_fold(0_i64, |number, byte| byte.is_ascii_digit().then(|| number.wrapping_mul(10).wrapping_add(i64::from(byte - b'0'))))
}

/// `rest` is `MMDDhhmmss`.
fn civil(year: i64, rest: &[u8]) -> Option<Moment> {
    let part = |index: usize| digits(&rest[index * 2..index * 2 + 2]);
    let (month, day, hour, minute, second) = (part(0)?, part(1)?, part(2)?, part(3)?, part(4)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(Moment::from_seconds(((days_from_epoch(year, month, day) * 24 + hour) * 60 + minute) * 60 + second))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar; the year is taken to begin in March, so that the leap day is its last.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

impl fmt::Display for Moment {
    /// `YYYY-MM-DDThh:mm:ss[.f…]Z`, without trailing zeros in the fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.seconds.div_euclid(86_400), self.seconds.rem_euclid(86_400));
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)?;
        if self.nanos != 0 {
            write!(f, ".{}", format!("{:09}", self.nanos).trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tag: Tag, text: &str) -> Read<Moment> {
        let element = Tlv { tag, value: text.as_bytes(), der: &[] };
        if tag == Tag::UtcTime { Moment::from_validity(element, "here") } else { Moment::from_gen_time(element, "here") }
    }

    #[test]
    fn times_are_read_and_shown() {
        for (text, seconds, shown) in [
            ("19700101000000Z", 0, "1970-01-01T00:00:00Z"),
            ("20250311104358Z", 1_741_689_838, "2025-03-11T10:43:58Z"),
            ("20240229235960Z", 1_709_251_200, "2024-03-01T00:00:00Z"),
            ("20000229120000.5Z", 951_825_600, "2000-02-29T12:00:00.5Z"),
            ("21000301000000.1234567899999999999999Z", 4_107_542_400, "2100-03-01T00:00:00.123456789Z"),
            ("19500101000000Z", -631_152_000, "1950-01-01T00:00:00Z"),
            ("99991231235959Z", 253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            let moment = read(Tag::GeneralizedTime, text).unwrap();
            assert_eq!((moment.seconds, moment.to_string().as_str()), (seconds, shown), "{text}");
        }
        assert_eq!(read(Tag::UtcTime, "491231235959Z").unwrap().to_string(), "2049-12-31T23:59:59Z");
        assert_eq!(read(Tag::UtcTime, "500101000000Z").unwrap().to_string(), "1950-01-01T00:00:00Z");
    }

    #[test]
    fn times_in_other_forms_are_refused() {
        for text in [
            "20250229000000Z",
            "20251301000000Z",
            "20250100000000Z",
            "20250101240000Z",
            "20250101006000Z",
            "20250101000061Z",
            "20250101000000",
            "202501010000Z",
            "20250101000000+0100",
            "20250101000000.Z",
            "20250101000000.1",
            "20250101000000,5Z",
            "Z",
            "",
            "2025010100000xZ",
            "20250101000000.x5Z",
        ] {
            assert!(read(Tag::GeneralizedTime, text).is_err(), "{text}");
        }
        assert!(read(Tag::UtcTime, "2503111043Z").is_err());
        assert!(read(Tag::UtcTime, "250311104358.5Z").is_err());
    }
}
