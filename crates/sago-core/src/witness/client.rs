//! Speaking to a witness by HTTP: a checkpoint sent, an answer read within bounds of time and size. What it says is judged by others.
//!
//! What leaves the site is a signed checkpoint and a consistency proof: origin, size, root, and when. No redirects are followed, and the
//! request does not say which software sends it.

use std::time::Duration;

use ureq::Agent;

use crate::error::{Error, ErrorKind};

/// Longest time one request may take, from looking up the name to the last byte of the answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// The longest answer that is read, in bytes: a checkpoint with 64 large signatures.
const MAX_ANSWER_BYTES: u64 = 512 * 1024;

/// Asks witnesses.
#[derive(Debug, Clone)]
pub(super) struct Client {
    agent: Agent,
    timeout: Duration,
}

/// Status, content type and body.
#[derive(Debug)]
pub(super) struct Response {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

impl Client {
    /// A client that gives up after `timeout`; it takes the proxy of the environment (`HTTPS_PROXY`, `NO_PROXY`), if there is one.
    pub fn new(timeout: Duration) -> Self {
        let config =
            Agent::config_builder().timeout_global(Some(timeout)).max_redirects(0).max_redirects_will_error(false).http_status_as_error(false).user_agent("");
        Self { agent: config.max_idle_connections(0).build().into(), timeout }
    }

    /// Sends a request for a cosignature; blocks.
    pub fn add_checkpoint(&self, witness: &str, prefix: &str, body: &str) -> Result<Response, Error> {
        let url = address(witness, prefix, "add-checkpoint")?;
        let sent = self.agent.post(&url).content_type("text/plain; charset=utf-8").send(body.as_bytes());
        self.read(witness, sent)
    }

    /// Reads the newest checkpoint that the witness shows of a log; blocks.
    pub fn latest(&self, witness: &str, prefix: &str, origin: &str) -> Result<Response, Error> {
        let url = address(witness, prefix, &sago_ledger::witness::monitor_path(origin))?;
        let sent = self.agent.get(&url).call();
        self.read(witness, sent)
    }

    fn read(&self, witness: &str, sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Response, Error> {
        let mut response = sent.map_err(|error| self.unanswered(witness, &error))?;
        let content_type = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec().map_err(|error| self.unanswered(witness, &error))?;
        Ok(Response { status, content_type, body })
    }

    fn unanswered(&self, witness: &str, error: &ureq::Error) -> Error {
        let what = match error {
            ureq::Error::Timeout(_) => format!("did not answer within {} s", self.timeout.as_secs_f32()),
            ureq::Error::BodyExceedsLimit(limit) => format!("answered with more than {limit} bytes, which no cosignature needs"),
            ureq::Error::HostNotFound => "cannot be found: its host has no address".to_owned(),
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => "has an address that cannot be understood".to_owned(),
            ureq::Error::Rustls(error) => format!("could not be reached safely: {}", shown(&error.to_string())),
            other => format!("could not be reached: {}", shown(&other.to_string())),
        };
        Error::new(ErrorKind::Unavailable, format!("The witness “{witness}” {what}."))
            .hint("Check its `url` in sago.toml and the network, then run `sago witness ask` again.")
    }
}

fn address(witness: &str, prefix: &str, path: &str) -> Result<String, Error> {
    let scheme = prefix.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("http" | "https")) {
        let error = Error::invalid(format!("The witness “{witness}” has an address that begins neither with http:// nor with https://."));
        return Err(error.hint("Correct its `url` in sago.toml."));
    }
    Ok(format!("{}/{path}", prefix.trim_end_matches('/')))
}

/// Text of a stranger: bounded, on one line, without control characters.
pub(super) fn shown(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { '\u{FFFD}' } else { letter };
    text.chars().take(200).map(plain).collect()
}
