//! Random damage: one byte anywhere. Both verifiers notice, or both have said that nothing commits to that file.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::build::{list, seed};
use crate::judge::{Answer, python, rust};
use crate::stage::Stage;

/// One byte to be changed.
struct Flip {
    path: String,
    at: usize,
    by: u8,
}

/// Draws flips: a file, then a place in it, so that small files are hit as often as large ones.
fn draw(root: &Path, name: &str, count: usize) -> Vec<Flip> {
    let files: Vec<(String, usize)> =
        list(root).into_iter().map(|path| (path.clone(), std::fs::read(root.join(&path)).unwrap().len())).filter(|(_, size)| *size > 0).collect();
    (0..count)
        .map(|number| {
            let random = seed(&format!("{name} {number}"));
            let draw = |from: usize| u64::from_be_bytes(random[from..from + 8].try_into().unwrap()) as usize;
            let (path, size) = &files[draw(0) % files.len()];
            Flip { path: path.clone(), at: draw(8) % size, by: (draw(16) % 255 + 1) as u8 }
        })
        .collect()
}

/// Runs both verifiers over every flip, in as many copies as there are processors.
fn try_all(stage: &Stage, flips: &[Flip], prepare: &(dyn Fn(&Path) + Sync), check: &(dyn Fn(&Flip, Answer, Answer) + Sync)) {
    let next = Mutex::new(flips.iter());
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let copies: Vec<PathBuf> = (0..threads).map(|number| stage.twin(&format!("copy {number}"))).collect();
    let keys = stage.keys();
    std::thread::scope(|scope| {
        for copy in &copies {
            let (next, keys) = (&next, &keys);
            scope.spawn(move || {
                loop {
                    let Some(flip) = next.lock().unwrap().next() else {
                        return;
                    };
                    let place = copy.join(&flip.path);
                    let honest = std::fs::read(&place).unwrap();
                    let mut damaged = honest.clone();
                    damaged[flip.at] ^= flip.by;
                    std::fs::write(&place, &damaged).unwrap();
                    prepare(copy);
                    check(flip, rust(copy, keys), python(copy, keys));
                    std::fs::write(&place, &honest).unwrap();
                }
            });
        }
    });
}

#[test]
fn of_300_single_byte_flips_in_an_export_none_goes_unnoticed() {
    let stage = Stage::export();
    let flips = draw(&stage.root, "export", 300);
    try_all(&stage, &flips, &|_| {}, &|flip, rust, python| {
        let Flip { path, at, by } = flip;
        assert_eq!((rust.exit, python.exit), (1, 1), "{path} at {at} by {by:#04x}: {rust:#?} {python:#?}");
    });
}

#[test]
fn of_60_single_byte_flips_in_a_receipt_none_goes_unnoticed_but_in_files_said_to_be_uncovered() {
    let stage = Stage::receipt();
    let flips = draw(&stage.root, "receipt", 60);
    try_all(&stage, &flips, &|_| {}, &|flip, rust, python| {
        let Flip { path, at, by } = flip;
        for answer in [&rust, &python] {
            let excused = answer.has("not-covered", path) || is_harmless_in_keys(flip);
            assert!(answer.exit == 1 || excused, "{path} at {at} by {by:#04x}: {answer:#?}");
        }
    });
}

#[test]
fn of_100_flips_with_the_bag_made_whole_again_none_goes_unnoticed_but_in_files_said_to_be_uncovered() {
    let stage = Stage::export();
    let flips: Vec<Flip> = draw(&stage.root, "export, bag made whole", 200)
        .into_iter()
        .filter(|flip| flip.path.starts_with("data/") && !flip.path.starts_with("data/verify/"))
        .take(100)
        .collect();
    let mended = |copy: &Path| crate::stage::fix_bag(copy);
    try_all(&stage, &flips, &mended, &|flip, rust, python| {
        let Flip { path, at, by } = flip;
        for answer in [&rust, &python] {
            let excused = answer.has("not-covered", path) || is_harmless_in_keys(flip);
            assert!(answer.exit == 1 || excused, "{path} at {at} by {by:#04x}: {answer:#?}");
        }
        assert_eq!(rust.exit, python.exit, "{path} at {at} by {by:#04x}: {rust:#?} {python:#?}");
    });
}

/// Between two keys any blank does.
fn is_harmless_in_keys(flip: &Flip) -> bool {
    flip.path.ends_with(".vkey") && matches!(b'\n' ^ flip.by, b' ' | b'\t' | b'\r' | 0x0b | 0x0c | 0x1c..=0x1f)
}
