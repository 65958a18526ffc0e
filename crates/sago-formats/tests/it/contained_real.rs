//! The archives, mailboxes, wrappers, databases and web archives among the real files: what must come of each.

use std::path::{Path, PathBuf};

use sago_formats::{Collected, Limits};

/// Deepest files in files that are followed.
const DEPTH: u8 = 4;

pub fn shared(path: &str) -> PathBuf {
    let root = std::env::var_os("SAGO_SHARED_DATA").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(path);
    assert!(path.exists(), "the test data {} are not there: set SAGO_SHARED_DATA to their folder", path.display());
    path
}

pub fn file(path: &str) -> Vec<u8> {
    std::fs::read(shared(path)).unwrap()
}

/// File, contained files, the codes found in the file itself, words or a name that must be in it or in what it contains.
type Row = (&'static str, usize, &'static [&'static str], &'static str);

const ARCHIVES: &[Row] = &[
    ("documents/TIKA-216.tgz", 1, &[], "TIKA-216.tar"),
    ("documents/bzip2-8-file.txt.bz2", 1, &[], "bzip2-8-file.txt"),
    ("documents/lbzip2-8-file.txt.bz2", 1, &[], "lbzip2-8-file.txt"),
    ("documents/droste.zip", 2, &[], "droste.zip"),
    ("documents/quine.gz", 1, &[], ""),
    ("documents/full_encrypted.7z", 0, &["format-encrypted"], ""),
    ("documents/gbk.zip", 1, &["child-name-guessed"], ""),
    ("documents/multiple.gz", 1, &[], ""),
    ("documents/test-documents-enc.rar", 0, &["format-encrypted"], ""),
    ("documents/test-documents-spanned.zip", 3, &["child-missing"], ""),
    ("documents/test-documents.7z", 9, &[], "testTXT.txt"),
    ("documents/test-documents.rar", 9, &[], "testTXT.txt"),
    ("documents/test-documents.tar", 9, &[], "testTXT.txt"),
    ("documents/test-documents.tar.Z", 1, &[], "Test d'indexation de Txt"),
    ("documents/test-documents.tbz2", 1, &[], "Test d'indexation de Txt"),
    ("documents/test-documents.tgz", 1, &[], "Test d'indexation de Txt"),
    ("documents/test-documents.zip", 9, &[], "Test d'indexation de Txt"),
    ("documents/test-nested-tarball.tar", 1, &[], ""),
    ("documents/test-zip-of-zip.zip", 1, &[], ""),
    ("documents/test7Z_protected_passTika.7z", 0, &["child-encrypted"], ""),
    ("documents/testAPK.apk", 8, &[], "AndroidManifest.xml"),
    ("documents/testIPA.ipa", 16, &[], ""),
    ("documents/testJAR.jar", 2, &[], ""),
    ("documents/testJAR_with_PEHDR.jar", 33, &[], ""),
    ("documents/testTAR_no_magic.tar", 3, &[], ""),
    ("documents/testTXT.zlib", 1, &[], ""),
    ("documents/testWAR.war", 2, &[], ""),
    ("documents/testZIP_corrupted_oom.zip", 1, &["child-failed"], "hello.txt"),
    ("documents/testZSTD.zst", 1, &[], ""),
    ("documents/testZ_oom.Z", 0, &["format-damaged"], ""),
    ("documents/testZipEncrypted.zip", 1, &["child-encrypted"], ""),
    ("documents/testZipEntryNameCharsetShiftSJIS.zip", 2, &["child-name-guessed"], "文章1.txt"),
    ("documents/testZip_with_DataDescriptor.zip", 5, &["format-part-damaged"], "en0"),
    ("documents/testZip_with_DataDescriptor2.zip", 4, &[], ""),
    ("documents/empty-file.txt.bz2", 1, &[], ""),
    ("documents/small-file.txt.bz2", 1, &[], ""),
    ("documents/bob.gz", 1, &[], ""),
];

const MAIL: &[Row] = &[
    ("documents/complex.mbox", 3, &[], "hadoop"),
    ("documents/headers.mbox", 1, &[], "subject"),
    ("documents/multiline.mbox", 1, &[], ""),
    ("documents/multiline2.mbox", 1, &[], ""),
    ("documents/quoted.mbox", 1, &[], ""),
    ("documents/simple.mbox", 2, &[], "Test content"),
    ("documents/single_mail.mbox", 1, &[], ""),
    ("documents/testMBOX_complex.mbox", 1, &[], ""),
    ("documents/testMBOX_lengthy_x-headers.mbox", 1, &[], ""),
    ("documents/testEMLX.emlx", 0, &[], "jira"),
    ("documents/testEML_embedded_xhtml_and_img.eml", 1, &["format-feature", "format-truncated"], ""),
    ("documents/testEmailWithPNGAtt.eml", 1, &[], "testPNG.png"),
    ("documents/testGroupWiseEml.eml", 2, &[], "Neues Textdokument.txt"),
    ("documents/testLotusEml.eml", 0, &[], ""),
    ("documents/testRFC822_dkim.eml", 0, &[], ""),
    ("documents/testRFC822_multipart_attachments.eml", 2, &[], "Test TxtB.txt"),
    ("documents/testRFC822_x-.eml", 0, &[], ""),
    ("documents/testThunderbirdEml.eml", 0, &[], ""),
    ("documents/test-incremental-updates.eml", 1, &[], "testPDF_incrementalUpdates.pdf"),
    ("documents/testPST_variousBodyTypes.pst", 4, &[], "This is the original email (html)"),
];

const STORES: &[Row] = &[
    ("documents/MANIFEST.XML.TSD", 1, &["signed"], "MANIFEST.XML"),
    ("documents/Test1.txt.tsd", 1, &["signed"], "This is a test"),
    ("documents/Test4.pdf.tsd", 1, &["signed"], "Test4.pdf"),
    ("documents/test.xml.p7m", 1, &["signed"], ""),
    ("documents/testDetached.p7s", 0, &["external-reference", "signed"], ""),
    ("documents/testPKCS17Sig-v2.xml.p7m", 1, &["signed"], ""),
    ("documents/testPKCS7_certs_only_def.p7c", 0, &["text-none"], ""),
    ("documents/testPKCS7_certs_only_ind.p7c", 0, &["text-none"], ""),
    ("documents/testPKCS7_compressed_def_long.p7z", 1, &[], ""),
    ("documents/testPKCS7_compressed_def_short.p7z", 1, &[], ""),
    ("documents/testPKCS7_compressed_ind.p7z", 1, &[], ""),
    ("documents/testPKCS7_digested.p7", 1, &[], ""),
    ("documents/testPKCS7_enveloped_def.p7m", 0, &["format-encrypted"], ""),
    ("documents/testPKCS7_enveloped_ind.p7m", 0, &["format-encrypted"], ""),
    ("documents/testPKCS7_signed_data_def.p7m", 1, &["signed"], ""),
    ("documents/testPKCS7_signed_data_ind.p7m", 1, &["signed"], ""),
    ("documents/testTSD_broken_pdf.tsd", 1, &[], ""),
    ("documents/testACCESS.mdb", 0, &["format-no-reader"], ""),
    ("documents/testDBF.dbf", 0, &[], "普林斯顿大学"),
    ("documents/testDBF_gb18030.dbf", 0, &["text-encoding-guessed"], "虽然该指令经过重新发布"),
    ("documents/testWARC_multiple.warc", 2, &[], ""),
    ("documents/testWARC_multiple.warc.gz", 2, &[], ""),
    ("documents/testARC.arc", 2, &[], ""),
    ("documents/cc.warc.gz", 1, &[], ""),
    ("documents/testWACZ.wacz", 5, &[], "pages.jsonl"),
    ("web-archives/warc/example.warc.gz", 1, &["external-reference"], "http://example.com/"),
    ("web-archives/warc/example.arc.gz", 1, &[], "http://example.com/"),
    ("web-archives/warc/example-iana.org-chunked.warc", 1, &[], "iana.org"),
    ("web-archives/warc/example-trunc.warc", 1, &["child-failed", "format-part-damaged"], ""),
    ("web-archives/warc/post-test.warc.gz", 3, &[], "httpbin.org/post"),
    ("web-archives/warc/example-resource.warc.gz", 1, &[], ""),
    ("web-archives/wacz/example-collection-with-lists.warc", 18, &[], ""),
    ("web-archives/wacz/example-iana.warc", 24, &["external-reference"], "iana.org"),
    ("web-archives/wacz/valid_example_1.wacz", 5, &[], "datapackage.json"),
];

/// All text, names and properties of a file and what it contains.
fn words(name: &str, bytes: &[u8], depth: u8, out: &mut String) -> Collected {
    let read = Collected::of(name, bytes, &Limits::default()).unwrap();
    out.push_str(&read.text());
    for property in &read.properties {
        out.push('\n');
        out.push_str(&property.value);
    }
    for (child, bytes) in &read.children {
        out.push('\n');
        out.push_str(&child.name);
        out.push('\n');
        if depth > 0 {
            words(&child.name, bytes, depth - 1, out);
        }
    }
    read
}

fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    for (path, children, codes, phrase) in rows {
        let mut text = String::new();
        let name = path.rsplit('/').next().unwrap_or_default();
        let read = words(name, &file(path), DEPTH, &mut text);
        let found: Vec<&str> = read.summary.findings.keys().map(String::as_str).collect();
        // One member of a mixed archive is encrypted, the others are not: the count says which.
        if read.children.len() != *children || found != *codes || !text.to_lowercase().contains(&phrase.to_lowercase()) {
            wrong.push(format!("{path}: {} children, {found:?}, phrase {}", read.children.len(), text.contains(phrase)));
        }
    }
    assert!(wrong.is_empty(), "{} of {} files are not as expected:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn real_archives_give_what_they_hold() {
    check(ARCHIVES);
}

#[test]
fn real_mail_gives_what_it_holds() {
    check(MAIL);
}

#[test]
fn real_wrappers_databases_and_web_archives_give_what_they_hold() {
    check(STORES);
}
