//! PDF written here, for what no file at hand has: Korean fonts of every kind, hidden text, and documents made to do harm.

use std::io::Write;

use sago_formats::{BlockKind, Code, Collected, Limits};

/// A document with these objects, numbered from 1; the first is the catalogue.
pub fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(bytes.len());
        writeln!(bytes, "{} 0 obj", index + 1).unwrap();
        bytes.extend(object);
        bytes.extend(b"\nendobj\n");
    }
    let start = bytes.len();
    writeln!(bytes, "xref\n0 {}\n0000000000 65535 f ", objects.len() + 1).unwrap();
    for offset in offsets {
        writeln!(bytes, "{offset:010} 00000 n ").unwrap();
    }
    writeln!(bytes, "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF", objects.len() + 1).unwrap();
    bytes
}

fn stream(dict: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("<<{dict}/Length {}>>\nstream\n", body.len()).into_bytes();
    bytes.extend(body);
    bytes.extend(b"\nendstream");
    bytes
}

fn text(object: &str) -> Vec<u8> {
    object.as_bytes().to_vec()
}

/// One page with this content, these resources, and more objects from number 5 on.
fn page(content: &[u8], resources: &str, more: Vec<Vec<u8>>) -> Vec<u8> {
    let mut objects = vec![
        text("<</Type/Catalog/Pages 2 0 R>>"),
        text("<</Type/Pages/Kids[3 0 R]/Count 1>>"),
        text(&format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<<{resources}>>>>")),
        stream("", content),
    ];
    objects.extend(more);
    pdf(&objects)
}

fn read(bytes: &[u8]) -> Collected {
    Collected::of("made.pdf", bytes, &Limits::default()).unwrap()
}

const HELVETICA: &str = "/Font<</F 5 0 R>>";

fn helvetica() -> Vec<Vec<u8>> {
    vec![text("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")]
}

fn korean(encoding: &str) -> Vec<Vec<u8>> {
    vec![
        text(&format!("<</Type/Font/Subtype/Type0/BaseFont/HYGoThic-Medium/Encoding/{encoding}/DescendantFonts[6 0 R]>>")),
        text(
            "<</Type/Font/Subtype/CIDFontType0/BaseFont/HYGoThic-Medium/CIDSystemInfo<</Registry(Adobe)/Ordering(Korea1)/Supplement 1>>/DW 1000/FontDescriptor 7 0 R>>",
        ),
        text(
            "<</Type/FontDescriptor/FontName/HYGoThic-Medium/Flags 4/FontBBox[0 -120 1000 880]/Ascent 880/Descent -120/ItalicAngle 0/CapHeight 700/StemV 80>>",
        ),
    ]
}

fn shown(bytes: &[u8]) -> Vec<u8> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("BT /F 12 Tf 50 700 Td <{hex}> Tj ET").into_bytes()
}

#[test]
fn korean_fonts_that_are_not_in_the_file_are_read_by_every_predefined_encoding() {
    let said = "김정은이 지시하였다";
    let (uhc, _, _) = encoding_rs::EUC_KR.encode(said);
    let ucs2: Vec<u8> = said.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (encoding, bytes) in [("KSCms-UHC-H", uhc.to_vec()), ("KSC-EUC-H", uhc.to_vec()), ("UniKS-UCS2-H", ucs2.clone()), ("UniKS-UTF16-H", ucs2)] {
        let read = read(&page(&shown(&bytes), HELVETICA, korean(encoding)));
        assert_eq!(read.text(), said, "{encoding}: {:?}", read.findings);
        assert!(!read.has(Code::UnmappedGlyphs), "{encoding}");
        let words: Vec<&str> = read.blocks[0].boxes.iter().map(|word| &read.blocks[0].text[word.start as usize..word.end as usize]).collect();
        assert_eq!(words, ["김정은이", "지시하였다"], "{encoding}");
    }
}

#[test]
fn vertical_korean_is_read_downwards() {
    let (uhc, _, _) = encoding_rs::EUC_KR.encode("수용소에서");
    let read = read(&page(&shown(&uhc), HELVETICA, korean("KSCms-UHC-V")));
    assert_eq!(read.text(), "수용소에서");
    let word = read.blocks[0].boxes[0];
    assert!(word.height > 4.0 * word.width, "{word:?}");
}

#[test]
fn a_word_stands_where_it_is_shown_also_on_a_turned_page() {
    let bytes = page(b"BT /F 20 Tf 100 700 Td (Witness) Tj ET", HELVETICA, helvetica());
    let word = read(&bytes).blocks[0].boxes[0];
    // Base line 100 points below the upper edge, letters 20 points high.
    assert!((word.x - 100.0).abs() < 1.0 && (80.0..86.0).contains(&word.y) && (18.0..24.0).contains(&word.height), "{word:?}");
    assert!((60.0..80.0).contains(&word.width), "{word:?}");
    let turned = String::from_utf8(bytes).unwrap().replace("/Contents 4 0 R", "/Contents 4 0 R/Rotate 90");
    let turned = read(turned.as_bytes());
    assert_eq!((turned.pages[0].1, turned.pages[0].2), (800.0, 600.0));
    let word = turned.blocks[0].boxes[0];
    // Turned clockwise the text runs downwards near the right edge.
    assert!(word.height > word.width && word.x > 680.0 && (word.y - 100.0).abs() < 1.0, "{word:?}");
}

#[test]
fn signs_that_nothing_names_are_counted_and_not_invented() {
    let more = vec![
        text("<</Type/Font/Subtype/Type0/BaseFont/ABCDEF+Custom/Encoding/Identity-H/DescendantFonts[6 0 R]>>"),
        text("<</Type/Font/Subtype/CIDFontType2/BaseFont/ABCDEF+Custom/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 1000>>"),
    ];
    let read = read(&page(b"BT /F 12 Tf 50 700 Td <004100420043> Tj ET", HELVETICA, more));
    assert!(read.blocks.is_empty() && read.has(Code::UnmappedGlyphs) && read.has(Code::NeedsRecognition), "{:?} {:?}", read.blocks, read.findings);
    let finding = read.findings.iter().find(|finding| finding.code == Code::UnmappedGlyphs).unwrap();
    assert!(finding.text.starts_with("3 signs") && finding.text.contains("ABCDEF+Custom") && finding.place == "page 1", "{finding:?}");
}

#[test]
fn hidden_text_is_told_as_hidden() {
    let content = b"BT /F 12 Tf 50 700 Td (seen) Tj ET BT /F 12 Tf 3 Tr 50 600 Td (without ink) Tj ET BT /F 12 Tf 0 Tr 50 1900 Td (off the page) Tj ET \
        /OC /L BDC BT /F 12 Tf 50 500 Td (in a layer) Tj ET EMC";
    let mut objects = vec![
        text("<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[6 0 R]/D<</OFF[6 0 R]>>>>>>"),
        text("<</Type/Pages/Kids[3 0 R]/Count 1>>"),
        text("<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>/Properties<</L 6 0 R>>>>>>"),
        stream("", content),
    ];
    objects.extend(helvetica());
    objects.push(text("<</Type/OCG/Name(Draft)>>"));
    let read = read(&pdf(&objects));
    let hidden: Vec<&str> = read.blocks.iter().filter(|block| block.kind == BlockKind::Hidden).map(|block| block.text.as_str()).collect();
    assert_eq!(hidden, ["without ink", "off the page", "in a layer"]);
    assert!(read.has(Code::Hidden));
    assert_eq!(read.blocks.iter().filter(|block| block.kind == BlockKind::Paragraph).count(), 1);
}

#[test]
fn the_text_layer_of_a_scan_is_recognised_text_and_a_scan_without_one_must_be_recognised() {
    let image = || stream("/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8", &[128]);
    let resources = "/Font<</F 5 0 R>>/XObject<</I 6 0 R>>";
    let mut more = helvetica();
    more.push(image());
    let scan = b"q 600 0 0 800 0 0 cm /I Do Q BT /F 12 Tf 3 Tr 50 700 Td (The recognised text of a whole page stands under its picture) Tj ET";
    let layered = read(&page(scan, resources, more.clone()));
    assert_eq!(layered.blocks[0].kind, BlockKind::Recognised);
    assert!(!layered.has(Code::NeedsRecognition), "{:?}", layered.findings);
    let bare = read(&page(b"q 600 0 0 800 0 0 cm /I Do Q", resources, more));
    let finding = bare.findings.iter().find(|finding| finding.code == Code::NeedsRecognition).unwrap();
    assert_eq!(finding.place, "page 1");
}

#[test]
fn fields_bookmarks_labels_and_scripts_are_told() {
    let objects = vec![
        text(
            "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>/Outlines 8 0 R/PageLabels<</Nums[0<</S/r/St 4>>]>>/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>",
        ),
        text("<</Type/Pages/Kids[3 0 R]/Count 2>>"),
        text("<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Annots[7 0 R]/Resources<</Font<</F 5 0 R>>>>>>"),
        stream("", b"BT /F 12 Tf 50 700 Td (Form) Tj ET"),
        text("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"),
        text("<</T(person)/Kids[7 0 R]>>"),
        text("<</Type/Annot/Subtype/Widget/Parent 6 0 R/T(name)/FT/Tx/V<FEFFB9ACC601D76C>/P 3 0 R/Rect[50 50 100 70]>>"),
        text("<</Type/Outlines/First 9 0 R>>"),
        text("<</Title<FEFFC99DC5B8>/Dest[3 0 R/Fit]/Next 9 0 R>>"),
    ];
    let read = read(&pdf(&objects));
    let field = read.blocks.iter().find(|block| block.kind == BlockKind::Field).unwrap();
    assert_eq!((field.text.as_str(), field.anchor.part.as_deref(), field.anchor.page), ("리영희", Some("person.name"), Some(1)));
    let bookmark = read.blocks.iter().find(|block| block.anchor.part.as_deref() == Some("outline")).unwrap();
    assert_eq!((bookmark.text.as_str(), bookmark.anchor.page), ("증언", Some(1)));
    assert_eq!(read.value("pdf:page_labels"), Some("1=iv"));
    assert!(read.has(Code::ActiveContent) && read.has(Code::CountMismatch), "{:?}", read.findings);
}

#[test]
fn text_in_place_of_signs_is_taken_and_printed_twice_is_told_once() {
    let content = b"/Span<</ActualText<FEFF0066006600690063>>>BDC BT /F 12 Tf 50 700 Td (xxx) Tj ET EMC BT /F 12 Tf 50 600 Td (Bold) Tj ET BT /F 12 Tf 50.4 600 Td (Bold) Tj ET";
    let read = read(&page(content, HELVETICA, helvetica()));
    assert_eq!(read.text(), "ffic\nBold");
}

#[test]
fn forms_that_contain_themselves_and_deep_states_end() {
    let mut more = helvetica();
    more.push(stream("/Type/XObject/Subtype/Form/BBox[0 0 600 800]/Resources<</XObject<</X 7 0 R>>>>", b"/X Do /X Do"));
    more.push(stream("/Type/XObject/Subtype/Form/BBox[0 0 600 800]/Resources<</XObject<</X 6 0 R>>>>", b"/X Do /X Do"));
    let mut content = b"q ".repeat(20_000);
    content.extend(b"/OC/L BDC ".repeat(20_000));
    content.extend(b"/X Do BT /F 12 Tf 50 700 Td (still here) Tj ET");
    let read = read(&page(&content, "/Font<</F 5 0 R>>/XObject<</X 6 0 R>>", more));
    assert!(read.text().contains("still here"));
    assert!(read.findings.iter().any(|finding| finding.code == Code::PartDamaged && finding.text.contains("contains itself")), "{:?}", read.findings);
}

#[test]
fn a_stream_that_grows_without_end_is_cut_at_the_limit() {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(b"BT /F 12 Tf 50 700 Td (beginning) Tj ET ").unwrap();
    packed.write_all(&vec![b' '; 64 << 20]).unwrap();
    let packed = packed.finish().unwrap();
    let objects = [
        text("<</Type/Catalog/Pages 2 0 R>>"),
        text("<</Type/Pages/Kids[3 0 R]/Count 1>>"),
        text("<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>"),
        stream("/Filter/FlateDecode", &packed),
        helvetica().remove(0),
    ];
    let limits = Limits { memory_bytes: 8 << 20, ..Limits::default() };
    let read = Collected::of("bomb.pdf", &pdf(&objects), &limits).unwrap();
    assert_eq!(read.text(), "beginning");
    assert!(read.findings.iter().any(|finding| finding.text.contains("longer than the limit")), "{:?}", read.findings);
}

#[test]
fn a_place_that_makes_no_sense_costs_no_more_than_itself() {
    for broken in
        ["(an open string", "[[[[", "<</A", "1 2 m m l", "Tj (", "7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7", "/ /Name>>"]
    {
        let content = format!("BT /F 12 Tf 50 700 Td (before) Tj ET\n{broken}\nBT /F 12 Tf 50 600 Td (after the place) Tj ET");
        let read = read(&page(content.as_bytes(), HELVETICA, helvetica()));
        assert!(read.text().contains("before") && read.text().contains("after the place"), "{broken}: {:?}", read.text());
    }
    let content = b"BT /F 12 Tf 50 700 Td (before) Tj ET\n(an open string";
    let read = read(&page(content, HELVETICA, helvetica()));
    assert!(read.has(Code::PartDamaged), "{:?}", read.findings);
}
