//! How the parts of an Open Packaging package belong together (ISO/IEC 29500-2): relationships and content types.

use std::collections::HashMap;

use crate::document::Sink;
use crate::readers::markup::{Node, part};
use crate::readers::package::Package;
use crate::source::Stop;

/// A relationship of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relation {
    /// Its id in the part.
    pub id: String,
    /// Last word of its type: `image`, `hyperlink`, `officeDocument`.
    pub kind: String,
    /// Name of the part, or address when it leads out of the package.
    pub target: String,
    /// Whether it leads out.
    pub is_external: bool,
}

/// The relationships of a part; of the package when the name is empty.
pub(crate) fn relations(package: &mut Package<'_, '_>, of: &str, nesting: u32, sink: &mut dyn Sink) -> Result<Vec<Relation>, Stop> {
    let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
    let list = if folder.is_empty() { format!("_rels/{name}.rels") } else { format!("{folder}/_rels/{name}.rels") };
    let mut relations = Vec::new();
    part(package, &list, nesting, sink, &mut |node, _| {
        if let Node::Open(element) = node
            && element.name == "Relationship"
        {
            let target = element.get("Target").unwrap_or_default();
            let is_external = element.get("TargetMode") == Some("External");
            relations.push(Relation {
                id: element.get("Id").unwrap_or_default().to_owned(),
                kind: element.get("Type").and_then(|kind| kind.rsplit('/').next()).unwrap_or_default().to_owned(),
                target: if is_external { target.to_owned() } else { resolved(folder, target) },
                is_external,
            });
        }
        Ok(())
    })?;
    Ok(relations)
}

/// A target as a name in the package, seen from a folder.
pub(crate) fn resolved(folder: &str, target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    let mut words: Vec<&str> = if target.starts_with('/') { Vec::new() } else { folder.split('/').filter(|word| !word.is_empty()).collect() };
    for word in target.split(['/', '\\']) {
        match word {
            "" | "." => {}
            ".." => {
                words.pop();
            }
            word => words.push(word),
        }
    }
    words.join("/")
}

/// The parts that ids lead to.
pub(crate) fn targets(relations: &[Relation]) -> HashMap<&str, &str> {
    // The first of the same id counts.
    relations.iter().rev().filter(|relation| !relation.is_external).map(|relation| (relation.id.as_str(), relation.target.as_str())).collect()
}

/// The parts of a kind.
pub(crate) fn of_kind<'a>(relations: &'a [Relation], kind: &str) -> impl Iterator<Item = &'a str> {
    relations.iter().filter(move |relation| !relation.is_external && relation.kind == kind).map(|relation| relation.target.as_str())
}

/// Content types by name and by extension, in lower case.
#[derive(Debug, Default)]
pub(crate) struct ContentTypes {
    names: HashMap<String, String>,
    extensions: HashMap<String, String>,
}

impl ContentTypes {
    /// Reads them.
    pub fn of(package: &mut Package<'_, '_>, nesting: u32, sink: &mut dyn Sink) -> Result<Self, Stop> {
        let mut types = Self::default();
        part(package, "[Content_Types].xml", nesting, sink, &mut |node, _| {
            if let Node::Open(element) = node {
                let content_type = element.get("ContentType").unwrap_or_default().to_owned();
                match element.name.as_str() {
                    "Default" => types.extensions.insert(element.get("Extension").unwrap_or_default().to_ascii_lowercase(), content_type),
                    "Override" => types.names.insert(element.get("PartName").unwrap_or_default().trim_start_matches('/').to_ascii_lowercase(), content_type),
                    _ => None,
                };
            }
            Ok(())
        })?;
        Ok(types)
    }

    /// The content type of a part.
    pub fn get(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        let extension = name.rsplit('.').next().unwrap_or_default();
        self.names.get(&name).or_else(|| self.extensions.get(extension)).map(String::as_str)
    }
}
