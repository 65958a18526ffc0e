//! What is refused before anything is written.

use super::*;
use crate::error::ErrorKind;

#[tokio::test(flavor = "multi_thread")]
async fn shares_of_another_repository_are_refused_and_nothing_is_written() {
    let house = House::build().await;
    let other = House::build().await;
    house.deposit("a", b"a").await;
    house.records("records").await;
    house.vault("vault").await;
    let words = passphrase(NEW_PASSPHRASE);
    let (records, vault) = (house.at("records"), house.at("vault"));
    let try_with = async |shares: &[String], records: &Path, vault: &Path| {
        let sources = Sources { records, vault, shares, passphrase: &words, reason: "r" };
        restore(&house.at("new"), &sources, &Progress::default(), Clock::System).await.unwrap_err()
    };
    let refused = try_with(&other.shares, &records, &vault).await;
    assert_eq!(refused.kind, ErrorKind::Forbidden, "{refused}");
    assert_eq!(try_with(&house.shares[..1], &records, &vault).await.kind, ErrorKind::Invalid);
    assert!(!house.at("new").exists());

    other.vault("vault").await;
    assert_eq!(try_with(&other.shares, &records, &other.at("vault")).await.kind, ErrorKind::Conflict);
    assert_eq!(try_with(&house.shares, &vault, &records).await.kind, ErrorKind::NotFound);
    assert!(!house.at("new").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_made_up_is_refused_though_its_own_keys_vouch_for_it() {
    let house = House::build().await;
    house.deposit("a", b"a").await;
    house.records("records").await;
    house.vault("vault").await;
    // Somebody else's log, whole and signed, under this repository's name.
    let other = House::build().await;
    other.records("records").await;
    std::fs::remove_dir_all(house.at("records/log")).unwrap();
    std::fs::rename(other.at("records/log"), house.at("records/log")).unwrap();
    let refused = house.restore("new", "records", "vault").await.unwrap_err();
    assert!(refused.message.contains("not signed with the keys"), "{refused}");
    assert!(!house.at("new/sago.toml").exists(), "the folder is no repository");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_beside_the_log_that_are_not_those_in_the_vault_are_refused() {
    let house = House::build().await;
    house.deposit("a", b"a").await;
    house.records("records").await;
    house.vault("vault").await;
    let other = House::build().await;
    std::fs::copy(other.root.join("log/1/custody.vkey"), house.at("records/log/1/custody.vkey")).unwrap();
    let refused = house.restore("new", "records", "vault").await.unwrap_err();
    assert!(refused.message.contains("not signed with the keys"), "{refused}");
    assert!(!house.at("new/sago.toml").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_shortened_is_refused() {
    let house = House::build().await;
    house.deposit("a", b"a").await;
    house.records("older").await;
    house.deposit("b", b"b").await;
    house.records("records").await;
    house.vault("vault").await;
    let name = "log/1/custody/checkpoint";
    std::fs::copy(house.at("older").join(name), house.at("records").join(name)).unwrap();
    let refused = house.restore("new", "records", "vault").await.unwrap_err();
    assert!(refused.message.contains("when it was copied"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_and_vault_are_kept_apart_from_each_other_and_from_the_house() {
    let house = House::build().await;
    house.records("records").await;
    house.vault("vault").await;
    let other = House::build().await;
    other.records("records").await;
    other.vault("vault").await;
    std::fs::create_dir_all(house.at("full/of")).unwrap();
    std::os::unix::fs::symlink(house.root.join("store"), house.at("link")).unwrap();
    let (repo, ctx) = house.open().await;
    let before = all_files_but_links(house.folder.path());
    let places = |names: &[&str]| names.iter().map(|name| house.at(name)).collect::<Vec<_>>();
    let mut records = places(&["house/backup", "house/store", "house", ".", "link/below", "vault", "vault/below", "records/below", "full"]);
    records.push(other.at("records"));
    for folder in records {
        let refused = back_up_records(&repo, &ctx, &folder, &Progress::default()).await;
        assert!(matches!(&refused, Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict)), "{}: {refused:?}", folder.display());
    }
    let mut vaults = places(&["house/backup", "house/store/v", "house/vault", ".", "link/below", "records", "records/below", "vault/below", "full"]);
    vaults.push(other.at("vault"));
    for folder in vaults {
        let refused = back_up_vault(&repo, &ctx, &folder).await;
        assert!(matches!(&refused, Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict)), "{}: {refused:?}", folder.display());
    }
    assert_eq!(all_files_but_links(house.folder.path()), before, "nothing was written");
    repo.close().await;
}

fn all_files_but_links(folder: &Path) -> usize {
    crate::backup::copy::files(folder, &mut Vec::new()).unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_that_was_rolled_back_does_not_overwrite_its_newer_copy() {
    let house = House::build().await;
    house.deposit("a", b"a").await;
    house.records("records").await;
    house.vault("vault").await;
    house.restore("old", "records", "vault").await.unwrap();
    house.deposit("b", b"b").await;
    house.records("records").await;
    // The restored house is of the same repository, but its logs are not the continuation of what was copied.
    let (repo, ctx) = open_restored(&house, "old").await;
    let refused = back_up_records(&repo, &ctx, &house.at("records"), &Progress::default()).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.message.contains("not continued"), "{refused}");
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_copy_copies() {
    let house = House::build().await;
    let (repo, ctx) = house.open().await;
    for role in [Role::Approver, Role::Auditor] {
        let stranger = Ctx { roles: vec![role], ..ctx.clone() };
        assert_eq!(back_up_records(&repo, &stranger, &house.at("r"), &Progress::default()).await.unwrap_err().kind, ErrorKind::Forbidden);
        assert_eq!(back_up_vault(&repo, &stranger, &house.at("v")).await.unwrap_err().kind, ErrorKind::Forbidden);
    }
    assert!(!house.at("r").exists() && !house.at("v").exists());
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_into_a_folder_that_holds_something_is_refused() {
    let house = House::build().await;
    house.records("records").await;
    house.vault("vault").await;
    for to in ["house", "records/new", "vault", "."] {
        let refused = house.restore(to, "records", "vault").await.unwrap_err();
        assert!(matches!(refused.kind, ErrorKind::Invalid | ErrorKind::Conflict), "{to}: {refused}");
    }
}
