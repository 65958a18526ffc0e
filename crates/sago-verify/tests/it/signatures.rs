//! The arithmetic of the second verifier against independent implementations: Ed25519 and ML-DSA-44, good, damaged and crafted.

use std::io::Write as _;
use std::process::{Command, Stdio};

use sago_ledger::Hash;
use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::note::{Note, Signer};
use sago_ledger::policy::Policy;

use crate::build::seed;
use crate::judge::script;

/// Runs Python with the script loaded as the module `v`; `code` reads `lines` and prints one answer a line.
fn ask(code: &str, input: &str) -> Vec<String> {
    let program = format!(
        "import importlib.util, sys\nspec = importlib.util.spec_from_file_location('v', sys.argv[1])\nv = importlib.util.module_from_spec(spec)\n\
         spec.loader.exec_module(v)\nlines = [line.split() for line in sys.stdin.read().splitlines()]\n{code}"
    );
    let mut child = Command::new("python3")
        .args(["-I", "-B", "-c", &program])
        .arg(script())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tests need python3 in the PATH");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

const ASK_ED25519: &str = "for a, m, s in lines: print(v.ed25519_verify(bytes.fromhex(a), bytes.fromhex(m.strip('-')), bytes.fromhex(s)))";

#[test]
fn ed25519_of_the_second_verifier_agrees_with_the_vectors_of_rfc_8032() {
    // RFC 8032, section 7.1, tests 1 to 3.
    let vectors = [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "-",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];
    let mut input = String::new();
    for (key, message, signature) in vectors {
        input += &format!("{key} {message} {signature}\n{key} 00{} {signature}\n", message.trim_matches('-'));
    }
    assert_eq!(ask(ASK_ED25519, &input), ["True", "False", "True", "False", "True", "False"]);
}

#[test]
fn ed25519_of_the_second_verifier_refuses_second_forms_and_small_orders() {
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let r = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155";
    let s = "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
    // s + order: the same signature in another form.
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let mut carry = 0u16;
    let shifted: Vec<u8> = hex::decode(s)
        .unwrap()
        .iter()
        .zip(&order)
        .map(|(a, b)| {
            carry += u16::from(*a) + u16::from(*b);
            let low = carry as u8;
            carry >>= 8;
            low
        })
        .collect();
    let identity = format!("01{}", "00".repeat(31));
    let not_canonical = format!("ee{}7f", "ff".repeat(30));
    let zero = "00".repeat(32);
    let input =
        format!("{key} - {r}{s}\n{key} - {r}{}\n{identity} - {identity}{zero}\n{not_canonical} - {not_canonical}{zero}\n{key} - {r}\n", hex::encode(shifted));
    assert_eq!(ask(ASK_ED25519, &input), ["True", "False", "False", "False", "False"]);
}

/// Splits the one signature of a note into what `mldsa44_verify` takes, and asks for good and damaged ones.
#[test]
fn ml_dsa_44_of_the_second_verifier_agrees_with_the_first_on_good_and_damaged_signatures() {
    let mut input = String::new();
    let mut expected = Vec::new();
    for number in 0..24_u64 {
        let origin = format!("log.example/{number}");
        let signer = Signer::ml_dsa_44(&origin, &seed(&format!("ml-dsa {number}"))).unwrap();
        let policy = Policy::new(vec![signer.verifier().clone()]).unwrap();
        let root = Hash(seed(&format!("root {number}")));
        let note = Checkpoint::new(&origin, (number + 1) * 1000, root).unwrap().sign(&[signer], number).unwrap();
        let signature = note.signatures()[0].bytes.clone();
        // Places in every part: time, challenge, response, hint.
        for at in [None, Some(7), Some(8), Some(40 + 91 * number as usize), Some(2344), Some(2427)] {
            let mut bytes = signature.clone();
            if let Some(at) = at {
                bytes[at] ^= 1 << (number % 8);
            }
            let mut damaged = Note::new(note.text().to_owned()).unwrap();
            let mut line = note.signatures()[0].clone();
            line.bytes = bytes.clone();
            damaged.add(line).unwrap();
            let good = policy.open(damaged.to_string().as_bytes()).is_ok();
            assert_eq!(good, at.is_none(), "the first verifier, {number} at {at:?}");
            expected.push(if good { "True" } else { "False" }.to_owned());
            let name = [&[origin.len() as u8][..], origin.as_bytes()].concat();
            let message = [b"subtree/v1\n\0", &name[..], &bytes[..8], &name, &[0; 8], &((number + 1) * 1000).to_be_bytes(), &root.0].concat();
            let key = policy.keys()[0].public_key();
            input += &format!("{} {} {}\n", hex::encode(key), hex::encode(message), hex::encode(&bytes[8..]));
        }
    }
    let answers = ask("for a, m, s in lines: print(v.mldsa44_verify(bytes.fromhex(a), bytes.fromhex(m), bytes.fromhex(s)))", &input);
    assert_eq!(answers, expected);
}

#[test]
fn hints_have_one_form_only_in_the_second_verifier() {
    let hint = |bytes: &[(usize, u8)]| {
        let mut all = [0u8; 84];
        bytes.iter().for_each(|(at, value)| all[*at] = *value);
        hex::encode(all)
    };
    let ends = [(80, 2), (81, 2), (82, 2), (83, 2)];
    let with = |more: &[(usize, u8)]| hint(&[&ends[..], more].concat());
    let input = [
        with(&[(0, 3), (1, 9)]),
        // Not rising, twice the same, more than the ends allow, an end that falls, an end beyond the limit.
        with(&[(0, 9), (1, 3)]),
        with(&[(0, 9), (1, 9)]),
        with(&[(0, 3), (1, 9), (2, 1)]),
        hint(&[(0, 3), (1, 9), (80, 2), (81, 1), (82, 2), (83, 2)]),
        hint(&[(83, 81)]),
    ]
    .join("\n");
    let answers = ask("for (h,) in lines: print(v.unpack_hint(bytes.fromhex(h)) is not None)", &input);
    assert_eq!(answers, ["True", "False", "False", "False", "False", "False"]);
}

#[test]
fn paths_and_roots_of_the_second_verifier_agree_with_the_first_for_every_small_tree() {
    use sago_ledger::merkle::{MerkleList, leaf_hash};
    let mut input = String::new();
    let mut expected = Vec::new();
    for size in 1..=20_u64 {
        let entries: Vec<String> = (0..size).map(|number| format!("entry{number}")).collect();
        let list = MerkleList::from_entries(&entries);
        let root = hex::encode(list.root().0);
        for index in 0..size {
            let path: Vec<String> = list.inclusion_path(index).unwrap().iter().map(|hash| hex::encode(hash.0)).collect();
            let leaf = hex::encode(leaf_hash(entries[index as usize].as_bytes()).0);
            for (index, size, path) in [
                (index, size, path.clone()),
                (index + 1, size, path.clone()),
                (index + size, size, path.clone()),
                (index, size, [path, vec![root.clone()]].concat()),
            ] {
                expected.push(if expected.len() % 4 == 0 { "True" } else { "False" });
                input += &format!("{leaf} {index} {size} {root} {}\n", path.join(" "));
            }
        }
    }
    let code = "for leaf, index, size, root, *path in lines:\n  print(v.root_from_path(bytes.fromhex(leaf), int(index), int(size), [bytes.fromhex(p) for p in path]) == bytes.fromhex(root))";
    assert_eq!(ask(code, &input), expected);
}
