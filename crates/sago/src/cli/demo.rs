//! `sago demo`: a repository of fictitious people, and the whole path from deposit to a stranger's verification, said step by step.

use std::path::{Path, PathBuf};

use clap::Args;
use sago_core::accession::{self, NewAccession, Progress, receipt};
use sago_core::ctx::{Clock, Ctx, Role};
use sago_core::error::IoContext as _;
use sago_core::export::{NewExport, export};
use sago_core::item;
use sago_core::key::Passphrase;
use sago_core::ledger::event::Log;
use sago_core::repository::{NewRepository, Repository};
use sago_core::store::durable;
use sago_core::user::{self, NewAgent};
use sago_core::{Error, Result};
use serde_json::json;
use zeroize::Zeroizing;

use super::{Common, Done, out};

/// The passphrase of the demonstration; it protects nothing.
const PASSPHRASE: &str = "demo passphrase of nobody";

/// Files of fictitious people, as an interviewer might bring them.
const FILES: &[(&str, &str)] = &[
    (
        "W-0123/interview-notes.txt",
        "Interview with W-0123 (fictitious)\nPlace: Seoul. Language: Korean. Interpreter: none.\n\nW-0123 states that in March 2011 an officer of the county security department beat W-0123 in the detention centre of Onsong. W-0123 did not learn the officer's name; he was called “head of the third section”.\n",
    ),
    (
        "W-0123/진술서_2011.txt",
        "진술서 (가공의 인물)\n\n2011년 3월 온성 구류장에서 군 보위부 지도원이 저를 때렸습니다. 이름은 모르고 3과장이라고 불렀습니다.\n",
    ),
    (
        "W-0123/consent.txt",
        "Consent of W-0123 (fictitious)\nAnalysis: yes. Anonymised public report: yes. International court: yes. National prosecution: to be asked again.\n",
    ),
    (
        "W-0123/plan-of-the-detention-centre.svg",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 120 80\"><rect x=\"5\" y=\"5\" width=\"110\" height=\"70\" fill=\"none\" stroke=\"black\"/><line x1=\"60\" y1=\"5\" x2=\"60\" y2=\"75\" stroke=\"black\"/><text x=\"12\" y=\"24\" font-size=\"8\">cell 1</text><text x=\"66\" y=\"24\" font-size=\"8\">guards</text></svg>\n",
    ),
    (
        "W-0123/copies/consent.txt",
        "Consent of W-0123 (fictitious)\nAnalysis: yes. Anonymised public report: yes. International court: yes. National prosecution: to be asked again.\n",
    ),
];

/// Arguments of `sago demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Folder to make; must be absent or empty.
    #[arg(default_value = "sago-demo")]
    dir: PathBuf,
}

impl Demo {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let dir = std::path::absolute(&self.dir).doing("Could not resolve", &self.dir)?;
        let say = |step: u32, text: String| {
            if common.json { out::object(&json!({ "step": step, "did": text })) } else { out::line(format!("\n{step}. {text}")) }
        };
        let more = |text: String| {
            if !common.json {
                out::line(format!("   {text}"));
            }
        };
        if dir.join("repository").exists() {
            return Err(Error::conflict(format!("{} holds a demonstration already.", dir.display())).hint("Name another folder, or remove this one."));
        }
        let (repo, ctx) = make(&dir).await?;
        say(1, format!("Made a repository of fictitious people in {}.", dir.join("repository").display()));
        more(format!("The custodians' pages are in {}: in real life they are printed, handed out, and the files deleted.", dir.join("shares").display()));
        more(format!("The passphrase is in {}.", dir.join("passphrase.txt").display()));

        let deposited = deposit(&repo, &ctx, &dir).await?;
        say(
            2,
            format!(
                "Received {}: {} files seen, {} items, {} not taken, {} stored once because it came twice.",
                deposited.number, deposited.files_seen, deposited.items, deposited.not_taken, deposited.duplicates
            ),
        );
        more("Every byte was hashed, sealed to the key of its consent unit, and entered in the custody log.".to_owned());
        more(format!("The link among the files was not followed: it is listed with the reason. Receipt: {}", dir.join("receipt/receipt.txt").display()));

        let items = item::items(&repo, &ctx, None, None, 100).await?;
        say(3, "What it holds:".to_owned());
        for one in &items {
            more(format!("{}  {}", one.number, one.line.as_ref().map_or("", |line| line.path.as_str())));
        }

        let first = items.first().map(|item| item.number.clone()).ok_or_else(|| Error::internal("the demonstration received nothing"))?;
        let opened = dir.join("opened.txt");
        item::open_item(&repo, &ctx, &first, "Shown in the demonstration", &opened).await?;
        say(4, format!("Opened {first} into {}. The reason was entered in the log before the first byte was released.", opened.display()));

        let package = dir.join("package");
        let new = NewExport {
            what: deposited.number.clone(),
            recipient: "Court of the demonstration".to_owned(),
            reason: "To show what a stranger can verify".to_owned(),
            output: package.clone(),
        };
        let made = export(&repo, &ctx, &new).await?;
        say(5, format!("Handed over {} items with {} proven events as a package in {}.", made.items, made.events, package.display()));
        more(format!("Begin with {}.", package.join("data/READ-ME-FIRST.html").display()));

        let mut keys = Vec::new();
        for log in Log::ALL {
            let key = dir.join(format!("repository/log/1/{}.vkey", log.name()));
            keys.extend(sago_verify::read_pinned(&key).map_err(|error| Error::internal(error.to_string()))?);
        }
        repo.close().await;
        say(6, "Verified as a stranger, offline:".to_owned());
        let mut sound = true;
        for path in [dir.join("receipt"), package, dir.join("repository")] {
            let mut options = sago_verify::Options::at(sago_stamp::Moment::from_seconds(Clock::System.now().as_second()));
            options.pinned = keys.clone();
            let report = tokio::task::block_in_place(|| sago_verify::verify_path(&path, &options)).map_err(|error| Error::internal(error.to_string()))?;
            sound &= report.is_sound();
            more(format!("{:<12} {}", report.target.to_string(), if report.is_sound() { "sound" } else { "NOT SOUND" }));
            report
                .findings
                .iter()
                .filter(|finding| finding.is_error())
                .for_each(|finding| more(format!("  {} {} {}", finding.code, finding.path, finding.message)));
        }
        if !common.json {
            out::line(format!(
                "\nGo on yourself:\n   export SAGO_REPO={0}/repository SAGO_PASSPHRASE_FILE={0}/passphrase.txt\n   sago list\n   sago show {first}\n   sago verify\n   sago doctor",
                dir.display()
            ));
        }
        Ok(if sound { Done::Sound } else { Done::WithFindings })
    }
}

async fn make(dir: &Path) -> Result<(Repository, Ctx)> {
    durable::write(&dir.join("passphrase.txt"), format!("{PASSPHRASE}\n").as_bytes())?;
    let passphrase: Passphrase = Zeroizing::new(PASSPHRASE.to_owned());
    let new = NewRepository {
        name: "Demonstration".to_owned(),
        custodians: 3,
        threshold: 2,
        passphrase,
        work_factor: 14,
        elsewhere: sago_core::settings::Elsewhere::default(),
        first_person: "Kim Custodian (fictitious)".to_owned(),
    };
    let created = Repository::create(&dir.join("repository"), &new, Clock::System).await?;
    for (at, words) in created.shares.iter().enumerate() {
        let page = sago_core::key::share::Page {
            repository: "Demonstration",
            epoch: 1,
            number: at + 1,
            of: 3,
            threshold: 2,
            made: Clock::System.now(),
            words,
            custody_keys: &created.custody_keys,
            access_keys: &created.access_keys,
        };
        durable::write(&dir.join(format!("shares/share-{}-of-3.txt", at + 1)), page.text().as_bytes())?;
    }
    let ctx = user::act_as(&created.repository, None, Clock::System).await?;
    for (name, role) in [("Lee Approver (fictitious)", Role::Approver), ("Park Approver (fictitious)", Role::Approver)] {
        let person = NewAgent { name: name.to_owned(), roles: vec![role], passphrase: Some(Zeroizing::new(PASSPHRASE.to_owned())) };
        user::add_agent(&created.repository, &ctx, &person).await?;
    }
    Ok((created.repository, ctx))
}

async fn deposit(repo: &Repository, ctx: &Ctx, dir: &Path) -> Result<accession::Deposited> {
    let source = dir.join("disk-of-the-partner");
    for (path, text) in FILES {
        durable::write(&source.join(path), text.as_bytes())?;
    }
    std::os::unix::fs::symlink("../elsewhere", source.join("W-0123/link-to-elsewhere")).doing("Could not make a link in", &source)?;
    let new = NewAccession {
        sources: vec![source],
        contributor: "Partner organisation (fictitious)".to_owned(),
        title: "Interview with W-0123".to_owned(),
        agreement: Some("MoU 2026/3 (fictitious)".to_owned()),
        conditions: vec!["Ask before passing on".to_owned()],
        ..NewAccession::default()
    };
    let deposited = accession::deposit(repo, ctx, &new, &Progress::default()).await?;
    receipt::write_receipt(repo, ctx, &deposited.number, &dir.join("receipt")).await?;
    Ok(deposited)
}
