//! Dossiers for the tests: an ordinary one, and one in which every text is hostile.

use sago_packages::describe::*;

pub const ACCESSION: &str = "11111111-0000-4000-8000-000000000001";
pub const UNIT: &str = "22222222-0000-4000-8000-000000000001";
pub const CUSTODIAN: &str = "urn:uuid:3f2b91c4-0000-4000-8000-000000000001";
pub const APPROVER: &str = "urn:uuid:9a01c2d3-0000-4000-8000-000000000002";
pub const ORIGIN: &str = "sago.example/7c1e90d2";

/// What strangers put into names: markup, ends of sections, control characters, direction overrides, quotes, four-byte letters.
pub const NASTY: &str = "<script>alert(1)</script> ]]> --> \u{0}\u{1}\u{8}\u{1b}[31m\u{7f}\u{85}\t\n\r \u{202e}gpj.exe\u{2066} \u{feff} ' \" \\ ` ``` $(id) {who} {about|을/를} %2e%2e/ & &lt; &#0; \u{1f9ea}\u{10fffe}\u{fffe} ‘진술’ 김정은";

pub fn uuid(n: u32) -> String {
    format!("33333333-0000-4000-8000-{n:012}")
}

/// Three items of one deposit, received, checked, opened and handed over.
pub fn sample() -> Dossier {
    let item = |n: u32, path: &str, size: u64, media_type: Option<&str>| Item {
        number: format!("A-2026-0001.{n:05}"),
        uuid: uuid(n),
        accession: ACCESSION.into(),
        path: path.into(),
        path_bytes: "7KeE7Iig7IScLmh3cA==".into(),
        size,
        sha256: format!("{n:064x}"),
        sha512: format!("{n:0128x}"),
        modified: Some("2011-03-09T04:12:00.000000Z".into()),
        media_type: media_type.map(Into::into),
        puid: None,
        evidence: format!("data/evidence/A-2026-0001.{n:05}/{}", path.rsplit('/').next().unwrap()),
        proof: format!("data/proofs/items/A-2026-0001.{n:05}.json"),
        stored: Some(StoredCopy {
            object: "urn:uuid:44444444-0000-4000-8000-000000000001".into(),
            content: format!("v1/content/o/{n:06}.age"),
            sha256: "a".repeat(64),
            sha512: "b".repeat(128),
        }),
    };
    let event = |log: Log, index: u64, kind: &str, at: &str, agent: &str, about: &[&str], detail: Detail| Event {
        log,
        origin: ORIGIN.into(),
        index,
        kind: kind.into(),
        at: at.into(),
        agent: agent.into(),
        about: about.iter().map(|id| (*id).to_owned()).collect(),
        detail,
        proof: format!("data/proofs/{}-{index}.tlog-proof", log.code()),
    };
    let open = |members: &[(&str, &str)]| Detail::Open(members.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
    let items = vec![
        item(1, "조사 자료/2011/진술서_2011.hwp", 48_213, Some("application/x-hwp")),
        item(2, "조사 자료/2011/녹음/통화 녹음 03.m4a", 5_230_118, Some("audio/mp4")),
        item(3, "scans/IMG_0412.JPG", 912, None),
    ];
    let mut files: Vec<BagFile> = [
        ("READ-ME-FIRST.html", "text/html", "A page in plain words, to be read first."),
        ("VERIFY.md", "text/markdown", "How to verify this package, step by step."),
        ("provenance/premis.xml", "application/xml", "PREMIS 3.0 description."),
        ("provenance/events.jsonl", "application/jsonl", "The log entries about what is in the package."),
        ("proofs/keys/custody.vkey", "text/plain", "Keys of the custody log."),
        ("proofs/keys/access.vkey", "text/plain", "Keys of the access log."),
        ("verify/sago_verify.py", "text/x-python", "The independent verifier."),
        ("proofs/custody-5.tlog-proof", "text/plain", "Proof of entry 5 of the custody log."),
        ("proofs/custody-9.tlog-proof", "text/plain", "Proof of entry 9 of the custody log."),
        ("proofs/custody-12.tlog-proof", "text/plain", "Proof of entry 12 of the custody log."),
        ("proofs/custody-20.tlog-proof", "text/plain", "Proof of entry 20 of the custody log."),
        ("proofs/access-7.tlog-proof", "text/plain", "Proof of entry 7 of the access log."),
    ]
    .iter()
    .map(|(path, media_type, description)| BagFile {
        path: format!("data/{path}"),
        size: Some(1_024),
        sha256: Some("c".repeat(64)),
        media_type: (*media_type).into(),
        description: (*description).into(),
    })
    .collect();
    files.push(BagFile {
        path: "data/ro-crate-metadata.json".into(),
        size: None,
        sha256: None,
        media_type: "application/ld+json".into(),
        description: "This description.".into(),
    });
    files.extend(items.iter().map(|item| BagFile {
        path: item.evidence.clone(),
        size: Some(item.size),
        sha256: Some(item.sha256.clone()),
        media_type: "application/octet-stream".into(),
        description: "An original.".into(),
    }));
    files.extend(items.iter().map(|item| BagFile {
        path: item.proof.clone(),
        size: Some(900),
        sha256: Some("d".repeat(64)),
        media_type: "application/json".into(),
        description: "Proof that the item's line is in the manifest.".into(),
    }));
    let keys = |log: Log| LogKeys {
        log,
        origin: if log == Log::Custody { ORIGIN.into() } else { "sago.example/e0459b11".into() },
        file: format!("data/proofs/keys/{}.vkey", log.code()),
        content: "sago.example/7c1e90d2+5a0c1b7e+AQ0IEC1GKGXjjdtBE8XPV2XVJOBTHAZ3GOY3kMVvDNZt\n".into(),
        witnesses: Vec::new(),
    };
    let first = uuid(1);
    Dossier {
        repository: Repository {
            name: "OHCHR Seoul (demonstration)".into(),
            logs: vec![keys(Log::Custody), keys(Log::Access)],
            published_at: vec![
                "The printed receipt of 14 March 2026 for deposit A-2026-0001, held by the contributor".into(),
                "The annual report 2026 of the repository, page 4".into(),
            ],
        },
        export: Export {
            name: "A-2026-0001-for-prosecutor".into(),
            at: "2026-05-02T07:40:11.002000Z".into(),
            by: CUSTODIAN.into(),
            reason: "Request 12/2026 of the War Crimes Unit, items on the detention centre of Onsong.".into(),
            recipient: "War Crimes Unit, Federal Prosecutor’s Office".into(),
            terms: "For the proceedings named in request 12/2026 only.\nNot to be copied or passed on without written consent of the repository.".into(),
            software: Software { name: "Sago".into(), version: "0.1.0".into(), url: "https://sago.example/".into() },
        },
        accessions: vec![Accession {
            number: "A-2026-0001".into(),
            uuid: ACCESSION.into(),
            title: "Disk 3 of the documentation group".into(),
            contributor: Some("C-012, a documentation group".into()),
            agreement: Some("Agreement of 2 March 2026".into()),
            conditions: vec!["Names of family members are not to be published.".into()],
            label: "strictly-confidential".into(),
            received_at: "2026-03-14T09:02:00.123456Z".into(),
            received_by: CUSTODIAN.into(),
            unit: UNIT.into(),
            items_received: 878,
        }],
        agents: vec![
            Agent { urn: CUSTODIAN.into(), role: "custodian".into(), kind: AgentKind::Person },
            Agent { urn: APPROVER.into(), role: "approver".into(), kind: AgentKind::Person },
        ],
        events: vec![
            event(
                Log::Custody,
                5,
                "accession-received",
                "2026-03-14T09:02:00.123456Z",
                CUSTODIAN,
                &[ACCESSION, UNIT],
                open(&[("items", "878"), ("files that could not be taken", "2")]),
            ),
            event(Log::Custody, 9, "fixity-checked", "2026-04-01T01:00:04.000000Z", CUSTODIAN, &[ACCESSION], Detail::Withheld),
            event(
                Log::Access,
                7,
                "item-opened",
                "2026-04-20T12:30:00.000000Z",
                APPROVER,
                &[&first, ACCESSION],
                open(&[("reason", "Review for request 12/2026")]),
            ),
            event(Log::Custody, 12, "from-the-future", "2026-04-28T08:00:00.000000Z", CUSTODIAN, &[ACCESSION], open(&[])),
            event(
                Log::Custody,
                20,
                "export-made",
                "2026-05-02T07:40:11.002000Z",
                CUSTODIAN,
                &[ACCESSION],
                open(&[("recipient", "War Crimes Unit"), ("items", "3")]),
            ),
        ],
        stamps: vec![Stamp {
            authority: "Test authority (not qualified)".into(),
            gen_time: "2026-05-02T08:00:00.000000Z".into(),
            log: Log::Custody,
            size: 21,
            checkpoint: "data/stamps/0011223344556677/21/checkpoint".into(),
            chain: "data/stamps/0011223344556677/21/test.chain.pem".into(),
            tokens: vec![StampToken { digest: "sha256".into(), response: "data/stamps/0011223344556677/21/test.sha256.tsr".into() }],
        }],
        items,
        files,
        omissions: vec![
            Omission {
                what: "875 further items of deposit A-2026-0001".into(),
                reason: "They do not concern the detention centre named in the request.".into(),
            },
            Omission { what: "A-2026-0001.00412".into(), reason: "The source did not consent to this use.".into() },
        ],
        example: None,
    }
}

/// The sample with [`NASTY`] in every text a stranger or a slip of the pen could reach.
pub fn hostile() -> Dossier {
    let nasty = || NASTY.to_owned();
    let mut dossier = sample();
    dossier.repository.name = nasty();
    dossier.repository.published_at = vec![nasty()];
    for log in &mut dossier.repository.logs {
        log.witnesses = vec![nasty()];
    }
    let export = &mut dossier.export;
    (export.name, export.reason, export.recipient, export.terms) = (nasty(), nasty(), nasty(), nasty());
    export.software.version = nasty();
    for accession in &mut dossier.accessions {
        (accession.number, accession.title, accession.label) = (nasty(), nasty(), nasty());
        (accession.contributor, accession.agreement, accession.conditions) = (Some(nasty()), Some(nasty()), vec![nasty()]);
    }
    for item in &mut dossier.items {
        let evidence = format!("{}{NASTY}", item.evidence);
        for file in dossier.files.iter_mut().filter(|file| file.path == item.evidence) {
            file.path.clone_from(&evidence);
        }
        (item.path, item.evidence) = (nasty(), evidence);
        (item.media_type, item.modified, item.puid) = (Some(nasty()), Some(nasty()), Some(nasty()));
    }
    for agent in &mut dossier.agents {
        agent.role = nasty();
    }
    for event in &mut dossier.events {
        event.detail = Detail::Open(vec![(nasty(), nasty())]);
    }
    dossier.events[0].kind = nasty();
    dossier.events[1].agent = nasty();
    dossier.events[2].at = nasty();
    dossier.stamps[0].authority = nasty();
    for file in &mut dossier.files {
        file.description = nasty();
    }
    dossier.omissions = vec![Omission { what: nasty(), reason: nasty() }];
    dossier
}
