//! An S3 bucket, through any server that speaks S3.
//!
//! Nothing here is trusted to be more than storage: what is read is checked by whoever reads it, and no decision rests on what a listing
//! leaves out or on a condition that the server may ignore. The database decides about names; a name is written once, except for the few
//! files that move forward (checkpoints, wrapped keys).
//!
//! Calls block. They run on a small runtime of their own, so that they work from any thread.

use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io::{self, Read};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_core::Stream;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path as Key;
use object_store::{ClientOptions, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig, WriteMultipart};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::store::fault::{Operation, Turn};
use crate::store::shelf::Child;

/// Files up to this length are sent in one request. Bytes.
const WHOLE: u64 = 16 << 20;

/// Most parts of one upload that the protocol knows.
const PARTS: u64 = 9_000;

/// Requests under way at once when many files are written or removed.
const AT_ONCE: usize = 16;

/// How long one request is tried again. Longer outages are said; what was under way goes on with the same command.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the server is, as settings keep it; credentials never stand there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address of the server; unset for Amazon's own. `AWS_ENDPOINT_URL` goes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Region; `AWS_REGION` goes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whether the server refuses to write over a name when asked to, as `sago init` found out. Then it is asked to, as a second guard.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub conditional_writes: bool,
    /// Profile of the credentials file, for a replica that other credentials open; the variables are not asked then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

impl Server {
    /// What the environment says, and where it is silent, what stands here.
    pub fn or_environment(&self) -> Self {
        if self.profile.is_some() {
            return self.clone();
        }
        let of = |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        Self {
            endpoint: of(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]).or_else(|| self.endpoint.clone()),
            region: of(&["AWS_REGION", "AWS_DEFAULT_REGION"]).or_else(|| self.region.clone()),
            conditional_writes: self.conditional_writes,
            profile: None,
        }
    }
}

/// A prefix of a bucket.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<AmazonS3>,
    name: String,
    /// Without `/` at its ends; may be empty.
    prefix: String,
    /// Whether the server can be asked not to write over a name.
    is_conditional: bool,
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.name, self.prefix)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Credentials are in the client, and stay there.
        fmt::Display::fmt(self, f)
    }
}

/// Bucket and prefix of an address `s3://bucket/prefix`; `None` when it is no such address.
pub fn parse(address: &str) -> Option<(&str, &str)> {
    let rest = address.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let is_name = (3..=63).contains(&bucket.len()) && bucket.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
    let prefix = prefix.trim_end_matches('/');
    let is_prefix = prefix.is_empty() || prefix.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && part.bytes().all(is_plain));
    (is_name && is_prefix).then_some((bucket, prefix))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
}

impl Bucket {
    /// A client for an address `s3://bucket/prefix`. Credentials come from the usual variables, else from the usual file.
    pub fn at(address: &str, server: &Server) -> Result<Self> {
        let (name, prefix) = parse(address).ok_or_else(|| {
            Error::invalid(format!("“{address}” is no address of a bucket."))
                .hint("Write `s3://BUCKET` or `s3://BUCKET/PREFIX`, in lower case, with letters, digits, `.`, `-` and `_`.")
        })?;
        // Whoever installed one before us installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = server.or_environment();
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(name).with_client_options(
            ClientOptions::new().with_timeout(Duration::from_secs(600)).with_connect_timeout(Duration::from_secs(10)).with_allow_http(allows_http(&server)?),
        );
        builder = builder.with_retry(RetryConfig { max_retries: 6, retry_timeout: PATIENCE, ..RetryConfig::default() });
        if let Some(endpoint) = &server.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        builder = builder.with_region(server.region.as_deref().unwrap_or("us-east-1"));
        if server.profile.is_some() || builder.get_config_value(&AmazonS3ConfigKey::AccessKeyId).is_none() {
            match credentials_from_file(server.profile.as_deref())? {
                Some((id, secret)) => builder = builder.with_access_key_id(id).with_secret_access_key(secret),
                // The variables would open it with the very credentials it is kept apart from.
                None if server.profile.is_some() => {
                    return Err(Error::invalid(format!("The credentials file has no profile “{}”.", server.profile.as_deref().unwrap_or_default()))
                        .hint("Add it to the file that AWS_SHARED_CREDENTIALS_FILE names, or to ~/.aws/credentials."));
                }
                None => {}
            }
        }
        let store = builder.build().map_err(|error| Error::invalid(format!("The bucket {name} cannot be used: {error}")))?;
        Ok(Self { store: Arc::new(store), name: name.to_owned(), prefix: prefix.to_owned(), is_conditional: server.conditional_writes })
    }

    pub(super) fn below(&self, path: &str) -> Self {
        Self { prefix: self.full(path), ..self.clone() }
    }

    pub(super) fn show(&self, path: &str) -> String {
        format!("s3://{}/{}", self.name, self.full(path))
    }

    /// Name of the bucket.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn full(&self, path: &str) -> String {
        match (self.prefix.is_empty(), path.is_empty()) {
            (true, _) => path.to_owned(),
            (false, true) => self.prefix.clone(),
            (false, false) => format!("{}/{path}", self.prefix),
        }
    }

    fn key(&self, path: &str) -> Result<Key> {
        Key::parse(self.full(path)).map_err(|error| Error::internal(format!("{} is no name in a bucket: {error}", self.show(path))))
    }

    fn failed(&self, what: &str, path: &str, error: &object_store::Error) -> Error {
        let kind = match error {
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => ErrorKind::Forbidden,
            _ => ErrorKind::Unavailable,
        };
        let hint = match kind {
            ErrorKind::Forbidden => "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or the credentials file), and what they are allowed to do.",
            _ => "Nothing that was received is lost. When the server answers again, run the same command once more.",
        };
        Error::new(kind, format!("{what} {}: {error}", self.show(path))).hint(hint)
    }

    /// The bytes of a file; `None` when there is none.
    pub(super) fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let (store, key) = (self.store.clone(), self.key(path)?);
        let found = wait(async move {
            Turn::of(Operation::S3Get).before::<object_store::Error>()?;
            match store.get(&key).await {
                Ok(found) => found.bytes().await.map(|bytes| Some(bytes.to_vec())),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })?;
        found.map_err(|error| self.failed("Could not read", path, &error))
    }

    pub(super) fn length(&self, path: &str) -> Result<Option<u64>> {
        let (store, key) = (self.store.clone(), self.key(path)?);
        let look = async move {
            Turn::of(Operation::S3Get).before::<object_store::Error>()?;
            store.head(&key).await
        };
        match wait(look)? {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("Could not look at", path, &error)),
        }
    }

    /// A file as a stream: one request, a few pieces held at a time.
    pub(super) fn open_stream(&self, path: &str) -> Result<Option<(Incoming, u64)>> {
        let (store, key) = (self.store.clone(), self.key(path)?);
        let ask = async move {
            Turn::of(Operation::S3Get).before::<object_store::Error>()?;
            store.get_opts(&key, GetOptions::default()).await
        };
        let found = match wait(ask)? {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failed("Could not open", path, &error)),
        };
        let length = found.meta.size;
        let (sender, receiver) = tokio::sync::mpsc::channel(8);
        let mut stream = found.into_stream();
        runtime()?.spawn(async move {
            while let Some(piece) = std::future::poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
                // A reader that is gone wants no more.
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
        });
        Ok(Some((Incoming { receiver, piece: bytes::Bytes::new(), left: length, name: self.show(path) }, length)))
    }

    /// A file as a stream of bytes, and its length.
    pub(super) fn open(&self, path: &str) -> Result<Option<(Box<dyn Read + Send>, u64)>> {
        Ok(self.open_stream(path)?.map(|(incoming, length)| -> (Box<dyn Read + Send>, u64) { (Box::new(incoming), length) }))
    }

    /// Writes files, each whole or not at all.
    pub(super) fn write_all(&self, files: Vec<(String, Vec<u8>)>) -> Result<()> {
        self.write_in(files, PutMode::Overwrite)
    }

    /// Writes files whose names must be free, or hold these very bytes. A server that knows no conditions is trusted with less: there the
    /// names themselves, which nobody else chooses, are the only guard.
    pub(super) fn write_new(&self, files: Vec<(String, Vec<u8>)>) -> Result<()> {
        self.write_in(files, if self.is_conditional { PutMode::Create } else { PutMode::Overwrite })
    }

    fn write_in(&self, files: Vec<(String, Vec<u8>)>, mode: PutMode) -> Result<()> {
        let mut keyed = Vec::with_capacity(files.len());
        for (path, bytes) in files {
            keyed.push((self.key(&path)?, path, bytes));
        }
        let store = self.store.clone();
        let failed = wait(async move {
            let mut under_way = JoinSet::new();
            let mut waiting = keyed.into_iter();
            loop {
                while under_way.len() < AT_ONCE
                    && let Some((key, path, bytes)) = waiting.next()
                {
                    let (store, mode) = (store.clone(), mode.clone());
                    under_way.spawn(async move { put(&store, &key, bytes, mode).await.map_err(|error| (path, error)) });
                }
                match under_way.join_next().await {
                    None => return Ok(()),
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(failed))) => return Err(failed),
                    Some(Err(error)) => return Err((String::new(), object_store::Error::JoinError { source: error })),
                }
            }
        })?;
        failed.map_err(|(path, error)| match error {
            object_store::Error::AlreadyExists { .. } => Error::conflict(format!("{} holds other bytes already. Nothing was written over.", self.show(&path)))
                .hint("Find out who writes into the bucket beside Sago. Nothing that was receipted is lost; `sago verify` shows what lies there."),
            error => self.failed("Could not write", &path, &error),
        })
    }

    /// Writes a file from a disk, of any length, a few parts of it in memory at a time, under a name that must be free. A file sent in
    /// parts knows no such condition.
    pub(super) fn upload(&self, path: &str, from: &Path) -> Result<()> {
        let mut file = File::open(from).doing("Could not open", from)?;
        let length = file.metadata().doing("Could not look at", from)?.len();
        if length <= WHOLE {
            let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
            file.read_to_end(&mut bytes).doing("Could not read", from)?;
            return self.write_new(vec![(path.to_owned(), bytes)]);
        }
        let part = usize::try_from(WHOLE.max(length / PARTS + 1)).map_err(|_| Error::invalid(format!("{} is too long for a bucket.", from.display())))?;
        let (store, key) = (self.store.clone(), self.key(path)?);
        let sent = wait(async move {
            let turn = Turn::of(Operation::S3Put);
            turn.before().map_err(Failed::Server)?;
            let mut writer = WriteMultipart::new_with_chunk_size(store.put_multipart(&key).await.map_err(Failed::Server)?, part);
            let mut buffer = vec![0_u8; 1 << 20];
            loop {
                writer.wait_for_capacity(2).await.map_err(Failed::Server)?;
                let count = match file.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => {
                        // The file's error is what is said; parts that stay are the server's to sweep.
                        let _ = writer.abort().await;
                        return Err(Failed::Disk(error));
                    }
                };
                writer.write(&buffer[..count]);
            }
            writer.finish().await.map_err(Failed::Server)?;
            turn.after().map_err(Failed::Server)
        })?;
        sent.map_err(|failed| match failed {
            Failed::Server(error) => self.failed("Could not write", path, &error),
            Failed::Disk(error) => Error::io("Could not read", from, &error),
        })
    }

    /// Direct children of a folder, in no order.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<Child>> {
        let (store, key) = (self.store.clone(), self.key(folder)?);
        let list = async move {
            Turn::of(Operation::S3List).before::<object_store::Error>()?;
            store.list_with_delimiter(Some(&key)).await
        };
        let found = wait(list)?.map_err(|error| self.failed("Could not list", folder, &error))?;
        let name = |key: &Key| key.as_ref().rsplit('/').next().unwrap_or_default().to_owned();
        let folders = found.common_prefixes.iter().map(|key| Child { name: name(key), is_folder: true });
        Ok(folders.chain(found.objects.iter().map(|meta| Child { name: name(&meta.location), is_folder: false })).collect())
    }

    /// All files below a folder with their lengths, as paths below this prefix, in no order.
    pub(super) fn walk(&self, folder: &str) -> Result<Vec<(String, u64)>> {
        let (store, key) = (self.store.clone(), self.key(folder)?);
        let found = wait(async move {
            Turn::of(Operation::S3List).before::<object_store::Error>()?;
            let mut stream = store.list(Some(&key));
            let mut found = Vec::new();
            while let Some(meta) = std::future::poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
                let meta = meta?;
                found.push((meta.location.to_string(), meta.size));
            }
            Ok(found)
        })?
        .map_err(|error| self.failed("Could not list", folder, &error))?;
        let cut = if self.prefix.is_empty() { 0 } else { self.prefix.len() + 1 };
        Ok(found.into_iter().filter_map(|(path, length)| Some((path.get(cut..)?.to_owned(), length))).collect())
    }

    /// Removes files; missing ones are no error.
    pub(super) fn remove(&self, paths: &[String]) -> Result<()> {
        let keys = paths.iter().map(|path| self.key(path)).collect::<Result<Vec<_>>>()?;
        let store = self.store.clone();
        let removed = wait(async move {
            for key in keys {
                match delete(&store, &key).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err((key.to_string(), error)),
                }
            }
            Ok(())
        })?;
        removed.map_err(|(path, error)| self.failed("Could not remove", &path, &error))
    }

    /// Whether the server refuses to write over a name when asked to (`If-None-Match: *`). Writes one small file and removes it.
    pub fn probe_conditional_writes(&self) -> Result<bool> {
        let path = format!("probe-{}", uuid::Uuid::new_v4());
        let (store, key) = (self.store.clone(), self.key(&path)?);
        let probed = wait(async move {
            let create = || PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            let first = store.put_opts(&key, PutPayload::from_static(b"sago"), create()).await;
            let answer = match first {
                Ok(_) => match store.put_opts(&key, PutPayload::from_static(b"twice"), create()).await {
                    Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(true),
                    Ok(_) => Ok(false),
                    Err(error) => Err(error),
                },
                // A server that does not know the condition refuses the request or the header.
                Err(object_store::Error::NotSupported { .. } | object_store::Error::NotImplemented { .. }) => Ok(false),
                Err(error) => match store.put(&key, PutPayload::from_static(b"sago")).await {
                    Ok(_) => Ok(false),
                    Err(_) => Err(error),
                },
            };
            match store.delete(&key).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => answer,
                Err(error) => answer.and(Err(error)),
            }
        })?;
        probed.map_err(|error| self.failed("Could not write to", &path, &error))
    }
}

async fn put(store: &AmazonS3, key: &Key, bytes: Vec<u8>, mode: PutMode) -> object_store::Result<()> {
    let turn = Turn::of(Operation::S3Put);
    turn.before::<object_store::Error>()?;
    let payload = PutPayload::from(bytes);
    match store.put_opts(key, payload.clone(), PutOptions { mode, ..PutOptions::default() }).await {
        Ok(_) => {}
        // Ours, when the answer to an earlier attempt was lost or an interrupted deposit had come as far.
        Err(taken @ (object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. })) => {
            let there = store.get(key).await?.bytes().await?;
            if there != bytes::Bytes::from(payload) {
                return Err(object_store::Error::AlreadyExists { path: key.to_string(), source: Box::new(taken) });
            }
        }
        Err(error) => return Err(error),
    }
    turn.after()
}

async fn delete(store: &AmazonS3, key: &Key) -> object_store::Result<()> {
    let turn = Turn::of(Operation::S3Delete);
    turn.before::<object_store::Error>()?;
    store.delete(key).await?;
    turn.after()
}

enum Failed {
    Server(object_store::Error),
    Disk(io::Error),
}

/// The bytes of a file as they come. Ends with an error, never early, when fewer come than were announced.
pub(super) struct Incoming {
    receiver: tokio::sync::mpsc::Receiver<object_store::Result<bytes::Bytes>>,
    piece: bytes::Bytes,
    left: u64,
    name: String,
}

impl Read for Incoming {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let receiver = &mut self.receiver;
            match blocking(|| receiver.blocking_recv()) {
                Some(Ok(piece)) => self.piece = piece,
                // The way to the bucket, not what lies in it: whoever reads must be able to tell.
                Some(Err(error)) => return Err(io::Error::new(io::ErrorKind::ConnectionAborted, format!("{}: {error}", self.name))),
                None if self.left == 0 => return Ok(0),
                None => return Err(io::Error::new(io::ErrorKind::ConnectionAborted, format!("{} ended {} bytes early", self.name, self.left))),
            }
        }
        let count = into.len().min(self.piece.len());
        into[..count].copy_from_slice(&self.piece.split_to(count));
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

/// Plain HTTP shows an eavesdropper sizes and times and lets him change what comes: only to this machine itself, or where somebody asked for it.
fn allows_http(server: &Server) -> Result<bool> {
    let Some(rest) = server.endpoint.as_deref().and_then(|endpoint| endpoint.strip_prefix("http://")) else { return Ok(false) };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let is_here = host == "localhost" || host == "[::1]" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    if is_here || std::env::var("AWS_ALLOW_HTTP").is_ok_and(|value| value == "true") {
        return Ok(true);
    }
    Err(Error::invalid(format!("The server {host} would be asked without encryption."))
        .hint("Use an https:// address, or set AWS_ALLOW_HTTP=true if the way there is your own."))
}

/// Key id and secret of the profile AWS_PROFILE (`default`) in the usual credentials file.
fn credentials_from_file(profile: Option<&str>) -> Result<Option<(String, String)>> {
    let path = match (std::env::var_os("AWS_SHARED_CREDENTIALS_FILE"), std::env::var_os("HOME")) {
        (Some(path), _) => std::path::PathBuf::from(path),
        (None, Some(home)) => Path::new(&home).join(".aws/credentials"),
        (None, None) => return Ok(None),
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("Could not read", &path, &error)),
    };
    let profile = profile.map_or_else(|| std::env::var("AWS_PROFILE").unwrap_or_else(|_| "default".to_owned()), str::to_owned);
    Ok(read_credentials(&text, &profile))
}

fn read_credentials(text: &str, profile: &str) -> Option<(String, String)> {
    let (mut is_ours, mut id, mut secret) = (false, None, None);
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_ours = name.trim() == profile;
        } else if let (true, Some((name, value))) = (is_ours, line.split_once('=')) {
            match name.trim() {
                "aws_access_key_id" => id = Some(value.trim().to_owned()),
                "aws_secret_access_key" => secret = Some(value.trim().to_owned()),
                _ => {}
            }
        }
    }
    id.zip(secret)
}

/// The runtime on which requests run.
fn runtime() -> Result<&'static tokio::runtime::Runtime> {
    static RUNTIME: OnceLock<io::Result<tokio::runtime::Runtime>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("sago-s3").enable_all().build());
    made.as_ref().map_err(|error| Error::internal(format!("Threads for requests could not be started: {error}")))
}

/// Runs a request on that runtime and waits for it, from whatever thread.
fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Result<T> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    runtime()?.spawn(async move {
        // Whoever asked may be gone.
        let _ = sender.send(future.await);
    });
    blocking(|| receiver.recv()).map_err(|_| Error::internal("A request to the bucket ended without an answer."))
}

/// Tells the runtime of the caller, if there is one, that this thread will wait.
fn blocking<T>(wait: impl FnOnce() -> T) -> T {
    let is_worker = tokio::runtime::Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread);
    if is_worker { tokio::task::block_in_place(wait) } else { wait() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_strictly() {
        assert_eq!(parse("s3://evidence"), Some(("evidence", "")));
        assert_eq!(parse("s3://evidence/a/b/"), Some(("evidence", "a/b")));
        for bad in ["s3:/evidence", "s3://Evidence", "s3://ab", "s3://evidence//a", "s3://evidence/../a", "s3://evidence/a b", "/s3"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn credentials_are_those_of_the_profile() {
        let text = "[other]\naws_access_key_id = no\n[default]\n# ours\naws_access_key_id = AK\naws_secret_access_key= s=k \n[third]\naws_access_key_id=x\n";
        assert_eq!(read_credentials(text, "default"), Some(("AK".to_owned(), "s=k".to_owned())));
        assert_eq!(read_credentials(text, "third"), None);
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        let to = |endpoint: &str| allows_http(&Server { endpoint: Some(endpoint.to_owned()), ..Server::default() });
        assert!(to("http://127.0.0.1:3900").unwrap());
        assert!(to("http://localhost:3900/").unwrap());
        assert!(!to("https://store.example").unwrap());
        assert!(to("http://store.example:3900").unwrap_err().hints[0].contains("https"));
    }
}
