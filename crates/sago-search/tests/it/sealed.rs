//! What the owner of the folder can do to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sago_search::{Index, IndexKey, IndexOptions, Request, SearchError};

use crate::shelf::{Shelf, block, item, key, texts};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_none()).collect();
    files.sort();
    files
}

fn copy_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn a_shelf() -> Shelf {
    let long = "canaryword 보위부의 증언 ".repeat(8000);
    Shelf::with(&texts(&["canaryword 김정은이 말했다", "회령의 요덕 관리소", &long]))
}

/// Opens, verifies and searches: the first error, or the number of hits.
fn outcome(folder: &Path, key: &IndexKey, at_least: u64) -> Result<u64, SearchError> {
    let index = Index::open(folder, key, IndexOptions { at_least, ..IndexOptions::default() })?;
    index.verify()?;
    Ok(index.search(&Request { query: "canaryword".into(), ..Request::default() })?.total)
}

#[test]
fn nothing_in_the_folder_can_be_read_and_names_say_nothing() {
    let shelf = a_shelf();
    for (path, bytes) in copy_of(shelf.path()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name == "head" || (name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())), "{name}");
        for word in ["canaryword", "보위부", "meta", "segment", "exact", "2024-001"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word} in {name}");
        }
    }
    assert_eq!(outcome(shelf.path(), &key(), 0).unwrap(), 2);
}

#[test]
fn another_key_is_called_another_key() {
    let shelf = a_shelf();
    assert!(matches!(outcome(shelf.path(), &IndexKey::from_bytes(&[8; 32]), 0), Err(SearchError::WrongKey(_))));
}

#[test]
fn a_flipped_bit_anywhere_is_damage_and_never_another_answer() {
    let shelf = a_shelf();
    let whole = copy_of(shelf.path());
    assert!(whole.len() >= 4, "{:?}", whole.keys());
    let mut flips = 0;
    for (path, bytes) in &whole {
        let stride = (bytes.len() / 12).max(1);
        for at in (0..bytes.len()).step_by(stride).chain([0, 17, 40, 64, bytes.len() - 1]) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            fs::write(path, &flipped).unwrap();
            let got = outcome(shelf.path(), &key(), 0);
            assert!(matches!(got, Err(SearchError::Damaged(_) | SearchError::WrongKey(_))), "byte {at} of {}: {got:?}", path.display());
            flips += 1;
        }
        fs::write(path, bytes).unwrap();
    }
    assert!(flips > 50, "{flips}");
    assert_eq!(outcome(shelf.path(), &key(), 0).unwrap(), 2);
}

#[test]
fn a_file_cut_short_anywhere_is_damage() {
    let shelf = a_shelf();
    for (path, bytes) in &copy_of(shelf.path()) {
        let chunk = 64 + 32 * 1024 + 16;
        for size in [0, 1, 63, 64, 79, 80, chunk, 2 * chunk - 64, bytes.len() - 1].into_iter().filter(|size| *size < bytes.len()) {
            fs::write(path, &bytes[..size]).unwrap();
            let got = outcome(shelf.path(), &key(), 0);
            assert!(matches!(got, Err(SearchError::Damaged(_))), "{size} bytes of {}: {got:?}", path.display());
        }
        fs::remove_file(path).unwrap();
        let got = outcome(shelf.path(), &key(), 0);
        assert!(matches!(got, Err(SearchError::Damaged(_) | SearchError::Place(_))), "without {}: {got:?}", path.display());
        let mut longer = bytes.clone();
        longer.extend_from_slice(bytes);
        fs::write(path, &longer).unwrap();
        assert!(matches!(outcome(shelf.path(), &key(), 0), Err(SearchError::Damaged(_))), "{} twice", path.display());
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn files_that_changed_names_are_damage() {
    let shelf = a_shelf();
    let whole = copy_of(shelf.path());
    let paths: Vec<_> = whole.keys().collect();
    for (i, a) in paths.iter().enumerate() {
        for b in &paths[i + 1..] {
            fs::write(a, &whole[*b]).unwrap();
            fs::write(b, &whole[*a]).unwrap();
            let got = outcome(shelf.path(), &key(), 0);
            assert!(matches!(got, Err(SearchError::Damaged(_))), "{} and {}: {got:?}", a.display(), b.display());
            fs::write(a, &whole[*a]).unwrap();
            fs::write(b, &whole[*b]).unwrap();
        }
    }
}

#[test]
fn an_older_head_alone_is_found_out_and_an_older_folder_by_who_remembers_the_counter() {
    let shelf = a_shelf();
    let before = copy_of(shelf.path());
    let mut writer = shelf.writer();
    writer.add(&item(9), [block("canaryword again")]).unwrap();
    writer.commit(9).unwrap();
    writer.close().unwrap();
    assert_eq!(outcome(shelf.path(), &key(), 0).unwrap(), 3);
    let counter = shelf.index.counter().unwrap();

    let head = shelf.path().join("head");
    let newer = fs::read(&head).unwrap();
    fs::write(&head, &before[&head]).unwrap();
    assert!(matches!(outcome(shelf.path(), &key(), 0), Err(SearchError::Damaged(_))));
    fs::write(&head, &newer).unwrap();
    assert_eq!(outcome(shelf.path(), &key(), counter).unwrap(), 3);

    for path in files(shelf.path()) {
        fs::remove_file(path).unwrap();
    }
    for (path, bytes) in &before {
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(outcome(shelf.path(), &key(), 0).unwrap(), 2, "without a memory an older folder is just a folder");
    assert!(matches!(outcome(shelf.path(), &key(), counter), Err(SearchError::Damaged(_))));
}

#[test]
fn there_is_one_writer_at_a_time_and_an_index_is_made_once() {
    let shelf = a_shelf();
    let writer = shelf.writer();
    assert!(matches!(shelf.index.writer(Default::default()), Err(SearchError::Busy)));
    assert!(matches!(shelf.reopen().unwrap().writer(Default::default()), Err(SearchError::Busy)));
    writer.close().unwrap();
    shelf.writer().close().unwrap();
    assert!(matches!(Index::create(shelf.path(), &key(), IndexOptions::default()), Err(SearchError::Place(_))));
    let empty = tempfile::TempDir::new().unwrap();
    assert!(matches!(Index::open(empty.path(), &key(), IndexOptions::default()), Err(SearchError::Place(_))));
}
