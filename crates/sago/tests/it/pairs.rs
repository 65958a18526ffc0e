//! The two pairs of stores that the stories run on: SQLite with the disk, PostgreSQL with S3.
//!
//! A story says nothing about it: it asks [`Stage`](crate::cast::Stage) for a repository and for what lies in it. `on_servers!(story, …)` in
//! its file runs it once more on real servers, as `on_servers::story`. Without servers these fail.

use std::cell::Cell;
use std::path::Path;
use std::sync::LazyLock;

use futures_core::Stream as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStore as _, ObjectStoreExt as _, PutPayload};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Which stores a repository of the stories lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// SQLite and the disk.
    Embedded,
    /// PostgreSQL and S3, as `cargo xtask servers` starts them.
    Servers,
}

thread_local! {
    static PAIR: Cell<Pair> = const { Cell::new(Pair::Embedded) };
}

/// The pair of the story that runs on this thread.
pub fn pair() -> Pair {
    PAIR.get()
}

/// Runs a story on the servers.
pub fn on_servers(story: fn()) {
    PAIR.set(Pair::Servers);
    story();
    PAIR.set(Pair::Embedded);
}

/// Runs stories of this file once more, on PostgreSQL and S3.
macro_rules! on_servers {
    ($($story:ident),+ $(,)?) => {
        mod on_servers {
            $(
                #[test]
                fn $story() {
                    $crate::pairs::on_servers(super::$story);
                }
            )+
        }
    };
}
pub(crate) use on_servers;

/// A variable of `cargo xtask servers`. Its absence fails the test that needs it, and says so.
#[track_caller]
pub fn server(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run the tests with `cargo xtask test`, or with `cargo xtask servers -- cargo nextest run -p sago`."))
}

/// What reaches the servers, by the names of the environment. A story on the disk runs without them.
pub const VARIABLES: [&str; 5] = ["PGPASSWORD", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// One runtime for all, because the connections that a client keeps live in it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

/// Runs a future to its end.
pub fn blocking<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.block_on(work)
}

/// A database of its own and a prefix of its own in both buckets; removed at the end.
pub struct Remote {
    name: String,
}

impl Remote {
    /// A database that sorts text as people do, not by bytes: what Sago needs it must ask for.
    pub fn new() -> Self {
        let remote = Self { name: fresh_name() };
        administer(&format!("CREATE DATABASE {} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'", remote.name));
        remote
    }

    /// A copy of everything, under another name; nobody may be at work in it.
    pub fn copy(&self) -> Self {
        let copy = Self { name: fresh_name() };
        administer(&format!("CREATE DATABASE {} TEMPLATE {}", copy.name, self.name));
        for address in ["SAGO_TEST_S3", "SAGO_TEST_S3_VAULTS"] {
            let store = bucket(&server(address));
            let mut copies = JoinSet::new();
            for one in self.objects(&store) {
                let to = Key::from(one.location.as_ref().replacen(&self.name, &copy.name, 1));
                let store = store.clone();
                copies.spawn_on(async move { store.copy(&one.location, &to).await.unwrap() }, RUNTIME.handle());
            }
            blocking(copies.join_all());
        }
        copy
    }

    /// How `sago init` is told.
    pub fn words(&self) -> Vec<String> {
        let [blobs, vault] = ["SAGO_TEST_S3", "SAGO_TEST_S3_VAULTS"].map(|bucket| format!("{}/{}", server(bucket), self.name));
        ["--database", &self.database(), "--blobs", &blobs, "--vault", &vault].map(str::to_owned).to_vec()
    }

    /// Address of the database, without a password.
    pub fn database(&self) -> String {
        format!("{}/{}", server("SAGO_TEST_POSTGRES"), self.name)
    }

    /// The name that stands in every address.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Fetches everything below a place (`store`, `log`, `stamps`, `vault`) with a plain client.
    pub fn fetch(&self, place: &str, to: &Path) {
        let store = bucket(&server(bucket_of(place)));
        let prefix = self.prefix(place);
        std::fs::create_dir_all(to).unwrap();
        for one in self.objects(&store) {
            let Some(path) = one.location.as_ref().strip_prefix(&prefix).and_then(|path| path.strip_prefix('/')) else { continue };
            let target = to.join(path);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::write(target, blocking(async { store.get(&one.location).await.unwrap().bytes().await.unwrap() })).unwrap();
        }
    }

    /// Writes one file behind the back of the software; `None` removes it.
    pub fn put(&self, place: &str, path: &str, bytes: Option<Vec<u8>>) {
        let store = bucket(&server(bucket_of(place)));
        let key = Key::from(format!("{}/{path}", self.prefix(place)));
        match bytes {
            Some(bytes) => drop(blocking(store.put(&key, PutPayload::from(bytes))).unwrap()),
            None => blocking(store.delete(&key)).unwrap(),
        }
    }

    /// The one text that a query gives.
    pub fn value_of(&self, query: &str) -> String {
        blocking(async {
            let mut db = PgConnection::connect(&self.database()).await.unwrap();
            sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_one(&mut db).await.unwrap()
        })
    }

    /// Changes rows behind the back of the software.
    pub fn change(&self, statement: &str) {
        blocking(async {
            let mut db = PgConnection::connect(&self.database()).await.unwrap();
            db.execute(sqlx::AssertSqlSafe(statement.to_owned())).await.unwrap();
            db.close().await.unwrap();
        });
    }

    /// The whole database as `pg_dump` writes it, and the server's own files of it after everything was written to them.
    pub fn database_bytes(&self) -> Vec<(String, Vec<u8>)> {
        administer("CHECKPOINT");
        let dump = std::process::Command::new(Path::new(&server("SAGO_TEST_POSTGRES_BIN")).join("pg_dump")).arg(self.database()).output().unwrap();
        assert!(dump.status.success(), "pg_dump: {}", String::from_utf8_lossy(&dump.stderr));
        let oid = self.value_of("SELECT oid::text FROM pg_database WHERE datname = current_database()");
        let folder = Path::new(&server("SAGO_TEST_POSTGRES_DATA")).join("base").join(oid);
        let files = crate::shredding::tree(&folder).into_iter().map(|path| (path.display().to_string(), std::fs::read(path).unwrap()));
        std::iter::once(("pg_dump".to_owned(), dump.stdout)).chain(files).collect()
    }

    fn prefix(&self, place: &str) -> String {
        if place == "vault" { self.name.clone() } else { format!("{}/{place}", self.name) }
    }

    fn objects(&self, store: &AmazonS3) -> Vec<ObjectMeta> {
        let key = Key::from(self.name.as_str());
        blocking(async {
            let mut listed = store.list(Some(&key));
            let mut found = Vec::new();
            while let Some(one) = std::future::poll_fn(|cx| listed.as_mut().poll_next(cx)).await {
                found.push(one.unwrap());
            }
            found
        })
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // The servers' folders go with the servers; after a failure what is there may help to see why.
        if !std::thread::panicking() {
            administer(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
            for address in ["SAGO_TEST_S3", "SAGO_TEST_S3_VAULTS"] {
                let store = bucket(&server(address));
                let mut removals = JoinSet::new();
                for one in self.objects(&store) {
                    let store = store.clone();
                    removals.spawn_on(async move { store.delete(&one.location).await.unwrap() }, RUNTIME.handle());
                }
                blocking(removals.join_all());
            }
        }
    }
}

fn fresh_name() -> String {
    format!("story_{}", uuid::Uuid::new_v4().simple())
}

fn bucket_of(place: &str) -> &'static str {
    if place == "vault" { "SAGO_TEST_S3_VAULTS" } else { "SAGO_TEST_S3" }
}

/// A plain client of a bucket `s3://NAME`.
pub fn bucket(address: &str) -> AmazonS3 {
    // The one that is there already is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let name = address.strip_prefix("s3://").unwrap();
    AmazonS3Builder::from_env().with_bucket_name(name).with_allow_http(true).build().unwrap()
}

/// Runs one statement outside every story's database.
fn administer(statement: &str) {
    blocking(async {
        let mut db = PgConnection::connect(&format!("{}/postgres", server("SAGO_TEST_POSTGRES"))).await.unwrap();
        db.execute(sqlx::AssertSqlSafe(statement.to_owned())).await.unwrap();
        db.close().await.unwrap();
    });
}
