//! Settings that are refused, and paths that are resolved.

use super::*;

fn settings() -> Settings {
    Settings {
        format: FORMAT,
        repository: Uuid::nil(),
        domain_unit: Uuid::nil(),
        witness_quorum: None,
        place: Uuid::nil(),
        read_only: false,
        paths: Paths::default(),
        s3: Server::default(),
        fixity: Fixity::default(),
        epoch: Epoch::default(),
        work: Work::default(),
        reading: Reading::default(),
        authority: Vec::new(),
        witness: Vec::new(),
        replica: Vec::new(),
    }
}

#[test]
fn settings_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let written = settings();
    written.write(folder.path()).unwrap();
    let read = Settings::read(folder.path()).unwrap();
    assert_eq!(read.fixity.interval_days, written.fixity.interval_days);
}

#[test]
fn authorities_need_names_of_their_own_and_addresses_on_the_web() {
    let authority = |name: &str, url: &str| Authority { name: name.into(), url: url.into(), anchor: "anchors/a.pem".into() };
    let read = |authorities: Vec<Authority>| {
        let folder = tempfile::tempdir().unwrap();
        let text = toml::to_string(&Settings { authority: authorities, ..settings() }).unwrap();
        std::fs::write(folder.path().join(FILE), text).unwrap();
        Settings::read(folder.path())
    };
    let sound = vec![authority("one", "https://tsa.example/tsr"), authority("two", "HTTP://tsa.example")];
    assert_eq!(read(sound).unwrap().authority.len(), 2);
    for (second, word) in [
        (authority("one", "https://tsa.example"), "Two authorities"),
        (authority("ONE", "https://tsa.example"), "Two authorities"),
        (authority("two", "file:///etc/passwd"), "neither with http"),
        (authority("two", "tsa.example"), "neither with http"),
        (authority("two", "https://"), "neither with http"),
        (authority("two", ""), "neither with http"),
    ] {
        let error = read(vec![authority("one", "https://tsa.example"), second]).unwrap_err();
        assert!(error.message.contains(word) && error.hints[0].contains(FILE), "{error}");
    }
}

#[test]
fn a_folder_that_is_no_repository_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let error = Settings::read(folder.path()).unwrap_err();
    assert!(error.message.contains("not a Sago repository"));
}

#[test]
fn a_newer_format_is_refused_even_with_unknown_members() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), "format = 99\nfuture = true\n").unwrap();
    let error = Settings::read(folder.path()).unwrap_err();
    assert!(error.message.contains("format 99"));
    assert!(error.hints[0].contains("newer Sago"));
}

#[test]
fn a_vault_under_the_storage_root_is_refused_also_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("store")).unwrap();
    let mut bad = settings();
    bad.paths.vault = "store/vault".into();
    assert!(Places::resolve(folder.path(), &bad).is_err());
    std::os::unix::fs::symlink(folder.path().join("store"), folder.path().join("elsewhere")).unwrap();
    bad.paths.vault = "elsewhere/vault".into();
    assert!(Places::resolve(folder.path(), &bad).is_err());
    bad.paths.vault = ".".into();
    assert!(Places::resolve(folder.path(), &bad).is_err());
    assert!(Places::resolve(folder.path(), &settings()).is_ok());
}
