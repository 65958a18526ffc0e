//! SLIP-0039: the 45 published vectors, splitting in every shape, and what custodians are told.

#![allow(clippy::unwrap_used, missing_docs)]

use proptest::prelude::*;
use sago_seal::slip39::{Options, ShareError, SplitError, inspect, os_random, recover, recover_with_passphrase, split, split_groups};

const VECTORS: &str = include_str!("data/slip39-vectors.json");

fn words(share: &[&str]) -> String {
    share.join(" ")
}

fn three(seed: &[u8; 32]) -> Vec<String> {
    let shares = split(seed, 2, 3, &mut os_random).unwrap();
    shares.iter().map(|share| words(share)).collect()
}

#[test]
fn published_vectors_are_recovered_or_refused() {
    let vectors: Vec<(String, Vec<String>, String, String)> = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(vectors.len(), 45);
    let mut recovered = 0;
    for (name, shares, expected, _) in vectors {
        match recover_with_passphrase(&shares, "TREZOR") {
            Ok(secret) => {
                assert_eq!(hex::encode(secret.as_bytes()), expected, "{name}");
                recovered += 1;
            }
            Err(e) => assert_eq!(expected, "", "{name}: {e}"),
        }
    }
    assert_eq!(recovered, 15);
}

#[test]
fn published_failures_are_named_rightly() {
    let vectors: Vec<(String, Vec<String>, String, String)> = serde_json::from_str(VECTORS).unwrap();
    let error = |number: usize| {
        let (name, shares, ..) = &vectors[number - 1];
        assert!(name.starts_with(&format!("{number}. ")));
        recover_with_passphrase(shares, "TREZOR").unwrap_err()
    };
    for number in [2, 21] {
        assert!(matches!(error(number), ShareError::Checksum { share: 1, .. }), "{number}");
    }
    for number in [3, 22, 10, 29] {
        assert!(matches!(error(number), ShareError::Malformed { share: 1, .. }), "{number}");
    }
    for number in [5, 24] {
        assert_eq!(error(number), ShareError::TooFew { group: 1, have: 1, need: 2 });
    }
    for number in [6, 7, 8, 9, 12, 25, 26, 27, 28, 31] {
        assert!(matches!(error(number), ShareError::DifferentSets { .. }), "{number}");
    }
    for number in [11, 30] {
        assert_eq!(error(number), ShareError::Contradiction { share: 2, other: 1 }, "{number}");
    }
    for number in [13, 32] {
        assert_eq!(error(number), ShareError::DoNotFit, "{number}");
    }
    for number in [14, 33] {
        assert_eq!(error(number), ShareError::TooFewGroups { have: 1, need: 2 }, "{number}");
    }
    for number in [15, 16, 34, 35] {
        assert!(matches!(error(number), ShareError::TooFew { .. } | ShareError::TooFewGroups { .. }), "{number}");
    }
    for number in [39, 40] {
        assert!(matches!(error(number), ShareError::Length { share: 1, .. }), "{number}");
    }
}

#[test]
fn every_two_of_three_recover_and_no_one_does() {
    let seed = [0xa5; 32];
    let shares = three(&seed);
    for (i, j) in [(0, 1), (0, 2), (1, 2), (2, 0)] {
        let secret = recover(&[&shares[i], &shares[j]]).unwrap();
        assert_eq!(*secret.to_seed().unwrap(), seed);
        assert_eq!(format!("{secret:?}"), "Secret(hidden)");
    }
    assert_eq!(*recover(&shares).unwrap().to_seed().unwrap(), seed);
    for share in &shares {
        assert_eq!(share.split(' ').count(), 33);
        assert_eq!(recover(&[share]).unwrap_err(), ShareError::TooFew { group: 1, have: 1, need: 2 });
    }
    assert_eq!(recover(&[""; 0]).unwrap_err(), ShareError::NoShares);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_k_of_n_recover(seed in any::<[u8; 32]>(), threshold in 1..=16u8, more in 0..=15u8, order in any::<u64>()) {
        let count = if threshold == 1 { 1 } else { (threshold + more).min(16) };
        let mut shares = split(&seed, threshold, count, &mut os_random).unwrap();
        prop_assert_eq!(shares.len(), usize::from(count));
        // A cheap shuffle: which ones come must not matter.
        shares.sort_by_key(|share| share.iter().flat_map(|word| word.bytes()).fold(order, |h, b| h.rotate_left(7) ^ u64::from(b)));
        let texts: Vec<String> = shares.iter().map(|share| words(share)).collect();
        let secret = recover(&texts[..usize::from(threshold)]).unwrap();
        prop_assert_eq!(*secret.to_seed().unwrap(), seed);
        if threshold > 1 {
            let too_few = recover(&texts[..usize::from(threshold) - 1]).unwrap_err();
            prop_assert_eq!(too_few, ShareError::TooFew { group: 1, have: usize::from(threshold) - 1, need: usize::from(threshold) });
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,300}", picks in prop::collection::vec(0..1024usize, 0..70)) {
        let _ = recover(&[&text]);
        let list: Vec<&str> = include_str!("../src/slip39/wordlist.txt").lines().collect();
        let share: Vec<&str> = picks.iter().map(|i| list[*i]).collect();
        let _ = recover(&[words(&share)]);
        let _ = inspect(&text);
    }
}

#[test]
fn groups_recover_with_enough_of_enough_groups() {
    let secret: Vec<u8> = (0..48).collect();
    for (extendable, iteration_exponent) in [(false, 0), (true, 0), (true, 2)] {
        let options = Options { passphrase: "open sesame", extendable, iteration_exponent };
        let groups = split_groups(&secret, 2, &[(1, 1), (2, 3), (3, 5)], options, &mut os_random).unwrap();
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [1, 3, 5]);
        let pick = |places: &[(usize, usize)]| -> Vec<String> { places.iter().map(|(group, member)| words(&groups[*group][*member])).collect() };
        let good = recover_with_passphrase(&pick(&[(0, 0), (1, 2), (1, 0)]), "open sesame").unwrap();
        assert_eq!(good.as_bytes(), secret);
        assert!(matches!(good.to_seed(), Err(ShareError::NotARecoveryKey(48))));
        // A third group, begun but not complete, does no harm; complete, it is checked.
        let more = pick(&[(0, 0), (1, 2), (1, 0), (2, 4)]);
        assert_eq!(recover_with_passphrase(&more, "open sesame").unwrap().as_bytes(), secret);
        let all = pick(&[(0, 0), (1, 2), (1, 0), (2, 4), (2, 1), (2, 0)]);
        assert_eq!(recover_with_passphrase(&all, "open sesame").unwrap().as_bytes(), secret);
        assert_eq!(recover_with_passphrase(&pick(&[(0, 0), (2, 1)]), "open sesame").unwrap_err(), ShareError::TooFew { group: 3, have: 1, need: 3 });
        assert_eq!(recover_with_passphrase(&pick(&[(0, 0)]), "open sesame").unwrap_err(), ShareError::TooFewGroups { have: 1, need: 2 });
        let other = recover_with_passphrase(&pick(&[(0, 0), (1, 2), (1, 0)]), "open seasame").unwrap();
        assert_ne!(other.as_bytes(), secret);
    }
}

#[test]
fn custodians_are_told_what_is_wrong() {
    let shares = three(&[7; 32]);
    let mut typed: Vec<String> = shares[1].split(' ').map(str::to_owned).collect();
    typed[9] = "acadmic".to_owned();
    let error = recover(&[&shares[0], &typed.join(" ")]).unwrap_err();
    assert_eq!(error, ShareError::UnknownWord { share: 2, word: 10, suggestion: Some("academic") });
    assert_eq!(error.to_string(), "word 10 of share 2 is not in the list; did you mean “academic”?");

    // One wrong word of the list: the place is found, whichever it is (the second holds the kind of checksum).
    for at in (0..33).filter(|at| *at != 1) {
        let mut typed: Vec<&str> = shares[1].split(' ').collect();
        typed[at] = if typed[at] == "zero" { "academic" } else { "zero" };
        assert_eq!(recover(&[&words(&typed)]).unwrap_err(), ShareError::Checksum { share: 1, suspect: Some(at + 1) });
    }
    let mut swapped: Vec<&str> = shares[1].split(' ').collect();
    swapped.swap(20, 21);
    if swapped[20] != swapped[21] {
        assert!(matches!(recover(&[words(&swapped)]), Err(ShareError::Checksum { suspect: None, .. })));
    }

    let short = shares[1].rsplit_once(' ').unwrap().0;
    assert_eq!(recover(&[short]).unwrap_err(), ShareError::Length { share: 1, words: 32 });
    assert_eq!(recover(&[&shares[1], &shares[1]]).unwrap_err(), ShareError::Duplicate { share: 2, other: 1 });
    let others = three(&[7; 32]);
    assert_eq!(recover(&[&shares[1], &others[2]]).unwrap_err(), ShareError::DifferentSets { share: 2, other: 1 });
    let loud = format!("  {}\n", shares[0].to_uppercase().replace(' ', "\n\t "));
    assert!(recover(&[&loud, &shares[2]]).is_ok());
}

#[test]
fn one_share_can_be_read_alone() {
    let shares = three(&[7; 32]);
    let all: Vec<_> = shares.iter().map(|share| inspect(share).unwrap()).collect();
    for (i, info) in all.iter().enumerate() {
        assert_eq!(usize::from(info.number), i + 1);
        assert_eq!((info.group, info.groups_needed, info.needed), (1, 1, 2));
        assert_eq!(info.identifier, all[0].identifier);
    }
}

#[test]
fn a_forged_surplus_share_is_noticed() {
    let mut stuck = |bytes: &mut [u8]| {
        bytes.fill(0x11);
        Ok(())
    };
    let mut other = |bytes: &mut [u8]| {
        bytes.fill(0x11);
        if bytes.len() > 2 {
            bytes[0] = 0x12;
        }
        Ok(())
    };
    let genuine = split(&[7; 32], 2, 3, &mut stuck).unwrap();
    let forged = split(&[8; 32], 2, 3, &mut other).unwrap();
    let shares = [words(&genuine[0]), words(&genuine[1]), words(&forged[2])];
    assert!(recover(&shares[..2]).is_ok());
    assert_eq!(recover(&shares).unwrap_err(), ShareError::DoNotFit);
    assert_eq!(recover(&shares[1..]).unwrap_err(), ShareError::DoNotFit);
}

#[test]
fn plans_that_make_no_sense_are_refused() {
    let plan = |secret: &[u8], need, groups: &[(u8, u8)]| split_groups(secret, need, groups, Options::default(), &mut os_random);
    let secret = [0; 32];
    for (need, groups) in [(0, &[(2, 3)][..]), (2, &[(2, 3)]), (1, &[]), (1, &[(0, 3)]), (1, &[(4, 3)]), (1, &[(2, 17)]), (1, &[(1, 2)]), (1, &[(1, 1); 17])] {
        assert!(matches!(plan(&secret, need, groups), Err(SplitError::Refused(_))), "{need} of {groups:?}");
    }
    for length in [0, 15, 17, 66] {
        assert!(matches!(plan(&vec![0; length], 1, &[(2, 3)]), Err(SplitError::Refused(_))), "{length}");
    }
    let mut broken = |_: &mut [u8]| Err(getrandom::Error::UNSUPPORTED);
    assert!(matches!(split(&secret, 2, 3, &mut broken), Err(SplitError::NoRandomness(_))));
}
