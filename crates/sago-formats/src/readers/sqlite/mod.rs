//! SQLite databases, by their file format (sqlite.org/fileformat2): rows of all tables as text, long binary values as contained files. No statement is run.
//! Deleted rows in free pages are not looked for; a write-ahead log lies in another file.

mod pages;
mod record;

use self::pages::{Pages, Row};
use self::record::Value;
use crate::document::{Anchor, Block, BlockKind, Child, ChildRole, Property, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Binary values from this length on become contained files; shorter ones are shown as hexadecimal digits.
const BLOB_BYTES: usize = 256;
/// Most tables.
const TABLES: usize = 100_000;

/// A table as the schema says.
struct Table {
    name: String,
    root: u32,
    /// The statement that made it.
    statement: String,
    columns: Vec<String>,
    /// Which column is another name of the row's id; it is not stored.
    alias: Option<usize>,
}

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let head = source.at(0, 100)?;
    if head.len() < 100 || !head.starts_with(b"SQLite format 3\0") {
        return sink.finding(Finding::new(Code::Damaged, "The header of SQLite is missing; the database may be encrypted."));
    }
    let number = |place: usize| head.get(place..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u32::from_be_bytes(*chunk));
    sink.property("sqlite:user_version", number(60).to_string())?;
    sink.property("sqlite:application_id", format!("{:08x}", number(68)))?;
    if head[18] == 2 || head[19] == 2 {
        sink.finding(Finding::new(Code::External, "The database uses a write-ahead log: its last changes may lie in a file beside it (-wal)."))?;
    }
    if number(36) > 0 {
        sink.finding(Finding::new(Code::Hidden, format!("{} free pages may hold deleted rows; they were not read.", number(36))))?;
    }
    let Some(mut pages) = Pages::open(source, &head, context.limits) else {
        return sink.finding(Finding::new(Code::Damaged, "The size of its pages makes no sense."));
    };
    if number(28) > 0 && u64::from(number(28)) > pages.count() {
        sink.finding(Finding::new(Code::Truncated, format!("The database should have {} pages; {} are there.", number(28), pages.count())))?;
    }
    let tables = schema(&mut pages, sink)?;
    let (mut rows, mut count) = (0_u64, 0_u32);
    for table in &tables {
        count += 1;
        rows += one(&mut pages, table, sink)?;
    }
    sink.property("sqlite:tables", count.to_string())?;
    sink.property("sqlite:rows", rows.to_string())?;
    if rows == 0 {
        sink.finding(Finding::new(Code::NoText, "No table has a row."))?;
    }
    Ok(())
}

fn schema(pages: &mut Pages<'_, '_>, sink: &mut dyn Sink) -> Result<Vec<Table>, Stop> {
    let mut tables = Vec::new();
    pages.walk(1, sink, &mut |row, _| {
        let texts: Vec<String> = row.values.iter().map(Value::text).collect();
        if let [kind, name, _, root, statement] = texts.as_slice()
            && kind == "table"
            && tables.len() < TABLES
            && let Ok(root) = root.parse()
            && root > 0
        {
            let (columns, alias) = columns(statement);
            tables.push(Table { name: name.clone(), root, statement: statement.clone(), columns, alias });
        }
        Ok(())
    })?;
    Ok(tables)
}

/// Names of columns, and which is an alias of the row's id (`INTEGER PRIMARY KEY`).
fn columns(statement: &str) -> (Vec<String>, Option<usize>) {
    let inner = statement.split_once('(').map_or("", |(_, inner)| inner);
    let (mut depth, mut quote, mut definitions) = (0_i32, None, vec![String::new()]);
    for letter in inner.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(letter),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => break,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                definitions.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = definitions.last_mut() {
            last.push(letter);
        }
    }
    let is_constraint =
        |own: &str| ["primary key", "foreign key", "unique", "check", "constraint"].iter().any(|word| own.trim_start().to_ascii_lowercase().starts_with(word));
    definitions.retain(|own| !own.trim().is_empty() && !is_constraint(own));
    let alias = definitions.iter().position(|own| {
        let words: Vec<String> = own.split_whitespace().map(str::to_ascii_lowercase).collect();
        words.get(1).is_some_and(|kind| kind == "integer") && words.windows(2).any(|pair| pair[0] == "primary" && pair[1].starts_with("key"))
    });
    let name = |own: &String| {
        let own = own.trim();
        match own.strip_prefix(['"', '`', '[', '\'']) {
            Some(quoted) => quoted.split(['"', '`', ']', '\'']).next().unwrap_or_default().to_owned(),
            None => own.split_whitespace().next().unwrap_or_default().to_owned(),
        }
    };
    (definitions.iter().map(name).collect(), alias)
}

fn one(pages: &mut Pages<'_, '_>, table: &Table, sink: &mut dyn Sink) -> Result<u64, Stop> {
    sink.block(Block::new(BlockKind::Heading, Anchor { part: Some(table.name.clone()), ..Anchor::default() }, format!("{}\n{}", table.name, table.statement)))?;
    let mut count = 0_u64;
    pages.walk(table.root, sink, &mut |row, sink| {
        count += 1;
        let number = u32::try_from(count).unwrap_or(u32::MAX);
        let text = line(&row, table, number, sink)?;
        sink.block(Block::new(BlockKind::Cell, Anchor::in_part(table.name.clone(), number), text))
    })?;
    Ok(count)
}

/// The values of a row with tabs between; long binary ones are handed on.
fn line(row: &Row, table: &Table, number: u32, sink: &mut dyn Sink) -> Result<String, Stop> {
    let mut texts = Vec::with_capacity(row.values.len());
    for (index, value) in row.values.iter().enumerate() {
        let column = table.columns.get(index).map_or("", String::as_str);
        texts.push(match value {
            Value::Null if table.alias == Some(index) => row.id.map(|id| id.to_string()).unwrap_or_default(),
            Value::Blob(bytes) if bytes.len() >= BLOB_BYTES => {
                let mut child = Child::new(ChildRole::Embedded, format!("{}/{number}/{column}", table.name));
                child.anchor =
                    Anchor { part: Some(table.name.clone()), cell: Some((number, u32::try_from(index + 1).unwrap_or(u32::MAX))), ..Anchor::default() };
                child.size_bytes = Some(bytes.len() as u64);
                child.properties.extend(row.id.map(|id| Property { name: "sqlite:rowid".to_owned(), value: id.to_string() }));
                sink.child(child, &mut bytes.as_slice())?;
                String::new()
            }
            other => crate::charset::without_controls(&other.text()).into_owned(),
        });
    }
    Ok(texts.join("\t"))
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn columns_are_read_from_the_statement() {
        let (names, alias) = columns("CREATE TABLE t (\"id\" INTEGER PRIMARY KEY, [na me] TEXT DEFAULT 'a,b', n NUMERIC(3,2), PRIMARY KEY(id))");
        assert_eq!(names, ["id", "na me", "n"]);
        assert_eq!(alias, Some(0));
    }
}
