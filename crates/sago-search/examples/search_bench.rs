//! Indexing rate and query latency beside SQLite's FTS5 on the same made-up documents, and the project's retrieval set through
//! FTS5: `cargo run --release -p sago-search --example search_bench -- [documents] [folder]` (default 100,000).
//!
//! Times are of this machine at this moment; what counts is the ratio within one run. FTS5 (through `python3`) is given its two
//! tokenizers that can be had for Korean: words (`unicode61`) and trigrams.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sago_search::{Block, Index, IndexKey, IndexOptions, NewItem, Request, Visible, WriterOptions};
use uuid::Uuid;

/// A small generator (xorshift64*), so that every run has the same documents.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    /// Small numbers are frequent, large ones rare (about Zipf's law).
    fn ranked(&mut self, bound: usize) -> usize {
        let uniform = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        ((bound as f64).powf(uniform) - 1.0) as usize
    }
}

const SURNAMES: [&str; 10] = ["김", "리", "박", "최", "정", "강", "조", "윤", "장", "림"];
const GIVEN: [&str; 20] = ["철", "영", "호", "순", "옥", "성", "국", "명", "수", "희", "남", "일", "금", "녀", "광", "혁", "경", "미", "은", "춘"];
const NOUNS: [&str; 24] = [
    "보위부",
    "안전원",
    "관리소",
    "구류장",
    "예심",
    "교화소",
    "단련대",
    "보위성",
    "인민반",
    "초소",
    "국경",
    "강제송환",
    "증언",
    "명단",
    "지시",
    "폭행",
    "고문",
    "식량",
    "배급",
    "공개처형",
    "로동",
    "수감자",
    "가족",
    "도주",
];
const PARTICLES: [&str; 10] = ["", "이", "가", "을", "를", "에서", "의", "은", "는", "로"];
const PLACES: [&str; 12] = ["회령", "온성", "무산", "청진", "요덕", "개천", "북창", "혜산", "신의주", "함흥", "평양", "새별"];
const ENGLISH: [&str; 24] = [
    "witness",
    "interview",
    "prisoner",
    "detained",
    "beaten",
    "camp",
    "border",
    "security",
    "ministry",
    "repatriated",
    "family",
    "guard",
    "labour",
    "execution",
    "statement",
    "county",
    "officer",
    "released",
    "arrested",
    "torture",
    "record",
    "summary",
    "identified",
    "described",
];

fn name(random: &mut Random) -> String {
    format!("{}{}{}", SURNAMES[random.ranked(10)], GIVEN[random.ranked(20)], GIVEN[random.ranked(20)])
}

fn document(number: u64) -> String {
    let mut random = Random(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut text = String::new();
    for _ in 0..60 + random.below(120) {
        match random.below(10) {
            0 => text.push_str(&name(&mut random)),
            1 => text.push_str(PLACES[random.ranked(12)]),
            2..=5 => text.push_str(NOUNS[random.ranked(24)]),
            6 => write!(text, "낱말{}", random.ranked(20_000)).unwrap(),
            7 => write!(text, "term{}", random.ranked(50_000)).unwrap(),
            _ => text.push_str(ENGLISH[random.ranked(24)]),
        }
        if random.below(10) < 6 && !text.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            text.push_str(PARTICLES[random.below(10)]);
        }
        text.push(if random.below(12) == 0 { '\n' } else { ' ' });
    }
    text
}

/// Mixed queries: for us, and the nearest that FTS5 can be asked.
fn queries(count: usize) -> Vec<(String, String)> {
    let mut random = Random(42);
    let quoted = |text: &str| format!("\"{text}\"");
    (0..count)
        .map(|i| {
            let (noun, place, word, english) =
                (NOUNS[random.ranked(24)], PLACES[random.ranked(12)], format!("낱말{}", random.ranked(20_000)), ENGLISH[random.ranked(24)]);
            let who = name(&mut random);
            match i % 10 {
                0 | 1 => (who.clone(), quoted(&who)),
                2 => (format!("{who} {noun}"), format!("{} AND {}", quoted(&who), quoted(noun))),
                3 => (format!("{noun} {place}"), format!("{} AND {}", quoted(noun), quoted(place))),
                4 => (english.to_owned(), quoted(english)),
                5 => (format!("{english} term{}", random.ranked(5000)), format!("{} AND \"term{}\"", quoted(english), random.ranked(5000))),
                6 => (word.clone(), quoted(&word)),
                7 => (format!("\"{noun} {place}\""), quoted(&format!("{noun} {place}"))),
                8 => (
                    format!("\"{who}\" OR \"{word}\" OR \"{}\" OR \"{}\"", name(&mut random), name(&mut random)),
                    format!("{} OR {}", quoted(&who), quoted(&word)),
                ),
                _ => (format!("{place} -{noun}"), format!("{} NOT {}", quoted(place), quoted(noun))),
            }
        })
        .collect()
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    format!("p50 {:8.2} ms   p95 {:8.2} ms   p99 {:8.2} ms   longest {:8.2} ms", at(0.5), at(0.95), at(0.99), at(1.0))
}

/// A line of `/proc/self/status`, in MiB.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find(|text| text.starts_with(line)).and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    found.unwrap_or(0) / 1024
}

/// Seconds of processor time that this process used.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

fn size_of(folder: &Path) -> u64 {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().map_or(100_000, |text| text.parse().unwrap());
    let beside_us = || std::env::current_exe().unwrap().with_file_name(format!("search-bench-{}", std::process::id()));
    let folder = arguments.next().map_or_else(beside_us, PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    let key = IndexKey::from_bytes(&[9; 32]);
    let index = Index::create(&folder.join("index"), &key, IndexOptions::default()).unwrap();
    let mut writer = index.writer(WriterOptions { memory_bytes: 256 * 1024 * 1024, threads: 1 }).unwrap();
    let (begin, cpu_begin) = (Instant::now(), cpu());
    let mut bytes = 0;
    for number in 0..count {
        let text = document(number);
        bytes += text.len();
        let item = NewItem {
            item: Uuid::from_u64_pair(7, number),
            unit: Uuid::from_u64_pair(8, number % 500),
            accession: format!("2024-{:04}", number % 500),
            number: format!("n{number}"),
            format: if number % 3 == 0 { "hwp".into() } else { "pdf".into() },
            labels: vec![if number % 10 == 0 { "sealed".into() } else { "team".into() }],
            received_micros: 1_700_000_000_000_000 + number as i64 * 1_000_000,
            size_bytes: text.len() as u64,
            ..NewItem::default()
        };
        writer.add(&item, [Block { anchor: "1".into(), page: Some(1), text, continues: false }]).unwrap();
        if number % 100_000 == 99_999 {
            writer.commit(number).unwrap();
        }
    }
    writer.commit(count).unwrap();
    writer.close().unwrap();
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "sago-search  {count} documents, {:.0} MB of text, indexed in {seconds:.0} s ({:.0} documents/s; {:.0} s of processor time), {:.0} MB on disk, most memory {} MiB",
        bytes as f64 / 1e6,
        count as f64 / seconds,
        cpu() - cpu_begin,
        size_of(&folder.join("index")) as f64 / 1e6,
        memory("VmHWM"),
    );
    drop(index);
    let index = Index::open(&folder.join("index"), &key, IndexOptions::default()).unwrap();
    let queries = queries(1000);
    let some = Visible { labels: Some(vec!["team".into()]), ..Visible::default() };
    for (label, visible, facets) in
        [("all visible, facets", Visible::default(), true), ("one label hidden, facets", some, true), ("all visible, no facets", Visible::default(), false)]
    {
        let mut hits = 0;
        let mut times = Vec::new();
        for (query, _) in &queries {
            let begin = Instant::now();
            hits += index.search(&Request { query: query.clone(), limit: 10, visible: visible.clone(), facets, ..Request::default() }).unwrap().total;
            times.push(begin.elapsed());
        }
        println!("sago-search  {label:26} {}   mean hits {}", percentiles(times), hits / queries.len() as u64);
    }
    println!("sago-search  memory now {} MiB, most {} MiB", memory("VmRSS"), memory("VmHWM"));
    drop(index);
    beside(&folder, count, &queries);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The same documents and queries with FTS5, and the retrieval set.
fn beside(folder: &Path, count: u64, queries: &[(String, String)]) {
    use std::io::{BufWriter, Write};
    let mut documents = BufWriter::new(std::fs::File::create(folder.join("documents")).unwrap());
    for number in 0..count {
        documents.write_all(document(number).as_bytes()).unwrap();
        documents.write_all(b"\0").unwrap();
    }
    documents.flush().unwrap();
    std::fs::write(folder.join("queries"), queries.iter().map(|(_, query)| query.as_str()).collect::<Vec<_>>().join("\n")).unwrap();
    let retrieval = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/retrieval");
    std::fs::write(folder.join("fts5.py"), FTS5).unwrap();
    let status = Command::new("python3").arg(folder.join("fts5.py")).arg(folder).arg(retrieval).status().unwrap();
    assert!(status.success(), "python3 with sqlite3 and FTS5 is needed for the comparison");
}

const FTS5: &str = r##"
import os, sqlite3, sys, time, unicodedata
folder, retrieval = sys.argv[1:3]
queries = open(folder + "/queries", encoding="utf-8").read().split("\n")
def documents():
    rest = ""
    with open(folder + "/documents", encoding="utf-8", newline="") as file:
        while part := file.read(1 << 22):
            *whole, rest = (rest + part).split("\0")
            yield from whole
for tokenizer in ("unicode61", "trigram"):
    path = f"{folder}/{tokenizer}.db"
    db = sqlite3.connect(path)
    db.execute(f"create virtual table t using fts5(body, tokenize='{tokenizer}')")
    begin = time.perf_counter(); cpu = time.process_time(); count = 0
    for text in documents():
        db.execute("insert into t(body) values (?)", (text,)); count += 1
    db.commit()
    seconds = time.perf_counter() - begin
    print(f"FTS5 {tokenizer:10} {count} documents indexed in {seconds:.0f} s ({count / seconds:.0f} documents/s; {time.process_time() - cpu:.0f} s of processor time), {os.path.getsize(path) / 1e6:.0f} MB on disk")
    times = []; hits = 0
    for query in queries:
        begin = time.perf_counter()
        hits += db.execute("select count(*) from t where t match ?", (query,)).fetchone()[0]
        db.execute("select rowid, snippet(t, 0, '[', ']', '…', 20) from t where t match ? order by rank limit 10", (query,)).fetchall()
        times.append((time.perf_counter() - begin) * 1000)
    times.sort(); at = lambda share: times[int((len(times) - 1) * share)]
    print(f"FTS5 {tokenizer:10} total and ten hits with snippet p50 {at(.5):8.2f} ms   p95 {at(.95):8.2f} ms   p99 {at(.99):8.2f} ms   longest {at(1):8.2f} ms   mean hits {hits // len(queries)}")
    db.close()
    db = sqlite3.connect(":memory:")
    db.execute(f"create virtual table t using fts5(id unindexed, body, tokenize='{tokenizer}')")
    for part in open(retrieval + "/documents.txt", encoding="utf-8").read().split("=== ")[1:]:
        head, body = part.split("\n", 1); fields = [field.strip() for field in head.split("|")]
        db.execute("insert into t values (?, ?)", (fields[0], unicodedata.normalize("NFD", body) if fields[2] == "nfd" else body))
    asked = recall = precision = 0
    for line in open(retrieval + "/queries.tsv", encoding="utf-8").read().splitlines():
        if line.startswith("#"): continue
        _, text, _, expected = line.split("\t")[:4]; expected = set(expected.split(" "))
        quoted = " ".join('"' + word.replace('"', "") + '"' for word in text.split())
        found = [row[0] for row in db.execute("select id from t where t match ? order by rank", (quoted,))]
        top = min(10, len(expected))
        asked += 1; recall += len(expected & set(found)) / len(expected); precision += len(expected & set(found[:top])) / top
    print(f"FTS5 {tokenizer:10} retrieval set: {asked} queries, recall {recall / asked:.4f}, precision at 10 {precision / asked:.4f}")
"##;
