//! A witness's folder: what it remembers, what it refuses, what it keeps, and two requests at once.

use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::merkle::{MerkleList, consistency_path};
use sago_ledger::note::{Note, Verifier};

use super::*;

const ORIGIN: &str = "log.example/one";

struct House {
    folder: tempfile::TempDir,
    log: Vec<Signer>,
}

impl House {
    fn new() -> Self {
        let house =
            Self { folder: tempfile::tempdir().unwrap(), log: vec![Signer::ed25519(ORIGIN, &[1; 32]).unwrap(), Signer::ml_dsa_44(ORIGIN, &[2; 32]).unwrap()] };
        init(&house.path(), "witness.example/w1", &passphrase(), 10).unwrap();
        add_log(&house.path(), &house.vkeys()).unwrap();
        house
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("witness")
    }

    fn vkeys(&self) -> String {
        self.log.iter().map(|signer| format!("{}\n", signer.verifier())).collect()
    }

    fn open(&self) -> Cosigner {
        Cosigner::open(&self.path(), &passphrase()).unwrap()
    }

    fn keys(&self) -> Vec<Verifier> {
        std::fs::read_to_string(self.path().join("witness.vkey")).unwrap().lines().map(|line| line.parse().unwrap()).collect()
    }

    fn request(&self, old: u64, list: &MerkleList) -> String {
        let mut reader = list;
        let proof = if old == 0 || old == list.len() { Vec::new() } else { consistency_path(old, list.len(), &mut reader).unwrap() };
        let note = Checkpoint::new(ORIGIN, list.len(), list.root()).unwrap().sign(&self.log, 5).unwrap();
        AddCheckpoint::encode(old, &proof, &note.to_string())
    }
}

fn passphrase() -> Passphrase {
    Passphrase::new("a witness's own words".to_owned())
}

fn list(size: u64, history: &str) -> MerkleList {
    MerkleList::from_entries((0..size).map(|index| if index < 3 { index.to_string() } else { format!("{history} {index}") }))
}

#[test]
fn a_witness_remembers_over_a_restart_and_its_lines_verify() {
    let house = House::new();
    let witness = house.open();
    assert_eq!(witness.name(), "witness.example/w1");
    assert_eq!(witness.latest(&origin_digest(ORIGIN)).unwrap(), None);
    let reply = witness.add_checkpoint(house.request(0, &list(4, "a")).as_bytes(), 77);
    assert_eq!((reply.status, reply.body.lines().count()), (200, 2));
    let shown = witness.latest(&origin_digest(ORIGIN)).unwrap().unwrap();
    assert!(shown.ends_with(&reply.body));
    let verified = Note::parse(shown.as_bytes()).unwrap().verify(&house.keys()).unwrap();
    assert_eq!(verified.iter().map(|one| one.timestamp).collect::<Vec<_>>(), [Some(77), Some(77)]);
    assert_eq!(witness.latest("../../witness.key.age").unwrap(), None);
    drop(witness);
    let witness = house.open();
    let reply = witness.add_checkpoint(house.request(0, &list(9, "a")).as_bytes(), 78);
    assert_eq!((reply.status, reply.content_type, reply.body.as_str()), (409, "text/x.tlog.size", "4\n"));
    assert_eq!(witness.add_checkpoint(house.request(4, &list(9, "a")).as_bytes(), 78).status, 200);
    assert_eq!(logs(&house.path()).unwrap()[0].size, Some(9));
}

#[test]
fn a_fork_is_refused_and_both_checkpoints_are_kept() {
    let house = House::new();
    let witness = house.open();
    assert_eq!(witness.add_checkpoint(house.request(0, &list(7, "a")).as_bytes(), 1).status, 200);
    let before = witness.latest(&origin_digest(ORIGIN)).unwrap();
    for (fork, status) in [(list(7, "b"), 409), (list(9, "b"), 422)] {
        let request = house.request(7, &fork);
        let reply = witness.add_checkpoint(request.as_bytes(), 2);
        assert_eq!(reply.status, status);
        let alarm = reply.alarm.expect("a fork is said to the people who run the witness");
        let place = PathBuf::from(alarm.split_once("Evidence: ").unwrap().1);
        assert_eq!(std::fs::read(place.join("request")).unwrap(), request.as_bytes());
        let policy = Policy::parse(&house.vkeys()).unwrap();
        let open = |name: &str| policy.open(&std::fs::read(place.join(name)).unwrap()).unwrap().checkpoint;
        assert_eq!((open("known.checkpoint").root, open("presented.checkpoint").root), (list(7, "a").root(), fork.root()));
        // The same again is known, and no alarm.
        assert_eq!(witness.add_checkpoint(request.as_bytes(), 3).alarm, None);
    }
    assert_eq!(witness.latest(&origin_digest(ORIGIN)).unwrap(), before);
    assert!(logs(&house.path()).unwrap()[0].evidence.is_some());
}

#[test]
fn of_two_forks_at_once_one_is_cosigned() {
    let house = House::new();
    let witness = house.open();
    let mut entries: Vec<String> = Vec::new();
    for round in 0..10 {
        let longer = ["a", "b"].map(|history| entries.iter().cloned().chain((0..5).map(|index| format!("{history} {round} {index}"))).collect::<Vec<_>>());
        let requests = [0, 1].map(|at| house.request(entries.len() as u64, &MerkleList::from_entries(&longer[at])));
        let statuses: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = requests.iter().map(|request| scope.spawn(|| witness.add_checkpoint(request.as_bytes(), 9).status)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let winner = statuses.iter().position(|status| *status == 200).expect("one is cosigned");
        assert_eq!(statuses[1 - winner], 409, "{statuses:?} in round {round}");
        entries = longer[winner].clone();
    }
}

#[test]
fn a_witness_that_lost_what_it_saw_signs_nothing() {
    let house = House::new();
    let witness = house.open();
    assert_eq!(witness.add_checkpoint(house.request(0, &list(4, "a")).as_bytes(), 1).status, 200);
    let state = house.path().join("logs").join(origin_digest(ORIGIN)).join("checkpoint");
    for damage in [None, Some(""), Some("none"), Some("log.example/one\n0\nAAAA\n")] {
        match damage {
            None => std::fs::remove_file(&state).unwrap(),
            Some(text) => std::fs::write(&state, text).unwrap(),
        }
        let reply = witness.add_checkpoint(house.request(0, &list(4, "b")).as_bytes(), 2);
        assert_eq!(reply.status, 500, "{damage:?}");
        assert!(reply.alarm.is_some());
    }
    // Adding the log again brings nothing back.
    add_log(&house.path(), &house.vkeys()).unwrap();
    assert_eq!(witness.add_checkpoint(house.request(0, &list(4, "b")).as_bytes(), 2).status, 500);
}

#[test]
fn what_is_no_witness_or_no_log_is_refused() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    assert!(init(&house.path(), "w", &passphrase(), 10).is_err());
    for name in ["", "two words", "a+b", &"w".repeat(256)] {
        assert!(init(&folder.path().join("w"), name, &passphrase(), 10).is_err(), "{name:?}");
    }
    assert!(init(&folder.path().join("w"), "w", &Passphrase::new("short".to_owned()), 10).is_err());
    let wrong = Passphrase::new("other words entirely".to_owned());
    assert_eq!(Cosigner::open(&house.path(), &wrong).err().unwrap().kind, ErrorKind::Forbidden);
    assert_eq!(Cosigner::open(folder.path(), &wrong).err().unwrap().kind, ErrorKind::NotFound);
    let first = house.open();
    assert_eq!(Cosigner::open(&house.path(), &passphrase()).err().unwrap().kind, ErrorKind::Conflict);
    drop(first);
    // Keys: none, its own, other keys for a log that is known.
    let own = std::fs::read_to_string(house.path().join("witness.vkey")).unwrap();
    let other = Signer::ed25519(ORIGIN, &[9; 32]).unwrap().verifier().to_string();
    for keys in ["", "nonsense\n", own.as_str(), other.as_str()] {
        assert!(add_log(&house.path(), keys).is_err(), "{keys:?}");
    }
    assert_eq!(add_log(&house.path(), &house.vkeys()).unwrap(), ORIGIN);
}
