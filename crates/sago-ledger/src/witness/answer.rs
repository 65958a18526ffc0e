//! The answer to `add-checkpoint`, as the one who asked reads it.

use crate::decimal::parse_decimal;
use crate::note::{NoteError, NoteSignature};

/// The content type of an answer that states the size seen last.
pub const SIZE_CONTENT_TYPE: &str = "text/x.tlog.size";

/// What a witness answered; nothing in it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: signature lines, to be checked against the witness's keys.
    Cosigned(Vec<NoteSignature>),
    /// 409 with a size: the tree it saw last.
    Size(u64),
    /// 409 without: it saw another tree of the very size it was asked for.
    OtherTree,
    /// 404.
    UnknownLog,
    /// 403.
    NotSigned,
    /// 422.
    NotConsistent,
    /// A status that the protocol has no meaning for here.
    Unexpected(u16),
}

impl Answer {
    /// Reads status, content type and body of an answer.
    pub fn read(status: u16, content_type: &str, body: &[u8]) -> Result<Self, NoteError> {
        Ok(match status {
            200 => Self::Cosigned(NoteSignature::parse_lines(str::from_utf8(body).map_err(|_| NoteError::Characters)?)?),
            409 => match size(content_type, body) {
                Some(size) => Self::Size(size),
                None => Self::OtherTree,
            },
            403 => Self::NotSigned,
            404 => Self::UnknownLog,
            422 => Self::NotConsistent,
            other => Self::Unexpected(other),
        })
    }
}

fn size(content_type: &str, body: &[u8]) -> Option<u64> {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let text = str::from_utf8(body).ok().filter(|_| kind == SIZE_CONTENT_TYPE)?;
    parse_decimal(text.strip_suffix('\n')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of C2SP tlog-witness.
    const EXAMPLE: &str = "\
        — witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==\n\
        — witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+UfzuOBMh9ChdMkP1vi/lCAsmlw==\n\
        — witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==\n";

    #[test]
    fn the_example_of_the_specification_is_read() {
        let Answer::Cosigned(lines) = Answer::read(200, "", EXAMPLE.as_bytes()).unwrap() else { panic!("not read as lines") };
        assert_eq!(
            lines.iter().map(|line| (line.name.as_str(), line.bytes.len())).collect::<Vec<_>>(),
            [("witness.example/w1", 72), ("witness.example/w1", 72), ("witness.example/w2", 72)]
        );
    }

    #[test]
    fn answers_mean_what_the_specification_says() {
        let check = |status, kind: &str, body: &str, expect| assert_eq!(Answer::read(status, kind, body.as_bytes()), expect, "{status} {kind:?} {body:?}");
        check(409, SIZE_CONTENT_TYPE, "20852014\n", Ok(Answer::Size(20_852_014)));
        check(409, "text/x.tlog.size; charset=utf-8", "0\n", Ok(Answer::Size(0)));
        for (kind, body) in [("text/plain", "5\n"), (SIZE_CONTENT_TYPE, "5"), (SIZE_CONTENT_TYPE, "05\n"), (SIZE_CONTENT_TYPE, ""), ("", "")] {
            check(409, kind, body, Ok(Answer::OtherTree));
        }
        check(403, "", "why", Ok(Answer::NotSigned));
        check(404, "", "", Ok(Answer::UnknownLog));
        check(422, "", "", Ok(Answer::NotConsistent));
        check(400, "", "", Ok(Answer::Unexpected(400)));
        check(503, "", "", Ok(Answer::Unexpected(503)));
        for nonsense in ["", "\n", "<html></html>\n", "— w\n", "- w AAAAAAA=\n", EXAMPLE.trim_end()] {
            assert!(Answer::read(200, "", nonsense.as_bytes()).is_err(), "{nonsense:?}");
        }
        assert_eq!(Answer::read(200, "", b"\xff\n"), Err(NoteError::Characters));
    }
}
