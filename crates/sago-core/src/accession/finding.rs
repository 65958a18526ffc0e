//! Findings that only a deposit as a whole can make; those about single files are in [`crate::intake`].

use crate::accession::manifest::FindingLine;
use crate::intake::{Code, Finding};

/// The table of these codes.
pub static CODES: &[Code] = &[SENDER_MISMATCH, SEALED_NOT_COMPARED, BAG];

const SENDER_MISMATCH: Code = Code {
    code: "sender-mismatch",
    meaning: "The sender's list gives another digest for this file than the one received.",
    advice: "Ask the sender which is right, and for the file again if theirs is: what was received is kept as it came.",
};

const SEALED_NOT_COMPARED: Code = Code {
    code: "sealed-not-compared",
    meaning: "The unit is sealed, so what arrived could not be compared with what it already holds.",
    advice: "Nothing: a file that was sent before is kept a second time.",
};

const BAG: Code = Code {
    code: "bag-not-valid",
    meaning: "The bag breaks a rule of BagIt; what it holds is taken all the same.",
    advice: "Tell the sender; check whether files are missing or were changed on the way.",
};

/// The received digest differs from the sender's.
pub(crate) fn sender_mismatch(path_bytes: &[u8], sha256: &str) -> Finding {
    Finding {
        code: SENDER_MISMATCH.code,
        path_bytes: path_bytes.to_vec(),
        message: format!(
            "The sender's list gives another digest for this file. What was received has SHA-256 {sha256} and is kept as it came. Ask the sender which is right."
        ),
        taken: true,
    }
}

/// Nothing could be compared with a sealed unit's holdings.
pub(crate) fn sealed_unit_not_compared() -> Finding {
    Finding {
        code: SEALED_NOT_COMPARED.code,
        path_bytes: Vec::new(),
        message: "The unit is sealed: what arrived could not be compared with what it already holds. Files sent before are kept a second time.".to_owned(),
        taken: true,
    }
}

/// A rule of BagIt is broken.
pub(crate) fn bag(path: &str, message: &str) -> Finding {
    Finding { code: BAG.code, path_bytes: path.as_bytes().to_vec(), message: format!("The bag breaks a rule: {message}"), taken: true }
}

/// Whether a line stands for a file that was seen and not taken: files seen are items and these.
pub fn is_file_not_taken(line: &FindingLine) -> bool {
    !line.taken && line.code != "listed-not-received"
}
