//! Files and shares made by other implementations open here, for ever. How they were made: `data/README.md`.

#![allow(clippy::unwrap_used, missing_docs)]

use std::io::Read;

use sago_seal::{HybridIdentity, HybridRecipient, open_with, open_with_passphrase, slip39, stanza_count};
use serde_json::Value;

const FILE: &[u8] = include_bytes!("data/npm-age-encryption.age");
const PASSPHRASE_FILE: &[u8] = include_bytes!("data/npm-age-encryption.passphrase.age");
const KEYS: &str = include_str!("data/npm-age-encryption.identity.txt");
const TEXT: &str = "npm age-encryption 0.3.1: 사고 史庫\n";

#[test]
fn hybrid_file_of_npm_age_encryption_opens() {
    let (identity, recipient) = KEYS.trim_end().split_once('\n').unwrap();
    let identity: HybridIdentity = identity.parse().unwrap();
    let recipient: HybridRecipient = recipient.parse().unwrap();
    assert_eq!(identity.recipient(), recipient);
    assert!(KEYS.starts_with(identity.to_secret_string().as_str()));

    assert!(stanza_count(FILE).unwrap().is_content_file());
    let mut text = String::new();
    open_with(&[&identity], FILE).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, TEXT);
}

#[test]
fn passphrase_file_of_npm_age_encryption_opens() {
    let mut text = String::new();
    open_with_passphrase("말모이 dictionary", 12, PASSPHRASE_FILE).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, TEXT);
}

#[test]
fn shares_of_the_reference_tool_are_recovered() {
    let data: Value = serde_json::from_str(include_str!("data/shamir-mnemonic.json")).unwrap();
    let secret = data["secret"].as_str().unwrap();
    let shares = |value: &Value| -> Vec<String> {
        let list = value.as_array().unwrap();
        list.iter().map(|share| share.as_str().unwrap().to_owned()).collect()
    };
    let check = |shares: &[String]| {
        assert_eq!(hex::encode(slip39::recover(shares).unwrap().as_bytes()), secret);
    };
    let three = shares(&data["one_group_2_of_3"]);
    check(&three[1..]);
    check(&three);
    check(&shares(&data["not_extendable_3_of_5"])[2..]);
    let groups = &data["groups_2_of_3"];
    check(&[shares(&groups[0]), shares(&groups[1])[..2].to_vec()].concat());
    check(&[shares(&groups[2]), shares(&groups[1])[1..].to_vec()].concat());
}
