//! Disaster and recovery.

use super::*;
use crate::accession::accessions;
use crate::backup::Fate;
use crate::key::epoch::{self, NewEpoch, unseal_unit};
use crate::ledger::event::{Event, Log};
use crate::ledger::proof::read_event;

#[tokio::test(flavor = "multi_thread")]
async fn a_house_that_burnt_down_is_restored_by_two_of_three_custodians() {
    let house = House::build().await;
    let first = house.deposit("testimony.txt", TESTIMONY).await;
    let records = house.records("records").await;
    assert_sound(&records.report);
    assert!(records.entered.is_some());
    let vault = house.vault("vault").await;
    assert_eq!((vault.problems.len(), vault.missing.len(), vault.units), (0, 0, 2));
    std::fs::remove_dir_all(&house.root).unwrap();

    let restored = house.restore("new", "records", "vault").await.unwrap();
    assert_eq!((restored.generation, restored.epoch, restored.units), (2, 1, 2));
    assert_eq!((restored.lost.len(), restored.destroyed.len(), restored.interrupted.len()), (0, 0, 0));
    assert_sound(&restored.report);
    assert_eq!(restored.custody.checkpoint, records.custody.checkpoint);
    assert_eq!(std::fs::read_dir(house.at("new/staging")).unwrap().count(), 0, "no key was left in passing");

    let (repo, ctx) = open_restored(&house, "new").await;
    assert_eq!(original(&repo, &ctx, &format!("{}.00001", first.number)).await.unwrap(), TESTIMONY);
    assert_sound(&verify(&repo, &ctx).await);
    // Proofs of entries of the generation that ended can still be made.
    let received = read_event(&repo, Log::Custody, 1, first.index).await.unwrap();
    crate::ledger::proof::prove(&repo, &received, false).await.unwrap();
    // And life goes on: new deposits, and backups that can be restored once more.
    let second = house.deposit_with(&repo, &ctx, "more.txt", b"more", false).await;
    assert_ne!(second.number, first.number);
    assert_eq!(second.generation, 2);
    assert!(back_up_records(&repo, &ctx, &house.at("records"), &Progress::default()).await.unwrap().entered.is_some());
    assert!(back_up_vault(&repo, &ctx, &house.at("vault")).await.unwrap().entered.is_some());
    repo.close().await;
    std::fs::remove_dir_all(house.at("new")).unwrap();

    let restored = house.restore("newer", "records", "vault").await.unwrap();
    assert_eq!(restored.generation, 3);
    let (repo, ctx) = open_restored(&house, "newer").await;
    assert_eq!(original(&repo, &ctx, &format!("{}.00001", first.number)).await.unwrap(), TESTIMONY);
    assert_eq!(original(&repo, &ctx, &format!("{}.00001", second.number)).await.unwrap(), b"more");
    assert_sound(&verify(&repo, &ctx).await);
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_entry_commits_to_the_ends_of_the_generation_before() {
    let house = House::build().await;
    house.deposit("a", b"a").await;
    let records = house.records("records").await;
    house.vault("vault").await;
    house.restore("new", "records", "vault").await.unwrap();
    let (repo, ctx) = open_restored(&house, "new").await;
    let first = read_event(&repo, Log::Custody, 2, 0).await.unwrap();
    let Event::LogRestarted(restarted, Some(detail)) = first.event else { panic!("{:?}", first.event) };
    assert!(records.custody.checkpoint.starts_with(&restarted.custody_before));
    assert_eq!(restarted.custody_before.lines().count(), 3);
    assert!(records.access.checkpoint.starts_with(&restarted.access_before));
    assert_eq!(detail.reason, "the house burnt down");
    assert_ne!(repo.verifier_keys(Log::Custody).unwrap(), std::fs::read_to_string(house.root.join("log/1/custody.vkey")).unwrap());

    // Another end under the same first entry is found.
    let place = repo.places.log.folder().unwrap().join("1/access/checkpoint");
    std::fs::remove_file(repo.places.lock.join("access-1")).unwrap();
    let text = std::fs::read_to_string(&place).unwrap();
    std::fs::write(&place, text.replacen("\n0\n", "\n1\n", 1)).unwrap();
    let problems = crate::backup::succession_problems(&repo.places, repo.keyring()).unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].1.contains("access"));
    drop(ctx);
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_unit_in_an_older_backup_of_the_vault_stays_destroyed() {
    let house = House::build().await;
    let doomed = house.deposit("withdrawn.txt", TESTIMONY).await;
    let kept = house.deposit("kept.txt", b"kept").await;
    house.vault("vault").await;
    house.destroy(&doomed.number).await;
    house.records("records").await;
    let in_copy = house.at("vault").join(format!("epoch-1/units/{}.age", doomed.unit));
    assert!(in_copy.exists(), "the older backup still holds the key");

    let restored = house.restore("new", "records", "vault").await.unwrap();
    assert_eq!(restored.destroyed.len(), 1);
    assert_eq!(
        (restored.destroyed[0].unit, restored.destroyed[0].accessions.clone(), restored.destroyed[0].left.clone()),
        (doomed.unit, vec![doomed.number.clone()], None)
    );
    assert!(!in_copy.exists(), "its key is erased from the copy too");
    assert_eq!(restored.keyless.len(), 2, "the approvers' keys were made after the backup of the vault");
    let (repo, ctx) = open_restored(&house, "new").await;
    assert!(!repo.keyring().holds(doomed.unit).unwrap());
    assert!(original(&repo, &ctx, &format!("{}.00001", doomed.number)).await.is_err());
    assert_eq!(original(&repo, &ctx, &format!("{}.00001", kept.number)).await.unwrap(), b"kept");
    let accession = accession::accession(&repo, &ctx, &doomed.number).await.unwrap();
    assert_eq!((accession.status.as_str(), accession.title), ("destroyed", None));
    // The approvers were enrolled after the copy of the vault: their keys are the one thing that is missed.
    assert_eq!(errors(&verify(&repo, &ctx).await), ["person-key", "person-key"]);
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_that_the_keys_in_the_vault_do_not_vouch_for_erases_nothing_and_restores_nothing_destroyed() {
    let house = House::build().await;
    let doomed = house.deposit("withdrawn.txt", TESTIMONY).await;
    house.records("records").await;
    house.vault("vault").await;
    house.restore("new", "records", "vault").await.unwrap();
    // The restored house destroys the key and copies its records; the copy of the vault is still that of the generation before.
    let second = House { root: house.at("new"), words: NEW_PASSPHRASE, shares: house.shares.clone(), folder: tempfile::tempdir().unwrap() };
    second.destroy(&doomed.number).await;
    let (repo, ctx) = second.open().await;
    back_up_records(&repo, &ctx, &house.at("records"), &Progress::default()).await.unwrap();
    repo.close().await;
    let restored = house.restore("newer", "records", "vault").await.unwrap();
    assert_eq!(restored.generation, 3);
    assert_eq!(restored.destroyed.len(), 1);
    assert!(restored.destroyed[0].left.is_some());
    assert!(house.at("vault").join(format!("epoch-1/units/{}.age", doomed.unit)).exists());
    assert!(restored.notes.iter().any(|note| note.contains("could not be held against the signing keys")), "{:?}", restored.notes);
    let (repo, ctx) = open_restored(&house, "newer").await;
    assert!(!repo.keyring().holds(doomed.unit).unwrap());
    assert!(original(&repo, &ctx, &format!("{}.00001", doomed.number)).await.is_err());
    // The approvers were enrolled after the copy of the vault: their keys are the one thing that is missed.
    assert_eq!(errors(&verify(&repo, &ctx).await), ["person-key", "person-key"]);
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_unit_stays_sealed_and_the_same_shares_open_it() {
    let house = House::build().await;
    let (repo, ctx) = house.open().await;
    let sealed = house.deposit_with(&repo, &ctx, "sealed.txt", TESTIMONY, true).await;
    let later = house.deposit_with(&repo, &ctx, "later.txt", b"later", false).await;
    repo.close().await;
    house.vault("vault").await;
    let (repo, ctx) = house.open().await;
    epoch::seal_unit(&repo, &ctx, &later.number, "sealed after the backup of the vault").await.unwrap();
    repo.close().await;
    house.records("records").await;
    let restored = house.restore("new", "records", "vault").await.unwrap();
    assert_eq!(restored.lost, []);
    let (repo, ctx) = open_restored(&house, "new").await;
    for (deposited, bytes) in [(&sealed, TESTIMONY), (&later, b"later".as_slice())] {
        assert!(repo.keyring().unit(deposited.unit).is_err());
        unseal_unit(&repo, &ctx, &deposited.number, "a court asks", &house.shares[..2]).await.unwrap();
        assert!(repo.keyring().unit(deposited.unit).is_ok());
        let object = accession::accession(&repo, &ctx, &deposited.number).await.unwrap();
        assert_eq!(object.status, "received");
        let identity = repo.keyring().unit(deposited.unit).unwrap();
        let path = object_of_unit(&repo, deposited.unit);
        let opened = crate::key::open_bytes(&[&identity], &std::fs::read(&path).unwrap(), &path).unwrap();
        assert_eq!(opened.as_slice(), bytes);
    }
    repo.close().await;
}

/// The only sealed original of a unit.
fn object_of_unit(repo: &Repository, unit: Uuid) -> PathBuf {
    let manifest = object_folder(repo.places.store.folder().unwrap(), &format!("v1/content/m/{unit}.manifest.age"));
    manifest.parent().unwrap().parent().unwrap().join("o/000001.age")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_the_vault_that_is_older_than_the_records_loses_only_what_came_after_it() {
    let house = House::build().await;
    let before = house.deposit("before.txt", b"before").await;
    house.vault("vault").await;
    let after = house.deposit("after.txt", b"after").await;
    house.records("records").await;
    let restored = house.restore("new", "records", "vault").await.unwrap();
    assert_eq!(restored.lost.len(), 1);
    assert_eq!((restored.lost[0].unit, &restored.lost[0].accessions), (after.unit, &vec![after.number.clone()]));
    let (repo, ctx) = open_restored(&house, "new").await;
    assert_eq!(original(&repo, &ctx, &format!("{}.00001", before.number)).await.unwrap(), b"before");
    let numbers: Vec<_> = accessions(&repo, &ctx).await.unwrap().into_iter().map(|one| (one.number, one.title)).collect();
    assert_eq!(numbers, [(before.number, Some("Canary Title".to_owned())), (after.number, None)]);
    // The lost key is the one thing that verification names.
    let report = verify(&repo, &ctx).await;
    assert_eq!(errors(&report), ["vault-key"]);
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_stands_before_the_last_entry_does_not_come_before_the_commitment() {
    let house = House::build().await;
    house.deposit("a", b"a").await;
    house.records("records").await;
    house.vault("vault").await;
    let early = Clock::Fixed("2020-01-01T00:00:00Z".parse().unwrap());
    house.restore_at("new", "records", "vault", early).await.unwrap();
    let (repo, ctx) = open_restored(&house, "new").await;
    assert!(matches!(read_event(&repo, Log::Custody, 2, 0).await.unwrap().event, Event::LogRestarted(..)));
    assert!(matches!(read_event(&repo, Log::Custody, 2, 1).await.unwrap().event, Event::ClockJumped(..)));
    assert_sound(&verify(&repo, &ctx).await);
    repo.close().await;
}

/// A deposit that stops right after *prepared*: the storage root is away when its object is to be put in place.
async fn interrupt(house: &House) -> PathBuf {
    let (repo, ctx) = house.open().await;
    let (store, away) = (house.root.join("store"), house.at("store-away"));
    std::fs::rename(&store, &away).unwrap();
    std::fs::write(&store, b"not a folder").unwrap();
    let incoming = house.at("incoming");
    std::fs::create_dir_all(&incoming).unwrap();
    std::fs::write(incoming.join("late.txt"), b"late").unwrap();
    let new = NewAccession { sources: vec![incoming], contributor: "c".into(), title: "t".into(), ..NewAccession::default() };
    assert!(deposit(&repo, &ctx, &new, &accession::Progress::default()).await.is_err());
    std::fs::remove_file(&store).unwrap();
    std::fs::rename(away, store).unwrap();
    let id: String = sqlx::query_scalar("SELECT id FROM accessions WHERE status = 'prepared'").fetch_one(repo.db().read()).await.unwrap();
    let staged = repo.places.staging.join(id).join("objects/0");
    assert!(staged.is_dir());
    repo.close().await;
    staged
}

/// Backs up both and restores while a deposit is under way, with its object put in place or not.
async fn restore_while_under_way(is_in_place: bool) -> (House, Restored) {
    let house = House::build().await;
    let staged = interrupt(&house).await;
    // Opening as every command does would finish the deposit; another process that copies meanwhile sees it as it is.
    let repo = Repository::open_unchecked(&house.root, &passphrase(PASSPHRASE)).await.unwrap();
    let ctx = user::act_as(&repo, None, Clock::System).await.unwrap();
    if is_in_place {
        let id: String = sqlx::query_scalar("SELECT id FROM objects").fetch_one(repo.db().read()).await.unwrap();
        repo.blobs.publish(&staged, Uuid::parse_str(&id).unwrap()).unwrap();
    }
    let made = back_up_records(&repo, &ctx, &house.at("records"), &Progress::default()).await.unwrap();
    assert!(made.entered.is_some(), "{:?}", made.report.findings);
    back_up_vault(&repo, &ctx, &house.at("vault")).await.unwrap();
    repo.close().await;
    let restored = house.restore("new", "records", "vault").await.unwrap();
    (house, restored)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_under_way_whose_files_are_not_in_the_copy_is_given_up() {
    let (house, restored) = restore_while_under_way(false).await;
    assert_eq!(restored.interrupted.iter().map(|one| one.fate).collect::<Vec<_>>(), [Fate::GivenUp]);
    let (repo, ctx) = open_restored(&house, "new").await;
    assert_eq!(accession::accession(&repo, &ctx, &restored.interrupted[0].number).await.unwrap().status, "abandoned");
    assert_sound(&verify(&repo, &ctx).await);
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_under_way_whose_files_are_all_in_the_copy_is_received() {
    let (house, restored) = restore_while_under_way(true).await;
    assert_eq!(restored.interrupted.iter().map(|one| one.fate).collect::<Vec<_>>(), [Fate::Received]);
    let (repo, ctx) = open_restored(&house, "new").await;
    assert_eq!(original(&repo, &ctx, &format!("{}.00001", restored.interrupted[0].number)).await.unwrap(), b"late");
    assert_sound(&verify(&repo, &ctx).await);
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_one_manifest_in_the_only_backup_closes_one_unit_and_no_more() {
    let house = House::build().await;
    let whole = house.deposit("whole.txt", b"whole").await;
    let damaged = house.deposit("damaged.txt", b"damaged").await;
    house.records("records").await;
    house.vault("vault").await;
    let manifest = object_folder(&house.at("records/store"), &format!("{}.manifest.age", damaged.unit));
    let kept = std::fs::read(&manifest).unwrap();
    flip(&manifest);
    let restored = house.restore("new", "records", "vault").await.unwrap();
    assert!(!restored.report.is_sound());
    assert_eq!(restored.lost.len(), 1);
    assert_eq!(restored.lost[0].accessions, std::slice::from_ref(&damaged.number));
    let (repo, ctx) = open_restored(&house, "new").await;
    assert_eq!(original(&repo, &ctx, &format!("{}.00001", whole.number)).await.unwrap(), b"whole");
    assert!(repo.keyring().unit(damaged.unit).is_err());
    // The file is found elsewhere and put back: the custodians open the unit, and a rebuild brings its items.
    std::fs::write(object_folder(repo.places.store.folder().unwrap(), &format!("{}.manifest.age", damaged.unit)), kept).unwrap();
    unseal_unit(&repo, &ctx, &damaged.number, "its manifest was put back", &house.shares[..2]).await.unwrap();
    repo.close().await;
    crate::verify::rebuild(&house.at("new"), &passphrase(NEW_PASSPHRASE), Clock::System).await.unwrap();
    let (repo, ctx) = open_restored(&house, "new").await;
    assert_eq!(original(&repo, &ctx, &format!("{}.00001", damaged.number)).await.unwrap(), b"damaged");
    assert_sound(&verify(&repo, &ctx).await);
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_the_vault_from_an_epoch_that_ended_still_restores_and_says_so() {
    let house = House::build().await;
    let first = house.deposit("a.txt", b"a").await;
    house.vault("vault").await;
    let (repo, ctx) = house.open().await;
    let new = NewEpoch { passphrase: &passphrase(PASSPHRASE), custodians: 3, threshold: 2, shares: &[] };
    assert_eq!(epoch::rotate(&repo, &ctx, &new, &|_, _| Ok(())).await.unwrap().epoch, 2);
    repo.close().await;
    house.records("records").await;
    let restored = house.restore("new", "records", "vault").await.unwrap();
    assert_eq!(restored.epoch, 2);
    assert!(restored.notes.iter().any(|note| note.contains("epoch 1") && note.contains("sago key rotate")), "{:?}", restored.notes);
    let (repo, ctx) = open_restored(&house, "new").await;
    assert_eq!(original(&repo, &ctx, &format!("{}.00001", first.number)).await.unwrap(), b"a");
    assert_sound(&verify(&repo, &ctx).await);
    repo.close().await;
}
