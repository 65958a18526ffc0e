//! Attacks by someone who cannot, or does not care to, make the bag whole again; and that making it whole is harmless by itself.

use super::*;

const BAG: &[Attack] = &[
    Attack { name: "a byte of evidence changed", code: "bag-payload-digest-mismatch", act: |stage| stage.write(EVIDENCE_2, b"\xff\xd8\xff\xe1 a photograph") },
    Attack { name: "the page for the judge changed", code: "bag-payload-digest-mismatch", act: |stage| stage.write("data/READ-ME-FIRST.html", "all is well") },
    Attack { name: "the bag's own data changed", code: "bag-tag-digest-mismatch", act: |stage| stage.replace("bag-info.txt", "E-2026-0001", "E-2026-0002") },
    Attack { name: "a file removed", code: "bag-payload-file-missing", act: |stage| stage.remove("data/VERIFY.md") },
    Attack { name: "a tag file removed", code: "bag-tag-file-missing", act: |stage| stage.remove("bag-info.txt") },
    Attack { name: "a file added", code: "bag-unlisted", act: |stage| stage.write("data/more.txt", "more") },
    Attack { name: "a tag file added", code: "bag-unlisted", act: |stage| stage.write("more.txt", "more") },
    Attack { name: "a manifest removed", code: "bag-form", act: |stage| stage.remove("manifest-sha512.txt") },
    Attack { name: "a tag manifest removed", code: "bag-form", act: |stage| stage.remove("tagmanifest-sha512.txt") },
    Attack {
        name: "a tag manifest in upper case",
        code: "bag-form",
        act: |stage| stage.write("tagmanifest-sha256.txt", stage.text("tagmanifest-sha256.txt").replace('a', "A")),
    },
    Attack {
        name: "a tag manifest with a tab",
        code: "bag-form",
        act: |stage| stage.write("tagmanifest-sha512.txt", stage.text("tagmanifest-sha512.txt").replacen("  ", " \t", 1)),
    },
    Attack {
        name: "another declaration",
        code: "bag-form",
        act: |stage| stage.write("bagit.txt", "BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n"),
    },
];

#[test]
fn every_attack_on_the_bag_itself_is_rejected_by_both() {
    for attack in BAG {
        let stage = Stage::export();
        (attack.act)(&stage);
        both_reject(attack.name, &stage.root, &stage.keys(), attack.code);
    }
}

#[test]
fn making_the_bag_whole_again_leaves_a_sound_export_sound() {
    let stage = Stage::export();
    let before = crate::build::list(&stage.root).into_iter().map(|path| stage.read(&path)).collect::<Vec<_>>();
    stage.fix_bag();
    let after = crate::build::list(&stage.root).into_iter().map(|path| stage.read(&path)).collect::<Vec<_>>();
    assert_eq!(before, after);
    both_accept(&stage.root, &stage.keys());
}
