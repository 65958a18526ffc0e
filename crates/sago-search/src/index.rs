//! The index: create, open, refresh.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use tantivy::directory::Directory;
use tantivy::{IndexReader, IndexSettings, ReloadPolicy};

use crate::error::SearchError;
use crate::schema::{Fields, tokenizers};
use crate::sealed::{IndexKey, SealedDirectory};
use crate::snapshot::Snapshot;
use crate::writer::{Writer, WriterOptions};

/// A full-text index in a sealed folder. Cheap to clone; may be used from many threads.
#[derive(Clone)]
pub struct Index(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub tantivy: tantivy::Index,
    pub directory: SealedDirectory,
    pub fields: Fields,
    reader: IndexReader,
    snapshot: RwLock<Arc<Snapshot>>,
}

/// Settings of an opened index.
#[derive(Clone, Copy, Debug)]
pub struct IndexOptions {
    /// Memory for decrypted chunks, in bytes.
    pub cache_bytes: usize,
    /// Smallest counter of the head that is accepted ([`Index::counter`]); 0 accepts any. It is what shows a roll-back of the
    /// whole folder, when the caller keeps the counter elsewhere.
    pub at_least: u64,
}

impl Default for IndexOptions {
    fn default() -> Self {
        IndexOptions { cache_bytes: 128 * 1024 * 1024, at_least: 0 }
    }
}

impl Index {
    /// Makes an empty index in an empty folder, which is made when it is not there.
    pub fn create(folder: &Path, key: &IndexKey, options: IndexOptions) -> Result<Self, SearchError> {
        let directory = SealedDirectory::open(folder, key, options.cache_bytes, 0).map_err(SearchError::folder)?;
        if directory.head().map_err(SearchError::folder)?.counter > 0 {
            return Err(SearchError::Place("there is an index in this folder already".into()));
        }
        let fields = Fields::new();
        let tantivy = tantivy::Index::create(directory.clone(), fields.schema.clone(), IndexSettings::default())?;
        Self::with(tantivy, directory, fields)
    }

    /// Opens an index.
    pub fn open(folder: &Path, key: &IndexKey, options: IndexOptions) -> Result<Self, SearchError> {
        if !folder.join("head").exists() {
            return Err(SearchError::Place("there is no index in this folder".into()));
        }
        let directory = SealedDirectory::open(folder, key, options.cache_bytes, options.at_least).map_err(SearchError::folder)?;
        if !directory.exists(Path::new("meta.json")).map_err(|error| SearchError::from(tantivy::TantivyError::from(error)))? {
            return Err(SearchError::Damaged("the index was never finished being made".into()));
        }
        let fields = Fields::new();
        let tantivy = tantivy::Index::open(directory.clone())?;
        if tantivy.schema() != fields.schema {
            return Err(SearchError::Damaged("the index was written by another version".into()));
        }
        Self::with(tantivy, directory, fields)
    }

    fn with(mut tantivy: tantivy::Index, directory: SealedDirectory, fields: Fields) -> Result<Self, SearchError> {
        tantivy.set_tokenizers(tokenizers());
        let position = position(&tantivy)?;
        let reader = tantivy.reader_builder().reload_policy(ReloadPolicy::Manual).doc_store_cache_num_blocks(64).try_into()?;
        let snapshot = RwLock::new(Arc::new(Snapshot::of(reader.searcher(), &fields, None, position)?));
        Ok(Index(Arc::new(Shared { tantivy, directory, fields, reader, snapshot })))
    }

    /// Opens the writer; [`SearchError::Busy`] while there is another, in this process or elsewhere.
    pub fn writer(&self, options: WriterOptions) -> Result<Writer, SearchError> {
        Writer::open(self, options)
    }

    /// Sees what was committed since, also by other processes.
    pub fn refresh(&self) -> Result<(), SearchError> {
        // Read first: what is then seen is at least as new.
        let position = self.position()?;
        self.0.reader.reload()?;
        let before = self.snapshot();
        let after = Snapshot::of(self.0.reader.searcher(), &self.0.fields, Some(&before), position)?;
        *self.0.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(after);
        Ok(())
    }

    /// Up to where the caller had read its log at the last commit; `None` before the first.
    pub fn position(&self) -> Result<Option<u64>, SearchError> {
        position(&self.0.tantivy)
    }

    /// Counter of the head: it grows with everything that is written. See [`IndexOptions::at_least`].
    pub fn counter(&self) -> Result<u64, SearchError> {
        Ok(self.0.directory.head().map_err(SearchError::folder)?.counter)
    }

    /// Reads every file that is in use from end to end, so that damage shows before a search meets it.
    pub fn verify(&self) -> Result<(), SearchError> {
        let damaged = self.0.tantivy.validate_checksum()?;
        match damaged.iter().next() {
            None => Ok(()),
            Some(path) => Err(SearchError::Damaged(format!("{}: its checksum is wrong", path.display()))),
        }
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn position(tantivy: &tantivy::Index) -> Result<Option<u64>, SearchError> {
    let payload = tantivy.load_metas()?.payload;
    payload.map(|text| text.parse().map_err(|_| SearchError::Damaged("its position does not read".into()))).transpose()
}
