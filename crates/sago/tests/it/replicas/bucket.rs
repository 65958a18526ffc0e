//! A second site in a bucket, opened by credentials of its own.

use std::path::Path;

use super::{on, with_site};
use crate::cast::{Stage, answer};
use crate::pairs::server;

/// A folder repository whose second site is a bucket that only the profile `hill` opens.
fn with_bucket() -> (Stage, String) {
    let (stage, _) = with_site();
    let address = format!("{}/replica-{}", server("SAGO_TEST_S3"), uuid::Uuid::new_v4().simple());
    let secret = format!("aws_access_key_id = {}\naws_secret_access_key = {}\n", server("AWS_ACCESS_KEY_ID"), server("AWS_SECRET_ACCESS_KEY"));
    stage.file("credentials", format!("[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n[hill]\n{secret}"));
    let settings = std::fs::read_to_string(stage.repo.join("sago.toml")).unwrap();
    let head = settings.split("\n[[replica]]").next().unwrap();
    let (endpoint, region) = (server("AWS_ENDPOINT_URL"), server("AWS_REGION"));
    let replica = format!("[[replica]]\nname = \"hill\"\naddress = \"{address}\"\nendpoint = \"{endpoint}\"\nregion = \"{region}\"\n");
    std::fs::write(stage.repo.join("sago.toml"), format!("{head}\n{replica}profile = \"hill\"\n")).unwrap();
    (stage, address)
}

#[test]
fn a_second_site_in_a_bucket_has_credentials_of_its_own() {
    let (stage, address) = with_bucket();
    let run = |repo: &Path, words: &[&str]| {
        let mut command = stage.command(words);
        command.env("SAGO_REPO", repo).env("AWS_SHARED_CREDENTIALS_FILE", stage.path("credentials"));
        command.env("AWS_ENDPOINT_URL", server("AWS_ENDPOINT_URL")).env("AWS_REGION", server("AWS_REGION"));
        answer(command.output().unwrap())
    };
    // The variables that open the repository's own bucket do not open this one: the profile alone does.
    let refused = on(&stage, &stage.repo, &["replicate"]).ends(2);
    assert!(refused.err.contains("no profile") || refused.err.contains("credentials"), "{}", refused.err);
    let made = run(&stage.repo, &["replicate", "--json"]).ends(0).object();
    assert_eq!((made["objects_behind"].as_u64(), made["custody_entries_behind"].as_u64()), (Some(0), Some(0)), "{made}");
    assert_eq!(run(&stage.repo, &["replicate", "--json"]).ends(0).object()["new_bytes"], 0);
    assert_eq!(run(&stage.repo, &["replicate", "--check", "--json"]).ends(0).object()["findings"], 0);
    // A stored file of the folder is lost, a large one: it comes back from the bucket.
    let files = crate::shredding::tree(&stage.repo.join("store"));
    let big = files.iter().find(|path| path.metadata().unwrap().len() > 1 << 20).unwrap();
    let whole = std::fs::read(big).unwrap();
    std::fs::remove_file(big).unwrap();
    let mended = run(&stage.repo, &["replicate", "--repair", "--json"]).ends(0).object();
    assert_eq!(mended["fetched"].as_array().unwrap().len(), 1, "{mended}");
    assert_eq!(std::fs::read(big).unwrap(), whole);
    stage.verify_everything();
    // It is read from the bucket.
    let reader = stage.path("reader");
    run(Path::new("/nowhere"), &["replicate", "--address", &address, "--profile", "hill", "--reader", reader.to_str().unwrap()]).ends(0);
    assert_eq!(run(&reader, &["verify", "--without-keys", "--json"]).ends(0).object()["sound"], true);
}
