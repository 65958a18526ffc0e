//! The sections of the page, in order: what this is, what can be relied on, what is in it, what is not, history, checking, keys.

use super::super::dossier::{Dossier, Log};
use super::super::escape::{html, html_prose};
use super::super::verify::{PYTHON_VERIFIER, VERIFIER, fingerprint, key_options};
use super::super::words::{self, Lang};
use super::{MAX_ROWS, history};

/// Writes all sections in one language.
pub(super) fn write(page: &mut String, dossier: &Dossier, lang: Lang) {
    head(page, dossier, lang);
    reliance(page, dossier, lang);
    contents(page, dossier, lang);
    omissions(page, dossier, lang);
    heading(page, lang.pick("What happened to it, newest first", "자료가 거쳐 온 과정(최근 순)"));
    history::write(page, dossier, lang);
    checking(page, dossier, lang);
    keys(page, dossier, lang);
}

fn heading(page: &mut String, text: &str) {
    page.push_str(&format!("<h2>{text}</h2>\n"));
}

fn paragraph(page: &mut String, text: &str) {
    page.push_str(&format!("<p>{text}</p>\n"));
}

fn list(page: &mut String, points: &[String]) {
    page.push_str("<ul>\n");
    for point in points {
        page.push_str(&format!("<li>{point}</li>\n"));
    }
    page.push_str("</ul>\n");
}

fn fact(page: &mut String, name: &str, value: &str) {
    page.push_str(&format!("<dt>{name}</dt><dd>{value}</dd>\n"));
}

fn head(page: &mut String, dossier: &Dossier, lang: Lang) {
    let export = &dossier.export;
    page.push_str(lang.pick(
        "<p class=\"switch\"><a href=\"#ko\" lang=\"ko\" hreflang=\"ko\">한국어 설명으로 가기</a></p>\n<h1>Read me first</h1>\n",
        "<p class=\"switch\"><a href=\"#en\" lang=\"en\" hreflang=\"en\">Go to the English text</a></p>\n<h1>먼저 읽어 주십시오</h1>\n",
    ));
    page.push_str(&match lang {
        Lang::En => format!(
            "<p class=\"lead\">This folder holds original files that {} received and kept, and everything needed to check, without asking anyone, \
             that they are still exactly what was received.</p>\n",
            html(&dossier.repository.name)
        ),
        Lang::Ko => format!(
            "<p class=\"lead\">이 폴더에는 {}에서 접수하여 보관해 온 원본 파일과, 그 파일이 접수 당시와 똑같은지를 누구에게도 묻지 않고 확인하는 데 \
             필요한 모든 것이 들어 있습니다.</p>\n",
            html(&dossier.repository.name)
        ),
    });
    page.push_str("<dl class=\"facts\">\n");
    fact(page, lang.pick("Package", "자료 묶음"), &format!("<span class=\"mono whole path\">{}</span>", html(&export.name)));
    fact(page, lang.pick("Made", "만든 때"), &html(&words::time(&export.at, lang)));
    fact(page, lang.pick("Made by", "만든 사람"), &html(&words::agent(dossier, &export.by, lang)));
    fact(page, lang.pick("For", "받는 곳"), &html(&export.recipient));
    fact(page, lang.pick("Reason", "제공 사유"), &format!("<span class=\"prose\">{}</span>", html_prose(&export.reason)));
    fact(page, lang.pick("Terms of use", "이용 조건"), &format!("<span class=\"prose\">{}</span>", html_prose(&export.terms)));
    let bytes = dossier.items.iter().map(|item| item.size).fold(0, u64::saturating_add);
    let count = words::number(dossier.items.len() as u64);
    fact(
        page,
        lang.pick("Holds", "들어 있는 것"),
        &match lang {
            Lang::En => format!("{count} original {}, {}", if dossier.items.len() == 1 { "file" } else { "files" }, words::size(bytes, lang)),
            Lang::Ko => format!("원본 파일 {count}개, {}", words::size(bytes, lang)),
        },
    );
    page.push_str("</dl>\n");
    page.push_str(lang.pick(
        "<p>The originals are in <code>data/evidence</code>, under readable names. Please work with a copy and leave this folder as it is: \
         every change, even saving a file again without editing it, will be noticed by the checks below. The files come from others and were \
         not made harmless. Open them only on a computer prepared for that.</p>\n",
        "<p>원본은 <code>data/evidence</code> 폴더에 읽기 쉬운 이름으로 들어 있습니다. 이 폴더는 그대로 두고 사본으로 작업하여 주십시오. 고치지 않고 \
         다시 저장하기만 해도 아래 확인 절차에서 변경으로 드러납니다. 파일은 외부에서 받은 그대로이며 악성 코드를 없애지 않았습니다. 이에 대비한 \
         컴퓨터에서만 여시기 바랍니다.</p>\n",
    ));
}

fn reliance(page: &mut String, dossier: &Dossier, lang: Lang) {
    heading(page, lang.pick("What you can rely on, and what not", "확인으로 알 수 있는 것과 알 수 없는 것"));
    let mut sure = Vec::new();
    let mut unsure = Vec::new();
    match lang {
        Lang::En => {
            sure.push("Each original is, byte for byte, the file that was received.".to_owned());
            sure.push("Each step listed below is an entry of a log whose state was signed. Since then nobody without the repository’s signing key could change, remove or slip in an entry without the checks failing.".to_owned());
            unsure.push("That what a document says is true.".to_owned());
            unsure.push("That a file was genuine when it was received, or that dates inside it or from the sender’s computer are right.".to_owned());
            unsure.push("That nobody photographed a screen, or that copies handed to others were destroyed.".to_owned());
            unsure.push("Who stands behind a pseudonym. The repository knows; ask it through the proper channel.".to_owned());
        }
        Lang::Ko => {
            sure.push("원본 하나하나가 접수된 파일과 마지막 바이트까지 똑같다는 것.".to_owned());
            sure.push("아래에 적힌 각 단계는 서명된 기록부에 있는 기록이며, 그 뒤로 저장소의 서명 키가 없는 사람이 기록을 고치거나 지우거나 끼워 넣었다면 확인 절차에서 반드시 드러난다는 것.".to_owned());
            unsure.push("문서에 적힌 내용이 사실인지.".to_owned());
            unsure.push("접수할 당시 파일이 진본이었는지, 파일 안의 날짜나 제출자 컴퓨터의 날짜가 맞는지.".to_owned());
            unsure.push("누군가 화면을 촬영하지 않았는지, 다른 곳에 넘긴 사본을 파기했는지.".to_owned());
            unsure.push("가명이 실제로 누구인지. 저장소는 알고 있으므로 정해진 절차에 따라 문의하시기 바랍니다.".to_owned());
        }
    }
    stamp_words(dossier, lang, &mut sure, &mut unsure);
    if dossier.repository.logs.iter().any(|log| log.witnesses.is_empty()) {
        unsure.push(
            lang.pick(
                "No independent witness signed the log. That nobody was shown a different version of it rests on the time-stamps and on copies kept elsewhere.",
                "기록부에 서명한 독립 증인은 없습니다. 다른 사람에게 다른 내용의 기록부를 보이지 않았다는 점은 시점 확인 증명과 다른 곳에 있는 사본으로 뒷받침됩니다.",
            )
            .to_owned(),
        );
    }
    page.push_str("<div class=\"two\">\n<div>\n");
    page.push_str(&format!("<h3>{}</h3>\n", lang.pick("If the checks succeed, you can rely on this", "확인 결과가 모두 맞으면 믿으셔도 되는 것")));
    list(page, &sure);
    page.push_str(&format!("</div>\n<div>\n<h3>{}</h3>\n", lang.pick("No check can show this", "어떤 확인으로도 알 수 없는 것")));
    list(page, &unsure);
    page.push_str("</div>\n</div>\n");
}

fn stamp_words(dossier: &Dossier, lang: Lang, sure: &mut Vec<String>, unsure: &mut Vec<String>) {
    for stamp in &dossier.stamps {
        let (authority, time) = (html(&stamp.authority), html(&words::time(&stamp.gen_time, lang)));
        let size = words::number(stamp.size);
        sure.push(match (stamp.log, lang) {
            (Log::Custody, Lang::En) => format!("The first {size} entries of the custody log existed by {time}: {authority}, outside the repository, signed that. Since then not even the repository could change them unnoticed."),
            (Log::Access, Lang::En) => format!("The first {size} entries of the access log existed by {time}: {authority}, outside the repository, signed that. Since then not even the repository could change them unnoticed."),
            (Log::Custody, Lang::Ko) => format!("보관 기록부의 처음 {size}건이 늦어도 {time}에는 있었다는 것. 저장소 밖의 기관인 {authority}에서 이를 서명으로 확인하였으므로, 그 뒤로는 저장소 스스로도 몰래 바꿀 수 없습니다."),
            (Log::Access, Lang::Ko) => format!("열람 기록부의 처음 {size}건이 늦어도 {time}에는 있었다는 것. 저장소 밖의 기관인 {authority}에서 이를 서명으로 확인하였으므로, 그 뒤로는 저장소 스스로도 몰래 바꿀 수 없습니다."),
        });
    }
    unsure.push(if dossier.stamps.is_empty() {
        lang.pick(
            "When things happened. This package has no time-stamp from outside; all times are those of the repository’s own clock.",
            "각 일이 실제로 언제 있었는지. 이 자료에는 외부 기관의 시점 확인 증명이 없으며, 모든 시각은 저장소 자체의 시계를 따릅니다.",
        )
        .to_owned()
    } else {
        lang.pick(
            "The exact minute of each step. Times are those of the repository’s clock; the time-stamps only say “not later than”.",
            "각 단계의 정확한 시각. 시각은 저장소의 시계를 따르며, 시점 확인 증명은 ‘늦어도 그때’라는 것만 말해 줍니다.",
        )
        .to_owned()
    });
}

fn contents(page: &mut String, dossier: &Dossier, lang: Lang) {
    heading(page, lang.pick("What is in it", "들어 있는 자료"));
    for accession in &dossier.accessions {
        let here = words::number(dossier.items.iter().filter(|item| item.accession == accession.uuid).count() as u64);
        let all = words::number(accession.items_received);
        let (number, title) = (html(&accession.number), html(&accession.title));
        page.push_str(&format!("<h3><span class=\"mono whole\">{number}</span> {title}</h3>\n"));
        let (received, day) = (html(&words::agent(dossier, &accession.received_by, lang)), html(&words::day(&accession.received_at, lang)));
        let mut text = match (&accession.contributor, lang) {
            (Some(contributor), Lang::En) => format!("Handed over by: {}. Received by {received} on {day}.", html(contributor)),
            (None, Lang::En) => {
                format!("Received by {received} on {day}. Who handed it over is not disclosed.")
            }
            (Some(contributor), Lang::Ko) => {
                format!("제출자: {}. {received}{} {day}에 접수했습니다.", html(contributor), words::particle(&received, "이", "가"))
            }
            (None, Lang::Ko) => format!("{received}{} {day}에 접수했습니다. 제출자는 공개하지 않습니다.", words::particle(&received, "이", "가")),
        };
        text.push(' ');
        text.push_str(&match lang {
            Lang::En => format!("{here} of its {all} items are in this package. Label: {}.", words::label(&accession.label, lang)),
            Lang::Ko => format!("전체 {all}건 중 {here}건이 이 자료에 들어 있습니다. 보안 등급은 ‘{}’입니다.", words::label(&accession.label, lang)),
        });
        paragraph(page, &text);
        if let Some(agreement) = &accession.agreement {
            paragraph(page, &format!("{}: {}", lang.pick("Agreement", "협약"), html(agreement)));
        }
        if !accession.conditions.is_empty() {
            paragraph(page, lang.pick("Conditions of whoever handed it over:", "제출자가 붙인 조건:"));
            list(page, &accession.conditions.iter().map(|condition| html(condition)).collect::<Vec<_>>());
        }
    }
    items(page, dossier, lang);
}

fn items(page: &mut String, dossier: &Dossier, lang: Lang) {
    let columns = [
        lang.pick("Number", "번호"),
        lang.pick("The sender’s name for it, and where it is here", "제출자가 붙인 이름과 이 폴더 안의 위치"),
        lang.pick("Size", "크기"),
        lang.pick("SHA-256", "SHA-256 해시값"),
    ];
    page.push_str("<table>\n<thead><tr>");
    for (column, class) in columns.iter().zip(["number", "name", "size", "digest"]) {
        page.push_str(&format!("<th scope=\"col\" class=\"{class}\">{column}</th>"));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for item in dossier.items.iter().take(MAX_ROWS) {
        page.push_str(&format!(
            "<tr><td class=\"number\" data-label=\"{}\"><span class=\"mono whole\">{}</span></td>\
             <td data-label=\"{}\"><bdi>{}</bdi> <code class=\"path\">{}</code></td>\
             <td class=\"size\" data-label=\"{}\">{}</td>\
             <td class=\"digest\" data-label=\"{}\"><code class=\"hex\">{}</code></td></tr>\n",
            columns[0],
            html(&item.number),
            columns[1],
            html(&item.path),
            html(&item.evidence),
            columns[2],
            words::size(item.size, lang).replace(" (", "<br/>("),
            columns[3],
            html(&item.sha256),
        ));
    }
    page.push_str("</tbody>\n</table>\n");
    if let Some(left) = dossier.items.len().checked_sub(MAX_ROWS).filter(|left| *left > 0) {
        let left = words::number(left as u64);
        page.push_str(&match lang {
            Lang::En => format!("<p class=\"warn\">{left} further items are in this package but not in this table. All are listed in <code>data/provenance/premis.xml</code> and in <code>manifest-sha256.txt</code>.</p>\n"),
            Lang::Ko => format!("<p class=\"warn\">이 표에 싣지 못한 자료가 {left}건 더 들어 있습니다. 전체 목록은 <code>data/provenance/premis.xml</code>과 <code>manifest-sha256.txt</code>에 있습니다.</p>\n"),
        });
    }
}

fn omissions(page: &mut String, dossier: &Dossier, lang: Lang) {
    heading(page, lang.pick("What is not in it, and why", "들어 있지 않은 것과 그 까닭"));
    if dossier.omissions.is_empty() {
        paragraph(page, lang.pick("Nothing was named as left out.", "뺐다고 밝힌 것은 없습니다."));
    } else {
        page.push_str("<ul>\n");
        for omission in &dossier.omissions {
            page.push_str(&format!("<li><strong>{}</strong>: {}</li>\n", html(&omission.what), html(&omission.reason)));
        }
        page.push_str("</ul>\n");
    }
}

fn checking(page: &mut String, dossier: &Dossier, lang: Lang) {
    heading(page, lang.pick("How to check it", "확인하는 방법"));
    paragraph(page, lang.pick(
        "Any one of these can be done by your own expert, on a computer without a network. The exact steps, with a worked example, are in <code>data/VERIFY.md</code>. All commands are given in the folder that holds <code>bagit.txt</code>.",
        "아래 방법은 모두 귀측 전문가가 인터넷에 연결하지 않은 컴퓨터에서 직접 할 수 있습니다. 자세한 절차와 계산 예는 <code>data/VERIFY.md</code>에 있습니다. 명령은 모두 <code>bagit.txt</code>가 있는 폴더에서 실행합니다.",
    ));
    let keys = key_options(dossier);
    let ways = [
        (
            lang.pick("1. With the program sago-verify", "1. sago-verify 프로그램으로"),
            lang.pick(
                "It follows every item from its bytes to the signed log and the time-stamps, and names whatever does not fit.",
                "자료마다 바이트에서 서명된 기록부와 시점 확인 증명까지 따라가며 확인하고, 맞지 않는 것이 있으면 짚어 줍니다.",
            ),
            format!("{VERIFIER}{keys} ."),
        ),
        (
            lang.pick("2. With the Python file in this folder", "2. 이 폴더에 든 파이썬 파일로"),
            lang.pick(
                "A second verifier, written independently. It is short enough to be read before it is trusted.",
                "따로 작성한 두 번째 확인 프로그램입니다. 짧아서 믿기 전에 직접 읽어 볼 수 있습니다.",
            ),
            format!("python3 {PYTHON_VERIFIER}{keys} ."),
        ),
        (
            lang.pick("3. By hand", "3. 손으로"),
            lang.pick(
                "These two commands show that no file was changed since the package was made. VERIFY.md goes on from there with ordinary tools.",
                "다음 두 명령으로 자료 묶음을 만든 뒤에 바뀐 파일이 없는지 알 수 있습니다. 그다음 단계도 VERIFY.md에 따라 흔히 쓰는 도구로 할 수 있습니다.",
            ),
            "sha256sum --check --quiet tagmanifest-sha256.txt\nsha256sum --check --quiet manifest-sha256.txt".to_owned(),
        ),
    ];
    for (title, text, command) in ways {
        page.push_str(&format!("<h3>{title}</h3>\n<p>{text}</p>\n<pre><code class=\"whole\">{}</code></pre>\n", html_prose(&command)));
    }
    paragraph(page, lang.pick(
        "Here <code>/elsewhere</code> stands for the place of the keys as you obtained them by another way. The copies in this folder, in <code>data/proofs/keys</code>, only show that the folder fits together.",
        "여기서 <code>/elsewhere</code>는 다른 경로로 받은 키를 둔 곳을 뜻합니다. 이 폴더의 <code>data/proofs/keys</code>에 든 사본으로는 폴더 안의 것들이 서로 들어맞는다는 점만 알 수 있습니다.",
    ));
}

fn keys(page: &mut String, dossier: &Dossier, lang: Lang) {
    heading(page, lang.pick("The keys, and where to compare them", "키와 이를 대조할 곳"));
    paragraph(page, lang.pick(
        "All signatures hang on these keys. Compare these fingerprints, character by character, with ones you obtained in another way, for example by telephone from a person you know.",
        "모든 서명은 다음 키에 달려 있습니다. 아래 지문을 다른 경로로, 예를 들어 아는 담당자에게 전화로 받은 지문과 한 글자씩 대조하여 주십시오.",
    ));
    page.push_str("<dl class=\"facts\">\n");
    for log in &dossier.repository.logs {
        let name = match log.log {
            Log::Custody => lang.pick("Custody log", "보관 기록부"),
            Log::Access => lang.pick("Access log", "열람 기록부"),
        };
        let witnesses = if log.witnesses.is_empty() {
            lang.pick("not independently witnessed", "독립 증인 없음").to_owned()
        } else {
            format!("{}: {}", lang.pick("witnessed by", "증인"), html(&log.witnesses.join(", ")))
        };
        fact(
            page,
            name,
            &format!(
                "<code class=\"path whole\">{}</code> ({witnesses})<br/><code class=\"path\">{}</code><br/>SHA-256 <code class=\"hex\">{}</code>",
                html(&log.origin),
                html(&log.file),
                fingerprint(log)
            ),
        );
    }
    page.push_str("</dl>\n");
    if dossier.repository.published_at.is_empty() {
        paragraph(
            page,
            lang.pick(
                "This package names no place where the fingerprints were published. Ask the repository by a way you trust.",
                "이 자료에는 지문을 공표한 곳이 적혀 있지 않습니다. 믿을 수 있는 경로로 저장소에 문의하여 주십시오.",
            ),
        );
    } else {
        paragraph(page, lang.pick("According to the repository, they can be compared with:", "저장소에 따르면 다음 자료와 대조할 수 있습니다."));
        list(page, &dossier.repository.published_at.iter().map(|place| html(place)).collect::<Vec<_>>());
    }
    let software = &dossier.export.software;
    page.push_str(&match lang {
        Lang::En => format!("<p class=\"lead\">Made with {} {}.</p>\n", html(&software.name), html(&software.version)),
        Lang::Ko => format!("<p class=\"lead\">{} {} 버전으로 만들었습니다.</p>\n", html(&software.name), html(&software.version)),
    });
}
