//! A repository in which every kind of file and row there is occurs: units working, sealed and destroyed, full and partial tiles, opened
//! items, a fixity check, findings, an export, people with keys of their own, a time-stamp.

use std::ffi::OsStr;
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
    /// Number of the accession of a working unit.
    pub working: String,
    /// Its unit.
    pub working_unit: String,
    /// Unit that is sealed.
    pub sealed_unit: String,
    /// Unit whose key was destroyed.
    pub destroyed_unit: String,
}

impl Holdings {
    pub fn new() -> Self {
        let stage = Stage::new();
        with_authority(&stage);
        stage.file("disk/one.txt", "the first original");
        stage.file("disk/two.txt", vec![7_u8; 200_000]);
        stage.file("disk/copy of one.txt", "the first original");
        std::os::unix::fs::symlink("one.txt", stage.path("disk/link")).unwrap();
        stage.file("sealed/secret.txt", "sealed at once");
        stage.file("sealed/more.txt", vec![9_u8; 70_000]);
        stage.file("gone/gone.txt", "this will be destroyed");
        let working = stage.deposit(&stage.path("disk"));
        let sealed = deposit_sealed(&stage);
        let gone = stage.deposit(&stage.path("gone"));
        let word = |value: &serde_json::Value, name: &str| value[name].as_str().unwrap().to_owned();
        let number = word(&working, "accession");
        open(&stage, &format!("{number}.00001"), 0);
        open(&stage, &format!("{}.00001", word(&sealed, "accession")), 2);
        open(&stage, &format!("{}.00001", word(&gone, "accession")), 0);
        stage.say("fixity --all").ends(0);
        stage.say("key check").ends(0);
        let package = stage.path("package");
        let words = [
            OsStr::new("export"),
            number.as_ref(),
            "--output".as_ref(),
            package.as_os_str(),
            "--recipient".as_ref(),
            "Court".as_ref(),
            "--reason".as_ref(),
            "asked".as_ref(),
        ];
        stage.sago(words).ends(0);
        destroy(&stage, &word(&gone, "accession"));
        fill_logs(&stage.repo);
        stamp(&stage);
        let holdings =
            Self { working: number, working_unit: word(&working, "unit"), sealed_unit: word(&sealed, "unit"), destroyed_unit: word(&gone, "unit"), stage };
        holdings.stage.verify_everything();
        holdings
    }
}

fn deposit_sealed(stage: &Stage) -> serde_json::Value {
    let disk = stage.path("sealed");
    let words = [
        OsStr::new("deposit"),
        disk.as_os_str(),
        "--sealed".as_ref(),
        "--contributor".as_ref(),
        "P".as_ref(),
        "--title".as_ref(),
        "T".as_ref(),
        "--json".as_ref(),
    ];
    stage.sago(words).ends(0).object()
}

fn open(stage: &Stage, item: &str, code: i32) {
    let output = stage.path(&format!("opened {item}"));
    stage.sago([OsStr::new("open"), item.as_ref(), "--reason".as_ref(), "to read".as_ref(), "--output".as_ref(), output.as_os_str()]).ends(code);
}

fn destroy(stage: &Stage, unit: &str) {
    let own = stage.file("own-passphrase", "an approver's own words\n");
    for name in ["Lee", "Park"] {
        stage
            .sago([
                OsStr::new("agent"),
                "add".as_ref(),
                "--name".as_ref(),
                name.as_ref(),
                "--role".as_ref(),
                "approver".as_ref(),
                "--agent-passphrase-file".as_ref(),
                own.as_os_str(),
            ])
            .ends(0);
    }
    let request = stage.sago(["key", "destroy", unit, "--reason", "withdrawn", "--json"]).ends(0).object();
    let number = request["request"].as_str().unwrap().to_owned();
    for code in ["P-02", "P-03"] {
        stage
            .sago([OsStr::new("--as"), code.as_ref(), "key".as_ref(), "approve".as_ref(), number.as_ref(), "--agent-passphrase-file".as_ref(), own.as_os_str()])
            .ends(0);
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
