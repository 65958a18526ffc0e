//! Two homes on one database, on both engines' SQL as far as SQLite speaks it.

use super::*;

struct Table {
    _folder: tempfile::TempDir,
    db: Db,
    work: Work,
}

impl Table {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_file(&folder.path().join("index.db"), true).await.unwrap();
        Self { _folder: folder, db, work: Work::default() }
    }

    async fn take(&self, home: &str, accession: Uuid) -> Option<Lease> {
        Lease::take_in(&self.db, &self.work, home.to_owned(), accession).await.unwrap()
    }

    async fn standing(&self, home: &str, accession: Uuid) -> Standing {
        standing_in(&self.db, &self.work, home, accession).await.unwrap()
    }

    async fn set(&self, change: &str) {
        let text = format!("UPDATE deposit_leases SET {change}");
        sqlx::query(sqlx::AssertSqlSafe(text)).execute(self.db.write()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_home_waits_for_the_end_of_the_lease_and_the_own_does_not() {
    let table = Table::new().await;
    let accession = Uuid::new_v4();
    assert_eq!(table.standing("a", accession).await, Standing::Home);
    let first = table.take("a", accession).await.unwrap();
    assert_eq!(table.standing("a", accession).await, Standing::Home);
    assert_eq!(table.standing("b", accession).await, Standing::Busy);
    assert!(table.take("b", accession).await.is_none());
    let second = table.take("a", accession).await.unwrap();
    assert_eq!(second.token, first.token + 1);
    table.set("lease_until = 1").await;
    assert_eq!(table.standing("b", accession).await, Standing::Away);
    let third = table.take("b", accession).await.unwrap();
    assert_eq!(table.standing("a", accession).await, Standing::Busy);
    third.give_back().await.unwrap();
    assert_eq!(table.standing("a", accession).await, Standing::Home);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_lease_can_enter_nothing() {
    let table = Table::new().await;
    let accession = Uuid::new_v4();
    let old = table.take("a", accession).await.unwrap();
    table.set("lease_until = 1").await;
    let new = table.take("b", accession).await.unwrap();
    let mut tx = table.db.begin_write().await.unwrap();
    assert!(old.fence(&mut tx).await.is_err());
    assert!(old.end(&mut tx).await.is_err());
    new.fence(&mut tx).await.unwrap();
    new.end(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(table.standing("a", accession).await, Standing::Home);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_is_gone_only_after_days_without_a_sign_of_it() {
    let table = Table::new().await;
    let accession = Uuid::new_v4();
    let lease = table.take("a", accession).await.unwrap();
    lease.give_back().await.unwrap();
    table.set("home_seen = home_seen - 13 * 86400 * CAST(1000000 AS BIGINT)").await;
    assert_eq!(table.standing("b", accession).await, Standing::Away);
    table.set("home_seen = home_seen - 2 * 86400 * CAST(1000000 AS BIGINT)").await;
    assert_eq!(table.standing("b", accession).await, Standing::Gone);
    assert_eq!(table.standing("a", accession).await, Standing::Home);
    // A node of that home is at work: it is there, whatever the deposit's row says.
    let text = format!("INSERT INTO nodes VALUES ('n', 'work', '0.1.0', 2, 'a', 0, {0}, {0} + 1000000000)", now(table.db.engine));
    sqlx::query(sqlx::AssertSqlSafe(text)).execute(table.db.write()).await.unwrap();
    assert_eq!(table.standing("b", accession).await, Standing::Away);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_from_a_clock_that_stood_wrong_binds_nobody() {
    let table = Table::new().await;
    let accession = Uuid::new_v4();
    let _lease = table.take("a", accession).await.unwrap();
    table.set("lease_until = lease_until + 86400 * CAST(1000000 AS BIGINT)").await;
    assert!(table.take("b", accession).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_deposits_that_ended_are_removed_and_a_waiting_home_is_noted() {
    let table = Table::new().await;
    for (accession, status) in [(Uuid::new_v4(), "received"), (Uuid::new_v4(), "opened")] {
        sqlx::query("INSERT INTO accessions (id, number, unit, status, at, items, bytes, not_taken) VALUES ($1, $2, 'u', $2, 0, 0, 0, 0)")
            .bind(accession.to_string())
            .bind(status)
            .execute(table.db.write())
            .await
            .unwrap();
        table.take("a", accession).await.unwrap().give_back().await.unwrap();
    }
    table.set("home_seen = 1").await;
    note_home_in(&table.db, "b").await.unwrap();
    let seen = || async { sqlx::query_scalar::<_, i64>("SELECT home_seen FROM deposit_leases").fetch_all(table.db.read()).await.unwrap() };
    assert_eq!(seen().await, [1], "the one that waits stays, and another home is no sign of its own");
    note_home_in(&table.db, "a").await.unwrap();
    assert!(seen().await[0] > 1);
}
