//! A sink that keeps everything in memory: for tests, trials and small files.

use std::io::{Cursor, Read};

use crate::document::{Block, Child, Part, Property, Sink, Taken};
use crate::finding::{Code, Finding};
use crate::limits::Limits;
use crate::read::{Request, Summary, read};
use crate::source::{Source, Stop};

/// Everything a reader told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collected {
    /// Text, in order.
    pub blocks: Vec<Block>,
    /// Properties, in order.
    pub properties: Vec<Property>,
    /// Findings, in order.
    pub findings: Vec<Finding>,
    /// Number, width and height of pages.
    pub pages: Vec<(u32, f32, f32)>,
    /// Contained files and their bytes.
    pub children: Vec<(Child, Vec<u8>)>,
    /// The sum.
    pub summary: Summary,
}

impl Collected {
    /// Reads bytes under a name.
    ///
    /// # Errors
    /// Never because of the bytes; only memory that cannot be read, which does not happen.
    pub fn of(name: &str, bytes: &[u8], limits: &Limits) -> std::io::Result<Self> {
        let mut collected = Self::default();
        let mut cursor = Cursor::new(bytes);
        let mut source = Source::new(&mut cursor)?;
        collected.summary = read(Request { source: &mut source, name, limits }, &mut collected)?;
        Ok(collected)
    }

    /// All text, a line for each block.
    pub fn text(&self) -> String {
        self.blocks.iter().map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Whether something with this code was found.
    pub fn has(&self, code: Code) -> bool {
        self.findings.iter().any(|finding| finding.code == code)
    }

    /// The first value of a property.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|property| property.name == name).map(|property| property.value.as_str())
    }
}

impl Sink for Collected {
    fn part(&mut self, part: Part) -> Result<(), Stop> {
        match part {
            Part::Block(block) => self.blocks.push(block),
            Part::Property(property) => self.properties.push(property),
            Part::Finding(finding) => self.findings.push(finding),
            // The summary says it too.
            Part::Identified(_) => {}
            Part::Page { number, width, height } => self.pages.push((number, width, height)),
        }
        Ok(())
    }

    fn child(&mut self, child: Child, bytes: &mut dyn Read) -> Result<Taken, Stop> {
        let mut kept = Vec::new();
        let is_whole = bytes.read_to_end(&mut kept).is_ok();
        let count = kept.len() as u64;
        self.children.push((child, kept));
        Ok(Taken { bytes: count, is_whole })
    }
}
