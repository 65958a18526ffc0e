//! A healthy repository, and every way in which one can need somebody.

use jiff::ToSpan;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::*;
use crate::backup::tests::{House, PASSPHRASE, flip, passphrase};
use crate::fixity::{self, check_fixity};
use crate::ledger::event::{AccessionOpened, AccessionOpenedDetail};

async fn see(house: &House) -> Vec<Check> {
    see_at(house, Clock::System).await
}

async fn see_at(house: &House, clock: Clock) -> Vec<Check> {
    let words = passphrase(PASSPHRASE);
    examine(&house.root, Some(Unlock { passphrase: &words, act_as: None }), clock).await
}

fn in_days(days: i64) -> Clock {
    Clock::Fixed(Timestamp::now() + (days * 24).hours())
}

/// The worst state of a check.
fn state(checks: &[Check], name: &str) -> State {
    checks.iter().filter(|check| check.check == name).map(|check| check.state).max().unwrap_or_else(|| panic!("no line {name}: {checks:#?}"))
}

/// What alarms, but for the room on the disk of whoever runs the tests.
fn alarms(checks: &[Check]) -> Vec<&'static str> {
    let mut names: Vec<_> = checks.iter().filter(|check| check.state.is_alarming() && check.check != "space").map(|check| check.check).collect();
    names.dedup();
    names
}

/// A repository with a deposit, both backups made.
async fn healthy() -> House {
    let house = House::build().await;
    house.deposit("testimony.txt", b"what happened").await;
    house.records("records").await;
    house.vault("vault").await;
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_repository_alarms_nobody_and_says_what_it_is_not() {
    let house = healthy().await;
    let checks = see(&house).await;
    assert_eq!(alarms(&checks), Vec::<&str>::new(), "{checks:#?}");
    assert!(checks.iter().all(|check| check.state != State::NotChecked), "{checks:#?}");
    for (name, expected) in [
        ("witnesses", State::Advice),
        ("authorities", State::Advice),
        ("work-factor", State::Advice),
        ("keys", State::Well),
        ("vault", State::Well),
        ("lock", State::Well),
    ] {
        assert_eq!(state(&checks, name), expected, "{name}");
    }
    let copies = checks.iter().find(|check| check.check == "vault-copies").unwrap();
    assert!(copies.message.contains(&house.at("vault").display().to_string()), "{copies:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_passphrase_everything_but_what_is_sealed_is_said() {
    let house = healthy().await;
    let checks = examine(&house.root, None, Clock::System).await;
    assert_eq!(alarms(&checks), Vec::<&str>::new());
    let not_checked: Vec<_> = checks.iter().filter(|check| check.state == State::NotChecked).map(|check| check.check).collect();
    assert_eq!(not_checked, ["keys", "vault-copies"]);
    assert!(checks.len() > 15);
    let words = Zeroizing::new("not the passphrase".to_owned());
    let checks = examine(&house.root, Some(Unlock { passphrase: &words, act_as: None }), Clock::System).await;
    assert_eq!(alarms(&checks), ["keys"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_repository_without_anything_in_it_needs_nobody() {
    let house = House::build().await;
    assert_eq!(alarms(&see(&house).await), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_settings_and_bad_places_are_said() {
    let house = House::build().await;
    let path = house.root.join("sago.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("vault = \"vault\"", "vault = \"store/vault\"")).unwrap();
    assert_eq!(alarms(&see(&house).await), ["apart"]);
    std::fs::write(&path, "format = what").unwrap();
    assert_eq!(alarms(&see(&house).await), ["settings"]);
    std::fs::remove_file(&path).unwrap();
    let checks = see(&house).await;
    assert_eq!(alarms(&checks), ["settings"]);
    assert!(checks.iter().any(|check| check.check == "swap"), "the machine is looked at all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_are_open_or_missing_are_said() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = healthy().await;
    std::fs::set_permissions(house.root.join("vault"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let checks = see(&house).await;
    assert_eq!(alarms(&checks), ["permissions"]);
    let line = checks.iter().find(|check| check.check == "permissions").unwrap();
    assert!(line.hint.as_ref().unwrap().starts_with("chmod 700 "));
    std::fs::set_permissions(house.root.join("vault"), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::rename(house.root.join("staging"), house.at("elsewhere")).unwrap();
    assert_eq!(alarms(&see(&house).await), ["folders", "staging"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_lost_damaged_or_old_is_said() {
    let house = House::build().await;
    let path = house.root.join("index.db");
    let old = std::fs::read(&path).unwrap();
    house.deposit("a", b"a").await;
    let new = std::fs::read(&path).unwrap();
    for suffix in ["index.db-wal", "index.db-shm"] {
        let _ = std::fs::remove_file(house.root.join(suffix));
    }
    std::fs::write(&path, old).unwrap();
    assert!(alarms(&see(&house).await).contains(&"database-age"));
    std::fs::write(&path, b"this is no database at all, but long enough to look like one to whoever only counts bytes").unwrap();
    let checks = see(&house).await;
    assert_eq!((state(&checks, "database"), state(&checks, "keys")), (State::Broken, State::Well), "{checks:#?}");
    std::fs::remove_file(&path).unwrap();
    let checks = see(&house).await;
    let line = checks.iter().find(|check| check.check == "database").unwrap();
    assert!(line.hint.as_ref().unwrap().contains("sago rebuild"), "{line:?}");
    assert_eq!(state(&checks, "database-contents"), State::NotChecked);
    std::fs::write(&path, &new).unwrap();
    let db = Db::open_file(&path, false).await.unwrap();
    let page: i64 = sqlx::query_scalar("SELECT rootpage FROM sqlite_master WHERE name = 'items'").fetch_one(db.read()).await.unwrap();
    let size: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(db.read()).await.unwrap();
    db.close().await;
    let (from, size) = (usize::try_from((page - 1) * size).unwrap(), usize::try_from(size).unwrap());
    let mut damaged = new.clone();
    damaged[from..from + size].fill(7);
    std::fs::write(&path, damaged).unwrap();
    let checks = see(&house).await;
    assert_eq!((state(&checks, "database"), state(&checks, "vault")), (State::Broken, State::Well), "{checks:#?}");
    std::fs::write(&path, new).unwrap();
    assert_eq!(state(&see(&house).await, "database-age"), State::Well);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_missing_and_a_log_that_was_rolled_back_are_said() {
    let house = healthy().await;
    let checkpoint = house.root.join("log/1/custody/checkpoint");
    let kept = std::fs::read(&checkpoint).unwrap();
    std::fs::write(&checkpoint, String::from_utf8(kept.clone()).unwrap().replacen("sago.invalid/", "sago.invalid/00", 1)).unwrap();
    assert_eq!(alarms(&see(&house).await), ["lock"]);
    std::fs::write(&checkpoint, kept).unwrap();
    std::fs::rename(house.root.join("log/1/custody/tile"), house.at("tile")).unwrap();
    assert!(alarms(&see(&house).await).contains(&"lock"));
    std::fs::rename(house.at("tile"), house.root.join("log/1/custody/tile")).unwrap();
    std::fs::remove_file(house.root.join("lock/access-1")).unwrap();
    assert_eq!(alarms(&see(&house).await), ["lock"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_missing_altered_or_risen_are_said() {
    let house = healthy().await;
    let doomed = house.deposit("b", b"b").await;
    let key = house.root.join(format!("vault/1/{}.age", doomed.unit));
    let bytes = std::fs::read(&key).unwrap();
    flip(&key);
    assert_eq!(state(&see(&house).await, "vault"), State::Broken);
    std::fs::remove_file(&key).unwrap();
    assert_eq!(state(&see(&house).await, "vault"), State::Broken);
    std::fs::write(&key, &bytes).unwrap();
    assert_eq!(state(&see(&house).await, "vault"), State::Well);
    house.destroy(&doomed.number).await;
    std::fs::write(&key, &bytes).unwrap();
    assert_eq!(state(&see(&house).await, "vault"), State::NeedsYou);
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_of_the_vault_that_must_be_erased_are_said_where_they_lie() {
    let house = healthy().await;
    let doomed = house.deposit("b", b"b").await;
    house.vault("vault").await;
    house.vault("usb/vault").await;
    house.destroy(&doomed.number).await;
    let checks = see(&house).await;
    let lines: Vec<_> = checks.iter().filter(|check| check.check == "vault-copies").collect();
    assert_eq!(lines.iter().filter(|check| check.state == State::NeedsYou && check.message.contains("destroyed units")).count(), 2, "{lines:#?}");
    // One is replaced, the other is carried away: the medium's empty mount point does not pass for an erased copy.
    house.vault("vault").await;
    std::fs::remove_dir_all(house.at("usb/vault")).unwrap();
    let checks = see(&house).await;
    let lines: Vec<_> = checks.iter().filter(|check| check.check == "vault-copies" && check.state == State::NeedsYou).collect();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].message.contains("not within reach"));
    // A folder that holds other things but not the copy shows that it was erased.
    std::fs::write(house.at("usb/note.txt"), b"erased on Monday").unwrap();
    assert_eq!(state(&see(&house).await, "vault-copies"), State::Well);
    // Left for too long, the one within reach must go as well.
    assert_eq!(state(&see_at(&house, in_days(31)).await, "vault-copies"), State::NeedsYou);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_no_backup_for_a_day_is_said() {
    let house = healthy().await;
    assert_eq!(state(&see_at(&house, in_days(2)).await, "backup-records"), State::Well, "nothing came since");
    house.deposit("b", b"b").await;
    assert_eq!(alarms(&see(&house).await), Vec::<&str>::new());
    let checks = see_at(&house, in_days(2)).await;
    assert_eq!((state(&checks, "backup-records"), state(&checks, "backup-vault")), (State::NeedsYou, State::NeedsYou));
}

#[tokio::test(flavor = "multi_thread")]
async fn time_brings_its_duties() {
    let house = healthy().await;
    let checks = see_at(&house, in_days(32)).await;
    assert_eq!(state(&checks, "key-check"), State::NeedsYou);
    assert_eq!(state(&checks, "fixity"), State::Well);
    let checks = see_at(&house, in_days(91)).await;
    assert_eq!(state(&checks, "fixity"), State::NeedsYou);
    assert_eq!(state(&checks, "epoch"), State::Well);
    for days in [340, 366] {
        assert_eq!(state(&see_at(&house, in_days(days)).await, "epoch"), State::NeedsYou);
    }
    assert_eq!(state(&see_at(&house, in_days(-2)).await, "clock"), State::NeedsYou);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_file_that_failed_its_check_is_an_alarm_until_it_is_put_back() {
    let house = healthy().await;
    let (repo, ctx) = house.open().await;
    let file = crate::backup::tests::object_folder(&house.root.join("store"), "o/000001.age");
    flip(&file);
    assert_eq!(check_fixity(&repo, &ctx, true, &fixity::Progress::default()).await.unwrap().failures.len(), 1);
    assert_eq!(alarms(&see(&house).await), ["fixity"]);
    flip(&file);
    check_fixity(&repo, &ctx, true, &fixity::Progress::default()).await.unwrap();
    assert_eq!(alarms(&see(&house).await), Vec::<&str>::new());
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_deposit_waits_for_somebody() {
    let house = healthy().await;
    let (repo, ctx) = house.open().await;
    let mut tx = repo.begin().await.unwrap();
    let detail = AccessionOpenedDetail { contributor: "c".into(), title: "t".into() };
    let unit = repo.settings.domain_unit;
    tx.append(unit, AccessionOpened { accession: Uuid::new_v4(), unit, number: "A-2099-0001".into() }.with(detail));
    tx.commit(&ctx).await.unwrap();
    repo.integrate(&ctx).await.unwrap();
    repo.close().await;
    for checks in [see(&house).await, examine(&house.root, None, Clock::System).await] {
        assert_eq!(alarms(&checks), ["deposits"]);
        assert!(checks.iter().any(|check| check.message.contains("A-2099-0001")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_check_learns_nothing_that_is_sealed() {
    let house = healthy().await;
    house.destroy(&house.deposit("b", b"b").await.number).await;
    let (repo, _) = house.open().await;
    let approver = user::agents(&repo).await.unwrap().into_iter().find(|agent| agent.roles == [crate::ctx::Role::Approver]).unwrap();
    repo.close().await;
    let words = passphrase(PASSPHRASE);
    let checks = examine(&house.root, Some(Unlock { passphrase: &words, act_as: Some(&approver.code) }), Clock::System).await;
    assert_eq!((state(&checks, "keys"), state(&checks, "vault-copies")), (State::Broken, State::NotChecked));
}

#[test]
fn room_is_judged_by_share_and_by_size() {
    let check = |free, percent, expected| assert_eq!(places::is_too_little(free, percent), expected, "{free} {percent}");
    check(1 << 40, 50, false);
    check(1 << 40, 4, true);
    check(1 << 29, 50, true);
    check(1 << 30, 5, false);
}

#[test]
fn compressed_memory_is_no_swap_to_a_disk() {
    let check = |text: &str, expected: &[&str]| assert_eq!(machine::swaps(text), expected);
    check("Filename Type Size Used Priority\n", &[]);
    check("Filename Type Size Used Priority\n/dev/zram0 partition 1 0 100\n", &[]);
    check("Filename Type Size Used Priority\n/swapfile file 1 0 -2\n/dev/sda3 partition 1 0 -3\n", &["/swapfile", "/dev/sda3"]);
    check("", &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_at_work_and_jobs_that_fail_are_said() {
    let house = healthy().await;
    let (repo, _) = house.open().await;
    let node = crate::node::Node::join(&repo, crate::node::Kind::Work).await.unwrap();
    let failing =
        "INSERT INTO jobs (kind, subject, planned_at, due_at, token, attempts, error) VALUES ('stamp', '', 0, 0, 3, 3, 'something outside does not answer')";
    sqlx::query(failing).execute(repo.db().write()).await.unwrap();
    let checks = see(&house).await;
    assert_eq!(alarms(&checks), ["jobs"]);
    let said = |name: &str| checks.iter().find(|check| check.check == name).unwrap().message.clone();
    assert!(said("nodes").contains(&format!("sago work {}", env!("CARGO_PKG_VERSION"))), "{}", said("nodes"));
    assert!(said("jobs").contains("stamp (3 attempts): something outside does not answer"), "{}", said("jobs"));
    node.leave().await.unwrap();
    repo.close().await;
    assert!(see(&house).await.iter().any(|check| check.check == "nodes" && check.message.starts_with("No node")));
}
