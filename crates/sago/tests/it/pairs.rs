//! The two pairs of stores that the stories run on: SQLite with the disk, PostgreSQL with S3.
//!
//! A story says nothing about it: it asks [`Stage`](crate::cast::Stage) for a repository and for what lies in it. `also_on_servers!(story, …)`
//! in its file runs it once more on real servers, as `on_servers::story`. What cannot run there stands in [`EMBEDDED_ONLY`], with the reason;
//! a story in neither place fails `every_story_runs_on_both_pairs_or_says_why_not`. Without servers the stories of the second pair fail.

use std::cell::Cell;
use std::path::Path;
use std::sync::LazyLock;

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
macro_rules! also_on_servers {
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
pub(crate) use also_on_servers;

/// A variable of `cargo xtask servers`. Its absence fails the test that needs it, and says so.
#[track_caller]
pub fn server(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run the tests with `cargo xtask test`, or with `cargo xtask servers -- cargo nextest run -p sago`."))
}

/// What reaches the servers, by the names of the environment. A story on the disk runs without them.
pub const VARIABLES: [&str; 5] = ["PGPASSWORD", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// Requests under way at once.
const AT_ONCE: usize = 16;

/// One runtime for all, because the connections that a client keeps live in it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

/// Runs a future to its end.
pub fn blocking<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.block_on(work)
}

/// A database of its own and a prefix of its own in both buckets.
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
                if copies.len() >= AT_ONCE {
                    blocking(copies.join_next()).unwrap().unwrap();
                }
                let to = Key::parse(one.location.as_ref().replacen(&self.name, &copy.name, 1)).unwrap();
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

    /// Reads one file with a plain client.
    pub fn read(&self, place: &str, path: &str) -> Vec<u8> {
        let store = bucket(&server(bucket_of(place)));
        let key = Key::parse(format!("{}/{path}", self.prefix(place))).unwrap();
        blocking(async { store.get(&key).await.unwrap().bytes().await.unwrap().to_vec() })
    }

    /// Writes one file behind the back of the software; `None` removes it.
    pub fn put(&self, place: &str, path: &str, bytes: Option<Vec<u8>>) {
        let store = bucket(&server(bucket_of(place)));
        let key = Key::parse(format!("{}/{path}", self.prefix(place))).unwrap();
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

    /// Keeps the database as it is now, for [`Self::put_database_back`].
    pub fn keep_database(&self) {
        administer(&format!("CREATE DATABASE kept_{0} TEMPLATE {0}", self.name));
    }

    /// Puts back what was kept, as somebody does with yesterday's copy.
    pub fn put_database_back(&self) {
        administer(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        administer(&format!("ALTER DATABASE kept_{0} RENAME TO {0}", self.name));
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

    /// All that the servers hold: the database, both buckets with the names in them, and the very files of the S3 server.
    pub fn kept(&self) -> Vec<(String, Vec<u8>)> {
        let mut kept = self.database_bytes();
        for address in ["SAGO_TEST_S3", "SAGO_TEST_S3_VAULTS"] {
            let store = bucket(&server(address));
            for one in self.objects(&store) {
                let name = one.location.to_string();
                kept.push((format!("the name {name}"), name.clone().into_bytes()));
                kept.push((name, blocking(async { store.get(&one.location).await.unwrap().bytes().await.unwrap().to_vec() })));
            }
        }
        let folder = server("SAGO_TEST_S3_DATA");
        for path in crate::shredding::tree(Path::new(&folder).join("meta").as_path()) {
            // Other stories come and go there.
            if let Ok(bytes) = std::fs::read(&path) {
                kept.push((path.display().to_string(), bytes));
            }
        }
        kept
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
        // What lies in the buckets goes with the servers; after a failure the database may help to see why.
        if !std::thread::panicking() {
            administer(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
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

/// Ends every session in a database, as an administrator of the server does.
pub fn end_sessions(database: &str) {
    administer(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"));
}

/// Stories that are about the disk or about SQLite, with the reason. A name ends a path of modules, or is a whole module and ends in `::`.
const EMBEDDED_ONLY: &[(&str, &str)] = &[
    ("flips::", "flips bits of the files of one folder and of SQLite's own pages and rows; `servers` flips what lies in buckets and in PostgreSQL"),
    ("bad_input::disk::", "fills a small disk, or takes its folders from somebody: what is deposited passes staging, which lies on the disk in both pairs"),
    ("bad_input::rollback::", "puts back folders and SQLite files of yesterday; `servers` does it with a database and a bucket"),
    ("bad_input::crowd::a_file_larger_than_memory_may_be_passes_in_little_memory", "takes minutes; sending in parts is in `servers`"),
    ("bad_input::crowd::very_many_files_in_one_folder_are_one_deposit", "ten thousand files, each a request, take minutes"),
    ("bad_input::places::a_vault_or_keys_under_the_storage_root_are_refused", "is about folders within folders"),
    ("bad_input::places::a_repository_is_not_made_where_or_how_it_must_not_be", "is about folders that exist"),
    (
        "bad_input::places::pages_that_cannot_be_written_are_no_repository_without_custodians",
        "makes a folder twice; on the servers what the first time left is refused",
    ),
    ("bad_input::places::nothing_is_overwritten_and_nothing_in_clear_goes_into_the_repository", "is about folders of the repository"),
    ("bad_input::places::a_repository_does_not_swallow_itself", "is about folders of the repository"),
    ("bad_input::places::a_folder_that_is_no_repository_is_said_by_every_command", "is about a folder that holds nothing"),
    ("bad_input::keys::a_passphrase_that_cannot_be_asked_for_is_said_not_waited_for", "makes repositories in folders of its own"),
    ("validators::roc_validator_accepts_the_crate_with_every_strange_name", "judges a package, which does not tell where it was made"),
    ("validators::roc_validator_refuses_a_crate_whose_part_is_missing_or_whose_root_has_no_date", "judges a package, which does not tell where it was made"),
    ("validators::the_premis_schema_accepts_the_provenance_of_real_packages", "judges a package, which does not tell where it was made"),
    ("validators::verifiers::the_two_verifiers_agree_on_a_package_and_on_its_damage", "judges a package, which does not tell where it was made"),
    ("validators::verifiers::a_forger_who_rewrites_every_manifest_is_seen_by_both_verifiers", "judges a package, which does not tell where it was made"),
    ("validators::verifiers::every_command_of_verify_md_does_what_the_page_says", "judges a package, which does not tell where it was made"),
    ("validators::stamps::the_log_remembers_every_token", "changes files of the folder of stamps"),
    ("witness::a_forked_log_is_refused_and_the_two_stories_are_kept", "forks a repository by copying its folder"),
    ("witness::a_witness_that_talks_nonsense_is_said_and_stops_nothing", "is about what strangers answer"),
    ("witness::a_witness_keeps_its_limits", "is about the witness, which has no stores"),
    ("witness::an_independent_witness_cosigns_our_log", "is about the witness, which has no stores"),
    (
        "recovery::pages_that_are_not_enough_or_do_not_fit_give_no_key",
        "begins with files that were fetched: `two_custodians_recover_every_original_also_the_sealed_ones` shows that they are all there",
    ),
    ("recovery::the_log_shows_that_what_was_recovered_is_what_was_received", "begins with files that were fetched, as before"),
    ("recovery::damage_is_named_and_the_rest_is_recovered", "begins with files that were fetched, as before"),
    ("recovery::the_steps_for_the_program_age_open_a_unit_an_object_and_an_original", "begins with files that were fetched, as before"),
    ("recovery::the_step_for_time_stamps_accepts_the_tokens_of_the_repository_alone", "begins with files that were fetched, as before"),
    ("shredding::the_database_keeps_nothing_of_a_destroyed_unit", "reads SQLite's pages and write-ahead log"),
    ("shredding::an_old_wrapped_key_put_back_is_named_opens_nothing_and_is_erased", "copies the folders of the repository"),
    ("shredding::oldest_copy::", "copies the folders of the repository, as a backup program does"),
    ("shredding::rotation::", "compares all files of the repository's folders"),
    ("canary::the_search_finds_what_is_planted_in_every_form", "plants words that the story beside it would find in the servers' files"),
    ("canary::passphrases_and_words_of_shares_are_found_nowhere", "searches folders of the repository"),
    ("kills::points::what_a_killed_verification_leaves_is_removed_by_the_next_command", "is about staging, which lies on the disk in both pairs"),
    ("kills::points::a_deposit_survives_between_any_two_writes", "walks through the writer of files on a disk; a bucket takes a file whole"),
    ("kills::points::a_deposit_of_two_objects_survives_between_them", "ten thousand files, each a request, take minutes"),
    ("faults::bucket::", "is about the bucket"),
    ("faults::commit::", "is about the connection to PostgreSQL"),
    ("faults::walk::soak_faults_of_restore", "makes an embedded repository out of a backup, which does not tell where it was made"),
    ("nodes::homes::", "gives two folders one SQLite file, which on the servers is what every other story of nodes has"),
    ("nodes::served::", "reads the public log through the network, which does not tell where it lies"),
    ("nodes::versions::", "puts rows of other versions into SQLite"),
    ("nodes::a_node_that_finds_an_altered_file_says_so", "alters a file of the folder; `servers` does it in the bucket"),
    ("nodes::a_database_is_not_replaced_under_a_node_that_has_it_open", "is about the file that a rebuild replaces"),
    ("replicas::bucket::", "speaks to the servers itself, from a repository in a folder"),
    ("golden::", "copies folders that an earlier release made"),
    ("moving::", "moves between the pairs itself"),
    ("servers::", "speaks to the servers itself"),
    ("pairs::", "is this list"),
];

#[test]
fn every_story_runs_on_both_pairs_or_says_why_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut unsaid = Vec::new();
    let mut used = vec![false; EMBEDDED_ONLY.len()];
    for path in crate::shredding::tree(&folder) {
        let text = std::fs::read_to_string(&path).unwrap();
        let module = path.strip_prefix(&folder).unwrap().with_extension("").to_str().unwrap().replace('/', "::");
        let listed = text.split_once("also_on_servers!(").and_then(|(_, rest)| rest.split_once(')')).map_or("", |(names, _)| names);
        let listed: Vec<_> = listed.split(',').map(str::trim).collect();
        for part in text.split("#[test]\n").skip(1) {
            let Some((name, _)) = part.trim_start().strip_prefix("fn ").and_then(|rest| rest.split_once('(')) else { continue };
            let full = format!("{module}::{name}");
            let reason = EMBEDDED_ONLY.iter().position(|(which, _)| full == *which || which.ends_with("::") && full.starts_with(which));
            match reason {
                Some(at) => used[at] = true,
                None if listed.contains(&name) => {}
                None => unsaid.push(full),
            }
        }
    }
    assert!(unsaid.is_empty(), "neither in `also_on_servers!` of their file nor in EMBEDDED_ONLY: {unsaid:#?}");
    assert!(used.iter().all(|used| *used), "EMBEDDED_ONLY names what does not exist");
}
