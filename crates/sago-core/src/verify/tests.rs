//! Rebuilding what must not be rebuilt.

use crate::backup::tests::{House, PASSPHRASE, passphrase};
use crate::ctx::Clock;
use crate::error::ErrorKind;

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_sago_is_not_replaced() {
    let house = House::build().await;
    let (repo, _) = house.open().await;
    let mut tx = repo.db().begin_write().await.unwrap();
    sqlx::query("INSERT INTO schema_version (version) VALUES (99)").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    repo.db().checkpoint().await.unwrap();
    repo.close().await;
    let names = || {
        let names = std::fs::read_dir(&house.root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        // What SQLite keeps beside a database that is looked at.
        names.filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm")).collect::<std::collections::BTreeSet<_>>()
    };
    let read = || std::fs::read(house.root.join("index.db")).unwrap();
    let (names_before, before) = (names(), read());
    let error = super::rebuild(&house.root, &passphrase(PASSPHRASE), Clock::System).await.err().unwrap();
    assert!(error.kind == ErrorKind::Conflict && error.message.contains("schema 99"), "{error}");
    assert!(error.hints[0].contains("newer Sago"), "{error:?}");
    assert_eq!(names(), names_before);
    assert!(read() == before, "the database was written to");
}
