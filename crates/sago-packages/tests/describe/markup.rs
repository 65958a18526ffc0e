//! A document as another parser reads it: every element with its attributes and its own text, in document order.

use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
}

/// Reads a well-formed document; panics where it is not.
pub fn read(document: &str) -> Vec<Element> {
    let mut reader = quick_xml::Reader::from_str(document);
    let mut found: Vec<Element> = Vec::new();
    let mut open = Vec::new();
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("not well-formed: {error}")) {
            Event::Start(start) => {
                open.push(found.len());
                found.push(element(&start));
            }
            Event::Empty(start) => found.push(element(&start)),
            Event::Text(text) => {
                if let Some(at) = open.last() {
                    found[*at].text.push_str(&text);
                }
            }
            Event::GeneralRef(reference) => {
                let at = *open.last().unwrap();
                found[at].text.push_str(&unescape(&format!("&{};", &*reference)).unwrap());
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Eof => {
                assert!(open.is_empty(), "elements are left open");
                return found;
            }
            Event::Decl(_) | Event::DocType(_) => {}
            other => panic!("unexpected: {other:?}"),
        }
    }
}

fn element(start: &BytesStart<'_>) -> Element {
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        (attribute.key.as_ref().to_owned(), unescape(&attribute.value).unwrap().into_owned())
    });
    Element { name: start.name().as_ref().to_owned(), attributes: attributes.collect(), text: String::new() }
}
