//! Draws a page of a document or picture to a PNG file, for trials on real files.
//!
//! `cargo run -p sago-formats --example render_page -- FILE PAGE DPI OUT`

#![allow(clippy::print_stdout, clippy::print_stderr)]

use sago_formats::Source;
use sago_formats::render::{RenderLimits, render_page};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, page, dpi, out] = arguments.as_slice() else {
        eprintln!("FILE PAGE DPI OUT");
        return Ok(());
    };
    let mut bytes = std::fs::File::open(file)?;
    let mut source = Source::new(&mut bytes)?;
    match render_page(&mut source, page.parse().unwrap_or(1), dpi.parse().unwrap_or(100.0), &RenderLimits::default()) {
        Ok(picture) => {
            println!("{} by {} at {} dpi", picture.width, picture.height, picture.dpi);
            std::fs::write(out, picture.png)
        }
        Err(finding) => {
            println!("{finding:?}");
            Ok(())
        }
    }
}
