//! The connection to PostgreSQL is lost at a commit: before the server has it, after it did it, or because the server ended the session.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use crate::cast::{Seeded, Stage, answer};
use crate::kills::witness::{Base, Witness, deposit, files_of, staging_is_empty};
use crate::pairs::{on_servers, server};

/// Places that the normal run takes.
const USUAL: usize = 3;

/// When the connection is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The server never has the commit.
    Before,
    /// The server did it, and its answer does not come.
    After,
    /// The server ends the session when the commit comes.
    Ended,
}

const CUTS: [Cut; 3] = [Cut::Before, Cut::After, Cut::Ended];

/// A way to the database that knows a commit when it sees one.
struct Line {
    address: SocketAddr,
    commits: Arc<AtomicU64>,
    /// Which commit is met, from 1; 0 for none.
    at: Arc<AtomicU64>,
    cut: Arc<AtomicU8>,
    is_over: Arc<AtomicBool>,
}

impl Line {
    fn new(database: String) -> Self {
        let to: SocketAddr = server("SAGO_TEST_POSTGRES").split('@').next_back().unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let line = Self { address: listener.local_addr().unwrap(), commits: Arc::default(), at: Arc::default(), cut: Arc::default(), is_over: Arc::default() };
        let (commits, at, cut, over) = (line.commits.clone(), line.at.clone(), line.cut.clone(), line.is_over.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let client = client.unwrap();
                let upstream = TcpStream::connect(to).unwrap();
                let (commits, at, cut, database) = (commits.clone(), at.clone(), cut.clone(), database.clone());
                let is_silent = Arc::new(AtomicBool::new(false));
                let (mut from_server, mut to_client, silent) = (upstream.try_clone().unwrap(), client.try_clone().unwrap(), is_silent.clone());
                std::thread::spawn(move || {
                    let mut bytes = vec![0; 1 << 16];
                    // The first answer after the commit that is met says that it was done; it goes no further.
                    while let Ok(count) = from_server.read(&mut bytes) {
                        if count == 0 || silent.load(Ordering::SeqCst) || to_client.write_all(&bytes[..count]).is_err() {
                            break;
                        }
                    }
                    let _ = (to_client.shutdown(Shutdown::Both), from_server.shutdown(Shutdown::Both));
                });
                std::thread::spawn(move || forward(client, upstream, &commits, &at, &cut, &is_silent, &database));
            }
        });
        line
    }

    /// Meets the commit with this number; counting begins anew.
    fn meet(&self, at: u64, cut: Cut) {
        self.commits.store(0, Ordering::SeqCst);
        self.cut.store(u8::try_from(CUTS.iter().position(|one| *one == cut).unwrap()).unwrap(), Ordering::SeqCst);
        self.at.store(at, Ordering::SeqCst);
    }

    /// Lets a stage's repository reach its database by this way.
    fn enter(&self, stage: &Stage) {
        let file = stage.repo.join("sago.toml");
        let direct = server("SAGO_TEST_POSTGRES").split('@').next_back().unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(&direct));
        std::fs::write(file, text.replace(&direct, &self.address.to_string())).unwrap();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn forward(mut client: TcpStream, mut upstream: TcpStream, commits: &AtomicU64, at: &AtomicU64, cut: &AtomicU8, is_silent: &AtomicBool, database: &str) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count) = client.read(&mut bytes) {
        if count == 0 {
            break;
        }
        let is_commit = memchr::memmem::find(&bytes[..count], b"COMMIT").is_some();
        if is_commit && commits.fetch_add(1, Ordering::SeqCst) + 1 == at.load(Ordering::SeqCst) {
            match CUTS[usize::from(cut.load(Ordering::SeqCst))] {
                Cut::Before => break,
                Cut::After => is_silent.store(true, Ordering::SeqCst),
                Cut::Ended => crate::pairs::end_sessions(database),
            }
        }
        if upstream.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // What the server has been given it does; its answer ends the other thread.
    let _ = client.shutdown(Shutdown::Read);
    let _ = upstream.shutdown(Shutdown::Write);
}

#[test]
fn soak_faults_of_lost_commits() {
    on_servers(|| {
        let mut random = Seeded::from_environment();
        println!("seed {}", random.0);
        let base = Base::new();
        for n in 0..3 {
            base.file(&format!("new/{n}.txt"), format!("number {n}"));
        }
        let source = base.path("new");
        let words = deposit(&source, "New", &[]);
        let stage_of = || {
            let stage = base.fresh();
            let line = Line::new(stage.remote.as_ref().unwrap().name().to_owned());
            line.enter(&stage);
            (stage, line)
        };
        let (stage, line) = stage_of();
        stage.sago(&words).ends(0);
        let commits = line.commits.load(Ordering::SeqCst);
        assert!(commits >= 5, "only {commits} commits were seen");
        let mut places: Vec<(u64, Cut)> = (1..=commits).flat_map(|at| CUTS.map(|cut| (at, cut))).collect();
        let all = places.len();
        let wanted = if std::env::var_os("SAGO_SOAK_ROUNDS").is_some() { all } else { USUAL };
        let (mut refused, mut went_on) = (0, 0);
        for _ in 0..wanted {
            let (at, cut) = places.swap_remove(usize::try_from(random.below(places.len() as u64)).unwrap());
            let (stage, line) = stage_of();
            let mut witness = Witness::of(&stage);
            let before = witness.count();
            line.meet(at, cut);
            let said = answer(stage.command(&words).output().unwrap());
            let place = format!("commit {at} of {commits} {cut:?}: {said:?}");
            assert!([0, 2].contains(&said.code) && !said.err.contains("panicked"), "{place}");
            assert!(said.code == 0 || (said.err.contains("Nothing that was receipted is lost") && said.err.contains("→")), "{place}");
            line.meet(0, Cut::Before);
            let judged = stage.say("verify --json");
            assert!(judged.code == 0, "{place}: {judged:?}");
            if said.code == 0 {
                went_on += 1;
            } else {
                refused += 1;
                let again = stage.sago(&words);
                assert!(again.code == 0 && again.object()["items"] == 3, "{place}: again: {again:?}");
            }
            let fresh = witness.look(&stage, &place);
            assert_eq!(witness.count(), before + 1, "{place}: received more than once, or not at all");
            let mut got: Vec<_> = witness.items(&fresh[0]).iter().map(|(_, path, sha256)| (path.clone(), sha256.clone())).collect();
            got.sort();
            assert_eq!(got, files_of(&source), "{place}");
            staging_is_empty(&stage, &place);
            let judged = stage.say("verify --json");
            assert!(judged.code == 0, "{place}: {judged:?}");
        }
        println!("{wanted} of {all} commits lost: {went_on} were found out to be done, {refused} were said");
    });
}
