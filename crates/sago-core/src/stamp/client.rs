//! The one place from which Sago calls out: a query to a time-stamping authority by HTTP (RFC 3161 section 3.4).
//!
//! Only `http` and `https`, no redirects, a bounded time and a bounded answer. What leaves the site is the digest of a checkpoint; the
//! request does not say which software sends it. The answer is judged by others.

use std::time::Duration;

use sago_stamp::MAX_REPLY_BYTES;
use ureq::Agent;

use crate::error::{Error, ErrorKind};

/// Longest time one query may take, from looking up the name to the last byte of the answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Asks authorities. Clones share nothing that matters.
#[derive(Debug, Clone)]
pub(super) struct Client {
    agent: Agent,
    timeout: Duration,
}

/// Why there is no answer to judge: what happened, in words that follow “The authority …”, and what to do.
#[derive(Debug)]
pub(super) struct Unanswered {
    kind: ErrorKind,
    what: String,
    hint: String,
}

impl Unanswered {
    fn new(kind: ErrorKind, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, what: what.into(), hint: hint.into() }
    }

    /// The error, with the authority's name.
    pub fn of(self, authority: &str) -> Error {
        Error::new(self.kind, format!("The authority “{authority}” {}. Nothing was kept.", self.what)).hint(self.hint)
    }
}

impl Client {
    /// A client that gives up after `timeout`; it takes the proxy of the environment (`HTTPS_PROXY`, `NO_PROXY`), if there is one.
    pub fn new(timeout: Duration) -> Self {
        Self::from_config(Agent::config_builder(), timeout)
    }

    /// A client that goes to the authority straight, whatever the environment says.
    #[cfg(test)]
    pub fn direct(timeout: Duration) -> Self {
        Self::from_config(Agent::config_builder().proxy(None), timeout)
    }

    fn from_config(config: ureq::config::ConfigBuilder<ureq::typestate::AgentScope>, timeout: Duration) -> Self {
        let config = config
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent("")
            .accept("application/timestamp-reply")
            .max_idle_connections(0);
        Self { agent: config.build().into(), timeout }
    }

    /// Sends a query and returns the body of the answer, at most [`MAX_REPLY_BYTES`]; blocks.
    pub fn ask(&self, url: &str, query: &[u8]) -> Result<Vec<u8>, Unanswered> {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if !matches!(scheme.as_deref(), Some("http" | "https")) {
            return Err(Unanswered::new(
                ErrorKind::Invalid,
                "has an address that begins neither with http:// nor with https://",
                "Correct its `url` in sago.toml.",
            ));
        }
        let sent = self.agent.post(url).content_type("application/timestamp-query").send(query);
        let mut response = sent.map_err(|error| self.unanswered(&error))?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get("location").and_then(|to| to.to_str().ok());
            let to = to.unwrap_or("an address it does not name");
            return Err(Unanswered::new(
                ErrorKind::Unavailable,
                format!("sends us on to {}", shown(to)),
                "Sago does not follow. If that is the authority's new address, put it into sago.toml (`url`).",
            ));
        }
        if status.as_u16() != 200 {
            return Err(Unanswered::new(
                ErrorKind::Unavailable,
                format!("answered with the HTTP status {}", status.as_u16()),
                "Check its `url` in sago.toml. If the status begins with 5, the trouble is theirs: try again later.",
            ));
        }
        let body = response.body_mut().with_config().limit(MAX_REPLY_BYTES as u64);
        body.read_to_vec().map_err(|error| self.unanswered(&error))
    }

    fn unanswered(&self, error: &ureq::Error) -> Unanswered {
        use ureq::Error as Ureq;
        const ADDRESS: &str = "Check its `url` in sago.toml and the network, then run `sago stamp` again.";
        let (kind, what, hint) = match error {
            Ureq::Timeout(_) => {
                let what = format!("did not answer within {} s", self.timeout.as_secs_f32());
                (ErrorKind::Unavailable, what, ADDRESS)
            }
            Ureq::BodyExceedsLimit(limit) => {
                let what = format!("answered with more than {limit} bytes, which no time-stamp needs");
                (ErrorKind::Invalid, what, "Check its `url` in sago.toml.")
            }
            Ureq::HostNotFound => {
                let what = "cannot be found: its host has no address".to_owned();
                let hint = "Check its `url` in sago.toml. Without a network use `sago stamp --query DIR`.";
                (ErrorKind::Unavailable, what, hint)
            }
            Ureq::BadUri(_) | Ureq::Http(_) => {
                let what = "has an address that cannot be understood".to_owned();
                (ErrorKind::Invalid, what, "Correct its `url` in sago.toml.")
            }
            Ureq::Rustls(error) => {
                let what = format!("could not be reached safely: {}", shown(&error.to_string()));
                (
                    ErrorKind::Unavailable,
                    what,
                    "Check the machine's clock and the `url` in sago.toml. Without a working connection use `sago stamp --query DIR`.",
                )
            }
            Ureq::Io(error) => (ErrorKind::Unavailable, format!("could not be reached: {}", shown(&error.to_string())), ADDRESS),
            other => {
                let what = format!("could not be reached: {}", shown(&other.to_string()));
                (ErrorKind::Unavailable, what, ADDRESS)
            }
        };
        Unanswered::new(kind, what, hint)
    }
}

/// Text of a stranger: bounded, on one line, without control characters.
fn shown(text: &str) -> String {
    let plain = |letter: char| {
        if letter.is_control() { '\u{FFFD}' } else { letter }
    };
    text.chars().take(200).map(plain).collect()
}
