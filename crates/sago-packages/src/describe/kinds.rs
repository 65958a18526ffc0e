//! What each kind of log entry is called: in PREMIS, in schema.org, and in a plain sentence of each language.
//!
//! One visible table; adding a kind is adding a row. A kind that is not in it is still described, by its code.
//! The kinds themselves are defined with the ledger (docs/formats.md, section 9).

/// A term of the Library of Congress vocabulary of preservation event types, <http://id.loc.gov/vocabulary/preservation/eventType>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// Label.
    pub label: &'static str,
    /// Last part of its URI.
    pub code: &'static str,
}

const fn loc(label: &'static str, code: &'static str) -> EventType {
    EventType { label, code }
}

const ACCESSION: EventType = loc("accession", "acc");
const DEACCESSION: EventType = loc("deaccession", "dea");
const DECRYPTION: EventType = loc("decryption", "der");
const DELETION: EventType = loc("deletion", "del");
const DIGEST: EventType = loc("message digest calculation", "mes");
const DISPLAYING: EventType = loc("displaying", "dsp");
const DISSEMINATION: EventType = loc("dissemination", "dis");
const ENCRYPTION: EventType = loc("encryption", "enc");
const FIXITY: EventType = loc("fixity check", "fix");
const INGESTION: EventType = loc("ingestion", "ing");
const INGESTION_START: EventType = loc("ingestion start", "ins");
const PACKAGE: EventType = loc("information package creation", "ipc");
const POLICY: EventType = loc("policy assignment", "poa");
const QUARANTINE: EventType = loc("quarantine", "qua");
const RECOVERY: EventType = loc("recovery", "rec");
const REPLICATION: EventType = loc("replication", "rep");
const SIGNATURE_CHECK: EventType = loc("digital signature validation", "dig");
const SIGNATURE: EventType = loc("digital signature generation", "dsg");

/// One kind of entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Code in the skeleton.
    pub code: &'static str,
    /// What PREMIS calls it; the first is the act itself, the others are acts it contains. Empty: the vocabulary has no word.
    pub premis: &'static [EventType],
    /// schema.org type of the action.
    pub action: &'static str,
    /// English sentence; `{who}` and `{about}` are filled in.
    pub en: &'static str,
    /// Korean sentence; a placeholder may ask for its particle: `{who|이/가}`.
    pub ko: &'static str,
}

macro_rules! kinds {
    ($($code:literal [$($premis:ident),*] $action:literal $en:literal $ko:literal)*) => {
        /// All kinds with a description of their own.
        pub const KINDS: &[Kind] = &[$(Kind { code: $code, premis: &[$($premis),*], action: $action, en: $en, ko: $ko }),*];
    };
}

kinds! {
    "repository-created" [] "CreateAction"
        "{who} made the repository and its first log."
        "{who|이/가} 저장소와 첫 기록부를 만들었습니다."
    "log-restarted" [RECOVERY] "CreateAction"
        "The log could not be continued; {who} began a new one that points back to the old one."
        "기록부를 이어 쓸 수 없게 되어, {who|이/가} 이전 기록부를 가리키는 새 기록부를 시작했습니다."
    "agent-added" [] "RegisterAction"
        "{who} entered a person who works with the repository, under a pseudonym."
        "{who|이/가} 저장소에서 일하는 사람을 가명으로 등록했습니다."
    "unit-created" [] "CreateAction"
        "{who} made an encryption key for a new group of material that shares one consent."
        "{who|이/가} 동의 범위가 같은 자료 묶음을 위하여 암호 키를 새로 만들었습니다."
    "unit-sealed" [POLICY] "UpdateAction"
        "{who} sealed the material: from then on the server could add to it but not open it."
        "{who|이/가} 자료를 봉인했습니다. 그때부터 서버는 자료를 더할 수는 있어도 열 수는 없습니다."
    "unit-unsealed" [POLICY] "UpdateAction"
        "{who} lifted the seal, with the key shares of enough custodians."
        "{who|이/가} 정해진 수의 보관 책임자가 가진 키 조각을 모아 봉인을 해제했습니다."
    "destruction-requested" [] "AskAction"
        "{who} asked for the destruction of the encryption key of the material."
        "{who|이/가} 자료의 암호 키를 파기해 달라고 요청했습니다."
    "approval-given" [SIGNATURE] "AuthorizeAction"
        "{who} entered the signed approval of a request."
        "{who|이/가} 요청에 대한 서명된 승인을 기록했습니다."
    "unit-destroyed" [DELETION, DEACCESSION] "DeleteAction"
        "{who} destroyed the encryption key, on two approvals. What was encrypted with it cannot be opened again."
        "{who|이/가} 두 사람의 승인에 따라 암호 키를 파기했습니다. 그 키로 암호화한 자료는 다시 열 수 없습니다."
    "epoch-rotated" [] "UpdateAction"
        "{who} began a new key period; every living key was wrapped anew."
        "{who|이/가} 새 키 기간을 시작하고, 살아 있는 모든 키를 다시 감쌌습니다."
    "share-destroyed" [] "UpdateAction"
        "{who} entered a custodian's statement that a key share of an ended period was destroyed."
        "{who|이/가} 끝난 기간의 키 조각을 파기했다는 보관 책임자의 진술을 기록했습니다."
    "operating-key-recovered" [RECOVERY] "UpdateAction"
        "{who} made the lost operating key anew, with the key shares of enough custodians."
        "{who|이/가} 정해진 수의 보관 책임자가 가진 키 조각으로 잃어버린 운영 키를 다시 만들었습니다."
    "accession-opened" [INGESTION_START] "CreateAction"
        "{who} opened {about} and gave it its number."
        "{who|이/가} {about|을/를} 열고 번호를 매겼습니다."
    "accession-prepared" [ENCRYPTION] "UpdateAction"
        "{who} finished the encrypted copy of {about}, before it was put in its place."
        "{who|이/가} {about}의 암호화된 사본을 완성했습니다. 제자리에 두기 바로 앞 단계입니다."
    "accession-received" [INGESTION, ACCESSION, DIGEST, ENCRYPTION] "ReceiveAction"
        "{who} received {about}: the digests of every file were taken, and every file was encrypted and kept."
        "{who|이/가} {about|을/를} 접수했습니다. 모든 파일의 해시값을 계산하고 암호화하여 보관했습니다."
    "accession-abandoned" [] "DeactivateAction"
        "{who} gave up {about} before it was received; its number stays taken."
        "{who|이/가} {about|을/를} 접수하기 전에 중단했습니다. 그 번호는 다시 쓰지 않습니다."
    "accession-quarantined" [QUARANTINE] "UpdateAction"
        "{who} set aside stored material of {about} that was not what had been prepared."
        "{who|이/가} {about} 중에서 준비했던 것과 다른 보관 자료를 따로 떼어 두었습니다."
    "export-made" [DISSEMINATION, PACKAGE, DECRYPTION] "GiveAction"
        "{who} made a package with material of {about}, to hand it over."
        "{who|이/가} {about}에 속한 자료를 넘겨주려고 묶음을 만들었습니다."
    "export-sealed" [PACKAGE] "CreateAction"
        "{who} finished a package and committed to every byte of it."
        "{who|이/가} 묶음을 완성하고 그 안의 모든 바이트를 기록으로 확정했습니다."
    "fixity-checked" [FIXITY] "CheckAction"
        "{who} read stored files again and compared them with their recorded digests."
        "{who|이/가} 보관된 파일을 다시 읽어 기록된 해시값과 견주어 보았습니다."
    "keys-checked" [] "CheckAction"
        "{who} tried whether the encryption keys still open what they must open."
        "{who|이/가} 암호 키로 해당 자료가 여전히 열리는지 시험했습니다."
    "timestamp-received" [SIGNATURE_CHECK] "ReceiveAction"
        "{who} received a time-stamp over the log from an outside authority and verified it."
        "{who|이/가} 외부 기관에서 기록부에 대한 시점 확인 증명을 받아 검증했습니다."
    "access-checkpointed" [] "CreateAction"
        "{who} entered the head of the access log in the custody log, so that reads cannot be taken back either."
        "{who|이/가} 열람 기록부의 머리값을 보관 기록부에 적었습니다. 이로써 열람 기록도 되돌릴 수 없습니다."
    "backup-made" [REPLICATION] "CreateAction"
        "{who} made a copy and tested it."
        "{who|이/가} 사본을 만들고 시험했습니다."
    "database-rebuilt" [RECOVERY] "UpdateAction"
        "{who} made the working database anew from the stored material and the log."
        "{who|이/가} 보관 자료와 기록부로 작업용 데이터베이스를 다시 만들었습니다."
    "clock-jumped" [] "UpdateAction"
        "{who} noted that the clock had gone backwards since the last entry."
        "{who|이/가} 마지막 기록 이후 시계가 뒤로 갔음을 적었습니다."
    "list-shown" [DISPLAYING] "ViewAction"
        "{who} looked at a list."
        "{who|이/가} 목록을 보았습니다."
    "record-shown" [DISPLAYING] "ViewAction"
        "{who} looked at the record of {about}."
        "{who|이/가} {about}의 기록을 보았습니다."
    "item-opened" [DECRYPTION, DISPLAYING] "ViewAction"
        "{who} opened the original of {about}."
        "{who|이/가} {about}의 원본을 열었습니다."
    "open-refused" [] "ViewAction"
        "{who} asked to open {about} and was refused."
        "{who|이/가} {about|을/를} 열려고 했으나 거부되었습니다."
}

/// The row of a kind.
pub fn find(code: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_every_sentence_says_who_in_both_languages() {
        for (i, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..i].iter().all(|other| other.code != kind.code), "{}", kind.code);
            assert!(kind.en.contains("{who}") && kind.en.ends_with('.'), "{}", kind.code);
            assert!(kind.ko.contains("{who|이/가}") && kind.ko.ends_with("다."), "{}", kind.code);
            assert_eq!(kind.en.contains("{about}"), kind.ko.contains("{about"), "{}", kind.code);
        }
        assert!(find("from-the-future").is_none());
    }
}
