//! Damage to what lies on the servers: to every kind of file in the buckets, to every table of the database, and by putting yesterday back.

use std::collections::BTreeMap;

use crate::cast::{Answer, Stage};
use crate::pairs::on_servers;
use crate::shredding::tree;

const PLACES: [&str; 3] = ["store", "log", "vault"];

/// A repository on the servers with a working and a sealed unit, a finding, and an item that was opened.
fn holdings() -> Stage {
    let stage = Stage::new();
    stage.file("disk/one.txt", "one");
    stage.file("disk/two.bin", vec![2_u8; 200_000]);
    std::os::unix::fs::symlink("nowhere", stage.path("disk/link")).unwrap();
    let number = stage.deposit(&stage.path("disk"))["accession"].as_str().unwrap().to_owned();
    stage.file("closed/three.txt", "three");
    let closed = stage.path("closed");
    stage.sago(["deposit", closed.to_str().unwrap(), "--sealed", "--contributor", "P", "--title", "T"]).ends(0);
    let output = stage.path("opened");
    stage.sago(["open", &format!("{number}.00001"), "--reason", "to read", "--output", output.to_str().unwrap()]).ends(0);
    assert!(!is_named(&stage.say("verify --json").ends(0)));
    stage
}

/// Whether a verification says anything beyond its report, which is all that it says of what is sound.
fn is_named(said: &Answer) -> bool {
    said.code == 2 || said.code == 1 || said.objects().len() > 1
}

/// What a file is, whatever its numbers: one of each kind is enough.
fn kind(path: &str) -> String {
    let mut kind: Vec<char> = path.chars().map(|letter| if letter.is_ascii_hexdigit() { '#' } else { letter }).collect();
    kind.dedup();
    kind.into_iter().collect()
}

#[test]
fn a_flip_in_every_kind_of_file_in_the_buckets_is_named() {
    on_servers(|| {
        let stage = holdings();
        for place in PLACES {
            let folder = stage.local(place);
            let mut kinds = BTreeMap::new();
            for path in tree(&folder) {
                let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
                kinds.entry(kind(&name)).or_insert_with(|| (name, std::fs::read(&path).unwrap()));
            }
            assert!(kinds.len() > 1 || place == "vault", "{place}: {kinds:?}");
            for (name, before) in kinds.values() {
                let mut flipped = before.clone();
                flipped[before.len() / 2] ^= 1;
                for damaged in [Some(flipped), None] {
                    // A partial tile whose tree has grown since may be missing: the later one holds all of it.
                    if damaged.is_none() && name.contains(".p/") {
                        continue;
                    }
                    let what = if damaged.is_some() { "flipped" } else { "gone" };
                    stage.put(place, name, damaged);
                    let said = stage.say("verify --json");
                    assert!(is_named(&said), "{place}/{name} is {what}, and nothing is said: {said:?}");
                    stage.put(place, name, Some(before.clone()));
                }
            }
        }
        stage.verify_everything();
    });
}

#[test]
fn a_change_in_every_table_is_named() {
    on_servers(|| {
        let stage = holdings();
        let remote = stage.remote.as_ref().unwrap();
        let tables = "SELECT string_agg(table_name::text, ' ' ORDER BY table_name) FROM information_schema.tables WHERE table_schema = 'public'";
        let mut seen = 0;
        for table in remote.value_of(tables).split(' ') {
            if remote.value_of(&format!("SELECT COUNT(*)::text FROM {table}")) == "0" {
                continue;
            }
            seen += 1;
            remote.change(&format!("CREATE SCHEMA IF NOT EXISTS kept; CREATE TABLE kept.{table} AS TABLE {table}"));
            let columns = format!(
                "SELECT string_agg(column_name::text || ' ' || data_type::text, ',' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{table}'"
            );
            let columns = remote.value_of(&columns);
            let (first, last) = (columns.split(',').next().unwrap(), columns.split(',').next_back().unwrap());
            for column in [first, last] {
                let (name, kind) = column.split_once(' ').unwrap();
                let changed = match kind {
                    "text" => format!("{name} || '0'"),
                    "bigint" => format!("{name} + 1000"),
                    _ => format!("set_byte({name}, 0, (get_byte({name}, 0) + 1) % 256)"),
                };
                let row = format!("SELECT ctid FROM {table} WHERE {name} IS NOT NULL ORDER BY ctid LIMIT 1");
                remote.change(&format!("UPDATE {table} SET {name} = {changed} WHERE ctid = ({row})"));
                let said = stage.say("verify --json");
                assert!(is_named(&said), "{table}.{name} is another, and nothing is said: {said:?}");
                remote.change(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept.{table}"));
            }
            remote.change(&format!("DELETE FROM {table} WHERE ctid = (SELECT ctid FROM {table} ORDER BY ctid LIMIT 1)"));
            let said = stage.say("verify --json");
            assert!(is_named(&said), "a row of {table} is gone, and nothing is said: {said:?}");
            remote.change(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept.{table}; DROP TABLE kept.{table}"));
        }
        assert!(seen > 10, "{seen} tables hold rows");
        remote.change("DROP SCHEMA kept");
        stage.verify_everything();
    });
}

#[test]
fn what_somebody_put_behind_the_rows_is_named() {
    on_servers(|| {
        let stage = holdings();
        let remote = stage.remote.as_ref().unwrap();
        let done_and_undone = [
            (
                "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER lose BEFORE INSERT ON findings EXECUTE FUNCTION lose()",
                "DROP TRIGGER lose ON findings; DROP FUNCTION lose",
                "database/trigger findings.lose",
            ),
            ("CREATE RULE quiet AS ON DELETE TO meta DO INSTEAD NOTHING", "DROP RULE quiet ON meta", "database/rule meta.quiet"),
            ("ALTER TABLE meta ADD COLUMN note TEXT", "ALTER TABLE meta DROP COLUMN note", "database/column meta.note"),
            ("ALTER TABLE items ALTER COLUMN number DROP NOT NULL", "ALTER TABLE items ALTER COLUMN number SET NOT NULL", "database/column items.number"),
            ("ALTER TABLE findings ENABLE ROW LEVEL SECURITY", "ALTER TABLE findings DISABLE ROW LEVEL SECURITY", "database/table findings"),
            ("CREATE TABLE another (id TEXT)", "DROP TABLE another", "database/table another"),
        ];
        for (done, undone, path) in done_and_undone {
            remote.change(done);
            let said = stage.say("verify --json");
            assert!(said.objects().iter().any(|finding| finding["path"] == path && finding["severity"] == "error"), "{path}: {said:?}");
            remote.change(undone);
        }
        stage.verify_everything();
    });
}

#[test]
fn a_database_of_yesterday_is_refused() {
    on_servers(|| {
        let stage = holdings();
        let remote = stage.remote.as_ref().unwrap();
        remote.keep_database();
        stage.file("more/four.txt", "four");
        let number = stage.deposit(&stage.path("more"))["accession"].as_str().unwrap().to_owned();
        stage.verify_everything();
        remote.put_database_back();
        let opened = stage.path("opened after");
        let more = stage.path("more");
        let item = format!("{number}.00001");
        for words in [
            &["deposit", more.to_str().unwrap(), "--contributor", "P", "--title", "T", "--json"][..],
            &["open", &item, "--reason", "r", "--output", opened.to_str().unwrap()],
            &["list"],
            &["fixity"],
            &["work", "--once"],
        ] {
            let refused = stage.sago(words).ends(2);
            for word in ["The database is older than the", "log: it knows", "are missing from it", "sago rebuild", "loses nothing"] {
                assert!(refused.err.contains(word), "{words:?}: {word}: {refused:?}");
            }
        }
        assert!(!opened.exists());
        let said = stage.say("verify --json");
        assert!(is_named(&said), "{said:?}");
        // What it says can be done is done, and loses nothing.
        let rebuilt = stage.say("rebuild --json");
        assert!(rebuilt.code <= 1 && rebuilt.object()["differences"].as_u64().unwrap() > 0, "{rebuilt:?}");
        stage.verify_everything();
        stage.sago(["open", &item, "--reason", "r", "--output", opened.to_str().unwrap()]).ends(0);
        assert_eq!(std::fs::read_to_string(opened).unwrap(), "four");
        stage.deposit(&more);
        stage.verify_everything();
    });
}

#[test]
fn a_log_of_yesterday_is_refused() {
    on_servers(|| {
        let stage = holdings();
        let yesterday = stage.path("yesterday");
        std::fs::rename(stage.local("log"), &yesterday).unwrap();
        stage.file("more/four.txt", "four");
        stage.deposit(&stage.path("more"));
        let folder = stage.local("log");
        for path in tree(&folder) {
            let name = path.strip_prefix(&folder).unwrap();
            stage.put("log", name.to_str().unwrap(), std::fs::read(yesterday.join(name)).ok());
        }
        let said = stage.say("verify --json");
        assert!(is_named(&said), "{said:?}");
        let refused = stage.sago(["deposit", stage.path("more").to_str().unwrap(), "--contributor", "P", "--title", "T", "--json"]);
        assert!(refused.code != 0, "a deposit onto a log of yesterday: {refused:?}");
    });
}
