//! Ranges: `from..to`, `from..`, `..to`, or one value; both ends included.

use std::ops::RangeInclusive;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Clause;
use crate::error::QueryError;

/// The numbers of `pages:` and `size:`.
pub(crate) fn numbers(clause: &Clause) -> Result<RangeInclusive<u64>, QueryError> {
    let (from, to) = ends(clause)?;
    let read = |text: &str, open: u64| if text.is_empty() { Ok(open) } else { text.parse().map_err(|_| wrong(clause, "a whole number")) };
    in_order(clause, read(from, 0)?, read(to, u64::MAX)?)
}

/// The microseconds of `received:`; dates are of UTC, and a year or month is all its days.
pub(crate) fn times(clause: &Clause) -> Result<RangeInclusive<i64>, QueryError> {
    let (from, to) = ends(clause)?;
    let begin = if from.is_empty() { i64::MIN } else { micros(clause, span(clause, from)?.0)? };
    let end = if to.is_empty() { i64::MAX } else { micros(clause, span(clause, to)?.1)?.saturating_sub(1) };
    in_order(clause, begin, end)
}

fn ends(clause: &Clause) -> Result<(&str, &str), QueryError> {
    match clause.text.split_once("..") {
        Some(("", "")) => Err(wrong(clause, "at least one end")),
        Some(ends) => Ok(ends),
        None => Ok((&clause.text, &clause.text)),
    }
}

fn in_order<T: PartialOrd>(clause: &Clause, from: T, to: T) -> Result<RangeInclusive<T>, QueryError> {
    if from <= to { Ok(from..=to) } else { Err(wrong(clause, "its smaller end first")) }
}

fn wrong(clause: &Clause, what: &str) -> QueryError {
    let name = clause.field.as_deref().unwrap_or_default();
    QueryError { characters: clause.characters.clone(), message: format!("{name}: takes a value or a range from..to with {what}") }
}

/// First day, and the day after the last, of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
fn span(clause: &Clause, text: &str) -> Result<(Date, Date), QueryError> {
    let wrong = || wrong(clause, "dates as 2024, 2024-06 or 2024-06-30");
    let parts: Vec<&str> = text.split('-').collect();
    let widths = [4, 2, 2];
    let digits = parts.len() <= 3 && parts.iter().zip(widths).all(|(part, width)| part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !digits {
        return Err(wrong());
    }
    let number = |i: usize| parts.get(i).map_or(Some(1), |part| part.parse::<i16>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0), number(1), number(2)) else { return Err(wrong()) };
    let first = Date::new(year, month as i8, day as i8).map_err(|_| wrong())?;
    let step = match parts.len() {
        1 => jiff::Span::new().years(1),
        2 => jiff::Span::new().months(1),
        _ => jiff::Span::new().days(1),
    };
    Ok((first, first.checked_add(step).map_err(|_| wrong())?))
}

fn micros(clause: &Clause, date: Date) -> Result<i64, QueryError> {
    let time = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).map_err(|_| wrong(clause, "dates of our calendar"))?;
    Ok(time.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::How;

    #[test]
    fn dates_and_numbers_include_both_ends() {
        let clause = |field: &str, text: &str| Clause { field: Some(field.into()), text: text.into(), how: How::Range, characters: 0..1 };
        const DAY: i64 = 86_400_000_000;
        for (text, expected) in [
            ("1970", Some((0, 365 * DAY - 1))),
            ("1970-02", Some((31 * DAY, 59 * DAY - 1))),
            ("1970-01-02", Some((DAY, 2 * DAY - 1))),
            ("1970-01-01..1970-01-02", Some((0, 2 * DAY - 1))),
            ("..1970-01", Some((i64::MIN, 31 * DAY - 1))),
            ("1970-01-02..", Some((DAY, i64::MAX))),
            ("1970-13", None),
            ("1970-02-30", None),
            ("1970-2-3", None),
            ("yesterday", None),
            ("..", None),
            ("1971..1970", None),
        ] {
            assert_eq!(times(&clause("received", text)).ok().map(RangeInclusive::into_inner), expected, "{text}");
        }
        for (text, expected) in [("10..", Some((10, u64::MAX))), ("..10", Some((0, 10))), ("3", Some((3, 3))), ("3..2", None), ("-1", None), ("x..y", None)] {
            assert_eq!(numbers(&clause("pages", text)).ok().map(RangeInclusive::into_inner), expected, "{text}");
        }
    }
}
