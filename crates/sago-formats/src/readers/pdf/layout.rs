//! From signs on a page to lines and paragraphs with the places of their words.
//!
//! The order of the page's content is kept: it is the order in which the writer's program set the text, and columns seldom break it. Signs that continue a
//! line are joined to it wherever they come from; lines that follow each other closely make a paragraph. Spaces are added where a gap stands for one.

use std::collections::HashMap;

use kurbo::{Point, Rect};

use super::content::{Class, Content, Glyph};
use super::structure::Role;
use crate::document::{BlockKind, WordBox};

/// Share of the page that pictures must cover for invisible text to count as recognised in them.
const SCAN_COVER: f64 = 0.3;
/// Two signs are one printed twice when they stand closer than this, in heights of the font.
const OVERPRINT: f64 = 0.12;
/// Longest paragraph: beyond it a new block begins, so that a citation stays precise.
const BLOCK_BYTES: usize = 8_000;

/// Text that belongs together on a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// What it is.
    pub kind: BlockKind,
    /// Its text, lines ended by `\n`, cells of a row by a tab.
    pub text: String,
    /// Its words.
    pub boxes: Vec<WordBox>,
}

/// All passages of a page of this size, in order.
pub fn passages(content: &Content, width: f64, height: f64, role: &dyn Fn(i32) -> Option<Role>) -> Vec<Passage> {
    let mut glyphs = placed(content, width, height, role);
    let fragments = upright(without_overprints(fragments(&glyphs), &glyphs), &mut glyphs);
    let lines = joined(fragments, &glyphs);
    let mut passages: Vec<Passage> = Vec::new();
    let mut open: Option<Open> = None;
    for line in &lines {
        let step = open.as_ref().and_then(|open| open.step(line));
        if let (Some(current), Some(step)) = (open.as_mut(), step) {
            current.add(line, step, &glyphs, content);
        } else {
            passages.extend(open.take().and_then(Open::close));
            let mut fresh = Open::new(line);
            fresh.add(line, Step::First, &glyphs, content);
            open = Some(fresh);
        }
    }
    passages.extend(open.and_then(Open::close));
    passages
}

struct Placed<'a> {
    glyph: &'a Glyph,
    kind: BlockKind,
    /// Element of the structure; 0 when the file names none.
    group: u32,
    text: &'a str,
    angle: i32,
    /// Along the line.
    from: f64,
    to: f64,
    /// Across it.
    across: f64,
}

fn placed<'a>(content: &'a Content, width: f64, height: f64, role: &dyn Fn(i32) -> Option<Role>) -> Vec<Placed<'a>> {
    let mut placed: Vec<Placed<'a>> = Vec::with_capacity(content.glyphs.len());
    let page = Rect::new(0.0, 0.0, width, height);
    for glyph in &content.glyphs {
        let text = content.text.get(glyph.start as usize..glyph.end as usize).unwrap_or_default();
        let kind = match glyph.class {
            Class::Layer => BlockKind::Hidden,
            Class::Invisible if content.image_cover >= SCAN_COVER => BlockKind::Recognised,
            Class::Invisible => BlockKind::Hidden,
            Class::Shown | Class::Artefact if !page.inflate(glyph.size, glyph.size).contains(glyph.origin) => BlockKind::Hidden,
            Class::Shown => BlockKind::Paragraph,
            Class::Artefact => BlockKind::Margin,
        };
        let role = if kind == BlockKind::Paragraph { glyph.mark.and_then(role) } else { None };
        let (kind, group) = role.map_or((kind, 0), |role| (role.kind, role.element));
        let is_blank = text.trim().is_empty();
        if !is_blank && placed.last().is_some_and(|last| is_overprinted(last, text, glyph)) {
            continue;
        }
        let angle = if glyph.advance.hypot() > 1e-6 {
            (glyph.advance.y.atan2(glyph.advance.x).to_degrees().round() as i32).rem_euclid(360)
        } else {
            placed.last().map_or(0, |last| last.angle)
        };
        let (sin, cos) = f64::from(angle).to_radians().sin_cos();
        let along = |point: Point| point.x * cos + point.y * sin;
        let across = glyph.origin.y * cos - glyph.origin.x * sin;
        placed.push(Placed { glyph, kind, group, text, angle, from: along(glyph.origin), to: along(glyph.origin + glyph.advance), across });
    }
    placed
}

/// Whether the sign before is the same one, printed twice to look bold.
fn is_overprinted(last: &Placed<'_>, text: &str, glyph: &Glyph) -> bool {
    last.text == text && last.glyph.class == glyph.class && last.glyph.origin.distance(glyph.origin) < OVERPRINT * last.glyph.size.min(glyph.size)
}

/// Drops lines that are printed a second time on the first, to look bold or to cast a shadow.
fn without_overprints(lines: Vec<Line>, glyphs: &[Placed<'_>]) -> Vec<Line> {
    let mut seen: HashMap<(String, i64, i64), Vec<Point>> = HashMap::new();
    let cell = |value: f64| (value / 4.0).floor() as i64;
    let mut kept = Vec::with_capacity(lines.len());
    for line in lines {
        let text: String = line.members.iter().map(|member| glyphs[*member].text).collect();
        let origin = line.members.first().map_or(Point::ZERO, |member| glyphs[*member].glyph.origin);
        let (x, y) = (cell(origin.x), cell(origin.y));
        let is_near = |point: &Point| point.distance(origin) < OVERPRINT * line.size.min(30.0);
        let is_second = (x - 1..=x + 1).any(|x| (y - 1..=y + 1).any(|y| seen.get(&(text.clone(), x, y)).is_some_and(|points| points.iter().any(is_near))));
        if !is_second {
            seen.entry((text, x, y)).or_default().push(origin);
            kept.push(line);
        }
    }
    kept
}

struct Line {
    kind: BlockKind,
    group: u32,
    angle: i32,
    members: Vec<usize>,
    from: f64,
    to: f64,
    across: f64,
    size: f64,
}

fn fragments(glyphs: &[Placed<'_>]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (index, glyph) in glyphs.iter().enumerate() {
        let size = glyph.glyph.size.max(0.1);
        if let Some(line) = lines.last_mut() {
            let tall = line.size.max(size);
            let gap = glyph.from - line.to;
            let is_blank = glyph.text.trim().is_empty();
            let is_on_line = (glyph.across - line.across).abs() < 0.45 * tall && glyph.from >= line.from - 0.3 * tall;
            if line.kind == glyph.kind && line.group == glyph.group && line.angle == glyph.angle && is_on_line && (-0.6 * tall..1.2 * tall).contains(&gap) {
                line.to = line.to.max(glyph.to);
                if !is_blank && size > line.size {
                    (line.size, line.across) = (size, glyph.across);
                }
                line.members.push(index);
                continue;
            }
        }
        lines.push(Line {
            kind: glyph.kind,
            group: glyph.group,
            angle: glyph.angle,
            members: vec![index],
            from: glyph.from,
            to: glyph.to.max(glyph.from),
            across: glyph.across,
            size,
        });
    }
    lines.retain(|line| line.members.iter().any(|member| !glyphs[*member].text.trim().is_empty()));
    lines
}

/// Upright signs set one below the other are a vertical line: so browsers and some word processors write Korean, Chinese and Japanese from top to bottom.
fn upright(lines: Vec<Line>, glyphs: &mut [Placed<'_>]) -> Vec<Line> {
    let follows = |last: &Line, next: &Line| {
        let down = next.across - last.across;
        last.kind == next.kind
            && last.group == next.group
            && last.angle == next.angle
            && (0.7..1.6).contains(&(down / last.size))
            && (middle(last) - middle(next)).abs() < 0.3 * last.size
    };
    let is_sign = |line: &Line, glyphs: &[Placed<'_>]| {
        line.members.iter().filter(|member| !glyphs[**member].text.trim().is_empty()).count() == 1
            && line.members.iter().any(|member| glyphs[*member].text.chars().any(is_wide))
    };
    let mut kept: Vec<Line> = Vec::with_capacity(lines.len());
    let mut column: Vec<Line> = Vec::new();
    for line in lines {
        if !(is_sign(&line, glyphs) && column.last().is_none_or(|last| follows(last, &line))) {
            close_column(&mut column, &mut kept, glyphs);
        }
        if is_sign(&line, glyphs) { column.push(line) } else { kept.push(line) }
    }
    close_column(&mut column, &mut kept, glyphs);
    kept
}

fn middle(line: &Line) -> f64 {
    f64::midpoint(line.from, line.to)
}

/// Signs that are set upright in vertical lines.
fn is_wide(sign: char) -> bool {
    matches!(sign, '\u{1100}'..='\u{11FF}' | '\u{2E80}'..='\u{9FFF}' | '\u{A960}'..='\u{A97F}' | '\u{AC00}'..='\u{D7FF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF00}'..='\u{FFEF}' | '\u{20000}'..='\u{3FFFF}')
}

fn close_column(column: &mut Vec<Line>, kept: &mut Vec<Line>, glyphs: &mut [Placed<'_>]) {
    if column.len() < 3 {
        kept.append(column);
        return;
    }
    let Some((first, last)) = column.first().zip(column.last()) else {
        return;
    };
    let (angle, size) = ((first.angle + 90).rem_euclid(360), first.size);
    // Turned by a right angle, what was down is along, and what was along is across, backwards.
    let across = -middle(first);
    let whole = Line {
        kind: first.kind,
        group: first.group,
        angle,
        members: column.iter().flat_map(|line| line.members.clone()).collect(),
        from: first.across,
        to: last.across + size,
        across,
        size,
    };
    for line in column.iter() {
        for member in &line.members {
            let glyph = &mut glyphs[*member];
            (glyph.angle, glyph.from, glyph.to, glyph.across) = (angle, line.across, line.across + size, across);
        }
    }
    kept.push(whole);
    column.clear();
}

/// Joins fragments that stand on one line next to each other, whatever was drawn between them.
fn joined(mut lines: Vec<Line>, glyphs: &[Placed<'_>]) -> Vec<Line> {
    lines.sort_by(|a, b| (a.kind, a.group, a.angle).cmp(&(b.kind, b.group, b.angle)).then(a.across.total_cmp(&b.across)));
    let mut rows: Vec<Vec<Line>> = Vec::new();
    for line in lines {
        match rows.last_mut().and_then(|row| row.first().map(|first| ((first.kind, first.group), first.angle, first.across, first.size))) {
            Some((kind, angle, across, size)) if kind == (line.kind, line.group) && angle == line.angle && line.across - across < 0.3 * size.min(line.size) => {
                if let Some(row) = rows.last_mut() {
                    row.push(line);
                }
            }
            _ => rows.push(vec![line]),
        }
    }
    let mut joined: Vec<Line> = Vec::new();
    for mut row in rows {
        row.sort_by(|a, b| a.from.total_cmp(&b.from));
        let mut open: Option<Line> = None;
        for line in row {
            match open.as_mut() {
                Some(last) if (-0.4 * last.size..1.0 * last.size.max(line.size)).contains(&(line.from - last.to)) => {
                    last.members.extend(line.members);
                    last.to = last.to.max(line.to);
                    last.size = last.size.max(line.size);
                }
                _ => {
                    joined.extend(open.replace(line));
                }
            }
        }
        joined.extend(open);
    }
    for line in &mut joined {
        order_right_to_left(line, glyphs);
    }
    joined.sort_by_key(|line| line.members.iter().min().copied());
    joined
}

/// Signs are drawn where they are seen; in scripts written from right to left the text runs the other way, numbers and Latin words excepted.
fn order_right_to_left(line: &mut Line, glyphs: &[Placed<'_>]) {
    let is_rtl = |text: &str| text.chars().any(|sign| matches!(sign, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'));
    let count = line.members.iter().filter(|member| is_rtl(glyphs[**member].text)).count();
    if count * 2 < line.members.iter().filter(|member| !glyphs[**member].text.trim().is_empty()).count().max(1) {
        return;
    }
    line.members.sort_by(|a, b| glyphs[*b].from.total_cmp(&glyphs[*a].from));
    let is_ltr = |member: &usize| glyphs[*member].text.chars().all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '.' | ',' | '-' | '/' | ':' | '@'));
    let mut index = 0;
    while index < line.members.len() {
        let length = line.members[index..].iter().take_while(|member| is_ltr(member)).count();
        line.members[index..index + length].reverse();
        index += length.max(1);
    }
}

enum Step {
    First,
    Row,
    Next,
}

/// A passage that still grows.
struct Open {
    passage: Passage,
    group: u32,
    angle: i32,
    size: f64,
    from: f64,
    to: f64,
    last_to: f64,
    across: f64,
    spacing: Option<f64>,
}

impl Open {
    fn new(line: &Line) -> Self {
        Self {
            passage: Passage { kind: line.kind, text: String::new(), boxes: Vec::new() },
            group: line.group,
            angle: line.angle,
            size: line.size,
            from: line.from,
            to: line.to,
            last_to: line.to,
            across: line.across,
            spacing: None,
        }
    }

    /// How the line goes on from this passage, if it does.
    fn step(&self, line: &Line) -> Option<Step> {
        if line.kind != self.passage.kind || line.group != self.group || line.angle != self.angle || self.passage.text.len() > BLOCK_BYTES {
            return None;
        }
        let tall = self.size.max(line.size);
        let down = line.across - self.across;
        if down.abs() < 0.4 * tall && line.from >= self.last_to - 0.5 * tall {
            return Some(Step::Row);
        }
        let is_close = (0.5 * tall..1.75 * tall).contains(&down) && self.spacing.is_none_or(|spacing| down <= spacing * 1.25 + 0.1 * tall);
        let is_alike = self.size.min(line.size) > 0.75 * tall;
        (is_close && is_alike && line.from < self.to && line.to > self.from).then_some(Step::Next)
    }

    fn add(&mut self, line: &Line, step: Step, glyphs: &[Placed<'_>], content: &Content) {
        match step {
            Step::First => {}
            Step::Row => {
                self.end_line();
                self.passage.text.push('\t');
            }
            Step::Next => {
                self.end_line();
                self.passage.text.push('\n');
                self.spacing = Some(line.across - self.across);
            }
        }
        self.size = if matches!(step, Step::Row) { self.size.max(line.size) } else { line.size };
        self.across = line.across;
        self.from = self.from.min(line.from);
        self.to = self.to.max(line.to);
        self.last_to = line.to;
        self.write(line, glyphs, content);
    }

    fn end_line(&mut self) {
        let length = self.passage.text.trim_end_matches(' ').len();
        self.passage.text.truncate(length);
    }

    fn write(&mut self, line: &Line, glyphs: &[Placed<'_>], content: &Content) {
        let threshold = gap_of_a_space(line, glyphs);
        let mut last: Option<&Placed<'_>> = None;
        let mut is_in_word = false;
        for member in &line.members {
            let glyph = &glyphs[*member];
            let text = content.text.get(glyph.glyph.start as usize..glyph.glyph.end as usize).unwrap_or_default();
            let gap = last.map_or(0.0, |last| if glyph.from >= last.from { glyph.from - last.to } else { last.from - glyph.to });
            if gap > threshold && !self.passage.text.ends_with(char::is_whitespace) && !text.starts_with(char::is_whitespace) {
                self.passage.text.push(' ');
                is_in_word = false;
            }
            is_in_word = self.append(text, glyph.glyph.bounds, is_in_word);
            last = Some(glyph);
        }
    }

    /// Writes the text of one sign and widens or begins the box of its word.
    fn append(&mut self, text: &str, bounds: Rect, mut is_in_word: bool) -> bool {
        for sign in text.chars() {
            let start = self.passage.text.len() as u32;
            self.passage.text.push(if matches!(sign, '\n' | '\t') { ' ' } else { sign });
            if sign.is_whitespace() {
                is_in_word = false;
                continue;
            }
            let end = self.passage.text.len() as u32;
            match self.passage.boxes.last_mut() {
                Some(word) if is_in_word => {
                    let union = Rect::new(f64::from(word.x), f64::from(word.y), f64::from(word.x + word.width), f64::from(word.y + word.height)).union(bounds);
                    *word = word_box(word.start, end, union);
                }
                _ => self.passage.boxes.push(word_box(start, end, bounds)),
            }
            is_in_word = true;
        }
        is_in_word
    }

    fn close(mut self) -> Option<Passage> {
        self.end_line();
        let has_text = self.passage.text.chars().any(|sign| !sign.is_whitespace() && sign != '\u{FFFD}');
        has_text.then_some(self.passage)
    }
}

fn word_box(start: u32, end: u32, bounds: Rect) -> WordBox {
    WordBox { start, end, x: bounds.x0 as f32, y: bounds.y0 as f32, width: bounds.width() as f32, height: bounds.height() as f32 }
}

/// From which gap on two signs of a line are two words. Lines that have spaces of their own need fewer; spaced-out letters have gaps that are none.
fn gap_of_a_space(line: &Line, glyphs: &[Placed<'_>]) -> f64 {
    let mut gaps: Vec<f64> = Vec::with_capacity(line.members.len());
    let mut has_spaces = false;
    for pair in line.members.windows(2) {
        let (a, b) = (&glyphs[pair[0]], &glyphs[pair[1]]);
        if a.text.trim().is_empty() || b.text.trim().is_empty() {
            has_spaces |= b.text.trim().is_empty();
        } else {
            gaps.push(if b.from >= a.from { b.from - a.to } else { a.from - b.to });
        }
    }
    gaps.sort_by(f64::total_cmp);
    let base = if gaps.len() >= 4 { gaps[gaps.len() / 8].clamp(0.0, line.size) } else { 0.0 };
    base + if has_spaces { 0.22 } else { 0.17 } * line.size
}
