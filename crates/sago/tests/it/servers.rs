//! What the servers themselves do: the database through the driver that the product uses, the object store through its client.

mod damage;

use object_store::path::Path as Key;
use object_store::{Error, GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, UpdateVersion, WriteMultipart};
use sago_core::store::db::{Db, Engine};
use sqlx::Row as _;

use crate::pairs::{Remote, blocking, bucket, server};

#[test]
fn postgresql_takes_the_schema_and_gives_values_back_as_they_were() {
    let remote = Remote::new();
    blocking(async {
        let db = Db::open(&remote.database(), true).await.unwrap();
        assert_eq!(db.engine, Engine::Postgres);
        // Opened again, it is what it was: nothing is made twice.
        db.close().await;
        let db = Db::open(&remote.database(), false).await.unwrap();
        for (id, size, sealed) in [("사고 – 史庫", i64::MAX, Some(vec![0_u8, 255, 10])), ("A_b", 0, None), ("a-B", -1, Some(Vec::new()))] {
            sqlx::query("INSERT INTO accessions (id, number, unit, status, at, items, bytes, not_taken, generation, idx, row_key, sealed) VALUES ($1, $2, $3, 'received', $4, $5, 0, 0, $6, NULL, NULL, $7)")
                .bind(id)
                .bind(format!("number of {id}"))
                .bind("unit")
                .bind(size)
                .bind(size)
                .bind(sealed.as_ref().map(|bytes| bytes.len() as i64))
                .bind(sealed.clone())
                .execute(db.read())
                .await
                .unwrap();
            let row = sqlx::query("SELECT at, generation, idx, row_key, sealed FROM accessions WHERE id = $1 OR number = $1")
                .bind(id)
                .fetch_one(db.read())
                .await
                .unwrap();
            assert_eq!(row.get::<i64, _>(0), size);
            assert_eq!(row.get::<Option<i64>, _>(1), sealed.as_ref().map(|bytes| bytes.len() as i64));
            assert_eq!((row.get::<Option<i64>, _>(2), row.get::<Option<String>, _>(3)), (None, None));
            assert_eq!(row.get::<Option<Vec<u8>>, _>(4), sealed);
        }
        let counted = "SELECT COUNT(*), COALESCE(MIN(at), 0), COALESCE(SUM(CASE WHEN at <= $1 THEN 1 ELSE 0 END), 0), MAX(row_key) FROM accessions";
        let row = sqlx::query(counted).bind(0_i64).fetch_one(db.read()).await.unwrap();
        assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1), row.get::<i64, _>(2), row.get::<Option<String>, _>(3)), (3, -1, 2, None));
        let twice = sqlx::query("INSERT INTO meta (key, value) VALUES ('k', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value RETURNING value");
        assert_eq!(twice.bind("v").fetch_one(db.read()).await.unwrap().get::<String, _>(0), "v");
        db.close().await;
    });
    assert_eq!(remote.value_of("SELECT value FROM meta"), "v");
    // What a story looks for, it finds: in the dump, and in the server's own files.
    let found: Vec<_> = remote.database_bytes().into_iter().filter(|(_, bytes)| memchr::memmem::find(bytes, "사고 – 史庫".as_bytes()).is_some()).collect();
    assert!(found.len() >= 2 && found[0].0 == "pg_dump", "{:?}", found.iter().map(|(name, _)| name).collect::<Vec<_>>());
}

#[test]
fn postgresql_without_its_password_or_database_is_said() {
    let remote = Remote::new();
    let nobody = remote.database().replace("sago@", "nobody@");
    let nowhere = format!("{}_not", remote.database());
    let stopped = "postgres://sago@127.0.0.1:1/none".to_owned();
    for (address, word) in [(nobody, "password"), (nowhere, "does not exist"), (stopped, "refused")] {
        let error = blocking(Db::open(&address, false)).unwrap_err();
        assert_ne!(error.kind, sago_core::error::ErrorKind::Internal, "{address}: {error}");
        assert!(error.to_string().contains(word), "{address}: {error}");
    }
}

#[test]
fn s3_keeps_what_it_is_given_and_knows_no_conditions() {
    let store = bucket(&server("SAGO_TEST_S3"));
    let root = format!("servers-{}", uuid::Uuid::new_v4().simple());
    let key = |name: &str| Key::from(format!("{root}/{name}"));
    blocking(async {
        let put = |name: &'static str, bytes: Vec<u8>, mode: PutMode| {
            let (store, key) = (store.clone(), key(name));
            async move { store.put_opts(&key, PutPayload::from(bytes), PutOptions { mode, ..PutOptions::default() }).await }
        };
        let read = |name: &'static str| {
            let (store, key) = (store.clone(), key(name));
            async move { store.get(&key).await.unwrap().bytes().await.unwrap() }
        };
        let long: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        for (name, bytes) in [("empty", Vec::new()), ("short", b"short".to_vec()), ("folder/long", long.clone())] {
            put(name, bytes, PutMode::Overwrite).await.unwrap();
        }
        assert_eq!((read("empty").await.len(), &read("short").await[..]), (0, &b"short"[..]));
        assert!(read("folder/long").await == long);
        assert!(matches!(store.get(&key("absent")).await, Err(Error::NotFound { .. })));
        assert_eq!(store.head(&key("folder/long")).await.unwrap().size, long.len() as u64);

        let middle = store.get_range(&key("folder/long"), 1_500_000..1_500_100).await.unwrap();
        assert!(middle[..] == long[1_500_000..1_500_100]);
        let end = GetOptions { range: Some(GetRange::Suffix(10)), ..GetOptions::default() };
        assert!(store.get_opts(&key("folder/long"), end).await.unwrap().bytes().await.unwrap()[..] == long[long.len() - 10..]);

        // Twelve MiB in parts of five: the last one is shorter.
        let whole: Vec<u8> = long.iter().copied().cycle().take(12 << 20).collect();
        let mut parts = WriteMultipart::new_with_chunk_size(store.put_multipart(&key("parts")).await.unwrap(), 5 << 20);
        parts.write(&whole);
        parts.finish().await.unwrap();
        assert!(read("parts").await == whole);
        // Parts whose upload is given up are no file.
        let mut given_up = store.put_multipart(&key("given up")).await.unwrap();
        given_up.put_part(PutPayload::from(vec![0; 5 << 20])).await.unwrap();
        given_up.abort().await.unwrap();
        assert!(matches!(store.head(&key("given up")).await, Err(Error::NotFound { .. })));

        let listed = store.list_with_delimiter(Some(&Key::from(root.as_str()))).await.unwrap();
        let names: Vec<_> = listed.objects.iter().map(|one| one.location.filename().unwrap().to_owned()).collect();
        assert_eq!((names, listed.common_prefixes), (["empty", "parts", "short"].map(str::to_owned).to_vec(), vec![key("folder")]));

        // Garage does not know conditions: it says yes and writes over. So no promise may rest on `If-None-Match` or `If-Match`.
        put("once", b"first".to_vec(), PutMode::Create).await.unwrap();
        put("once", b"second".to_vec(), PutMode::Create).await.unwrap();
        assert_eq!(&read("once").await[..], b"second");
        let stale = PutMode::Update(UpdateVersion { e_tag: Some("\"00000000000000000000000000000000\"".to_owned()), version: None });
        put("once", b"third".to_vec(), stale).await.unwrap();
        assert_eq!(&read("once").await[..], b"third");

        for name in ["empty", "short", "folder/long", "parts", "once"] {
            store.delete(&key(name)).await.unwrap();
        }
        // What is not there is removed without complaint.
        store.delete(&key("short")).await.unwrap();
        assert_eq!(store.list_with_delimiter(Some(&Key::from(root.as_str()))).await.unwrap().objects.len(), 0);
    });
}
