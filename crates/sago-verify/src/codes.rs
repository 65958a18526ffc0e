//! Every code a finding can carry: what it means and what to do about it. `sago-verify --codes` prints this.
//!
//! Our own codes are constants here, so none can be used without standing in the table. The second verifier (Python) uses the same
//! words. Codes of the auditor of logs, of the judge of time-stamps and of the judges of packages are theirs; they are looked up there.

mod packages;

use crate::finding::Severity;

/// One code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Kebab case.
    pub code: &'static str,
    /// How much a finding with it weighs.
    pub severity: Severity,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// What to do, in one sentence.
    pub action: &'static str,
}

macro_rules! codes {
    ($($name:ident $severity:ident $code:literal $meaning:literal $action:literal;)+) => {
        $(#[doc = $meaning] pub static $name: Code =
            Code { code: $code, severity: Severity::$severity, meaning: $meaning, action: $action };)+

        /// Every code of this crate, in reading order.
        pub static OWN: &[&Code] = &[$(&$name),+];
    };
}

codes! {
    // Files.
    FILE_MISSING Error "file-missing" "A file that must be there is not." "Ask for a complete copy.";
    FILE_UNREADABLE Error "file-unreadable" "A file is there but cannot be read." "Check the medium and the permissions, then verify again.";
    FILE_TOO_LARGE Error "file-too-large" "A proof, key or stamp is larger than any real one." "Treat the package as made by someone hostile.";
    NOT_A_PLAIN_FILE Error "not-a-plain-file" "A link or device lies where only files and folders may be." "Treat the package as made by someone hostile.";
    // Keys.
    KEY_MALFORMED Error "key-malformed" "A file of verifier keys holds something else." "Obtain the key file again, from the repository.";
    KEY_MISSING Error "key-missing" "No key that may be used is named after this log." "Obtain the log's keys and give them with --key.";
    KEY_FROM_PACKAGE Warning "key-from-package" "The keys came with what they are to verify, so anyone could have made all of it." "Compare the keys with a copy from elsewhere and give that with --key.";
    KEY_DIFFERS Warning "key-differs" "The package lists other keys for a log than the ones that were given." "Find out who put them there; the given keys were used.";
    KEY_ONE_ALGORITHM Warning "key-one-algorithm" "The keys of a log are not of both algorithms, Ed25519 and ML-DSA-44." "Ask the repository whether this log has only one key.";
    // Checkpoints and proofs.
    CHECKPOINT_MALFORMED Error "checkpoint-malformed" "What should be a signed checkpoint is none." "Ask for the file again.";
    SIGNATURE_MISSING Error "signature-missing" "A key of the log has not signed the checkpoint." "Do not rely on anything under this checkpoint.";
    SIGNATURE_INVALID Error "signature-invalid" "A signature in the name of the log's key is not by that key." "Do not rely on anything under this checkpoint.";
    CHECKPOINT_UNPUBLISHED Warning "checkpoint-unpublished" "The log was signed further than its published checkpoint says, and has all of it." "Run any command of Sago on the repository: it publishes what an interruption left.";
    CHECKPOINT_FORK Error "checkpoint-fork" "The log signed two different trees of one size." "Keep both files: together they prove that the log showed different histories.";
    WITNESS_QUORUM Error "witness-quorum" "Fewer witnesses than demanded have cosigned a checkpoint." "Ask for a newer copy, or have the repository ask its witnesses; if they refuse, the log may have been forked.";
    COSIGNATURE_INVALID Error "cosignature-invalid" "A cosignature in the name of a witness is not by its key over this checkpoint." "Find out who put it there; ask the witness what it has seen.";
    PROOF_MALFORMED Error "proof-malformed" "A file is not a tlog-proof of the first version." "Ask for the proof again.";
    PROOF_OPENING_MISSING Error "proof-opening-missing" "The proof carries no opening of its leaf." "Ask for the proof with its opening.";
    PROOF_OPENING_INVALID Error "proof-opening-invalid" "What should open the leaf is malformed." "Ask for the proof again.";
    PROOF_NOT_INCLUDED Error "proof-not-included" "What was opened is not in the signed tree at that place." "The content, the place or the path was changed: do not rely on it.";
    PROOF_LOG_MISMATCH Error "proof-log-mismatch" "The opening is of another log than the checkpoint." "Do not rely on it.";
    PROOF_INDEX_MISMATCH Error "proof-index-mismatch" "The opening is of another index than the proof." "Do not rely on it.";
    PROOF_NAME Error "proof-name" "A proof is filed under another index than its own." "Do not rely on what refers to this index.";
    // Events.
    EVENT_MALFORMED Error "event-malformed" "A line of events.jsonl is not an event." "Rely on the proofs, not on this file.";
    EVENT_UNPROVEN Error "event-unproven" "An event is told otherwise than it was proven, or has no proof." "Do not rely on the telling.";
    EVENT_UNLISTED Error "event-unlisted" "An event is proven but not told in events.jsonl." "Read it in its proof; ask why it was left out of the telling.";
    EVENT_KIND Error "event-kind" "The event is not of the kind accession-received." "Ask for the proof of the accession's own event.";
    EVENT_DETAIL Error "event-detail" "The detail of the event does not hold a manifest_root and the number of lines." "Ask for the proof of the accession's own event.";
    DETAIL_WITHHELD Error "detail-withheld" "The detail that holds manifest_root is withheld, so nothing ties the lines to the log." "Ask for the opening of the detail.";
    SKELETON_WITHHELD Warning "skeleton-withheld" "The skeleton is withheld, so the kind of the event is not shown." "Ask for the opening of the skeleton if it matters.";
    // Items and evidence.
    ITEM_MALFORMED Error "item-malformed" "A proof of an item is malformed." "Ask for the proof again.";
    ITEM_NUMBER Error "item-number" "A proof of an item is about another item than its file name says." "Do not rely on what lies under this number.";
    ITEM_EVENT Error "item-event" "The event that the item rests on is not proven here." "Look at the findings about that event, or ask for its proof.";
    ITEM_INCLUSION Error "item-inclusion" "The item's line is not under the manifest_root of the event." "The line was changed or does not belong there: do not rely on it.";
    EVIDENCE_COUNT Error "evidence-count" "There is not exactly one file for an item." "Ask for a complete copy.";
    EVIDENCE_DIFFERS Error "evidence-differs" "A file is not the bytes that were received." "Do not use the file; ask for the original again.";
    EVIDENCE_UNPROVEN Error "evidence-unproven" "A file among the evidence has no proof." "Do not use the file as evidence from this repository.";
    INVENTORY_MALFORMED Error "inventory-malformed" "An OCFL inventory in the package cannot be read." "Ask for the inventory again.";
    INVENTORY_UNCOMMITTED Error "inventory-uncommitted" "No proven event commits to an inventory in the package." "Do not rely on the inventory; the items are proven apart from it.";
    INVENTORY_CONTENT Error "inventory-content" "The inventory does not list the stored form of an item." "Ask the repository to explain; the original is proven apart from it.";
    EXPORT_EMPTY Error "export-empty" "No item in the package is proven." "Do not use it as evidence.";
    // The bag of an export has one form only.
    BAG_FORM Error "bag-form" "A manifest or the declaration of the bag is missing or not in the one form of an export." "Ask for a complete copy.";
    BAG_UNLISTED Error "bag-unlisted" "A manifest of the bag does not list a file." "Find out who added the file.";
    // Time-stamps.
    STAMP_FOLDER Error "stamp-folder" "A folder of time-stamps is named after another log or size than its checkpoint." "Rely on the checkpoint, not on the name.";
    STAMP_UNANCHORED Info "stamp-unanchored" "The token holds together, but whether its authority can be trusted was not judged." "Give the authority's root certificate with --anchor.";
    STAMP_UNCHECKED Info "stamp-unchecked" "The signature of the token was not checked (second verifier)." "Run the openssl command that is printed.";
    NOT_STAMPED Info "not-stamped" "Events are proven in a checkpoint that carries no time-stamp here." "Their times rest on the repository's own clock.";
    // What is there and not proven.
    NOT_COVERED Info "not-covered" "No proof covers this file." "Read it as a convenience, not as evidence.";
    // Receipts.
    RECEIPT_MALFORMED Error "receipt-malformed" "The file receipt.json is not a receipt of the first version." "Ask for the receipt again.";
    RECEIPT_EVENT Error "receipt-event" "The receipt names another event than its proof." "Ask for the receipt again.";
    RECEIPT_ACCESSION Error "receipt-accession" "The manifest is not about the accession of the receipt." "Ask for the receipt again.";
    RECEIPT_ROOT Error "receipt-root" "The lines of the manifest are not those that the log holds the root of." "The manifest was changed: do not rely on it.";
    MANIFEST_MALFORMED Error "manifest-malformed" "The manifest has an unfinished or malformed line." "Ask for the manifest again.";
    // Repositories, with their keys.
    DATABASE_ROW_DIFFERS Error "database-row-differs" "A row of the database differs from what the log says." "Run `sago rebuild`; ask who wrote to the database.";
    DATABASE_ROW_MISSING Error "database-row-missing" "The log speaks of something that the database lacks." "Run `sago rebuild`.";
    DATABASE_ROW_UNKNOWN Error "database-row-unknown" "The database holds a row that no event accounts for." "Run `sago rebuild`; ask who wrote to the database.";
    DATABASE_DAMAGED Error "database-damaged" "The database is missing or cannot be read, or its own check of its pages fails." "Run `sago rebuild`.";
    KEYS_UNUSABLE Error "keys-unusable" "The operating or the signing keys are missing or damaged, so nothing was checked that needs them." "Put the keys folder back from a backup, or make a new operating key with `sago key recover`.";
    LOG_UNREADABLE Error "log-unreadable" "The log cannot be replayed to its end." "Put the damaged files back from a backup.";
    LOG_SUCCESSION Error "log-succession" "A generation of the log does not begin where the one before ended." "Find out which history is the true one; compare with receipts, time-stamps and copies of the checkpoints.";
    OBJECT_MISSING Error "object-missing" "An object that was received is not in the storage root." "Put it back from a backup.";
    OBJECT_UNKNOWN Error "object-unknown" "The storage root holds an object that no event speaks of." "Find out who put it there; it is not part of the holdings.";
    OBJECT_INVENTORY Error "object-inventory" "The inventory of an object is not the one the log commits to." "Put the object back from a backup.";
    CONTENT_RECIPIENTS Error "content-recipients" "A stored file can be opened by another key than its unit's." "Its destruction could not be promised: deposit it again and find out who wrote it.";
    CONTENT_DIFFERS Error "content-differs" "A stored file is not the one its manifest names." "Put it back from a backup.";
    VAULT_KEY Error "vault-key" "The key of a unit in the vault is missing, altered or does not fit." "Put the vault entry back from a copy of the vault of the same epoch, at once.";
    PERSON_KEY Error "person-key" "The key file of a person is missing or is not the one the log commits to." "Put it back from a backup; without it the person cannot sign approvals.";
    SETTINGS_DIFFER Error "settings-differ" "The settings name another repository or domain unit than the log." "Put sago.toml back from a backup.";
    STORE_DECLARATION Error "store-declaration" "A file that makes the storage root an OCFL root is missing or altered." "Put it back from a backup; find out who changed it.";
    STORE_TEXT Warning "store-text" "A text for people in the storage root is missing, or is of no release that this Sago knows." "Find out who changed it, then write the texts anew with `sago doctor --refresh-texts`.";
    STORE_TEXT_EARLIER Info "store-text-earlier" "A text for people in the storage root is that of an earlier release." "It may stay; `sago doctor --refresh-texts` writes the texts of this one.";
    STAMP_KEPT Error "stamp-kept" "A file kept with a time-stamp is missing or is not what was sent or received." "Put the folder back from a backup.";
    // Repositories.
    STORE_MISSING Error "store-missing" "The repository has no storage root." "Restore it from a backup before anything else.";
    LOG_MISSING Error "log-missing" "The repository has no log, or a generation of it is not there." "Restore it from a backup before anything else.";
    LOCK_MISSING Warning "lock-missing" "There is no lock for a log, so a roll-back to an older state would not show here." "Compare the log with a checkpoint kept elsewhere: a receipt, a time-stamp, a witness.";
    PAYLOAD_NAME Warning "payload-name" "A file among the payload segments has no name of a segment." "Find out who put it there.";
    PAYLOAD_GAP Error "payload-gap" "No payload segment holds the opening of some entries." "Restore the payload from a backup; without it these events cannot be read.";
}

/// A row of the complete table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The code, or a pattern (`E000` for all of that shape).
    pub code: String,
    /// Nothing where it depends on the case.
    pub severity: Option<Severity>,
    /// What it means.
    pub meaning: String,
    /// What to do.
    pub action: String,
}

/// Returns every code that a finding can carry: ours, then the auditor's, the stamps', the packages'.
pub fn all() -> Vec<Row> {
    let mut rows: Vec<Row> = OWN.iter().map(|code| row(code.code, Some(code.severity), code.meaning, code.action)).collect();
    let mut add = |code: &str, meaning: &str, action: &str| {
        if !rows.iter().any(|row| row.code == code) {
            rows.push(row(code, None, meaning, action));
        }
    };
    for (code, meaning) in sago_ledger::check::CODES {
        add(code, &sentence(meaning), "Compare with a copy of the log; entries that were proven elsewhere stay proven.");
    }
    for (code, meaning) in sago_stamp::code::ALL {
        add(code, meaning, "An error means that this token proves nothing as it stands; look for another token over the same checkpoint.");
    }
    for (code, meaning) in packages::PACKAGES {
        add(code, meaning, "Compare with another copy of the package.");
    }
    rows
}

/// Finds the row of a code.
pub fn lookup(code: &str) -> Option<Row> {
    let digits = code.strip_prefix(['E', 'W']).filter(|digits| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()));
    let wanted = if digits.is_some() { format!("{}000", &code[..1]) } else { code.to_owned() };
    all().into_iter().find(|row| row.code == wanted)
}

fn row(code: &str, severity: Option<Severity>, meaning: &str, action: &str) -> Row {
    Row { code: code.to_owned(), severity, meaning: meaning.to_owned(), action: action.to_owned() }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
