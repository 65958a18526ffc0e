//! What is read right, over texts and names as they come: the table is printed, and each row has its floor.

use std::collections::HashMap;

use encoding_rs::Encoding;
use unicode_normalization::UnicodeNormalization as _;

use super::*;

const TEXTS: &[&str] = &[
    "저는 1968년 함경북도 회령시에서 태어났습니다. 아버지는 탄광에서 일하셨고 어머니는 농장에서 일하셨습니다.",
    "수용소에서 본 것을 말씀드리겠습니다. 1999년 8월에 보위부원이 집에 찾아와 남편을 데려갔습니다.\r\n그 뒤로 소식이 없습니다.",
    "증언자: 김철수 (가명)\r\n면담일: 2003년 5월 17일\r\n장소: 서울\r\n",
    "주민등록번호와 주소는 비공개로 하여 주시기 바랍니다.",
    "북한인권 침해 사례 접수 대장",
    "이름,생년월일,출생지,직업\r\n박영희,1975-03-02,청진시 포항구역,교원\r\n리명국,1961-11-30,평양시 모란봉구역,군관\r\n",
    "그날 밤 우리는 두만강을 건넜다. 물이 가슴까지 찼고, 아이는 울지 않았다. 강 건너 마을에서 개가 짖었다.",
    "RE: 자료 요청드립니다\n\n안녕하세요. 보내주신 파일 잘 받았습니다. 확인 후 연락드리겠습니다.\n",
    "국가보위성 제15호 관리소(요덕) 수감자 명단, 조선민주주의인민공화국 형법 제60조",
    "꿈에도 잊지 못할 고향 산천, 뻐꾸기 우는 언덕, 쌀 한 줌을 얻으려고 꽃제비 아이들이 장마당을 헤매었다.",
];

const NAMES: &[&str] = &[
    "사진",
    "증언",
    "보고서.hwp",
    "수용소 지도.jpg",
    "김철수",
    "진술서_최종.doc",
    "녹취록 1차.txt",
    "회령",
    "함경북도",
    "명단.xls",
    "2003년 자료",
    "평양 사진 (1).jpg",
    "면담기록",
    "탈북자 명단",
    "스캔0001.tif",
    "새 폴더",
    "제목 없음.txt",
    "보위부",
    "리영호",
    "요덕 15호.pdf",
    "박근혜 연설.hwp",
    "뉴스.mpg",
    "국군포로",
    "납북자 가족.doc",
    "장마당.avi",
    "편지",
    "꽃제비.wmv",
    "청진 수남시장.mp4",
    "이메일 백업.zip",
    "신의주",
];

fn encode(text: &str, charset: &str) -> Vec<u8> {
    match charset {
        "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "UTF-16BE" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "UTF-32LE" => text.chars().flat_map(|character| (character as u32).to_le_bytes()).collect(),
        "UTF-32BE" => text.chars().flat_map(|character| (character as u32).to_be_bytes()).collect(),
        "Johab" => johab_bytes(text),
        "ISO-2022-KR" => iso_2022_kr_bytes(text),
        "CP437" => text.chars().map(|character| (0..=255).find(|byte| decode_as(&[*byte], Charset::CP437).0 == character.to_string()).unwrap()).collect(),
        label => {
            let encoding = Encoding::for_label(label.as_bytes()).unwrap();
            let (bytes, _, has_unmappable) = encoding.encode(text);
            assert!(!has_unmappable, "{text} in {label}");
            bytes.into_owned()
        }
    }
}

fn johab_bytes(text: &str) -> Vec<u8> {
    let pairs = (0x84..=0xf9_u8).flat_map(|lead| (0x31..=0xfe_u8).map(move |trail| (lead, trail)));
    let table: HashMap<char, (u8, u8)> = pairs
        .filter_map(|(lead, trail)| johab::is_lead(lead).then(|| johab::character(lead, trail)).flatten().map(|character| (character, (lead, trail))))
        .collect();
    text.chars()
        .flat_map(|character| match table.get(&character) {
            Some((lead, trail)) => vec![*lead, *trail],
            None => vec![u8::try_from(character).unwrap()],
        })
        .collect()
}

fn iso_2022_kr_bytes(text: &str) -> Vec<u8> {
    let mut bytes = b"\x1b$)C".to_vec();
    for character in text.chars() {
        let (coded, _, _) =
            encoding_rs::EUC_KR.encode(character.encode_utf8(&mut [0; 4])).0.into_owned().into_iter().fold((Vec::new(), 0, 0), |(mut all, a, b), byte| {
                all.push(byte & 0x7f);
                (all, a, b)
            });
        if character.is_ascii() {
            bytes.extend(coded);
        } else {
            bytes.push(0x0e);
            bytes.extend(coded);
            bytes.push(0x0f);
        }
    }
    bytes
}

/// Of texts in a set, how many come back as they were, in percent.
fn right(texts: &[&str], charset: &str, of_name: bool) -> f64 {
    let mut count = 0;
    for text in texts {
        let bytes = encode(text, charset);
        let found = if of_name { decode_name(&bytes) } else { decode(&bytes, None) };
        if found.text == *text {
            count += 1;
        } else {
            println!("  {charset}: {text:?} was read as {} ({} %): {:?}", found.charset, found.confidence, found.text);
        }
    }
    f64::from(count) * 100.0 / texts.len() as f64
}

#[test]
fn most_texts_and_names_are_read_right_without_a_declaration() {
    let russian = ["Заявление о розыске пропавшего без вести", "Показания свидетеля. Записано в Хабаровске 12 мая 1998 года.", "список рабочих"];
    let western = [
        "Témoignage recueilli à Genève le 3 février",
        "Befragung der Zeugin über die Grenzübertritte, Köln, März 2004",
        "El señor Núñez declaró que la niña salió mañana",
    ];
    let simplified = ["朝鲜难民在中国延边的情况调查报告。", "他们从图们江过来，公安把他们送回朝鲜。", "证人名单和联系电话.doc"];
    let traditional = ["北韓人權報告：證人的陳述與記錄。", "他們在邊境被逮捕以後就沒有消息了。"];
    let japanese = ["北朝鮮に帰国した家族からの手紙です。", "拉致被害者の証言をまとめた資料。", "新しいフォルダ"];
    let korean_lines: Vec<&str> = TEXTS.iter().flat_map(|text| text.lines()).filter(|line| !line.is_empty()).collect();
    let table: &[(&str, &str, &[&str], bool, f64)] = &[
        ("texts", "EUC-KR", TEXTS, false, 100.0),
        ("texts", "Johab", TEXTS, false, 100.0),
        ("texts", "ISO-2022-KR", TEXTS, false, 100.0),
        ("texts", "UTF-8", TEXTS, false, 100.0),
        ("texts", "UTF-16LE", TEXTS, false, 100.0),
        ("texts", "UTF-16BE", TEXTS, false, 100.0),
        ("texts", "UTF-32LE", TEXTS, false, 100.0),
        ("texts", "UTF-32BE", TEXTS, false, 100.0),
        ("lines", "EUC-KR", &korean_lines, false, 100.0),
        ("lines", "Johab", &korean_lines, false, 100.0),
        ("names", "EUC-KR", NAMES, true, 96.0),
        ("names", "Johab", NAMES, true, 96.0),
        ("names", "UTF-8", NAMES, true, 100.0),
        ("names as text", "UTF-16LE", NAMES, false, 80.0),
        ("Russian", "windows-1251", &russian, false, 100.0),
        ("Russian", "KOI8-R", &russian, false, 100.0),
        ("Russian", "IBM866", &russian, false, 100.0),
        ("Russian names", "IBM866", &russian, true, 66.0),
        ("Western", "windows-1252", &western, false, 100.0),
        ("Western names", "CP437", &["Müller.doc", "résumé.pdf", "Übersicht 2004.xls"], true, 100.0),
        ("Chinese", "GB18030", &simplified, false, 100.0),
        ("Chinese", "Big5", &traditional, false, 100.0),
        ("Japanese", "Shift_JIS", &japanese, false, 100.0),
        ("Japanese", "EUC-JP", &japanese, false, 66.0),
        ("Japanese names", "Shift_JIS", &japanese, true, 100.0),
    ];
    let mut misses = Vec::new();
    for (kind, charset, texts, of_name, floor) in table {
        let share = right(texts, charset, *of_name);
        println!("{kind:16} {charset:14} {share:5.1} %  (at least {floor} %)");
        if share < *floor {
            misses.push(format!("{kind} {charset} {share}"));
        }
    }
    assert!(misses.is_empty(), "{misses:?}");
}

#[test]
fn a_declaration_that_fits_is_believed_and_one_that_does_not_is_named() {
    let korean = encode(TEXTS[0], "EUC-KR");
    let found = decode(&korean, Some("ks_c_5601-1987"));
    assert_eq!((found.text.as_str(), found.charset, found.basis, found.findings()), (TEXTS[0], "CP949", Basis::Declared, Vec::new()));
    for wrong in ["utf-8", "iso-8859-1", "us-ascii", "no such set"] {
        let found = decode(&korean, Some(wrong));
        assert_eq!((found.text.as_str(), found.refused.as_deref()), (TEXTS[0], Some(wrong)), "{wrong}");
        assert!(found.findings().iter().any(|finding| finding.code == Code::EncodingGuessed && finding.text.contains(wrong)), "{wrong}");
    }
    let ascii = decode(b"plain words", Some("utf-16"));
    assert_eq!((ascii.text.as_str(), ascii.refused.as_deref()), ("plain words", Some("utf-16")));
}

#[test]
fn damage_in_a_declared_text_is_counted_and_not_hidden() {
    let mut bytes = encode(TEXTS[1], "EUC-KR");
    bytes.insert(0, 0xff);
    let found = decode(&bytes, Some("euc-kr"));
    assert_eq!((found.undecodable, found.charset), (1, "CP949"));
    assert_eq!(found.text, format!("\u{fffd}{}", TEXTS[1]));
    assert!(found.findings().iter().any(|finding| finding.code == Code::Undecodable));
}

#[test]
fn marks_at_the_beginning_decide_and_are_no_text() {
    for charset in ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE", "UTF-8"] {
        let found = decode(&encode(&format!("\u{feff}{}", TEXTS[0]), charset), Some("euc-kr"));
        assert_eq!((found.text.as_str(), found.charset, found.basis), (TEXTS[0], charset, Basis::Bom));
    }
}

#[test]
fn decomposed_letters_stay_decomposed() {
    let apart: String = TEXTS[0].nfd().collect();
    for charset in ["UTF-8", "UTF-16LE", "UTF-16BE"] {
        assert_eq!(decode(&encode(&apart, charset), None).text, apart, "{charset}");
    }
}

#[test]
fn sets_of_seven_bits_are_read() {
    assert_eq!(decode(b"Hi Mom +Jjo--+JjoAoQ-!", Some("utf-7")).text, "Hi Mom \u{263a}-\u{263a}\u{a1}!");
    assert_eq!(decode(b"~{<:Ky2;~}ok~~", Some("hz-gb-2312")).text, "己所不ok~");
}

#[test]
fn a_stream_cut_anywhere_reads_the_same() {
    for charset in ["EUC-KR", "Johab", "UTF-8", "UTF-16BE", "UTF-32LE", "ISO-2022-KR"] {
        let bytes = encode(TEXTS[1], charset);
        for size in [1, 2, 3, 5, 7] {
            let mut decoder = Decoder::new(Charset::of_label(charset).unwrap());
            let mut text = String::new();
            for piece in bytes.chunks(size) {
                decoder.push(piece, false, &mut text);
            }
            decoder.push(&[], true, &mut text);
            assert_eq!((text.as_str(), decoder.undecodable()), (TEXTS[1], 0), "{charset} {size}");
        }
    }
}

#[test]
fn controls_vanish_and_form_feeds_become_line_ends() {
    assert_eq!(without_controls("a\u{0}b\u{c}c\td\r\n"), "ab\nc\td\r\n");
}

proptest::proptest! {
    #[test]
    fn any_bytes_give_text_and_no_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), label in "[a-z0-9-]{0,12}") {
        let found = decode(&bytes, Some(&label));
        proptest::prop_assert!(found.text.len() <= bytes.len() * 3 + 3);
        decode_name(&bytes);
    }
}
