//! Garage: one node of a distributed object store, its metadata in SQLite, with one bucket and one key.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Running, Variables, dies_with_us, free_port, secret};
use crate::run;
use crate::tools::Programs;
use crate::workspace::Workspace;

/// The bucket of the tests; each takes a prefix of its own.
const BUCKET: &str = "sago-test";

/// The bucket of their vaults: never the one that everything else is in.
const VAULTS: &str = "sago-test-vaults";

/// The only region.
const REGION: &str = "garage";

/// A running node.
pub struct Garage {
    running: Running,
    port: u16,
    key: String,
    secret: String,
}

impl Garage {
    /// Starts a fresh node and waits until it answers. `flush`: whether it flushes every file and row to the disk, which takes most of its time.
    pub fn start(ws: &Workspace, programs: &Programs, flush: bool) -> Result<Self> {
        fs::create_dir_all(&ws.target)?;
        let mut running = Running::prepare("garage", "KILL", &ws.target)?;
        let (port, rpc) = (free_port()?, free_port()?);
        let (key, secret_key) = (format!("GK{}", secret(12)?), secret(32)?);
        let config = running.folder.join("garage.toml");
        let folder = |name: &str| toml::Value::from(running.folder.join(name).display().to_string());
        // Not compressed: tests look for words that must not be there in the very bytes on the disk.
        let text = format!(
            "metadata_dir = {}\ndata_dir = {}\ndb_engine = \"sqlite\"\nreplication_factor = 1\nmetadata_fsync = {flush}\ndata_fsync = {flush}\n\
             compression_level = \"none\"\n\
             rpc_bind_addr = \"127.0.0.1:{rpc}\"\nrpc_public_addr = \"127.0.0.1:{rpc}\"\nrpc_secret = \"{}\"\n\
             [s3_api]\ns3_region = \"{REGION}\"\napi_bind_addr = \"127.0.0.1:{port}\"\n",
            folder("meta"),
            folder("data"),
            secret(32)?
        );
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&config)?;
        file.write_all(text.as_bytes())?;

        let mut serve = dies_with_us(ws, programs, "KILL");
        serve.arg(&programs.garage).arg("-c").arg(&config).args(["server", "--single-node", "--default-bucket"]);
        serve.env("GARAGE_DEFAULT_ACCESS_KEY", &key).env("GARAGE_DEFAULT_SECRET_KEY", &secret_key).env("GARAGE_DEFAULT_BUCKET", BUCKET);
        serve.env("RUST_LOG", "garage=info");
        running.start(serve, || answers(port).is_some()).context("the S3 server")?;
        for words in [&["create", VAULTS][..], &["allow", "--read", "--write", "--owner", VAULTS, "--key", &key]] {
            let mut ask = ws.command(&programs.garage);
            run::text(ask.arg("-c").arg(&config).arg("bucket").args(words)).context("the second bucket")?;
        }
        Ok(Self { running, port, key, secret: secret_key })
    }

    /// What tests find in their environment.
    pub fn variables(&self) -> Variables {
        vec![
            ("SAGO_TEST_S3".into(), format!("s3://{BUCKET}")),
            ("SAGO_TEST_S3_VAULTS".into(), format!("s3://{VAULTS}")),
            ("SAGO_TEST_S3_DATA".into(), self.running.folder.display().to_string()),
            ("AWS_ENDPOINT_URL".into(), format!("http://127.0.0.1:{}", self.port)),
            ("AWS_REGION".into(), REGION.into()),
            ("AWS_ACCESS_KEY_ID".into(), self.key.clone()),
            ("AWS_SECRET_ACCESS_KEY".into(), self.secret.clone()),
        ]
    }
}

/// Whether the node speaks HTTP: it refuses a stranger, which is an answer.
fn answers(port: u16) -> Option<()> {
    let address = ([127, 0, 0, 1], port).into();
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").ok()?;
    let mut start = [0; 12];
    stream.read_exact(&mut start).ok()?;
    (&start == b"HTTP/1.1 403").then_some(())
}
