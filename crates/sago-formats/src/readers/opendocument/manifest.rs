//! `META-INF/manifest.xml`: media types of the parts, and which are encrypted (OpenDocument 1.3, part 2, 3.2; KS X 6101 uses the same).

use std::collections::{HashMap, HashSet};

use crate::document::Sink;
use crate::readers::markup::{Node, part};
use crate::readers::package::Package;
use crate::source::Stop;

/// What the manifest says.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    /// Names of encrypted parts.
    pub encrypted: HashSet<String>,
    /// Media types by name.
    pub media_types: HashMap<String, String>,
}

/// Reads it; empty when there is none.
pub(crate) fn manifest(package: &mut Package<'_, '_>, nesting: u32, sink: &mut dyn Sink) -> Result<Manifest, Stop> {
    let mut manifest = Manifest::default();
    let mut name = String::new();
    part(package, "META-INF/manifest.xml", nesting, sink, &mut |node, _| {
        if let Node::Open(element) = node {
            match element.name.as_str() {
                "manifest:file-entry" => {
                    name = element.get("manifest:full-path").unwrap_or_default().to_owned();
                    if let Some(media_type) = element.get("manifest:media-type").filter(|media_type| !media_type.is_empty()) {
                        manifest.media_types.insert(name.clone(), media_type.to_owned());
                    }
                }
                "manifest:encryption-data" => {
                    manifest.encrypted.insert(name.clone());
                }
                _ => {}
            }
        }
        Ok(())
    })?;
    Ok(manifest)
}
