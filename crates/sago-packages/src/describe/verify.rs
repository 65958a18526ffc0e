//! VERIFY.md: exact commands for the expert a judge appoints. Every block can be pasted into bash in the bag's folder.
//!
//! A line `# expected: …` in a block is what the command before it prints; the tests run the blocks and compare.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::dossier::{Dossier, Log, LogKeys};
use super::escape::{block, code, line, markdown, shell};
use super::example::{self, Half, Walk, Worked};
use super::words;

/// The verifier of this project, as typed.
pub const VERIFIER: &str = "sago-verify";
/// The independent verifier that travels in the package.
pub const PYTHON_VERIFIER: &str = "data/verify/sago_verify.py";

const DISAGREE: &str = "\n**The two do not agree in this package.** Do not rely on this item before that is explained.\n";

/// SHA-256 of a key file: the fingerprint people compare, which `sha256sum` prints too.
pub(super) fn fingerprint(keys: &LogKeys) -> String {
    hex::encode(Sha256::digest(keys.content.as_bytes()))
}

/// ` --key …` for each log of the package: with one key given, the verifiers believe no other.
pub(super) fn key_options(dossier: &Dossier) -> String {
    let mut options: Vec<String> = Vec::new();
    for log in &dossier.repository.logs {
        let name = log.file.rsplit('/').next().unwrap_or(&log.file);
        let option = format!(" --key {}", shell(&format!("/elsewhere/{name}")));
        if !options.contains(&option) {
            options.push(option);
        }
    }
    options.concat()
}

/// The word for a log in a sentence.
fn log_word(log: Log) -> &'static str {
    match log {
        Log::Custody => "custody log",
        Log::Access => "access log",
    }
}

/// Writes `VERIFY.md`: integrity with `sha256sum`, the two verifiers, the keys, the time-stamps, and one item worked out by hand.
pub fn verify_md(dossier: &Dossier) -> String {
    let mut md = String::new();
    introduction(&mut md, dossier);
    files(&mut md);
    verifiers(&mut md, dossier);
    keys(&mut md, dossier);
    stamps(&mut md, dossier);
    by_hand(&mut md, dossier);
    limits(&mut md);
    md
}

// Writing to a String cannot fail, so results of `write!` are dropped in this file.

fn introduction(md: &mut String, dossier: &Dossier) {
    let _ = write!(
        md,
        "# How to verify {}\n\n\
         For the expert who checks this package. No account, no network and nothing from the repository is needed, except the\n\
         fingerprint of its key by a way other than this package (step 3).\n\n\
         All commands are for bash and are given in the folder that holds `bagit.txt`. They use coreutils, sed, awk, `jq` and\n\
         OpenSSL 3. A line that begins with `# expected:` is what the command above it prints. On Windows, `certutil -hashfile FILE SHA256`\n\
         does what `sha256sum` does; the Python verifier (step 2) runs there too.\n\n",
        markdown(&dossier.export.name)
    );
}

fn files(md: &mut String) {
    md.push_str(
        "## 1. Nothing is missing, added or changed since the package was made\n\n\
         No output and no error is the good answer. The tag manifests cover the manifests, the manifests cover every file.\n\n",
    );
    md.push_str(&block(
        "sh",
        "sha256sum --check --quiet --strict tagmanifest-sha256.txt\n\
         sha512sum --check --quiet --strict tagmanifest-sha512.txt\n\
         sha256sum --check --quiet --strict manifest-sha256.txt\n\
         sha512sum --check --quiet --strict manifest-sha512.txt",
    ));
    md.push_str("\nAs many files as the manifest lists, so nothing was put in afterwards:\n\n");
    md.push_str(&block("sh", "test \"$(find data -type f | wc -l)\" -eq \"$(wc -l < manifest-sha256.txt)\" && echo same number\n# expected: same number"));
    md.push_str(
        "\nThis shows that the folder is whole. It does not yet show where the files come from or how old they are: whoever changes a\n\
         file can also change a manifest. That is what the following steps are for.\n\n",
    );
}

fn verifiers(md: &mut String, dossier: &Dossier) {
    md.push_str(
        "## 2. Two verifiers, written apart from each other\n\n\
         Both follow the whole chain for every item: bytes, digests, manifest line, log entry, Merkle tree, signatures, time-stamps.\n\
         The first is a program of the Sago project; the second is one readable Python file (3.9 or later, standard library only) that\n\
         lies in this package and can be read in an evening. They must agree. The files in `/elsewhere` stand for the keys you received by\n\
         another way (step 3); without `--key` the keys in the package are used, which shows that the package fits together, not whose it\n\
         is. The Python file checks what a time-stamp covers and leaves its signature to OpenSSL (step 4); `--anchor ROOT.pem` tells the\n\
         program which time-stamping authority you trust.\n\n",
    );
    let keys = key_options(dossier);
    md.push_str(&block("sh", &format!("{VERIFIER}{keys} .\npython3 {PYTHON_VERIFIER}{keys} .")));
    let _ = write!(md, "\nMade with {} {}.\n\n", markdown(&dossier.export.software.name), markdown(&dossier.export.software.version));
}

fn keys(md: &mut String, dossier: &Dossier) {
    md.push_str(
        "## 3. Whose log it is: the fingerprints of the keys\n\n\
         Everything signed hangs on these keys. Compare the fingerprints with ones obtained in another way: by telephone from a person\n\
         you know, from a printed receipt, from a publication.\n\n",
    );
    for log in &dossier.repository.logs {
        let _ = write!(md, "The {} {}:\n\n", log_word(log.log), code(&log.origin));
        md.push_str(&block("sh", &format!("sha256sum {} | cut -d' ' -f1\n# expected: {}", shell(&log.file), fingerprint(log))));
        let witnesses = if log.witnesses.is_empty() {
            "No independent witness signed this log: that nobody was shown another version of it rests on the time-stamps and on copies elsewhere.".to_owned()
        } else {
            let names: Vec<_> = log.witnesses.iter().map(|name| code(name)).collect();
            format!("Independent witnesses that signed its checkpoints: {}.", names.join(", "))
        };
        let _ = write!(md, "\n{witnesses}\n\n");
    }
    if dossier.repository.published_at.is_empty() {
        md.push_str("The package names no place where they were published; ask the repository by a way you trust.\n\n");
    } else {
        md.push_str("According to the repository, they can be compared with:\n\n");
        for place in &dossier.repository.published_at {
            let _ = writeln!(md, "- {}", markdown(place));
        }
        md.push('\n');
    }
}

fn stamps(md: &mut String, dossier: &Dossier) {
    md.push_str("## 4. Since when: the time-stamps (RFC 3161)\n\n");
    if dossier.stamps.is_empty() {
        md.push_str("This package holds no time-stamp. All times in it are those of the repository's own clock; nobody outside vouches for them.\n\n");
        return;
    }
    md.push_str(
        "An outside authority signed the digest of a checkpoint, and a checkpoint commits to every entry before it. So every entry of the\n\
         log up to that size existed before the authority's time. Whether you trust the authority's root certificate is yours to judge:\n\
         compare it with the authority's publication. `-attime` asks whether its certificates were valid when the stamp was given; without it\n\
         the commands fail once they have expired.\n\n",
    );
    for stamp in &dossier.stamps {
        let _ = write!(
            md,
            "{}, {}, over the {} at size {}:\n\n",
            markdown(&stamp.authority),
            markdown(&words::time(&stamp.gen_time, words::Lang::En)),
            log_word(stamp.log),
            stamp.size
        );
        let (chain, checkpoint) = (shell(&stamp.chain), shell(&stamp.checkpoint));
        let attime = words::seconds(&stamp.gen_time).map(|seconds| format!(" -attime {seconds}")).unwrap_or_default();
        let mut commands = String::new();
        for token in &stamp.tokens {
            let response = shell(&token.response);
            let _ = write!(
                commands,
                "openssl ts -verify -data {checkpoint} -in {response} -CAfile {chain} -untrusted {chain}{attime}\n\
                 # expected: Verification: OK\n"
            );
        }
        if let Some(token) = stamp.tokens.first() {
            let response = shell(&token.response);
            let _ = writeln!(commands, "openssl ts -reply -in {response} -text | grep 'Time stamp:'");
        }
        let _ = writeln!(commands, "openssl x509 -in {chain} -noout -subject -fingerprint -sha256");
        md.push_str(&block("sh", &commands));
        md.push('\n');
    }
    md.push_str(
        "The stamped checkpoint and the one in a proof must be of the same tree: their first three lines are equal, or the verifiers show\n\
         that one tree grew out of the other.\n\n",
    );
}

fn by_hand(md: &mut String, dossier: &Dossier) {
    md.push_str("## 5. One item by hand\n\n");
    let Some((item, example)) = dossier.items.first().zip(dossier.example.as_ref()) else {
        md.push_str("No worked example was made for this package; the two verifiers print the same steps.\n\n");
        return;
    };
    // After a restart there are several custody logs: the one this proof is of names itself in its checkpoint.
    let origin = example.tlog_proof.split_once("\n\n").and_then(|(_, checkpoint)| checkpoint.lines().next());
    let keys = dossier.repository.logs.iter().find(|log| Some(log.origin.as_str()) == origin);
    let Some(worked) = example::work_out(&example.item_proof, &example.tlog_proof, keys.map_or("", |keys| &keys.content)) else {
        md.push_str(
            "The proof files of the first item are not of the expected form, so no example could be worked out. This is itself a finding:\n\
             the verifiers will name it.\n\n",
        );
        return;
    };
    let _ = write!(
        md,
        "Item {}, {} in the sender's words. The chain: bytes of the original, its line in the manifest, the root over all lines,\n\
         the log entry that names this root, the leaf, the root of the log, the signature.\n\n",
        code(&item.number),
        code(&item.path)
    );
    md.push_str(&block("sh", &helpers(&item.proof, &example.tlog_proof_file)));
    md.push_str("\n**a. The original has the digest its line states.**\n\n");
    md.push_str(&block(
        "sh",
        &format!(
            "sha256sum < {0} | cut -d' ' -f1\n# expected: {1}\nsha512sum < {0} | cut -d' ' -f1\n# expected: {2}\n\
             jq -r '.line | fromjson | .sha256, .sha512, .bytes' \"$item\"\n# expected: {1}\n# expected: {2}\n# expected: {3}",
            shell(&item.evidence),
            line(&item.sha256),
            line(&item.sha512),
            item.size
        ),
    ));
    md.push_str("\n**b. The line is in the manifest.** SHA-256 of a zero byte and the line, then up the tree (RFC 6962): a byte 0x01, the left hash, the right hash.\n\n");
    let leaf = format!("h=$({{ printf '\\000'; jq -j .line \"$item\"; }} | digest); echo \"$h\"\n# expected: {}\n", worked.manifest.leaf);
    md.push_str(&block("sh", &(leaf + &climb(&worked.manifest))));
    named_root(md, &worked);
    leaf_of_log(md, &worked);
    signature(md, &worked, keys);
    md.push_str("\nClean up: `rm -r \"$work\"`.\n\n");
}

fn named_root(md: &mut String, worked: &Worked) {
    md.push_str("\n**c. The log entry names this root.** The entry's content, its opening, travels in the proof file.\n\n");
    let mut commands = String::from("sed -n 's/^extra //p' \"$proof\" | base64 -d > \"$work/opening.json\"\n");
    if let Some(root) = &worked.manifest_root {
        let _ = write!(commands, "jq -r '.detail.payload | fromjson | .manifest_root' \"$work/opening.json\"\n# expected: {root}\n");
    }
    md.push_str(&block("sh", &commands));
    match worked.manifest_root.as_deref() {
        Some(root) if root == worked.manifest.root() => {}
        Some(_) => md.push_str(DISAGREE),
        None if worked.detail.open => md.push_str(DISAGREE),
        None => {
            md.push_str("\nThe detail of this entry, which names the root, is withheld from this package: this link of the chain cannot be checked here.\n")
        }
    }
}

fn helpers(item: &str, proof: &str) -> String {
    format!(
        "work=$(mktemp -d)\n\
         item={}\n\
         proof={}\n\
         digest() {{ sha256sum | cut -d' ' -f1; }}\n\
         bytes() {{ printf '%b' \"$(printf %s \"$1\" | sed 's/../\\\\x&/g')\"; }}\n\
         unbase64() {{ base64 -d | od -An -v -tx1 | tr -d ' \\n'; }}\n\
         node() {{ bytes \"01$1$2\" | digest; }}",
        shell(item),
        shell(proof)
    )
}

fn climb(walk: &Walk) -> String {
    let mut commands = String::new();
    for step in &walk.steps {
        let (left, right) = if step.left { (step.sibling.as_str(), "\"$h\"") } else { ("\"$h\"", step.sibling.as_str()) };
        let _ = write!(commands, "h=$(node {left} {right}); echo \"$h\"\n# expected: {}\n", step.result);
    }
    commands
}

fn leaf_of_log(md: &mut String, worked: &Worked) {
    md.push_str("\n**d. The opening gives the leaf.** Two halves, each blinded by 32 random bytes, then both together.\n\n");
    let mut commands = String::new();
    for (name, half) in [("skeleton", &worked.skeleton), ("detail", &worked.detail)] {
        commands.push_str(&half_commands(name, half));
    }
    let _ = write!(
        commands,
        "commitment=$({{ printf 'sago/leaf/1\\n'; bytes \"$skeleton$detail\"; }} | digest); echo \"$commitment\"\n# expected: {}\n\
         h=$({{ printf '\\000'; printf 'sago-leaf/1 %s %s\\n' {} \"$(bytes \"$commitment\" | base64 -w0)\"; }} | digest); echo \"$h\"\n# expected: {}\n",
        worked.commitment, worked.seconds, worked.log.leaf
    );
    md.push_str(&block("sh", &commands));
    md.push_str("\n**e. The leaf is in the log.** Up the log's tree, with the hashes of the proof file; the end is the third line of the checkpoint.\n\n");
    let checkpoint =
        format!("sed '1,/^$/d' \"$proof\" > \"$work/checkpoint\"\nsed -n 3p \"$work/checkpoint\" | unbase64; echo\n# expected: {}\n", worked.checkpoint_root);
    md.push_str(&block("sh", &(climb(&worked.log) + &checkpoint)));
    if worked.checkpoint_root != worked.log.root() {
        md.push_str(DISAGREE);
    }
}

fn half_commands(name: &str, half: &Half) -> String {
    let opening = "\"$work/opening.json\"";
    if half.open {
        format!(
            "{name}=$({{ printf 'sago/{name}/1\\n'; jq -j .{name}.nonce {opening} | base64 -d; jq -j .{name}.payload {opening}; }} | digest); echo \"${name}\"\n\
             # expected: {}\n",
            half.commitment
        )
    } else {
        format!(
            "# The {name} is withheld; its commitment is given.\n{name}=$(jq -j .{name}.commitment {opening} | unbase64); echo \"${name}\"\n# expected: {}\n",
            half.commitment
        )
    }
}

fn signature(md: &mut String, worked: &Worked, keys: Option<&LogKeys>) {
    md.push_str("\n**f. The checkpoint is signed by the log's key.** ");
    let Some((signature, keys)) = worked.signature.as_ref().zip(keys) else {
        md.push_str("The checkpoint carries no Ed25519 signature of a key in this package; the verifiers say what they find.\n");
        return;
    };
    md.push_str("Ed25519, with OpenSSL. (The ML-DSA-44 signature beside it is checked by the two verifiers; OpenSSL does so from version 3.5.)\n\n");
    md.push_str(&block(
        "sh",
        &format!(
            "sed '/^$/,$d' \"$work/checkpoint\" > \"$work/note\"\n\
             sed '1,/^$/d' \"$work/checkpoint\" | sed -n {}p | awk '{{print $3}}' | base64 -d | tail -c 64 > \"$work/signature\"\n\
             {{ bytes 302a300506032b6570032100; sed -n {}p {} | cut -d+ -f3- | base64 -d | tail -c 32; }} > \"$work/key.der\"\n\
             openssl pkeyutl -verify -pubin -keyform DER -inkey \"$work/key.der\" -rawin -in \"$work/note\" -sigfile \"$work/signature\"\n\
             # expected: Signature Verified Successfully",
            signature.signature_line,
            signature.key_line,
            shell(&keys.file)
        ),
    ));
}

fn limits(md: &mut String) {
    md.push_str(
        "## What this does not show\n\n\
         That what a document says is true; that a file was genuine when it was received; that the clock of whoever made it was right;\n\
         that nobody photographed a screen; that copies handed to others were destroyed. It shows that these bytes were received, when at\n\
         the latest, by whom under which pseudonym, what was done with them since, and that none of this was changed afterwards.\n",
    );
}
