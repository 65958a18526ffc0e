//! Pages and pictures drawn, thumbnails, fingerprints.

use std::io::Cursor;

use image::{DynamicImage, GenericImageView, ImageFormat};
use sago_formats::render::{Picture, RenderLimits, decode, distance, fingerprint, render_page, thumbnail};
use sago_formats::{Code, Finding, Source};

use crate::shared_files::{document, with_extension};

fn drawn(bytes: &[u8], page: u32, dpi: f32, limits: &RenderLimits) -> Result<Picture, Finding> {
    let mut cursor = Cursor::new(bytes);
    render_page(&mut Source::new(&mut cursor).unwrap(), page, dpi, limits)
}

fn dark(picture: &Picture) -> usize {
    let image = image::load_from_memory_with_format(&picture.png, ImageFormat::Png).unwrap().to_luma8();
    assert_eq!((image.width(), image.height()), (picture.width, picture.height));
    image.pixels().filter(|pixel| pixel.0[0] < 128).count()
}

#[test]
fn a_page_of_text_is_drawn_at_the_dots_asked_for() {
    let bytes = document("testPDF.pdf");
    let picture = drawn(&bytes, 1, 72.0, &RenderLimits::default()).unwrap();
    let larger = drawn(&bytes, 1, 144.0, &RenderLimits::default()).unwrap();
    assert!(larger.width.abs_diff(picture.width * 2) <= 2 && larger.height.abs_diff(picture.height * 2) <= 2);
    assert!(dark(&larger) > 1_000, "{}", dark(&larger));
}

#[test]
fn a_limit_of_pixels_lowers_the_dots_and_says_so_by_the_number() {
    let limits = RenderLimits { pixels: 50_000, ..RenderLimits::default() };
    let picture = drawn(&document("testPDF.pdf"), 1, 300.0, &limits).unwrap();
    assert!(u64::from(picture.width) * u64::from(picture.height) <= 51_000 && picture.dpi < 40.0, "{} {} {}", picture.width, picture.height, picture.dpi);
}

#[test]
fn a_page_that_is_not_there_is_named() {
    assert_eq!(drawn(&document("testPDF.pdf"), 99, 72.0, &RenderLimits::default()).unwrap_err().code, Code::ChildMissing);
    assert_eq!(drawn(&document("testPDF.pdf"), 0, 72.0, &RenderLimits::default()).unwrap_err().code, Code::ChildMissing);
    assert_eq!(drawn(&document("testTIFF_multipage.tif"), 3, 72.0, &RenderLimits::default()).unwrap_err().code, Code::ChildMissing);
    assert_eq!(drawn(&document("testPassword4Spaces.pdf"), 1, 72.0, &RenderLimits::default()).unwrap_err().code, Code::Encrypted);
}

#[test]
fn every_document_with_pages_is_drawn() {
    let mut count = 0;
    for name in with_extension(&["pdf"]) {
        match drawn(&document(&name), 1, 50.0, &RenderLimits::default()) {
            Ok(picture) => count += usize::from(picture.width > 0),
            // One has a page without area.
            Err(finding) => assert!(finding.code == Code::Encrypted || name == "testPDF_malformedXFA.pdf", "{name}: {finding:?}"),
        }
    }
    assert_eq!(count, 49);
}

#[test]
fn pictures_of_all_kinds_are_drawn_or_refused_by_name() {
    for name in with_extension(&["jpg", "png", "gif", "bmp", "tif", "webp", "jp2", "heic", "avif", "jxl", "pcx", "pgm", "ppm"]) {
        let picture = drawn(&document(&name), 1, 72.0, &RenderLimits::default());
        match picture {
            Ok(picture) => assert!(picture.width > 0, "{name}"),
            Err(finding) => assert!(matches!(finding.code, Code::Feature | Code::Damaged) && !finding.text.is_empty(), "{name}: {finding:?}"),
        }
    }
    for name in ["testJPEG.jpg", "testPNG.png", "testGIF.gif", "testBMP.bmp", "testWEBP.webp", "testJPEG.jp2", "testTIFF_multipage.tif"] {
        assert!(drawn(&document(name), 1, 72.0, &RenderLimits::default()).is_ok(), "{name}");
    }
    let tiff = document("testTIFF_multipage.tif");
    let pages = [1, 2].map(|page| drawn(&tiff, page, 36.0, &RenderLimits::default()).unwrap());
    assert_ne!(pages[0].png, pages[1].png);
    assert_eq!(drawn(&document("testHEIF.heic"), 1, 72.0, &RenderLimits::default()).unwrap_err().code, Code::Feature);
}

#[test]
fn a_thumbnail_has_no_side_longer_than_asked() {
    for name in ["testPDF.pdf", "testTIFF_multipage.tif", "baseball.jpg", "testPDF_rotated.pdf"] {
        let bytes = document(name);
        let mut cursor = Cursor::new(&bytes);
        let small = thumbnail(&mut Source::new(&mut cursor).unwrap(), 1, 64, &RenderLimits::default()).unwrap();
        assert_eq!(small.width.max(small.height), 64, "{name}");
    }
}

#[test]
fn a_picture_larger_than_the_limit_is_not_decoded() {
    let limits = RenderLimits { decoded_pixels: 1_000, ..RenderLimits::default() };
    assert_eq!(drawn(&document("baseball.jpg"), 1, 72.0, &limits).unwrap_err().code, Code::LimitMemory);
}

fn jpeg(image: &DynamicImage, quality: u8) -> DynamicImage {
    let mut bytes = Vec::new();
    image.to_rgb8().write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality)).unwrap();
    image::load_from_memory(&bytes).unwrap()
}

#[test]
fn fingerprints_of_copies_are_near_and_of_others_far() {
    let names = ["baseball.jpg", "testJPEG.jpg", "testJPEG_GEO.jpg", "testBMP.bmp", "testTIFF_multipage.tif", "testJPEG.jp2", "testWebp_Alpha_Lossy.webp"];
    let images: Vec<DynamicImage> = names.iter().map(|name| decode(&document(name), 1, &RenderLimits::default()).unwrap()).collect();
    for (name, image) in names.iter().zip(&images) {
        let print = fingerprint(image);
        let (width, height) = image.dimensions();
        let half = image.resize_exact((width / 2).max(1), (height / 2).max(1), image::imageops::FilterType::Triangle);
        let cut = image.crop_imm(width / 100, height / 100, width - width / 50, height - height / 50);
        for (what, other) in [("half", half), ("quality 40", jpeg(image, 40)), ("cut by 2 %", cut)] {
            let far = distance(print, fingerprint(&other));
            assert!(far <= 10, "{name}, {what}: {far}");
        }
    }
    let photographs = [0, 2, 4];
    for (index, a) in photographs.iter().enumerate() {
        for b in &photographs[index + 1..] {
            let far = distance(fingerprint(&images[*a]), fingerprint(&images[*b]));
            assert!(far > 12, "{} and {}: {far}", names[*a], names[*b]);
        }
    }
}
