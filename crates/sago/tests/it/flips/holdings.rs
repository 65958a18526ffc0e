//! A repository in which every kind of file and row there is occurs: units working, sealed and destroyed, full and partial tiles, opened
//! items, a fixity check, findings, an export, people with keys of their own, a time-stamp.

use std::path::Path;
use std::process::Command;

use sago_core::ctx::Clock;
use sago_core::ledger::event::{ListShown, ListShownDetail, ShareDestroyed, ShareDestroyedDetail};
use sago_core::repository::Repository;
use zeroize::Zeroizing;

use super::audit::run;
use crate::cast::{PASSPHRASE, Stage};

/// Entries added to each log, so that it has full tiles and bundles beside partial ones.
const MANY: u64 = 300;

/// The repository and what stands in it.
pub struct Holdings {
    pub stage: Stage,
    /// A unit that the server can open.
    pub working_unit: String,
    /// One that is sealed.
    pub sealed_unit: String,
    /// One whose key was destroyed.
    pub destroyed_unit: String,
}

impl Holdings {
    /// A copy of the repository that the first test of this build made; the tests are many, and all begin with the same.
    pub fn new() -> Self {
        let made = std::fs::metadata(env!("CARGO_BIN_EXE_sago")).unwrap().modified().unwrap();
        let name = format!("holdings-{}", made.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos());
        let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let kept = parent.join(&name);
        let turn = std::fs::File::create(parent.join("holdings.lock")).unwrap();
        turn.lock().unwrap();
        if !kept.exists() {
            for entry in std::fs::read_dir(parent).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && path.file_name().unwrap().to_string_lossy().starts_with("holdings-") {
                    std::fs::remove_dir_all(path).unwrap();
                }
            }
            let (stage, told) = make();
            std::fs::write(stage.path("told"), told.join("\n")).unwrap();
            std::fs::rename(stage.folder.path(), &kept).unwrap();
        }
        let stage = Stage::empty();
        copy(&kept.join("repository"), &stage.repo);
        copy(&kept.join("shares"), &stage.path("shares"));
        let told: Vec<_> = std::fs::read_to_string(kept.join("told")).unwrap().lines().map(str::to_owned).collect();
        turn.unlock().unwrap();
        let [working_unit, sealed_unit, destroyed_unit] = told.try_into().unwrap();
        Self { stage, working_unit, sealed_unit, destroyed_unit }
    }

    /// Names of all files of the repository, relative to it, in order.
    pub fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.stage.repo.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(&self.stage.repo).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found.sort();
        found
    }

    /// The files of which `wanted` holds; there must be some.
    #[track_caller]
    pub fn files_where(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let found: Vec<_> = self.files().into_iter().filter(|name| wanted(name)).collect();
        assert!(!found.is_empty());
        found
    }

    /// The folder of the object that holds what a unit received.
    pub fn object_of(&self, unit: &str) -> String {
        let manifest = self.files_where(|name| name.ends_with(&format!("/m/{unit}.manifest.age"))).remove(0);
        manifest.split_once("/v1/content/").unwrap().0.to_owned()
    }
}

/// Makes the repository; answers the three units.
fn make() -> (Stage, [String; 3]) {
    let stage = Stage::new();
    with_authority(&stage);
    stage.file("disk/one.txt", "the first original");
    stage.file("disk/two.txt", vec![7_u8; 200_000]);
    stage.file("disk/copy of one.txt", "the first original");
    std::os::unix::fs::symlink("one.txt", stage.path("disk/link")).unwrap();
    stage.file("sealed/secret.txt", "sealed at once");
    stage.file("sealed/more.txt", vec![9_u8; 70_000]);
    stage.file("gone/gone.txt", "this will be destroyed");
    let word = |value: &serde_json::Value, name: &str| value[name].as_str().unwrap().to_owned();
    let working = stage.deposit(&stage.path("disk"));
    let (disk, package) = (stage.path("sealed"), stage.path("package"));
    let sealed = stage.sago(["deposit", disk.to_str().unwrap(), "--sealed", "--contributor", "P", "--title", "T", "--json"]).ends(0).object();
    let gone = stage.deposit(&stage.path("gone"));
    let (number, gone_number) = (word(&working, "accession"), word(&gone, "accession"));
    for (accession, code) in [(&number, 0), (&word(&sealed, "accession"), 2), (&gone_number, 0)] {
        let output = stage.path(&format!("opened {accession}"));
        stage.sago(["open", &format!("{accession}.00001"), "--reason", "to read", "--output", output.to_str().unwrap()]).ends(code);
    }
    stage.say("fixity --all").ends(0);
    stage.say("key check").ends(0);
    stage.say("read").ends(0);
    stage.sago(["export", &number, "--output", package.to_str().unwrap(), "--recipient", "Court", "--reason", "asked"]).ends(0);
    destroy(&stage, &gone_number);
    fill_logs(&stage.repo);
    stamp(&stage);
    stage.verify_everything();
    (stage, [word(&working, "unit"), word(&sealed, "unit"), word(&gone, "unit")])
}

/// Copies a folder with all in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

fn destroy(stage: &Stage, unit: &str) {
    let own = stage.file("own-passphrase", "an approver's own words\n");
    let own = own.to_str().unwrap();
    for name in ["Lee", "Park"] {
        stage.sago(["agent", "add", "--name", name, "--role", "approver", "--agent-passphrase-file", own]).ends(0);
    }
    let request = stage.sago(["key", "destroy", unit, "--reason", "withdrawn", "--json"]).ends(0).object();
    let number = request["request"].as_str().unwrap();
    for code in ["P-02", "P-03"] {
        stage.sago(["--as", code, "key", "approve", number, "--agent-passphrase-file", own]).ends(0);
    }
}

/// Many entries at once, in one batch for each log.
fn fill_logs(root: &Path) {
    run(async {
        let repo = Repository::open(root, &Zeroizing::new(PASSPHRASE.to_owned()), Clock::System).await.unwrap();
        let ctx = sago_core::user::act_as(&repo, None, Clock::System).await.unwrap();
        let mut tx = repo.begin().await.unwrap();
        for _ in 0..MANY {
            tx.append(repo.settings.domain_unit, ShareDestroyed { epoch: 1 }.with(ShareDestroyedDetail { statement: "for the test".to_owned() }));
            tx.append(repo.settings.domain_unit, ListShown {}.with(ListShownDetail { what: "accessions".to_owned(), rows: 3 }));
        }
        tx.commit(&ctx).await.unwrap();
        repo.integrate(&ctx).await.unwrap();
        repo.close().await;
    });
}

/// Names an authority in the settings; it is made by the `openssl` command.
fn with_authority(stage: &Stage) {
    let folder = stage.path("authority");
    std::fs::create_dir_all(&folder).unwrap();
    let section = "[t]\nserial = serial\ncrypto_device = builtin\nsigner_digest = sha256\ndefault_policy = 1.3.6.1.4.1.99999.1\n\
         digests = sha256, sha512\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n";
    std::fs::write(folder.join("ts.cnf"), section).unwrap();
    std::fs::write(folder.join("serial"), "01\n").unwrap();
    let request = "[req]\ndistinguished_name = n\nprompt = no\n[n]\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n\
         [tsa]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n";
    std::fs::write(folder.join("req.cnf"), request).unwrap();
    let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config req.cnf";
    openssl(&folder, &format!("req -x509 -extensions ca -days 3650 -subj /CN=root -keyout root.key -out root.pem {new_key}"));
    openssl(&folder, &format!("req -new -subj /CN=signer -keyout tsa.key -out tsa.csr {new_key}"));
    openssl(&folder, "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -set_serial 2 -days 3650 -extfile req.cnf -extensions tsa -out tsa.pem");
    std::fs::create_dir_all(stage.repo.join("anchors")).unwrap();
    std::fs::copy(folder.join("root.pem"), stage.repo.join("anchors/test.pem")).unwrap();
    let settings = stage.repo.join("sago.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("{text}\n[[authority]]\nname = \"test\"\nurl = \"http://authority.invalid/\"\nanchor = \"anchors/test.pem\"\n")).unwrap();
}

/// Asks the authority and takes its replies, as a site without a network does.
fn stamp(stage: &Stage) {
    let carried = stage.path("carried");
    let authority = stage.path("authority");
    run(async {
        let repo = Repository::open(&stage.repo, &Zeroizing::new(PASSPHRASE.to_owned()), Clock::System).await.unwrap();
        let ctx = sago_core::user::act_as(&repo, None, Clock::System).await.unwrap();
        let questions = sago_core::stamp::write_queries(&repo, &ctx, &carried).await.unwrap().questions;
        for (query, reply) in questions.iter().flat_map(|question| &question.files) {
            let (query, reply) = (carried.join(query), carried.join(reply));
            let words = format!("ts -reply -config ts.cnf -section t -queryfile {} -signer tsa.pem -inkey tsa.key -out {}", query.display(), reply.display());
            openssl(&authority, &words);
        }
        let taken = sago_core::stamp::take_replies(&repo, &ctx, &carried).await.unwrap();
        assert!(!taken.is_empty() && taken.iter().all(|stamped| stamped.result.is_ok()), "{taken:?}");
        repo.close().await;
    });
}

fn openssl(folder: &Path, words: &str) {
    let output = Command::new("openssl").current_dir(folder).args(words.split_whitespace()).output();
    let output = output.unwrap_or_else(|why| panic!("the openssl command is needed for this test: {why}"));
    assert!(output.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&output.stderr));
}
