//! How much a text reads like a language: wrong readings of Korean, Chinese or Japanese bytes give syllables and signs that nobody writes.
//!
//! The lists are of the commonest characters of running text and of names; what is common is known, so they are short. All numbers were set by trial on the
//! table in `tests.rs`.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The commonest syllables of Korean texts and names: about nine in ten of what is written.
const SYLLABLES: &str = concat!(
    "가각간갈감갑갔강개객거건걸검것게겨격견결경계고곡곤골공과곽관광괴교구국군굴궁권귀규균그극근글금급기긴길김까꼬꽃끼나낙난날남낮내너네넬녀년노놀농누눈느는능니님다단달담닷당대더덕던데델도독돈돌동되두둥뒤드",
    "득든들등디때뜨라락란람랑래랜랭량러런럽레렉렌려력련렬렴령례로록론롤롱료룡루류르른를름리릭린릴림립링마막만말망매맥맨맵맹머먼메멜면명모목몬몰몸몽무묶문물미민밀바박반발밤밥방배백버번벌범법베벤벨벽변별병보",
    "복본볼봉부북분불브블비빈빌빗사삭산살삼상새색생샤서석선설섬섭성세센셀소속손솔송쇠쇼수숙순술쉬슈스슨슬습승시식신실심십쓰씨아악안알암압았앙애액앤야약양어언얼엄업엇었에엔엘여역연열염엽영예오옥온올옹와완왔",
    "왕왜외요용우욱운울웁웅워원월웨위윌유육윤율으은을음읍응의이익인일임입있자작잔잠잡장재쟁저적전절점접정제젠젤져조족존종좌주죽준줄중즈증지직진질짐집짜차찬찰참창채책처척천철청체쳐초촌총최추축춘출충취츠치친",
    "칠침카칼캐커케켄켈코콘콜쿠크클키킨타탁탄탈탕태택터턴테토톤통투트튼틀티틴파판팔패퍼페펠편평포폭폴표푸풀품풍프플피필하학한할함합항해했행향허헌헤혁현협형혜호혼홀홍화환황회효후훈휘휴흐흑흥희히",
);

/// The commonest characters of texts in China.
const SIMPLIFIED: &str = concat!(
    "一万三上下不与业东两个中丹为主么义之也书了争事二于些产京人什从他代以们件会位体作你使信做儿党全公关其内军几出分到制前力加动北十华去县又反发口只可号各合吉同名后向告员命和四国图在地境壤声外多大天好如委子",
    "学宁它安定实家对将小少就局展工已市平年度延建开当录很得心息情意成我战所手才报据政教数文斯新方无日时明是最月有朝期本机权村条来林果查案档正此死民水江没法点然物特现理生用百的相省看真着知社种立第等系组织经",
    "给美老者而联能脱自行表被西要见解记证说调走起身边辽过还这进通道那部都里重量长问难面韩题马高鲜龙",
);

/// The commonest characters of texts in Taiwan and Hong Kong.
const TRADITIONAL: &str = concat!(
    "一三上下不中丹主之也了事二些京人什他代以件位作你使來信個們做兒內全兩公其出分到制前力加動北十去又反口只可各合吉同名向告命和員問四國圖在地報境壤外多大天好如委子學它安定家實寧將對小少就局展工已市平年幾度",
    "延建很後得從心息情意成我戰所手才據政教數文斯新方於日明是時書最會月有朝期本村東林果查案條業機檔權正此死民水江沒法灣為無然爭物特現理生產用當發百的相省看真知社種立第等系組給統經縣總織美義老者而聯聲能脫自",
    "臺與華萬著號行表被裡西要見解記說調證走起身軍這通進過道遼還邊那部都重量錄長開關難面韓題馬體高鮮麼點黨龍",
);

static COMMON_SYLLABLES: LazyLock<HashSet<char>> = LazyLock::new(|| SYLLABLES.chars().collect());
static COMMON_SIMPLIFIED: LazyLock<HashSet<char>> = LazyLock::new(|| SIMPLIFIED.chars().collect());
static COMMON_TRADITIONAL: LazyLock<HashSet<char>> = LazyLock::new(|| TRADITIONAL.chars().collect());
/// The 2350 syllables of KS X 1001, by place from U+AC00: others are rare even in Korean.
static STANDARD_SYLLABLES: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let mut is_standard = vec![false; 11_172];
    for lead in 0xb0..=0xc8_u8 {
        for trail in 0xa1..=0xfe_u8 {
            let pair = [lead, trail];
            let (text, _, _) = encoding_rs::EUC_KR.decode(&pair);
            let place = text.chars().next().and_then(|syllable| (syllable as usize).checked_sub(0xac00));
            if let Some(mark) = place.and_then(|place| is_standard.get_mut(place)) {
                *mark = true;
            }
        }
    }
    is_standard
});

/// A language a text may be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Korean,
    Japanese,
    Simplified,
    Traditional,
}

/// What a sequence of bytes that means nothing costs.
const FAULT: f32 = -8.0;

/// Mean weight of the characters beyond ASCII, about -8 to 1, and how many there are.
pub(super) fn weigh(text: &str, undecodable: u64, language: Language) -> (f32, usize) {
    let (mut sum, mut count) = (0.0, 0_usize);
    for character in text.chars() {
        if character.is_ascii() {
            // Control characters in a text are a sign of a wrong reading.
            if character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\x0c' | '\x1a') {
                sum -= 2.0;
                count += 1;
            }
            continue;
        }
        count += 1;
        if character == '\u{fffd}' {
            continue;
        }
        sum += match language {
            Language::Korean => korean(character),
            Language::Japanese => japanese(character),
            Language::Simplified => chinese(character, &COMMON_SIMPLIFIED),
            Language::Traditional => chinese(character, &COMMON_TRADITIONAL),
        };
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a sample of some kilobytes")]
    let mean = if count == 0 { 0.0 } else { (sum + FAULT * undecodable as f32) / count as f32 };
    (mean, count)
}

/// Whether a character is a Korean syllable of everyday text.
pub(super) fn is_common_syllable(character: char) -> bool {
    COMMON_SYLLABLES.contains(&character)
}

fn korean(character: char) -> f32 {
    match character {
        '가'..='힣' if is_common_syllable(character) => 1.0,
        '가'..='힣' => {
            let is_standard = STANDARD_SYLLABLES.get(character as usize - 0xac00).copied().unwrap_or(false);
            if is_standard { 0.1 } else { -1.5 }
        }
        // Letters alone are written in chats and lists.
        'ㄱ'..='ㅣ' => 0.3,
        '、'..='〗' | '‐'..='※' | '←'..='⇔' | '①'..='⑮' | '─'..='▩' | '■'..='◎' | '★' | '☆' | '·' | '×' | '℃' | '㎀'..='㏝' | '㈀'..='㉻' => {
            0.3
        }
        '！'..='～' => 0.3,
        'ぁ'..='ヿ' => -0.3,
        '一'..='鿿' | '\u{f900}'..='\u{faff}' => -0.05,
        '\u{e000}'..='\u{f8ff}' => -2.0,
        _ => -0.6,
    }
}

fn japanese(character: char) -> f32 {
    match character {
        'ぁ'..='ゖ' => 0.95,
        'ァ'..='ヺ' | 'ー' => 0.6,
        '、' | '。' | '「' | '」' | '・' => 0.8,
        '一'..='鿿' => 0.1,
        '！'..='～' | '　'..='〗' => 0.3,
        // Half-width letters are what Korean and Chinese bytes look like when they are read as Shift_JIS.
        '｡'..='ﾟ' => -0.5,
        '\u{e000}'..='\u{f8ff}' => -2.0,
        _ => -0.4,
    }
}

fn chinese(character: char, common: &HashSet<char>) -> f32 {
    match character {
        _ if common.contains(&character) => 1.0,
        '，' | '。' | '、' | '：' | '；' | '“' | '”' | '「' | '」' | '《' | '》' | '　' => 0.8,
        '一'..='鿿' => -0.1,
        '！'..='～' => 0.2,
        '\u{e000}'..='\u{f8ff}' => -2.0,
        _ => -0.6,
    }
}
