//! A destroyed unit leaves nothing.

use sago_search::sealed::SealedDirectory;
use sago_search::{Block, NewItem};

use crate::shelf::{Shelf, block, item, key, uuid};

/// In how many decrypted files a word stands, in either direction (dictionaries write their nodes backwards).
fn files_with(shelf: &Shelf, word: &str) -> usize {
    let directory = SealedDirectory::open(shelf.path(), &key(), 0, 0).unwrap();
    let backwards: Vec<u8> = word.bytes().rev().collect();
    let mut count = 0;
    directory
        .decrypt_all(&mut |_, bytes| {
            let stands = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
            count += usize::from(stands(word.as_bytes()) || stands(&backwards));
        })
        .unwrap();
    count
}

fn of_unit(number: u64, unit: u64, text: &str) -> (NewItem, Vec<Block>) {
    (NewItem { unit: uuid(unit), title: format!("title {text}"), path: format!("a/{text}"), ..item(number) }, vec![block(&format!("he said {text} and went"))])
}

#[test]
fn no_word_of_a_destroyed_unit_is_left_in_any_file() {
    let shelf = Shelf::new();
    let mut writer = shelf.writer();
    for round in 0..4 {
        for number in 0..5 {
            let n = round * 10 + number;
            let (unit, word) = if number % 2 == 0 { (1, format!("zqcanaryzq{n:04}zq")) } else { (2, format!("wxstayswx{n:04}wx")) };
            let (item, blocks) = of_unit(n, unit, &word);
            writer.add(&item, blocks).unwrap();
        }
        writer.commit(round).unwrap();
    }
    assert!(files_with(&shelf, "zqcanaryzq") >= 2, "the scan must be able to see what it looks for");
    assert_eq!(shelf.found("zqcanaryzq*").len(), 12);

    writer.destroy_unit(uuid(1), 77).unwrap();
    for word in ["zqcanaryzq", "canary", &uuid(1).simple().to_string()] {
        assert_eq!(files_with(&shelf, word), 0, "{word}");
    }
    assert_eq!(shelf.found("zqcanaryzq*"), Vec::<String>::new());
    assert_eq!(shelf.found("wxstayswx*").len(), 8);
    assert!(files_with(&shelf, "wxstayswx") >= 2);
    assert_eq!(writer.position(), Some(77));
    writer.destroy_unit(uuid(1), 78).unwrap();
    writer.destroy_unit(uuid(2), 79).unwrap();
    assert_eq!(files_with(&shelf, "wxstayswx"), 0);
    writer.close().unwrap();
    assert_eq!(shelf.reopen().unwrap().position().unwrap(), Some(79));
}
