//! The tokens of RTF (specification 1.9.1, "RTF syntax").

/// A token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `{`
    Open,
    /// `}`
    Close,
    /// A control word and its number.
    Word(&'a str, Option<i32>),
    /// A control symbol: one character after the backslash.
    Symbol(u8),
    /// A byte by its hexadecimal number.
    Byte(u8),
    /// Bytes of text.
    Text(&'a [u8]),
    /// Bytes after `\bin`, and whether all are there.
    Binary(&'a [u8], bool),
}

/// Reads tokens off bytes.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn word(&mut self) -> Token<'a> {
        let letters = &self.bytes[self.at..];
        let length = letters.iter().take(64).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let name = std::str::from_utf8(&letters[..length]).unwrap_or_default();
        self.at += length;
        let digits = &self.bytes[self.at..];
        let sign = usize::from(digits.first() == Some(&b'-') && digits.get(1).is_some_and(u8::is_ascii_digit));
        let count = digits[sign..].iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
        let number = (count > 0).then(|| {
            let value = digits[sign..sign + count].iter().fold(0_i64, |value, digit| value.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
            let value = if sign == 1 { -value } else { value };
            i32::try_from(value).unwrap_or(if sign == 1 { i32::MIN } else { i32::MAX })
        });
        if count > 0 {
            self.at += sign + count;
        }
        if self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        if name == "bin" {
            let wanted = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
            let rest = &self.bytes[self.at..];
            let length = wanted.min(rest.len());
            self.at += length;
            return Token::Binary(&rest[..length], length == wanted);
        }
        Token::Word(name, number)
    }

    fn escape(&mut self) -> Option<Token<'a>> {
        let byte = *self.bytes.get(self.at)?;
        if byte.is_ascii_alphabetic() {
            return Some(self.word());
        }
        self.at += 1;
        if byte == b'\'' {
            let digits = self.bytes.get(self.at..self.at + 2).and_then(|digits| std::str::from_utf8(digits).ok());
            if let Some(value) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                self.at += 2;
                return Some(Token::Byte(value));
            }
        }
        Some(Token::Symbol(byte))
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'{' => return Some(Token::Open),
                b'}' => return Some(Token::Close),
                b'\\' => return self.escape(),
                b'\r' | b'\n' | 0 => {}
                _ => {
                    let start = self.at - 1;
                    let length =
                        self.bytes[start..].iter().position(|byte| matches!(byte, b'{' | b'}' | b'\\' | b'\r' | b'\n' | 0)).unwrap_or(self.bytes.len() - start);
                    self.at = start + length;
                    return Some(Token::Text(&self.bytes[start..self.at]));
                }
            }
        }
    }
}
