//! Certificates in PEM (RFC 7468), as chains and anchors are kept beside a stamp.

use crate::certificate::Certificate;
use crate::finding::{Finding, code};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Reads every certificate of a PEM text, in order; text between the blocks is ignored.
///
/// A block that cannot be read yields a finding at `pem/<block, from 0>` and is left out.
pub fn certificates_from_pem(text: &str) -> (Vec<Certificate>, Vec<Finding>) {
    let (mut certificates, mut findings) = (Vec::new(), Vec::new());
    for (block, rest) in text.split(BEGIN).skip(1).enumerate() {
        let read = match rest.split_once(END) {
            None => Err("the block has no end".to_owned()),
            Some((body, _)) => {
                let joined: String = body.split_ascii_whitespace().collect();
                let der = STANDARD.decode(joined).map_err(|why| why.to_string());
                der.and_then(|der| Certificate::parse(&der).map_err(|finding| finding.message))
            }
        };
        match read {
            Ok(certificate) => certificates.push(certificate),
            Err(why) => findings.push(Finding::warning(code::CERTIFICATE_UNREADABLE, format!("pem/{block}"), why)),
        }
    }
    (certificates, findings)
}

/// Writes certificates as PEM with 64 letters a line and nothing between the blocks: a subject is a stranger's text.
pub fn certificates_to_pem(certificates: &[Certificate]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        let encoded = STANDARD.encode(certificate.der());
        text.push_str(BEGIN);
        text.push('\n');
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str(END);
        text.push('\n');
    }
    text
}
