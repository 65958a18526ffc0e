//! Exports of KakaoTalk: texts of telephones and computers, and the rows of the Mac. Each message is a block as it stands in the file; its anchor's part says
//! when it was sent and by whom.

use super::{Line, TextStream, delimited};
use crate::charset::without_controls;
use crate::document::{Anchor, Block, BlockKind, Child, Part, Sink, Taken};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Most people whose names are told as properties.
const PEOPLE: usize = 200;

/// Longest message that is kept whole.
const MESSAGE_BYTES: usize = 1 << 20;

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let head = source.at(0, 256)?;
    let mut chat = Chat::new(sink);
    if crate::charset::decode(&head, None).text.trim_start().starts_with("Date,User,Message") {
        let mut rows = Messages { chat, date: String::new(), user: String::new() };
        delimited::read(source, context, &mut rows)?;
        return rows.chat.end();
    }
    let mut stream = TextStream::open(source, None)?;
    while let Some(line) = stream.next_line()? {
        chat.line(line)?;
    }
    chat.end()?;
    stream.tell(sink)
}

struct Chat<'a> {
    sink: &'a mut dyn Sink,
    /// The day of the last divider.
    day: Option<String>,
    held: Option<Message>,
    people: Vec<String>,
    messages: u64,
    first: Option<String>,
    last: Option<String>,
}

struct Message {
    anchor: Anchor,
    text: String,
}

impl<'a> Chat<'a> {
    fn new(sink: &'a mut dyn Sink) -> Self {
        Self { sink, day: None, held: None, people: Vec::new(), messages: 0, first: None, last: None }
    }

    fn line(&mut self, line: Line) -> Result<(), Stop> {
        let text = line.text.trim();
        if let Some(day) = divider(text) {
            self.flush()?;
            self.day = Some(day);
            return self.sink.block(Block::new(BlockKind::Heading, line.anchor(), without_controls(&line.text)));
        }
        let found = on_computer(text, self.day.as_deref()).or_else(|| on_telephone(text));
        if let Some((sender, time)) = found {
            return self.begin(&sender, &time, line.number, line.text);
        }
        match &mut self.held {
            // A line without sender belongs to the message before it.
            Some(message) if message.text.len() < MESSAGE_BYTES => {
                message.text.push('\n');
                message.text.push_str(&line.text);
                Ok(())
            }
            _ => {
                self.flush()?;
                super::plain(&line, self.sink)
            }
        }
    }

    fn begin(&mut self, sender: &str, time: &str, number: u32, text: String) -> Result<(), Stop> {
        self.flush()?;
        self.messages += 1;
        if self.people.len() < PEOPLE && !self.people.iter().any(|known| known == sender) {
            self.people.push(sender.to_owned());
        }
        self.first.get_or_insert_with(|| time.to_owned());
        self.last = Some(time.to_owned());
        self.held = Some(Message { anchor: Anchor::in_part(format!("{time} {sender}"), number), text });
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Stop> {
        match self.held.take() {
            Some(message) if !message.text.trim().is_empty() => self.sink.block(Block::paragraph(message.anchor, without_controls(message.text.trim_end()))),
            _ => Ok(()),
        }
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.flush()?;
        for name in std::mem::take(&mut self.people) {
            self.sink.property("chat:sender", name)?;
        }
        self.sink.property("chat:messages", self.messages.to_string())?;
        self.sink.property("chat:first", self.first.take().unwrap_or_default())?;
        self.sink.property("chat:last", self.last.take().unwrap_or_default())
    }
}

/// `--------------- 2021년 3월 4일 목요일 ---------------`, or such a date alone.
fn divider(text: &str) -> Option<String> {
    let inner = text.trim_matches('-').trim();
    let is_ruled = text.starts_with("-----") && text.ends_with("-----");
    let is_date = inner.ends_with("요일") || (is_ruled && inner.contains(','));
    (is_date && inner.len() < 60).then(|| day(inner).unwrap_or_else(|| inner.to_owned()))
}

/// `[name] [오후 3:05] words`
fn on_computer(text: &str, day: Option<&str>) -> Option<(String, String)> {
    let (sender, rest) = text.strip_prefix('[')?.split_once("] [")?;
    let (time, _) = rest.split_once(']')?;
    let clock = clock(time)?;
    Some((sender.to_owned(), day.map_or_else(|| clock.clone(), |day| format!("{day}T{clock}"))))
}

/// `2021년 3월 4일 오후 3:05, name : words`, `2021. 3. 4. 오후 3:05, name : words`, `March 4, 2021 at 3:05 PM, name : words`
fn on_telephone(text: &str) -> Option<(String, String)> {
    let (head, _) = text.split_once(" : ")?;
    let (when, sender) = head.rsplit_once(", ")?;
    if when.len() > 60 || !when.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    let clock_begins = ["오전", "오후"].iter().find_map(|word| when.find(word)).or_else(|| {
        let colon = when.find(':')?;
        when[..colon].rfind(' ').map(|space| space + 1)
    })?;
    let clock = clock(&when[clock_begins..])?;
    let day = day(when[..clock_begins].trim()).unwrap_or_else(|| when[..clock_begins].trim().trim_end_matches([',', ' ']).to_owned());
    Some((sender.to_owned(), format!("{day}T{clock}")))
}

/// The first three numbers of a Korean date, or an English one, as year, month and day.
fn day(text: &str) -> Option<String> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let numbers: Vec<u32> = text.split(|character: char| !character.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
    let month_word = text.split(|character: char| !character.is_ascii_alphabetic()).find_map(|word| {
        let start = word.get(..3)?.to_ascii_lowercase();
        MONTHS.iter().position(|month| *month == start)
    });
    let (year, month, day) = match (numbers.as_slice(), month_word) {
        ([year, month, day, ..], None) if *year > 31 => (*year, *month, *day),
        ([a, b, ..], Some(month)) => {
            let month = u32::try_from(month).ok()? + 1;
            if *a > 31 { (*a, month, *b) } else { (*b, month, *a) }
        }
        _ => return None,
    };
    ((1990..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// `오후 3:05`, `3:05 PM`, `15:05` as hours and minutes of the day.
fn clock(text: &str) -> Option<String> {
    let numbers: Vec<u32> = text.split(|character: char| !character.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
    let &[hour, minute, ..] = numbers.as_slice() else { return None };
    let lower = text.to_ascii_lowercase();
    let is_after = text.contains("오후") || lower.contains("pm");
    let is_before = text.contains("오전") || lower.contains("am");
    let hour = match hour {
        12 if is_before => 0,
        1..=11 if is_after => hour + 12,
        _ => hour,
    };
    (text.contains(':') && hour < 24 && minute < 60).then(|| format!("{hour:02}:{minute:02}"))
}

/// Turns the cells of `Date,User,Message` into messages.
struct Messages<'a> {
    chat: Chat<'a>,
    date: String,
    user: String,
}

impl Sink for Messages<'_> {
    fn part(&mut self, part: Part) -> Result<(), Stop> {
        let Part::Block(Block { anchor: Anchor { cell: Some((row, column)), .. }, text, .. }) = part else { return self.chat.sink.part(part) };
        match column {
            _ if row == 1 => Ok(()),
            1 => {
                self.date = text.trim().replacen(' ', "T", 1);
                self.user.clear();
                Ok(())
            }
            2 => {
                self.user = text;
                Ok(())
            }
            _ => {
                let text = format!("{}: {text}", self.user);
                let (user, date) = (self.user.clone(), self.date.clone());
                self.chat.begin(&user, &date, row, text)
            }
        }
    }

    fn child(&mut self, child: Child, bytes: &mut dyn std::io::Read) -> Result<Taken, Stop> {
        self.chat.sink.child(child, bytes)
    }
}
