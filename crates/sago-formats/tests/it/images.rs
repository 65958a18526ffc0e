//! Pictures on real files: size, place, what people wrote, and that their text must be recognised.

use sago_formats::{ChildRole, Code, Collected, Limits};

use crate::shared_files::{document, read, with_extension};

/// Files that are cut so short that not even their size is in them.
const BROKEN: &[&str] = &["testAVIF.avif", "testDJVU.djvu"];

#[test]
fn every_picture_has_a_size_and_must_be_recognised() {
    let names =
        with_extension(&["jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff", "webp", "heic", "heif", "avif", "jp2", "pbm", "pgm", "ppm", "pcx", "psd", "djvu"]);
    assert!(names.len() >= 35, "{}", names.len());
    for name in names {
        let read = read(&name);
        if BROKEN.contains(&name.as_str()) {
            assert!(read.has(Code::Damaged), "{name}: {:?}", read.findings);
            continue;
        }
        assert!(read.has(Code::NeedsRecognition), "{name}: {:?}", read.findings);
        assert!(read.value("image:width").and_then(|width| width.parse::<u32>().ok()).is_some_and(|width| width > 0), "{name}");
        assert!(!read.pages.is_empty(), "{name}");
    }
}

#[test]
fn what_camera_and_people_wrote_is_told() {
    let geo = read("testJPEG_GEO.jpg");
    assert_eq!((geo.value("gps:latitude"), geo.value("gps:longitude")), (Some("12.543210"), Some("-54.123400")));
    assert_eq!(geo.value("exif:Model"), Some("Canon EOS 40D"));
    assert_eq!(geo.value("exif:DateTimeOriginal"), Some("2009:08:11 09:09:45"));
    assert_eq!(geo.value("iptc:CopyrightNotice"), Some("(c) Максим Валянский"));
    assert!(geo.text().contains("moscow-birds"));
    assert!(read("testJPEG_commented.jpg").text().contains("Bird site in north eastern Skåne, Sweden."));
    assert_eq!(read("testHEIF.heic").value("gps:latitude"), Some("12.543210"));
    assert!(read("testPNG.png").text().contains("Licensed to the Apache Software Foundation"));
    assert!(read("testGIF.gif").text().contains("Licensed to the Apache Software Foundation"));
    assert!(read("testTIFF.tif").text().contains("Licensed to the Apache Software Foundation"));
}

#[test]
fn small_pictures_inside_are_children() {
    let geo = read("testJPEG_GEO_2.jpg");
    let (child, bytes) = &geo.children[0];
    assert!(child.role == ChildRole::Thumbnail && bytes.starts_with(b"\xFF\xD8"));
}

#[test]
fn a_film_behind_a_photograph_is_a_child() {
    let mut bytes = document("testJPEG.jpg");
    bytes.extend(document("testMP4Video.mp4"));
    let read = Collected::of("motion.jpg", &bytes, &Limits::default()).unwrap();
    let (child, film) = read.children.iter().find(|(child, _)| child.role == ChildRole::Embedded).unwrap();
    assert!(child.name == "motion.mp4" && film == &document("testMP4Video.mp4"));
}

#[test]
fn all_images_of_a_tiff_are_counted() {
    let read = read("testTIFF_multipage.tif");
    assert_eq!(read.pages.len(), 2);
    assert!(read.findings.iter().any(|finding| finding.code == Code::NeedsRecognition && finding.place == "pages 1-2"));
}

#[test]
fn a_cut_picture_is_said_to_be_cut() {
    for name in ["testJPEG.jpg", "testPNG.png", "testWEBP.webp"] {
        let whole = document(name);
        let read = Collected::of(name, &whole[..whole.len() * 2 / 3], &Limits::default()).unwrap();
        assert!(read.has(Code::Truncated), "{name}: {:?}", read.findings);
    }
}
