//! JSON and JSON lines: each string, number and truth value is a block; the anchor's part is its place as a JSON Pointer (RFC 6901). Streamed.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::stream::{TextStream, rest_as_lines};
use super::{Line, plain};
use crate::charset::without_controls;
use crate::document::{Anchor, Block, BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Longest place that is told whole.
const PLACE_BYTES: usize = 1024;

/// Reads one value, or several that follow each other.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut stream = TextStream::open(source, None)?;
    let mut teller = Teller { sink, number: 0, stop: None };
    let mut values = serde_json::Deserializer::from_reader(std::io::BufReader::new(&mut stream));
    let mut place = String::new();
    let mut outcome = Ok(());
    loop {
        // `end` tells white space alone from another value.
        if values.end().is_ok() {
            break;
        }
        if let Err(error) = (Seed { teller: &mut teller, place: &mut place }).deserialize(&mut values) {
            outcome = Err(error);
            break;
        }
    }
    drop(values);
    if let Some(stop) = teller.stop {
        stream.tell(sink)?;
        return Err(stop);
    }
    if let Err(error) = outcome {
        if error.is_io() {
            return Err(Stop::Io(error.into()));
        }
        let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
        fail(source, line, &error.to_string(), sink)?;
        return Ok(());
    }
    stream.tell(sink)
}

/// Reads a value for each line; what is none is kept as a line.
pub fn read_lines(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut stream = TextStream::open(source, None)?;
    let mut faults = 0_u64;
    while let Some(line) = stream.next_line()? {
        if line.text.trim().is_empty() {
            continue;
        }
        let mut teller = Teller { sink, number: 0, stop: None };
        let mut place = format!("line {}", line.number);
        let mut value = serde_json::Deserializer::from_str(&line.text);
        let outcome = (Seed { teller: &mut teller, place: &mut place }).deserialize(&mut value).and_then(|()| value.end());
        if let Some(stop) = teller.stop {
            return Err(stop);
        }
        if outcome.is_err() {
            faults += 1;
            plain(&line, sink)?;
        }
    }
    if faults > 0 {
        sink.finding(Finding::new(Code::PartDamaged, format!("{faults} lines are not JSON; they were read as plain lines.")))?;
    }
    stream.tell(sink)
}

/// The lines from the fault on.
fn fail(source: &mut Source<'_>, line: u32, why: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut stream = TextStream::open(source, None)?;
    let mut held: Option<Line> = None;
    for _ in 1..line {
        held = stream.next_line()?;
    }
    drop(held);
    rest_as_lines(&mut stream, format!("line {line}"), &format!("It is not JSON: {why}"), sink)?;
    stream.tell(sink)
}

struct Teller<'a> {
    sink: &'a mut dyn Sink,
    number: u32,
    stop: Option<Stop>,
}

impl Teller<'_> {
    fn tell<E: serde::de::Error>(&mut self, place: &str, text: &str) -> Result<(), E> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.number = self.number.saturating_add(1);
        let part = if place.is_empty() { "/" } else { place };
        let block = Block::new(BlockKind::Field, Anchor::in_part(part, self.number), without_controls(text));
        self.sink.block(block).map_err(|stop| {
            self.stop = Some(stop);
            E::custom("nothing more is wanted")
        })
    }
}

/// One value and what is in it. serde_json itself ends nesting deeper than 128.
struct Seed<'a, 'b> {
    teller: &'a mut Teller<'b>,
    place: &'a mut String,
}

impl Seed<'_, '_> {
    /// The same one step further down.
    fn under<E: serde::de::Error>(&mut self, step: &str, go: impl FnOnce(Seed<'_, '_>) -> Result<(), E>) -> Result<(), E> {
        let before = self.place.len();
        if before + step.len() < PLACE_BYTES {
            self.place.push('/');
            self.place.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
        let outcome = go(Seed { teller: self.teller, place: self.place });
        self.place.truncate(before);
        outcome
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.teller.tell(self.place, text)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.teller.tell(self.place, if value { "true" } else { "false" })
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.teller.tell(self.place, &value.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.teller.tell(self.place, &value.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.teller.tell(self.place, &value.to_string())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut values: A) -> Result<(), A::Error> {
        let mut index = 0_u64;
        loop {
            let mut has_more = false;
            self.under(&index.to_string(), |seed| {
                has_more = values.next_element_seed(seed)?.is_some();
                Ok(())
            })?;
            if !has_more {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut values: A) -> Result<(), A::Error> {
        while let Some(key) = values.next_key::<String>()? {
            self.under(&key, |seed| values.next_value_seed(seed))?;
        }
        Ok(())
    }
}
