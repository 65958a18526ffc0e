//! A time-stamping authority on this machine: a root and a signer made by the `openssl` command, behind a small HTTP server.
//!
//! What the server answers is a function of the query, so that a test can also put a bad authority there.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

/// A folder with a root certificate and a signer.
pub struct Authority {
    folder: TempDir,
    /// One answer at a time: the command works with files.
    busy: Mutex<()>,
}

impl Authority {
    /// Makes one whose signer is valid for so many days from now.
    pub fn new(name: &str, days: u32) -> Self {
        let authority = Self { folder: tempfile::tempdir().unwrap(), busy: Mutex::new(()) };
        authority.write(
            "ts.cnf",
            "[t]\nserial = serial\ncrypto_device = builtin\nsigner_digest = sha256\ndefault_policy = 1.3.6.1.4.1.99999.1\n\
             digests = sha256, sha512\nordering = no\ntsa_name = no\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n",
        );
        authority.write("serial", "01\n");
        authority.write(
            "req.cnf",
            "[req]\ndistinguished_name = n\nprompt = no\n[n]\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n\
             [tsa]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n",
        );
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "req.cnf"];
        let root = format!("/CN={name} root");
        let signer = format!("/CN={name} signer");
        let days = days.to_string();
        let root_certificate = ["req", "-x509", "-extensions", "ca", "-days", "3650", "-subj", &root, "-keyout", "root.key", "-out", "root.pem"];
        authority.openssl(&[&root_certificate[..], &curve[..]].concat());
        let request = ["req", "-new", "-subj", &signer, "-keyout", "tsa.key", "-out", "tsa.csr"];
        authority.openssl(&[&request[..], &curve[..]].concat());
        authority.openssl(&[
            "x509",
            "-req",
            "-in",
            "tsa.csr",
            "-CA",
            "root.pem",
            "-CAkey",
            "root.key",
            "-set_serial",
            "2",
            "-days",
            &days,
            "-extfile",
            "req.cnf",
            "-extensions",
            "tsa",
            "-out",
            "tsa.pem",
        ]);
        authority
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn openssl(&self, arguments: &[&str]) {
        let output = Command::new("openssl")
            .current_dir(self.folder.path())
            .args(arguments)
            .output()
            .unwrap_or_else(|why| panic!("the openssl command is needed for this test: {why}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {said}");
    }

    /// Answers a query as it should be answered.
    pub fn reply(&self, query: &[u8]) -> Vec<u8> {
        let _busy = self.busy.lock().unwrap();
        self.write("q.tsq", query);
        self.openssl(&[
            "ts",
            "-reply",
            "-config",
            "ts.cnf",
            "-section",
            "t",
            "-queryfile",
            "q.tsq",
            "-signer",
            "tsa.pem",
            "-inkey",
            "tsa.key",
            "-out",
            "r.tsr",
        ]);
        std::fs::read(self.folder.path().join("r.tsr")).unwrap()
    }

    /// What `openssl ts -verify` says of a kept reply over a checkpoint, and over its query.
    pub fn openssl_accepts(&self, reply: &Path, checkpoint: &Path, query: &Path, chain: &Path) -> bool {
        let verify = |what: &str, file: &Path| {
            Command::new("openssl")
                .args(["ts", "-verify", "-in"])
                .arg(reply)
                .arg(what)
                .arg(file)
                .arg("-CAfile")
                .arg(self.root())
                .arg("-untrusted")
                .arg(chain)
                .output()
                .unwrap()
                .status
                .success()
        };
        verify("-data", checkpoint) && verify("-queryfile", query)
    }
}

/// What a server does with a query.
pub enum Answer {
    /// HTTP 200 with these bytes.
    Reply(Vec<u8>),
    /// These bytes, whatever they are.
    Raw(Vec<u8>),
    /// Nothing, until the test is over.
    Silence,
}

impl Answer {
    pub fn raw(text: &str) -> Self {
        Self::Raw(text.as_bytes().to_vec())
    }
}

/// A request as it came: the head in small letters, and the body.
pub type Request = (String, Vec<u8>);

/// A server on a free port of this machine; ends with the value.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    pub fn new(answer: impl Fn(&[u8]) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (kept, stopped) = (requests.clone(), stop.clone());
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let mut stream = stream.unwrap();
                let request = read_request(&stream);
                let answer = answer(&request.1);
                kept.lock().unwrap().push(request);
                let bytes = match answer {
                    Answer::Silence => {
                        silent.push(stream);
                        continue;
                    }
                    Answer::Raw(bytes) => bytes,
                    Answer::Reply(body) => {
                        let head = format!(
                            "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                            body.len()
                        );
                        [head.into_bytes(), body].concat()
                    }
                };
                // A client that has read enough may have gone.
                let _ = stream.write_all(&bytes);
            }
        });
        Self { address, requests, stop }
    }

    /// An authority as it should be.
    pub fn of(authority: &Arc<Authority>) -> Self {
        let authority = authority.clone();
        Self::new(move |query| Answer::Reply(authority.reply(query)))
    }

    pub fn url(&self) -> String {
        format!("http://{}/tsr", self.address)
    }

    pub fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn read_request(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap_or("0").parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    (head, body)
}
