//! The directory that tantivy sees.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{Directory, DirectoryLock, FileHandle, Lock, WatchCallback, WatchCallbackList, WatchHandle, WritePtr};

use super::cache::ChunkCache;
use super::file::{SealedFile, SealedWriter};
use super::head::Head;
use super::key::IndexKey;
use super::{Damage, lock};

/// The two files that tantivy replaces; they live in the head.
const META: &str = "meta.json";
const MANAGED: &str = ".managed.json";
const HEAD: &str = "head";
/// A head that is being written; of no meaning after a crash.
const HEAD_NEW: &str = "head.new";
/// A file of field lengths up to this size is kept decrypted while its segment is open.
const KEPT_WHOLE_BYTES: usize = 64 * 1024 * 1024;
const LOCKS: [&str; 2] = ["writer.lock", "meta.lock"];

/// A folder in which everything is sealed. Cheap to clone; clones share key, cache and folder.
#[derive(Clone)]
pub struct SealedDirectory(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    key: IndexKey,
    cache: Arc<ChunkCache>,
    watchers: WatchCallbackList,
    /// Held while the head is read, changed and replaced.
    head: Mutex<()>,
}

impl SealedDirectory {
    /// Opens the folder, which is made when it is not there (mode 0700).
    ///
    /// `at_least` is the smallest counter of the head that is accepted: what the caller remembers from the last commit.
    pub fn open(folder: &Path, key: &IndexKey, cache_bytes: usize, at_least: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let shared = Shared {
            folder: folder.to_owned(),
            key: key.clone(),
            cache: Arc::new(ChunkCache::new(cache_bytes)),
            watchers: WatchCallbackList::default(),
            head: Mutex::new(()),
        };
        let directory = SealedDirectory(Arc::new(shared));
        directory.check(at_least)?;
        Ok(directory)
    }

    /// The head as it is now.
    pub fn head(&self) -> io::Result<Head> {
        Ok(self.read_head()?.unwrap_or_default())
    }

    /// Decrypts every file of the index and hands it out with the name that the index gives it: for scans that look for what
    /// must not be there any more. Files that were announced and never made, or are gone, are passed over.
    pub fn decrypt_all(&self, visit: &mut dyn FnMut(&str, &[u8])) -> io::Result<()> {
        let head = self.head()?;
        for (name, content) in &head.contents {
            visit(name, content);
        }
        for name in head.announced(MANAGED)?.iter().filter(|name| !in_head(name)) {
            let disk_name = self.0.key.disk_name(name);
            let file = match File::open(self.0.folder.join(&disk_name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                file => file?,
            };
            let sealed = SealedFile::open(file, &disk_name, &self.0.key, name, Arc::new(ChunkCache::new(0)))?;
            visit(name, &sealed.read_bytes(0..tantivy::HasLen::len(&sealed))?);
        }
        Ok(())
    }

    /// Forgets all decrypted chunks.
    pub(crate) fn forget_decrypted(&self) {
        self.0.cache.clear();
    }

    /// Compares the folder with its head.
    fn check(&self, at_least: u64) -> io::Result<()> {
        let head = self.read_head()?.unwrap_or_default();
        if head.counter < at_least {
            return Err(Damage::RolledBack { found: head.counter, expected: at_least }.into());
        }
        let announced: Vec<String> = head.announced(MANAGED)?.iter().map(|name| self.0.key.disk_name(name)).collect();
        // Listed after the head was read: a writer announces first, so it cannot make a file look unknown between the two
        // unless the head itself has changed since.
        for entry in fs::read_dir(&self.0.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let known = name == HEAD || name == HEAD_NEW || LOCKS.contains(&name.as_str()) || announced.contains(&name);
            if !known && self.read_head()?.unwrap_or_default().counter == head.counter {
                return Err(Damage::UnknownFile { file: name }.into());
            }
        }
        Ok(())
    }

    fn read_head(&self) -> io::Result<Option<Head>> {
        let file = match File::open(self.0.folder.join(HEAD)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // Not through the shared cache: the head is read once for each of its versions.
        let sealed = SealedFile::open(file, HEAD, &self.0.key, HEAD, Arc::new(ChunkCache::new(0)))?;
        let len = tantivy::HasLen::len(&sealed);
        Ok(Some(Head::decode(&sealed.read_bytes(0..len)?)?))
    }

    fn write_head(&self, head: &Head) -> io::Result<()> {
        let new = self.0.folder.join(HEAD_NEW);
        let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
        let mut writer = SealedWriter::begin(file, &self.0.key, HEAD)?;
        writer.write_all(&head.encode())?;
        writer.finish()?;
        // If we crash here, the old head is in force and the new one is overwritten by the next.
        fs::rename(&new, self.0.folder.join(HEAD))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.0.folder)?.sync_all()
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.0.folder.join(self.0.key.disk_name(name))
    }
}

fn in_head(name: &str) -> bool {
    name == META || name == MANAGED
}

/// tantivy's names are plain text.
fn name_of(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| io::Error::other("the name of an index file is not UTF-8"))
}

impl Directory for SealedDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let open = || {
            let name = name_of(path)?;
            let disk_name = self.0.key.disk_name(name);
            let file = File::open(self.0.folder.join(&disk_name))?;
            SealedFile::open(file, &disk_name, &self.0.key, name, Arc::clone(&self.0.cache))
        };
        let handle = || -> io::Result<Arc<dyn FileHandle>> {
            let file = open()?;
            let len = tantivy::HasLen::len(&file);
            // tantivy reads the lengths of a field whole for every term of every query; they are a byte for each document.
            let whole = path.extension().is_some_and(|extension| extension == "fieldnorm") && len <= KEPT_WHOLE_BYTES;
            Ok(if whole { Arc::new(file.read_bytes(0..len)?) } else { Arc::new(file) })
        };
        match handle() {
            Ok(handle) => Ok(handle),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(OpenReadError::FileDoesNotExist(path.to_owned())),
            Err(error) => Err(OpenReadError::wrap_io_error(error, path.to_owned())),
        }
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        let delete = || fs::remove_file(self.path_of(name_of(path)?));
        delete().map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => DeleteError::FileDoesNotExist(path.to_owned()),
            _ => DeleteError::IoError { io_error: Arc::new(error), filepath: path.to_owned() },
        })
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        let exists = || {
            let name = name_of(path)?;
            if in_head(name) { Ok(self.head()?.contents.contains_key(name)) } else { self.path_of(name).try_exists() }
        };
        exists().map_err(|error: io::Error| OpenReadError::wrap_io_error(error, path.to_owned()))
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let open = || {
            let name = name_of(path)?;
            let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(self.path_of(name))?;
            SealedWriter::begin(file, &self.0.key, name)
        };
        match open() {
            Ok(writer) => Ok(BufWriter::new(Box::new(writer))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(OpenWriteError::FileAlreadyExists(path.to_owned())),
            Err(error) => Err(OpenWriteError::wrap_io_error(error, path.to_owned())),
        }
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let read = || Ok(self.head()?.contents.remove(name_of(path)?));
        match read() {
            Ok(Some(content)) => Ok(content),
            Ok(None) => Err(OpenReadError::FileDoesNotExist(path.to_owned())),
            Err(error) => Err(OpenReadError::wrap_io_error(error, path.to_owned())),
        }
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let name = name_of(path)?;
        if !in_head(name) || !Head::accepts(name, data) {
            return Err(io::Error::other(format!("{name}: not a file that the head of an index can hold")));
        }
        let _held = self.0.head.lock().unwrap_or_else(PoisonError::into_inner);
        let mut head = self.head()?;
        head.counter += 1;
        head.contents.insert(name.to_owned(), data.to_vec());
        self.write_head(&head)?;
        // An announcement need not outlive a loss of power: what it announces is made after it in the same folder, and no commit
        // names it yet. tantivy asks for the folder itself before a commit.
        if name == META {
            self.sync_folder()?;
            // Nobody waits for watchers; they only reload.
            drop(self.0.watchers.broadcast());
        }
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.sync_folder()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        let name = if lock.is_blocking { LOCKS[1] } else { LOCKS[0] };
        match lock::take(&self.0.folder.join(name), lock.is_blocking) {
            Ok(Some(held)) => Ok(DirectoryLock::from(Box::new(held))),
            Ok(None) => Err(LockError::LockBusy),
            Err(error) => Err(LockError::wrap_io_error(error)),
        }
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(self.0.watchers.subscribe(callback))
    }
}

impl std::fmt::Debug for SealedDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedDirectory({})", self.0.folder.display())
    }
}
