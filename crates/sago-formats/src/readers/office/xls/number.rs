//! Numbers as a sheet shows them, as far as that decides what they say: dates, times, parts of a hundred.

use crate::readers::compound::civil;

/// What a format makes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Plain,
    Percent,
    Date,
    /// Hours beyond a day.
    Elapsed,
}

/// The look of a format by its number and, when the file defines it, its code.
pub(crate) fn look(id: u16, code: Option<&str>) -> Look {
    let Some(code) = code else {
        return match id {
            9 | 10 => Look::Percent,
            14..=22 | 27..=36 | 45 | 47 | 50..=58 => Look::Date,
            46 => Look::Elapsed,
            _ => Look::Plain,
        };
    };
    let (mut is_date, mut is_elapsed, mut is_percent) = (false, false, false);
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => while letters.next().is_some_and(|letter| letter != '"') {},
            '\\' | '_' | '*' => {
                letters.next();
            }
            '[' => {
                let inner: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                is_elapsed |= !inner.is_empty() && inner.chars().all(|letter| matches!(letter.to_ascii_lowercase(), 'h' | 'm' | 's'));
            }
            ';' => break,
            '%' => is_percent = true,
            'G' if code.contains("General") => return Look::Plain,
            _ => is_date |= matches!(letter.to_ascii_lowercase(), 'y' | 'm' | 'd' | 'h' | 's'),
        }
    }
    if is_elapsed {
        Look::Elapsed
    } else if is_date {
        Look::Date
    } else if is_percent {
        Look::Percent
    } else {
        Look::Plain
    }
}

/// A number as text. Dates as ISO 8601, the part that a date or a time of day has.
pub(crate) fn show(value: f64, look: Look, is_1904: bool) -> String {
    match look {
        Look::Percent => plain(value * 100.0) + "%",
        Look::Date if (0.0..2_958_466.0).contains(&value) => date(value, is_1904),
        Look::Elapsed if (0.0..1e9).contains(&value) => {
            let seconds = (value * 86_400.0).round() as u64;
            format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
        }
        _ => plain(value),
    }
}

/// Fifteen digits count, as in the program.
fn plain(value: f64) -> String {
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    if rounded != 0.0 && !(1e-9..1e21).contains(&rounded.abs()) { format!("{rounded:e}") } else { rounded.to_string() }
}

fn date(value: f64, is_1904: bool) -> String {
    let seconds = (value * 86_400.0).round() as i64;
    let time = seconds % 86_400;
    if seconds < 86_400 && !is_1904 {
        return format!("{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60);
    }
    // Day 60 is 29 February 1900, which never was: the days before it count one less.
    let epoch = if is_1904 {
        -24_107
    } else if seconds < 60 * 86_400 {
        -25_568
    } else {
        -25_569
    };
    let text = civil(seconds + epoch * 86_400).unwrap_or_else(|| plain(value));
    if time == 0 { text.split('T').next().unwrap_or_default().to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::{Look, look, show};

    #[test]
    fn numbers_are_shown_as_what_they_mean() {
        assert_eq!(look(0, Some("yyyy\"년\" m\"월\" d\"일\"")), Look::Date);
        assert_eq!(look(200, Some("#,##0\"days\"")), Look::Plain);
        assert_eq!(look(200, Some("[Red]0.0%")), Look::Percent);
        assert_eq!(look(200, Some("[h]:mm")), Look::Elapsed);
        assert_eq!(show(36_526.0, Look::Date, false), "2000-01-01");
        assert_eq!(show(1.0, Look::Date, false), "1900-01-01");
        assert_eq!(show(36_526.75, Look::Date, false), "2000-01-01T18:00:00");
        assert_eq!(show(0.5, Look::Date, false), "12:00:00");
        assert_eq!(show(0.1 + 0.2, Look::Plain, false), "0.3");
        assert_eq!(show(0.125, Look::Percent, false), "12.5%");
        assert_eq!(show(1e300, Look::Plain, false), "1e300");
    }
}
