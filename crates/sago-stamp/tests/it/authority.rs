//! A time-stamping authority made on the spot with the `openssl` command: keys, certificates, replies, and its opinion of tokens.
//!
//! Two ways to a token: [`Authority::reply`] is `openssl ts -reply`, an authority as it should be; [`Authority::craft`] signs any
//! TSTInfo with `openssl cms`, for the authorities that should not be.

use sago_stamp::{Certificate, Moment};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub const POLICY: &str = "1.3.6.1.4.1.99999.1";
pub const OTHER_POLICY: &str = "1.3.6.1.4.1.99999.2";

pub const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
pub const TSA: &str = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
                       extendedKeyUsage=critical,timeStamping\nsubjectKeyIdentifier=hash\n";

/// A validity around today.
pub const CURRENT: (&str, &str) = ("20200101000000Z", "20990101000000Z");
pub const PAST: (&str, &str) = ("20100101000000Z", "20150101000000Z");
pub const FUTURE: (&str, &str) = ("20900101000000Z", "20990101000000Z");

pub const RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
pub const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
pub const P384: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
pub const P521: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"];

pub fn now() -> Moment {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Moment::from_seconds(since.as_secs() as i64)
}

/// A folder of keys (`<name>.key`) and certificates (`<name>.pem`).
pub struct Authority {
    folder: TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let authority = Self { folder: tempfile::tempdir().unwrap() };
        authority.write("index.txt", "");
        authority.write("index.txt.attr", "unique_subject = no\n");
        authority.write(
            "ca.cnf",
            "[ca]\ndefault_ca = d\n[d]\ndatabase = index.txt\nnew_certs_dir = .\nrand_serial = yes\ndefault_md = sha256\npolicy = p\n\
             [p]\norganizationName = optional\ncommonName = supplied\n",
        );
        authority.write("req.cnf", "[req]\ndistinguished_name = n\nprompt = no\nstring_mask = utf8only\n[n]\n");
        authority.write(
            "ts.cnf",
            format!(
                "[t]\nserial = serial\ncrypto_device = builtin\nsigner_digest = sha256\ndefault_policy = {POLICY}\n\
                 other_policies = {OTHER_POLICY}\ndigests = sha256, sha512\naccuracy = secs:1, millisecs:500, microsecs:100\n\
                 ordering = yes\ntsa_name = yes\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n"
            ),
        );
        authority.write("serial", "2a\n");
        authority
    }

    /// `root`, `intermediate` and `tsa` with keys of one kind, all as they should be.
    pub fn usual(key: &[&str]) -> Self {
        let authority = Self::new();
        authority.root("root", key);
        authority.issue("intermediate", "root", key, CA, CURRENT);
        authority.issue("tsa", "intermediate", key, TSA, CURRENT);
        authority
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn try_openssl(&self, arguments: &[&str]) -> Output {
        Command::new("openssl")
            .current_dir(self.folder.path())
            .args(arguments)
            .output()
            .unwrap_or_else(|why| panic!("the openssl command is needed for this test: {why}"))
    }

    pub fn openssl(&self, arguments: &[&str]) {
        let output = self.try_openssl(arguments);
        assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Gives `to` the key of `from`, for several certificates of one key.
    pub fn share_key(&self, from: &str, to: &str) {
        std::fs::copy(self.path(&format!("{from}.key")), self.path(&format!("{to}.key"))).unwrap();
    }

    /// Makes a key and a request named `name`; the subject is `/O=Test/CN=<name up to the first dot>`.
    fn prepare(&self, name: &str, key: &[&str]) {
        let key_file = format!("{name}.key");
        if !Path::exists(&self.path(&key_file)) {
            self.openssl(&[&["genpkey", "-out", &key_file], key].concat());
        }
        let subject = format!("/O=Test/CN={}", name.split('.').next().unwrap());
        self.openssl(&["req", "-new", "-config", "req.cnf", "-key", &key_file, "-subj", &subject, "-out", &format!("{name}.csr")]);
    }

    /// Makes `<name>.pem`, a root valid today.
    pub fn root(&self, name: &str, key: &[&str]) {
        self.self_signed(name, key, CA, CURRENT);
    }

    pub fn self_signed(&self, name: &str, key: &[&str], extensions: &str, validity: (&str, &str)) {
        self.prepare(name, key);
        self.sign(name, &["-selfsign", "-keyfile", &format!("{name}.key")], extensions, validity, &[]);
    }

    /// Makes `<name>.pem`, signed by `issuer`. An existing key of that name is used again.
    pub fn issue(&self, name: &str, issuer: &str, key: &[&str], extensions: &str, validity: (&str, &str)) {
        self.issue_with(name, issuer, key, extensions, validity, &[]);
    }

    pub fn issue_with(&self, name: &str, issuer: &str, key: &[&str], extensions: &str, validity: (&str, &str), more: &[&str]) {
        self.prepare(name, key);
        let signer = ["-cert", &format!("{issuer}.pem"), "-keyfile", &format!("{issuer}.key")];
        self.sign(name, &signer, extensions, validity, more);
    }

    fn sign(&self, name: &str, signer: &[&str], extensions: &str, validity: (&str, &str), more: &[&str]) {
        self.write("extensions", extensions);
        let (request, out) = (format!("{name}.csr"), format!("{name}.pem"));
        let common = ["ca", "-batch", "-notext", "-config", "ca.cnf", "-extfile", "extensions", "-in", &request, "-out", &out];
        let dates = ["-startdate", validity.0, "-enddate", validity.1];
        self.openssl(&[&common[..], &dates, signer, more].concat());
    }

    pub fn certificate(&self, name: &str) -> Certificate {
        let (mut certificates, findings) = sago_stamp::certificates_from_pem(&String::from_utf8(self.read(&format!("{name}.pem"))).unwrap());
        assert_eq!((certificates.len(), findings.len()), (1, 0), "{name}: {findings:?}");
        certificates.remove(0)
    }

    pub fn certificates(&self, names: &[&str]) -> Vec<Certificate> {
        names.iter().map(|name| self.certificate(name)).collect()
    }

    fn bundle(&self, file: &str, names: &[&str]) {
        self.write(file, names.iter().flat_map(|name| self.read(&format!("{name}.pem"))).collect::<Vec<_>>());
    }

    /// Answers `request` with `openssl ts -reply`, putting `chain` into the token beside the authority's certificate.
    pub fn reply(&self, request: &[u8], signer: &str, chain: &[&str], more: &[&str]) -> Vec<u8> {
        self.write("request.tsq", request);
        self.bundle("chain.pem", chain);
        let (certificate, key) = (format!("{signer}.pem"), format!("{signer}.key"));
        let mut arguments = vec!["ts", "-reply", "-config", "ts.cnf", "-section", "t", "-queryfile", "request.tsq"];
        arguments.extend(["-signer", &certificate, "-inkey", &key, "-out", "reply.tsr"]);
        if !chain.is_empty() {
            arguments.extend(["-chain", "chain.pem"]);
        }
        arguments.extend(more);
        self.openssl(&arguments);
        self.read("reply.tsr")
    }

    /// Signs `info` with `openssl cms`: a bare token with the certificates of `chain` inside.
    pub fn craft(&self, info: &[u8], signer: &str, chain: &[&str], more: &[&str]) -> Vec<u8> {
        self.write("info.der", info);
        self.bundle("chain.pem", chain);
        let (certificate, key) = (format!("{signer}.pem"), format!("{signer}.key"));
        let mut arguments = vec!["cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-outform", "DER"];
        arguments.extend(["-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in", "info.der", "-out", "token.der"]);
        if !chain.is_empty() {
            arguments.extend(["-certfile", "chain.pem"]);
        }
        // Options of the key must follow the signer they belong to.
        arguments.extend(["-signer", &certificate, "-inkey", &key]);
        arguments.extend(more);
        self.openssl(&arguments);
        self.read("token.der")
    }

    /// What `openssl ts -verify` says today, with `anchor` as the only root and `untrusted` at hand.
    pub fn openssl_accepts(&self, token: &[u8], bare: bool, stamped: &[u8], anchor: &str, untrusted: &[&str]) -> bool {
        self.write("judged", token);
        self.write("stamped", stamped);
        self.bundle("untrusted.pem", untrusted);
        let anchor = format!("{anchor}.pem");
        let mut arguments = vec!["ts", "-verify", "-in", "judged", "-data", "stamped", "-CAfile", &anchor];
        if bare {
            arguments.push("-token_in");
        }
        if !untrusted.is_empty() {
            arguments.extend(["-untrusted", "untrusted.pem"]);
        }
        self.try_openssl(&arguments).status.success()
    }
}

impl Authority {
    /// What `openssl cms -verify` says today of the signature and chain of a bare token; it does not look into the TSTInfo.
    pub fn openssl_cms_accepts(&self, token: &[u8], anchor: &str) -> bool {
        self.write("judged", token);
        let anchor = format!("{anchor}.pem");
        let arguments = ["cms", "-verify", "-inform", "DER", "-in", "judged", "-CAfile", &anchor, "-purpose", "timestampsign", "-out", "content"];
        self.try_openssl(&arguments).status.success()
    }
}

/// A TSTInfo to be signed by [`Authority::craft`].
pub struct Info<'a> {
    pub stamped: &'a [u8],
    /// The imprint's AlgorithmIdentifier (DER) and digest, in place of SHA-256 of `stamped`.
    pub imprint: Option<(Vec<u8>, Vec<u8>)>,
    pub gen_time: &'a str,
    /// Elements after genTime, in DER.
    pub rest: Vec<u8>,
}

impl<'a> Info<'a> {
    pub fn of(stamped: &'a [u8]) -> Self {
        Self { stamped, imprint: None, gen_time: "20250601120000Z", rest: Vec::new() }
    }

    pub fn der(&self) -> Vec<u8> {
        let sha256 = || (hex::decode("300d06096086480165030402010500").unwrap(), sago_stamp::HashAlgorithm::Sha256.digest(self.stamped));
        let (algorithm, digest) = self.imprint.clone().unwrap_or_else(sha256);
        let policy = sago_stamp::Oid::new(POLICY).unwrap();
        element(
            0x30,
            &[
                &[0x02, 0x01, 0x01],
                &element(0x06, &[policy.as_bytes()]),
                &element(0x30, &[&algorithm, &element(0x04, &[&digest])]),
                &[0x02, 0x01, 0x2A],
                &element(0x18, &[self.gen_time.as_bytes()]),
                &self.rest,
            ],
        )
    }
}

/// One DER element of fewer than 65,536 bytes.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = match content.len() {
        short @ 0..0x80 => vec![short as u8],
        middle @ 0x80..0x100 => vec![0x81, middle as u8],
        long => vec![0x82, (long >> 8) as u8, long as u8],
    };
    [&[tag], &length[..], &content].concat()
}
