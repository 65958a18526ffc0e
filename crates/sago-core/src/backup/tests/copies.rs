//! What is, and what is never, in a copy.

use super::*;
use crate::backup::known_backups;
use crate::error::ErrorKind;
use crate::key::epoch::{self, NewEpoch};
use crate::key::open_bytes;
use sago_ledger::tile::TilePath;

#[tokio::test(flavor = "multi_thread")]
async fn records_hold_no_key_and_no_name() {
    let house = House::build().await;
    house.deposit("canary-file-name.txt", TESTIMONY).await;
    house.destroy(&house.deposit("gone.txt", b"gone").await.number).await;
    house.records("records").await;
    let copy = all_files(&house.at("records"));
    assert!(copy.len() > 20);
    let secrets: Vec<_> = ["vault", "keys", "lock"].iter().flat_map(|name| all_files(&house.root.join(name))).collect();
    assert!(secrets.len() > 4);
    for (path, bytes) in &copy {
        let name = path.file_name().unwrap();
        assert!(!secrets.iter().any(|(secret, _)| secret.file_name() == Some(name)), "{} is named like a key", path.display());
        for (secret, text) in secrets.iter().filter(|(secret, text)| text.len() >= 64 && !secret.starts_with("lock")) {
            // The head of a checkpoint is public; everything else of these folders must not be anywhere.
            let is_checkpoint = text.starts_with(b"sago.invalid/");
            assert!(is_checkpoint || !contains(bytes, &text[text.len() - 64..]), "{} holds {}", path.display(), secret.display());
        }
        for canary in ["canary", "Canary"] {
            assert!(!contains(bytes, canary.as_bytes()) && !path.to_string_lossy().contains(canary), "{} holds a name", path.display());
        }
        // The texts for strangers explain what such a key looks like.
        let is_text = path.extension().is_some_and(|extension| extension == "md");
        assert!(is_text || !contains(bytes, b"AGE-SECRET-KEY"), "{}", path.display());
    }
    for absent in ["vault", "keys", "lock", "staging", "index.db"] {
        assert!(!house.at("records").join(absent).exists());
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_can_verify_the_copy_of_the_records() {
    let house = House::build().await;
    house.deposit("a", b"a").await;
    house.records("records").await;
    let options = Options::at(Moment::from_seconds(Timestamp::now().as_second()));
    let report = sago_verify::verify_path(&house.at("records"), &options).unwrap();
    assert_sound(&report);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operating_key_opens_nothing_of_a_copy_of_the_vault() {
    let house = House::build().await;
    house.deposit("a", b"a").await;
    let (repo, ctx) = house.open().await;
    house.deposit_with(&repo, &ctx, "b", b"b", true).await;
    let agent = NewAgent { name: "n".into(), roles: vec![Role::Approver], passphrase: Some(passphrase("my very own words")) };
    user::add_agent(&repo, &ctx, &agent).await.unwrap();
    let made = back_up_vault(&repo, &ctx, &house.at("vault")).await.unwrap();
    assert_eq!((made.units, made.agents, made.files), (3, 1, 5));
    let recovery = epoch::recovery_identity(&house.shares[..2]).unwrap();
    let mut sealed = 0;
    for (path, bytes) in all_files(&house.at("vault")) {
        assert!(!path.to_string_lossy().contains("operating"));
        if path.extension().is_some_and(|extension| extension == "age") {
            sealed += 1;
            let refused = open_bytes(&[repo.keyring().operating()], &bytes, &path).unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Forbidden, "{}", path.display());
            assert!(open_bytes(&[&recovery], &bytes, &path).is_ok());
        }
    }
    assert_eq!(sealed, 5);
    assert!(!String::from_utf8_lossy(&std::fs::read(house.at("vault/vault-backup.json")).unwrap()).contains("AGE-SECRET"));
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_copy_of_the_records_takes_only_what_is_new() {
    let house = House::build().await;
    house.deposit("a", &vec![7; 3_000_000]).await;
    let first = house.records("records").await;
    assert_eq!(first.new_files + 3, first.files, "all but settings and checkpoints are new");
    house.deposit("b", b"b").await;
    let second = house.records("records").await;
    assert!(second.new_bytes < 100_000 && second.new_files > 5, "{second:?}");
    assert!(second.custody.size > first.custody.size);
    assert_sound(&second.report);
    // Tiles of the smaller tree that the repository keeps no more are gone from the copy as well.
    for log in ["custody", "access"] {
        let (ours, theirs) = (house.root.join("log/1").join(log), house.at("records/log/1").join(log));
        let names = |folder: &Path| crate::backup::copy::files(folder, &mut Vec::new()).unwrap();
        let copied: Vec<_> = names(&theirs).into_iter().filter(|path| path.to_str().and_then(TilePath::parse).is_some()).collect();
        assert!(copied.iter().all(|path| names(&ours).contains(path)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_whose_tiles_fill_is_copied_and_copied_again() {
    let house = House::build().await;
    let (repo, ctx) = house.open().await;
    for round in 0..3 {
        let mut tx = repo.begin().await.unwrap();
        for n in 0..150_u64 {
            let event = crate::ledger::event::ShareDestroyed { epoch: n }.with(crate::ledger::event::ShareDestroyedDetail { statement: "s".into() });
            tx.append(repo.settings.domain_unit, event);
        }
        tx.commit(&ctx).await.unwrap();
        let made = back_up_records(&repo, &ctx, &house.at("records"), &Progress::default()).await.unwrap();
        assert!(made.entered.is_some(), "round {round}: {:?}", made.report.findings);
        let warnings: Vec<_> = made.report.findings.iter().map(|finding| &finding.code).collect();
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_is_not_entered_and_a_damaged_source_does_not_overwrite_a_good_copy() {
    let house = House::build().await;
    house.deposit("a.txt", TESTIMONY).await;
    house.records("records").await;
    let good = object_folder(&house.at("records/store"), "o/000001.age");
    let bytes = std::fs::read(&good).unwrap();
    flip(&good);
    let second = house.records("records").await;
    assert!(second.entered.is_none() && !second.report.is_sound());
    std::fs::write(&good, &bytes).unwrap();
    assert!(house.records("records").await.entered.is_some());

    // Somebody encrypts the originals: their sizes change, the copy stays.
    let original = object_folder(&house.root.join("store"), "o/000001.age");
    std::fs::write(&original, b"pay us").unwrap();
    let third = house.records("records").await;
    assert!(third.entered.is_none());
    assert!(third.report.findings.iter().any(|finding| finding.code == "content-differs"), "{:?}", third.report.findings);
    assert_eq!(std::fs::read(&good).unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_was_received_and_is_gone_fails_the_test_of_the_copy() {
    let house = House::build().await;
    house.deposit("a.txt", b"a").await;
    let manifest = object_folder(&house.root.join("store"), "inventory.json");
    let object = manifest.parent().unwrap().parent().unwrap();
    let object = if object.join("0=ocfl_object_1.1").exists() { object } else { manifest.parent().unwrap() };
    std::fs::remove_dir_all(object).unwrap();
    let made = house.records("records").await;
    assert!(made.entered.is_none());
    assert!(made.report.findings.iter().any(|finding| finding.code == "object-missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_epoch_and_a_destruction_erase_what_older_copies_of_the_vault_held() {
    let house = House::build().await;
    let doomed = house.deposit("a", b"a").await;
    assert_eq!(house.vault("vault").await.units, 2);
    house.destroy(&doomed.number).await;
    let second = house.vault("vault").await;
    assert_eq!((second.units, second.erased_files, second.erased_epochs), (1, 1, vec![]));
    assert!(!house.at("vault").join(format!("epoch-1/units/{}.age", doomed.unit)).exists());
    let (repo, ctx) = house.open().await;
    let new = NewEpoch { passphrase: &passphrase(PASSPHRASE), custodians: 3, threshold: 2, shares: &[] };
    epoch::rotate(&repo, &ctx, &new, &|_, _| Ok(())).await.unwrap();
    repo.close().await;
    let third = house.vault("vault").await;
    assert_eq!((third.epoch, third.erased_epochs), (2, vec![1]));
    assert!(!house.at("vault/epoch-1").exists() && house.at("vault/epoch-2/signing.age").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_knows_the_last_backup_to_each_folder() {
    let house = House::build().await;
    house.records("one").await;
    house.records("two").await;
    house.vault("three").await;
    house.records("one").await;
    let (repo, ctx) = house.open().await;
    let known: Vec<_> = known_backups(&repo, &ctx).await.unwrap().into_iter().map(|known| (known.is_vault, known.folder)).collect();
    assert_eq!(known, [(false, house.at("two")), (true, house.at("three")), (false, house.at("one"))]);
    repo.close().await;
}
