//! What is worth saying about a time-stamp: a code, a place in the reply, a text, a severity.
//!
//! All codes stand in one table, [`code::ALL`]; no other module invents one.

use std::fmt;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; takes nothing away from the stamp.
    Info,
    /// The stamp holds, but someone should look or act.
    Warning,
    /// The stamp proves nothing as it stands.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One observation about a reply, its token or its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// One of [`code::ALL`].
    pub code: &'static str,
    /// Where: `reply/status`, `token/info/nonce`, `token/signer`, `chain/0` (the authority's own certificate), `chain/1` …
    pub path: String,
    /// For a person; text from the token is shown with control characters escaped.
    pub message: String,
    /// How much it weighs.
    pub severity: Severity,
}

impl Finding {
    pub(crate) fn error(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, path: path.into(), message: message.into(), severity: Severity::Error }
    }

    pub(crate) fn warning(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, path, message) }
    }

    pub(crate) fn info(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Info, ..Self::error(code, path, message) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}] {}: {}", self.severity, self.code, self.path, self.message)
    }
}

macro_rules! codes {
    ($($name:ident = $text:literal: $meaning:literal;)+) => {
        /// The codes of findings and what each means.
        pub mod code {
            $(#[doc = $meaning] pub const $name: &str = $text;)+
            /// Every code with its meaning, in reading order.
            pub const ALL: &[(&str, &str)] = &[$(($text, $meaning)),+];
        }
    };
}

codes! {
    MALFORMED = "stamp-malformed": "The bytes are not a time-stamp reply, token or certificate in DER.";
    STATUS_REJECTED = "stamp-status-rejected": "The authority did not grant the request.";
    STATUS_CONTRADICTORY = "stamp-status-contradictory": "The status says granted, yet a failure is given.";
    GRANTED_WITH_MODS = "stamp-granted-with-mods": "The authority granted the request with modifications.";
    TOKEN_MISSING = "stamp-token-missing": "The status says granted, yet there is no token.";
    IMPRINT_MISMATCH = "stamp-imprint-mismatch": "The token stamps other bytes than those expected.";
    IMPRINT_ALGORITHM = "stamp-imprint-algorithm": "The imprint is made with a hash that is too weak or unknown here.";
    NONCE_MISMATCH = "stamp-nonce-mismatch": "The token does not carry the nonce of the request.";
    POLICY_NOT_ALLOWED = "stamp-policy-not-allowed": "The token's policy is not one of those allowed.";
    SIGNER_COUNT = "stamp-signer-count": "The token does not have exactly one signer.";
    CERTIFICATE_MISSING = "stamp-certificate-missing": "The authority's certificate is neither in the token nor given.";
    CERTIFICATE_UNREADABLE = "stamp-certificate-unreadable": "A certificate in the token cannot be read and was left aside.";
    ATTRIBUTE_MISSING = "stamp-attribute-missing": "A signed attribute that RFC 3161 asks for is absent or given twice.";
    CONTENT_TYPE_MISMATCH = "stamp-content-type-mismatch": "The signed content type is not TSTInfo.";
    DIGEST_MISMATCH = "stamp-digest-mismatch": "The signed digest is not the digest of the token's content.";
    SIGNING_CERTIFICATE_MISMATCH = "stamp-signing-certificate-mismatch": "The signed certificate identifier names another certificate.";
    ALGORITHM_MISMATCH = "stamp-algorithm-mismatch": "The algorithms named in the token contradict each other.";
    ALGORITHM_UNSUPPORTED = "stamp-algorithm-unsupported": "A signature or digest algorithm is unknown here, so nothing could be checked with it.";
    SIGNATURE_BAD = "stamp-signature-bad": "The token's signature is not by the authority's key over these bytes.";
    SHA1 = "stamp-sha1": "A signature rests on SHA-1.";
    KEY_WEAK = "stamp-key-weak": "An RSA key has fewer than 2048 bits.";
    EKU_MISSING = "stamp-eku-missing": "The authority's certificate is not for time-stamping.";
    EKU_NOT_CRITICAL = "stamp-eku-not-critical": "The extended key usage of the authority's certificate is not critical.";
    EKU_NOT_ALONE = "stamp-eku-not-alone": "The authority's certificate serves other purposes than time-stamping.";
    KEY_USAGE = "stamp-key-usage": "The key usage of the authority's certificate does not fit time-stamping.";
    SELF_SIGNED = "stamp-self-signed": "The authority's certificate is signed by itself and is not a given anchor.";
    CHAIN_INCOMPLETE = "stamp-chain-incomplete": "The certificate of an issuer in the chain is neither in the token nor given.";
    CHAIN_SIGNATURE_BAD = "stamp-chain-signature-bad": "A certificate of the chain is not signed by the issuer it names.";
    ROOT_UNTRUSTED = "stamp-root-untrusted": "The chain ends at a root that is not a given anchor.";
    CHAIN_LIMIT = "stamp-chain-limit": "The search for a chain stopped at a limit; not every path was tried.";
    CERTIFICATE_EXPIRED = "stamp-certificate-expired-at-gentime": "A certificate of the chain had expired at the stamped time.";
    CERTIFICATE_NOT_YET_VALID = "stamp-certificate-not-yet-valid-at-gentime": "A certificate of the chain was not yet valid at the stamped time.";
    CERTIFICATE_EXPIRED_SINCE = "stamp-certificate-expired-since": "A certificate of the chain has expired between the stamped time and the judgement.";
    ISSUER_NOT_CA = "stamp-issuer-not-ca": "An issuer in the chain is not a certificate authority.";
    ISSUER_KEY_USAGE = "stamp-issuer-key-usage": "An issuer in the chain may not sign certificates.";
    ISSUER_EKU = "stamp-issuer-eku": "An issuer in the chain is limited to purposes without time-stamping.";
    PATH_TOO_LONG = "stamp-path-too-long": "The chain is longer than one of its issuers allows.";
    CRITICAL_EXTENSION = "stamp-critical-extension": "A critical extension is not understood here.";
    TSA_NAME_MISMATCH = "stamp-tsa-name-mismatch": "The token names another authority than its certificate.";
    TIME_IN_FUTURE = "stamp-time-in-future": "The stamped time lies after the moment of judgement.";
    REVOCATION_NOT_CHECKED = "stamp-revocation-not-checked": "Revocation data was not checked.";
}

#[cfg(test)]
mod tests {
    use super::code;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_kebab_case_and_unique() {
        let unique: BTreeSet<_> = code::ALL.iter().map(|(code, _)| code).collect();
        assert_eq!(unique.len(), code::ALL.len());
        for (code, meaning) in code::ALL {
            assert!(code.starts_with("stamp-"), "{code}");
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{code}");
            assert!(meaning.ends_with('.'), "{code}");
        }
    }
}
