//! The logical structure of a tagged document (ISO 32000-2, 14.7): which marked content is a heading, a note, a cell, and what pictures are said to show.

use std::collections::{HashMap, HashSet};

use hayro_syntax::object::{Dict, Name, Object, ObjectIdentifier};

use super::values;
use crate::document::BlockKind;

/// Most elements that are looked at, and how deep.
const ELEMENTS: usize = 2_000_000;
const DEPTH: usize = 128;
/// Longest alternative text that is taken.
const TEXT_BYTES: u64 = 1 << 20;

/// What the structure says of a piece of marked content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// What its text is.
    pub kind: BlockKind,
    /// The element it belongs to: paragraph, heading, cell. Text of one element belongs together, text of two does not.
    pub element: u32,
}

/// The roles of all marked content, and alternative texts by page.
#[derive(Debug, Default)]
pub struct Roles {
    roles: HashMap<(u32, i32), Role>,
    alternatives: HashMap<u32, Vec<String>>,
}

impl Roles {
    /// Follows the structure tree of a document.
    pub fn of(catalog: &Dict<'_>, pages: &HashMap<ObjectIdentifier, u32>) -> Self {
        let mut roles = Self::default();
        let Some(root) = catalog.get::<Dict<'_>>("StructTreeRoot") else {
            return roles;
        };
        let map = root.get::<Dict<'_>>("RoleMap").unwrap_or_default();
        let mut seen = HashSet::new();
        let mut open = vec![(root, None::<u32>, None::<BlockKind>, 0_u32, 0_usize)];
        let mut count = 0;
        while let Some((element, page, kind, group, depth)) = open.pop() {
            count += 1;
            if count > ELEMENTS || depth > DEPTH || element.obj_id().is_some_and(|id| depth > 0 && !seen.insert(id)) {
                continue;
            }
            let page = element.get_ref("Pg").and_then(|page| pages.get(&page.into()).copied()).or(page);
            let kind = kind_of(&element, &map).or(kind);
            let group = if is_inline(&element, &map) { group } else { u32::try_from(count).unwrap_or(u32::MAX) };
            roles.alternative(&element, page);
            let mut dicts = Vec::new();
            for kid in kids(&element) {
                match kid {
                    Object::Number(mark) => roles.add(page, mark.as_i64(), kind, group),
                    Object::Dict(dict) if values::is_name(&dict, "Type", b"MCR") => {
                        let page = dict.get_ref("Pg").and_then(|page| pages.get(&page.into()).copied()).or(page);
                        roles.add(page, dict.get::<i32>("MCID").map_or(-1, i64::from), kind, group);
                    }
                    Object::Dict(dict) if !values::is_name(&dict, "Type", b"OBJR") => dicts.push(dict),
                    _ => {}
                }
            }
            open.extend(dicts.into_iter().rev().map(|dict| (dict, page, kind, group, depth + 1)));
        }
        roles
    }

    fn add(&mut self, page: Option<u32>, mark: i64, kind: Option<BlockKind>, element: u32) {
        if let (Some(page), Ok(mark)) = (page, i32::try_from(mark)) {
            self.roles.insert((page, mark), Role { kind: kind.unwrap_or(BlockKind::Paragraph), element });
        }
    }

    fn alternative(&mut self, element: &Dict<'_>, page: Option<u32>) {
        if let (Some(page), Some(text)) = (page, values::entry(element, "Alt", TEXT_BYTES)) {
            self.alternatives.entry(page).or_default().push(text);
        }
    }

    /// What marked content on a page is, when the structure names it.
    pub fn get(&self, page: u32, mark: i32) -> Option<Role> {
        self.roles.get(&(page, mark)).copied()
    }

    /// What pictures and formulas of a page are said to show, in the order of the structure.
    pub fn alternatives(&self, page: u32) -> &[String] {
        self.alternatives.get(&page).map_or(&[], Vec::as_slice)
    }
}

/// What an element holds: one thing or an array of them.
fn kids<'a>(element: &Dict<'a>) -> Vec<Object<'a>> {
    match element.get::<Object<'a>>("K") {
        Some(Object::Array(array)) => array.iter::<Object<'a>>().collect(),
        one => one.into_iter().collect(),
    }
}

/// Elements within a line, whose text belongs to what they stand in (14.8.4.7).
fn is_inline(element: &Dict<'_>, map: &Dict<'_>) -> bool {
    let Some(mut role) = element.get::<Name<'_>>("S") else {
        return false;
    };
    for _ in 0..8 {
        let bytes: &[u8] = role.as_ref();
        if matches!(
            bytes,
            b"Span"
                | b"Link"
                | b"Annot"
                | b"Quote"
                | b"Reference"
                | b"Code"
                | b"Em"
                | b"Strong"
                | b"Sub"
                | b"Ruby"
                | b"RB"
                | b"Warichu"
                | b"NonStruct"
                | b"Lbl"
                | b"LBody"
                | b"Figure"
        ) {
            return true;
        }
        match map.get::<Name<'_>>(bytes) {
            Some(next) => role = next,
            None => return false,
        }
    }
    false
}

fn kind_of(element: &Dict<'_>, map: &Dict<'_>) -> Option<BlockKind> {
    let mut role = element.get::<Name<'_>>("S")?;
    for _ in 0..8 {
        let bytes: &[u8] = role.as_ref();
        match bytes {
            b"H" | b"H1" | b"H2" | b"H3" | b"H4" | b"H5" | b"H6" | b"Title" => return Some(BlockKind::Heading),
            b"Note" | b"FENote" => return Some(BlockKind::Note),
            b"TD" | b"TH" => return Some(BlockKind::Cell),
            b"Caption" => return Some(BlockKind::Caption),
            b"P" | b"LBody" | b"Span" | b"Document" | b"Sect" | b"Part" => return None,
            _ => role = map.get::<Name<'_>>(bytes)?,
        }
    }
    None
}
