//! Plain decimals, as every text format here writes numbers.

/// Reads a decimal without sign, spaces or leading zeroes, so that each number has one text.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}
