//! A sink between reader and listener that remembers what was told, so that a reader can say at its end that there was nothing.

use std::io::Read;

use crate::document::{Child, Part, Sink, Taken};
use crate::finding::{Code, Finding, Severity};
use crate::source::Stop;

/// Passes everything on and counts.
pub(crate) struct Told<'a> {
    sink: &'a mut dyn Sink,
    /// Blocks of text.
    pub blocks: u64,
    /// Whether a finding says that something is missing.
    pub has_loss: bool,
}

impl<'a> Told<'a> {
    /// In front of a sink.
    pub fn new(sink: &'a mut dyn Sink) -> Self {
        Self { sink, blocks: 0, has_loss: false }
    }

    /// Says that there was no text, when there was none and nothing explains it.
    pub fn finish(self) -> Result<(), Stop> {
        if self.blocks == 0 && !self.has_loss {
            return self.sink.finding(Finding::new(Code::NoText, Code::NoText.meaning()));
        }
        Ok(())
    }
}

impl Sink for Told<'_> {
    fn part(&mut self, part: Part) -> Result<(), Stop> {
        match &part {
            Part::Block(_) => self.blocks += 1,
            Part::Finding(finding) => self.has_loss |= finding.severity > Severity::Note,
            Part::Identified(_) | Part::Property(_) | Part::Page { .. } => {}
        }
        self.sink.part(part)
    }

    fn child(&mut self, child: Child, bytes: &mut dyn Read) -> Result<Taken, Stop> {
        self.sink.child(child, bytes)
    }
}
