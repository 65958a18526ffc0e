//! Text without the control characters that old formats keep in it.

/// Line ends become `\n`, tabs stay, other control characters become spaces.
pub(crate) fn printable(text: String) -> String {
    if !text.contains(|letter: char| letter.is_control() && letter != '\n' && letter != '\t') {
        return text;
    }
    let lines = text.replace("\r\n", "\n");
    let letter = |letter: char| match letter {
        '\r' | '\u{b}' | '\u{c}' => '\n',
        '\n' | '\t' => letter,
        _ if letter.is_control() => ' ',
        _ => letter,
    };
    lines.chars().map(letter).collect()
}
