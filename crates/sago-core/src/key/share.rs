//! The page a custodian keeps: the words of one share, what they are for, and what to do with them.

use sha2::{Digest, Sha256};

use crate::ctx::time_text;

/// Stands before the words.
pub const BEGIN: &str = "---- BEGIN WORDS ----";

/// Stands after the words.
pub const END: &str = "---- END WORDS ----";

/// What stands on a custodian's page.
pub struct Page<'a> {
    /// Name of the repository.
    pub repository: &'a str,
    /// Number of the epoch.
    pub epoch: u64,
    /// Which page, from 1.
    pub number: usize,
    /// How many pages there are.
    pub of: usize,
    /// How many are needed.
    pub threshold: u8,
    /// When the page was made.
    pub made: jiff::Timestamp,
    /// The words.
    pub words: &'a [&'static str],
    /// Verifier keys of the custody log (the text of `custody.vkey`).
    pub custody_keys: &'a str,
    /// Verifier keys of the access log (the text of `access.vkey`).
    pub access_keys: &'a str,
}

impl Page<'_> {
    /// The page as text, in English and Korean, to print.
    pub fn text(&self) -> String {
        let mut words = String::new();
        for (row, chunk) in self.words.chunks(4).enumerate() {
            for (column, word) in chunk.iter().enumerate() {
                words.push_str(&format!("{:>3} {word:<12}", row * 4 + column + 1));
            }
            words = words.trim_end().to_owned();
            words.push('\n');
        }
        format!(
            "SAGO  RECOVERY SHARE {number} OF {of}                       ({threshold} are needed)\n\
             Repository {repository}\nEpoch      {epoch}\nMade       {made}\n\n\
             {BEGIN}\n{words}{END}\n\n\
             These words, together with those of {others} other custodian(s), open everything this\n\
             repository holds, without Sago and without the server: the steps are in RECOVERY.md in\n\
             the storage root. The form is SLIP-39; independent tools read it.\n\n\
             - Print this page, then delete the file. Keep the paper where the others are not kept.\n\
             - Tell nobody the words. Nobody of the repository will ask for them by message.\n\
             - Once a year the custodians meet and try their shares.\n\
             - When the epoch ends you get a new page. Destroy this one then, and say so:\n\
             \x20 only then is what was destroyed in the repository out of everybody's reach.\n\n\
             복구 조각 {number}/{of} ({threshold}개 필요)\n\
             이 낱말들은 다른 보관인 {others}명의 낱말과 함께 이 저장소에 있는 모든 것을 엽니다. 인쇄한 뒤 파일은\n\
             지우고, 종이는 다른 조각과 떨어진 곳에 보관하십시오. 아무에게도 낱말을 알려 주지 마십시오.\n\
             기간이 끝나면 새 쪽을 받습니다. 그때 이 쪽을 없애고 없앴다고 알려 주십시오.\n\n\
             VERIFIER KEYS OF THE LOGS (not secret: whoever checks a package should compare them with this page)\n\
             SHA-256 of custody.vkey  {custody}\n\
             SHA-256 of access.vkey   {access}\n{keys}",
            number = self.number,
            of = self.of,
            threshold = self.threshold,
            repository = self.repository,
            epoch = self.epoch,
            made = time_text(self.made),
            others = self.threshold - 1,
            custody = hex::encode(Sha256::digest(self.custody_keys)),
            access = hex::encode(Sha256::digest(self.access_keys)),
            keys = [self.custody_keys, self.access_keys].map(short_keys).concat(),
        )
    }
}

/// Keys short enough to copy by hand; the long ones (ML-DSA-44) are covered by the digest of the file.
fn short_keys(keys: &str) -> String {
    keys.lines().filter(|line| line.len() < 200).map(|line| format!("{line}\n")).collect()
}
