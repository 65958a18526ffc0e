//! Tag manifests and metadata of a bag (RFC 8493 sections 2.2.1 and 2.2.2).

use std::collections::HashSet;

use super::info;
use super::listing::{BagFile, Match};
use super::manifest::{self, ManifestName};
use super::path;
use super::read::Reader;
use crate::digest::Algorithm;

impl Reader<'_> {
    pub(crate) fn read_tag_manifests(&mut self) {
        let manifests = self.manifests(false);
        let on_disk = self.tags.files.len();
        for (place, name) in self.manifests(true) {
            let Some(algorithm) = self.known_algorithm(&place, &name) else {
                continue;
            };
            let Some(text) = self.read_text(&place) else {
                continue;
            };
            let mut seen = HashSet::new();
            for line in manifest::parse(&text, &place, algorithm, self.findings) {
                self.take_tag_line(&place, algorithm, &line, &mut seen);
            }
            for (payload_manifest, _) in &manifests {
                let listed = self.tags.exact.get(payload_manifest).is_some_and(|index| seen.contains(index));
                if !listed {
                    self.strict_error("bag-tag-manifest-incomplete", &place, format!("The tag manifest does not list {payload_manifest}."));
                }
            }
        }
        if self.manifests(true).is_empty() {
            self.findings.info("bag-tag-manifest-missing", "", "The bag has no tag manifest: its metadata and manifests are not protected.");
            return;
        }
        let unlisted = |file: &&BagFile| file.digests.is_empty() && ManifestName::parse(&file.path).is_none_or(|name| !name.is_tag);
        for file in self.tags.files[..on_disk].iter().filter(unlisted) {
            self.findings.warning("bag-tag-file-not-in-manifest", &file.path, "The file is in no tag manifest, so changes to it are not noticed.");
        }
    }

    fn take_tag_line(&mut self, place: &str, algorithm: Algorithm, line: &manifest::Line, seen: &mut HashSet<usize>) {
        let path = &line.path;
        if let Err(reason) = path::judge(path) {
            let message = format!("The path {path:?} in line {} is refused: {}.", line.number, reason.reason());
            return self.findings.error("bag-path-unsafe", place, message);
        }
        if path.starts_with("data/") {
            return self.findings.error("bag-tag-manifest-lists-payload", place, format!("The payload file {path:?} is in a tag manifest."));
        }
        if ManifestName::parse(path).is_some_and(|name| name.is_tag) {
            self.strict_error("bag-tag-manifest-lists-itself", place, format!("The tag manifest {path:?} is in a tag manifest."));
        }
        let (index, how) = self.tags.resolve(path, self.declaration.is_strict());
        self.report_match(how, path, &self.tags.files[index].path.clone(), place);
        if how == Match::Absent && seen.insert(index) {
            self.findings.error("bag-tag-file-missing", path, format!("The file is in {place} and not there."));
        } else {
            let twice = !matches!(how, Match::Normalization | Match::Case) && seen.contains(&index) && how != Match::Absent;
            seen.insert(index);
            self.note(true, index, (algorithm, &line.digest), twice, place);
        }
    }

    pub(crate) fn read_info(&mut self) -> Vec<(String, String)> {
        let present = |name: &&str| self.tags.exact.get(*name).is_some_and(|index| self.tags.files[*index].size_bytes.is_some());
        let Some(place) = ["bag-info.txt", "package-info.txt"].into_iter().find(present) else {
            return Vec::new();
        };
        let Some(text) = self.read_text(place) else {
            return Vec::new();
        };
        let pairs = info::parse(&text, place, &self.declaration, self.findings);
        let sizes = self.payload.files.iter().filter_map(|file| file.size_bytes);
        let payload = sizes.fold((0_u64, 0_u64), |(bytes, files), size| (bytes + size, files + 1));
        info::judge_oxum(&pairs, payload, place, &self.declaration, self.findings);
        pairs
    }
}
