//! Which cells of a sheet are dates, and what date a number is (ISO/IEC 29500-1, 18.8.30 and 18.17.4).

use jiff::ToSpan;
use jiff::civil::date;

/// How a number is shown, as far as it changes what it means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum NumberFormat {
    /// As a number.
    #[default]
    Number,
    /// As a day.
    Date,
    /// As a time of day.
    Time,
    /// As a day and a time.
    DateTime,
    /// As hours, minutes and seconds that passed.
    Elapsed,
}

impl NumberFormat {
    /// One of those that have a number only; numbers from 27 are dates in the Korean, Chinese and Japanese editions.
    pub fn built_in(id: u32) -> Self {
        match id {
            14..=17 | 27..=31 | 34..=36 | 50..=54 | 57 | 58 => Self::Date,
            18..=21 | 32 | 33 | 45 | 47 | 55 | 56 => Self::Time,
            22 => Self::DateTime,
            46 => Self::Elapsed,
            _ => Self::Number,
        }
    }

    /// By its code, as `yyyy"년" m"월"`.
    pub fn of_code(code: &str) -> Self {
        let (mut has_day, mut has_time, mut has_month) = (false, false, false);
        let mut letters = code.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => {
                    letters.by_ref().find(|letter| *letter == '"');
                }
                '\\' | '_' | '*' => {
                    letters.next();
                }
                '[' => {
                    let inside: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                    if !inside.is_empty() && inside.chars().all(|letter| matches!(letter, 'h' | 'H' | 'm' | 'M' | 's' | 'S')) {
                        return Self::Elapsed;
                    }
                }
                'y' | 'Y' | 'd' | 'D' => has_day = true,
                'h' | 'H' | 's' | 'S' => has_time = true,
                'm' | 'M' => has_month = true,
                // Only the first of the sections counts: the others are for negative numbers, zero and text.
                ';' => break,
                // "General" in any case: its letters are no places of a date.
                'G' | 'g' if letters.as_str().to_ascii_lowercase().starts_with("eneral") => {
                    letters.by_ref().take(6).for_each(drop);
                }
                _ => {}
            }
        }
        match (has_day || has_month && !has_time, has_time) {
            (true, true) => Self::DateTime,
            (true, false) => Self::Date,
            (false, true) => Self::Time,
            (false, false) => Self::Number,
        }
    }
}

/// Which columns of a sheet are hidden.
#[derive(Debug, Default)]
pub(crate) struct HiddenColumns {
    columns: Vec<bool>,
    ranges: u32,
}

impl HiddenColumns {
    /// Most columns of a sheet; there are no more ranges than columns.
    const MOST: u32 = 16_384;

    /// Adds a range; from 1, with its last.
    pub fn add(&mut self, first: u32, last: u32) {
        self.ranges += u32::from(self.ranges < Self::MOST);
        if self.ranges < Self::MOST {
            self.columns.resize(Self::MOST as usize + 1, false);
            for column in first..=last.min(Self::MOST) {
                self.columns[column as usize] = true;
            }
        }
    }

    /// Whether a column is hidden.
    pub fn has(&self, column: u32) -> bool {
        self.columns.get(column as usize).copied().unwrap_or(false)
    }
}

/// A number as it reads: a date in ISO 8601, or the number without the noise of its last binary digits.
pub(crate) fn shown(raw: &str, format: NumberFormat, is_1904: bool) -> String {
    let Ok(number) = raw.trim().parse::<f64>() else { return raw.to_owned() };
    if format == NumberFormat::Number || !number.is_finite() {
        let is_plain = raw.len() <= 15 && !raw.contains(['e', 'E']);
        let is_written_out = number == 0.0 || (1e-9..1e15).contains(&number.abs());
        return if is_plain || !is_written_out { raw.to_owned() } else { rounded(number) };
    }
    instant(number, format, is_1904).unwrap_or_else(|| raw.to_owned())
}

/// Fifteen digits, as the program itself shows numbers.
fn rounded(number: f64) -> String {
    let short = format!("{number:.14e}");
    short.parse::<f64>().map_or(short, |number| number.to_string())
}

fn instant(number: f64, format: NumberFormat, is_1904: bool) -> Option<String> {
    if !(0.0..2_958_466.0).contains(&number) {
        return None;
    }
    let seconds = (number * 86_400.0).round() as i64;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let time = format!("{:02}:{:02}:{:02}", rest / 3_600, rest % 3_600 / 60, rest % 60);
    match format {
        NumberFormat::Elapsed => return Some(format!("{}:{:02}:{:02}", seconds / 3_600, seconds % 3_600 / 60, seconds % 60)),
        NumberFormat::Time => return Some(time),
        _ => {}
    }
    let day = if is_1904 {
        date(1904, 1, 1).checked_add(days.days()).ok()?
    } else if days == 60 {
        // The day that never was (18.17.4.1): the program shows it.
        return Some("1900-02-29".to_owned());
    } else {
        date(1899, 12, if days < 60 { 31 } else { 30 }).checked_add(days.days()).ok()?
    };
    Some(if format == NumberFormat::DateTime || rest != 0 { format!("{day}T{time}") } else { day.to_string() })
}

/// Row and column of a reference as `AB12`, from 1.
pub(crate) fn place(reference: &str) -> Option<(u32, u32)> {
    let reference = reference.trim_start_matches('$');
    let digits = reference.find(|letter: char| letter.is_ascii_digit())?;
    let column = reference[..digits].trim_end_matches('$').bytes().try_fold(0_u32, |column, letter| {
        let letter = letter.to_ascii_uppercase();
        letter.is_ascii_uppercase().then(|| column.checked_mul(26)?.checked_add(u32::from(letter - b'A') + 1)).flatten()
    })?;
    let row = reference[digits..].split(':').next()?.parse().ok()?;
    Some((row, column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_dates_from_numbers() {
        let cases = [
            ("General", NumberFormat::Number),
            ("0.00%", NumberFormat::Number),
            ("yyyy\"년\" m\"월\" d\"일\"", NumberFormat::Date),
            ("[$-412]yyyy-mm-dd;@", NumberFormat::Date),
            ("h:mm AM/PM", NumberFormat::Time),
            ("m/d/yy h:mm", NumberFormat::DateTime),
            ("[h]:mm:ss", NumberFormat::Elapsed),
            ("#,##0\\ \"days\"", NumberFormat::Number),
            ("mmm", NumberFormat::Date),
        ];
        for (code, wanted) in cases {
            assert_eq!(NumberFormat::of_code(code), wanted, "{code}");
        }
    }

    #[test]
    fn numbers_are_the_dates_the_program_shows() {
        assert_eq!(shown("1", NumberFormat::Date, false), "1900-01-01");
        assert_eq!(shown("59", NumberFormat::Date, false), "1900-02-28");
        assert_eq!(shown("60", NumberFormat::Date, false), "1900-02-29");
        assert_eq!(shown("61", NumberFormat::Date, false), "1900-03-01");
        assert_eq!(shown("39448", NumberFormat::Date, false), "2008-01-01");
        assert_eq!(shown("0", NumberFormat::Date, true), "1904-01-01");
        assert_eq!(shown("39448.5", NumberFormat::DateTime, false), "2008-01-01T12:00:00");
        assert_eq!(shown("0.75", NumberFormat::Time, false), "18:00:00");
        assert_eq!(shown("1.5", NumberFormat::Elapsed, false), "36:00:00");
        assert_eq!(shown("0.10000000000000001", NumberFormat::Number, false), "0.1");
        assert_eq!(shown("2.5000000000000001E-2", NumberFormat::Number, false), "0.025");
        assert_eq!(shown("123456789012345678", NumberFormat::Number, false), "123456789012345678");
        assert_eq!(shown("1E+300", NumberFormat::Number, false), "1E+300");
        assert_eq!(shown("-5", NumberFormat::Date, false), "-5");
    }

    #[test]
    fn references_are_rows_and_columns() {
        assert_eq!(place("A1"), Some((1, 1)));
        assert_eq!(place("$AB$12"), Some((12, 28)));
        assert_eq!(place("XFD1048576"), Some((1_048_576, 16_384)));
        assert_eq!(place("가1"), None);
        assert_eq!(place("A"), None);
    }
}
