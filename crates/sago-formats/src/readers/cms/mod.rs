//! Signed, encrypted and time-stamped wrappers: CMS (RFC 5652, PKCS #7), compressed data (RFC 3274), TimeStampedData (RFC 5544). The content comes out as it
//! is; signatures are told, not judged.

mod ber;

use self::ber::{Element, INTEGER, OCTETS, OCTETS_BUILT, OID, SEQUENCE, SET, dotted, elements, text};
use crate::document::{Child, ChildRole, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::readers::archive::Checked;
use crate::readers::mail;
use crate::source::{Source, Stop};
use crate::table::Context;

/// Most certificates that are named.
const CERTIFICATES: usize = 100;

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    // Parts are copied once while they are handed on.
    let Some(bytes) = source.whole(context.limits.memory_bytes / 2)? else {
        let text = format!("The file has {} bytes.", source.size_bytes());
        return sink.finding(Finding::new(Code::LimitMemory, text).weighing(Severity::Unreadable));
    };
    let bytes = if bytes.first() == Some(&SEQUENCE) { bytes } else { unarmoured(&bytes) };
    let outer = elements(&bytes).next().filter(|outer| outer.tag == SEQUENCE);
    let kind = outer.as_ref().and_then(Element::first).filter(|kind| kind.tag == OID);
    let (Some(outer), Some(kind)) = (outer, kind) else {
        return sink.finding(Finding::new(Code::Damaged, "No signed or encrypted message begins here."));
    };
    let content = outer.inner().nth(1).and_then(|explicit| explicit.first());
    let kind = dotted(kind.content);
    sink.property("cms:type", kind.clone())?;
    let Some(content) = content else {
        return sink.finding(Finding::new(Code::Damaged, "The message has no content."));
    };
    match kind.as_str() {
        "1.2.840.113549.1.7.2" => signed(&content, context, sink),
        "1.2.840.113549.1.7.1" => give(unwrapped(context.name), &content.octets(), sink),
        "1.2.840.113549.1.7.5" => digested(&content, context, sink),
        "1.2.840.113549.1.9.16.1.9" => compressed(&content, context, sink),
        "1.2.840.113549.1.9.16.1.31" => stamped(&content, context, sink),
        "1.2.840.113549.1.7.3" | "1.2.840.113549.1.7.6" | "1.2.840.113549.1.9.16.1.23" => {
            sink.finding(Finding::new(Code::Encrypted, Code::Encrypted.meaning()))
        }
        _ => sink.finding(Finding::new(Code::Version, format!("Content of type {kind} is not read."))),
    }
}

/// Takes PEM's or a message's armour off.
fn unarmoured(bytes: &[u8]) -> Vec<u8> {
    let start =
        bytes.windows(10).position(|window| window == b"-----BEGIN").and_then(|place| Some(place + bytes[place..].iter().position(|byte| *byte == b'\n')?));
    let blank = || {
        let unix = bytes.windows(2).position(|pair| pair == b"\n\n").map(|place| place + 2);
        bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|place| place + 4).or(unix)
    };
    let body = &bytes[start.or_else(blank).unwrap_or(0)..];
    let end = body.windows(5).position(|window| window == b"-----").unwrap_or(body.len());
    mail::base64(&body[..end]).0
}

fn unwrapped(name: &str) -> Child {
    Child::new(ChildRole::Content, name.rsplit_once('.').map_or(name, |(stem, _)| stem))
}

fn give(child: Child, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
    sink.child(child, &mut &*bytes).map(|_| ())
}

/// `SignedData`: digests, content, certificates, signers.
fn signed(data: &Element<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut parts = data.inner().skip_while(|part| part.tag == INTEGER || part.tag == SET);
    let Some(wrapped) = parts.next().filter(|part| part.tag == SEQUENCE) else {
        return sink.finding(Finding::new(Code::Damaged, "The signed content is missing."));
    };
    let mut signers = 0;
    for part in parts {
        match part.tag {
            0xA0 => certificates(&part, sink)?,
            SET => {
                for signer in part.inner() {
                    signers += 1;
                    if let Some(time) = signing_time(&signer) {
                        sink.property("cms:signing-time", time)?;
                    }
                }
            }
            _ => {}
        }
    }
    sink.property("cms:signers", signers.to_string())?;
    if signers > 0 {
        sink.finding(Finding::new(Code::Signed, Code::Signed.meaning()))?;
    }
    match wrapped.inner().nth(1).and_then(|explicit| explicit.first()) {
        Some(content) if matches!(content.tag, OCTETS | OCTETS_BUILT) => give(unwrapped(context.name), &content.octets(), sink),
        // PKCS #7 1.5 allowed any type here.
        Some(content) => give(unwrapped(context.name), content.content, sink),
        None if signers > 0 => sink.finding(Finding::new(Code::External, "What was signed is not in the file: the signature stands alone.")),
        None => sink.finding(Finding::new(Code::NoText, "The file holds certificates only.")),
    }
}

fn certificates(set: &Element<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    for certificate in set.inner().filter(|own| own.tag == SEQUENCE).take(CERTIFICATES) {
        let Some(body) = certificate.first() else { continue };
        // RFC 5280: version, serial number, algorithm, issuer, validity, subject.
        let mut fields = body.inner().skip_while(|field| matches!(field.tag, 0xA0 | INTEGER)).skip(1);
        let (issuer, _, subject) = (fields.next(), fields.next(), fields.next());
        if let (Some(issuer), Some(subject)) = (issuer, subject) {
            sink.property("cms:certificate", format!("{}; issued by {}", name(&subject), name(&issuer)))?;
        }
    }
    let count = set.inner().count();
    if count > CERTIFICATES {
        sink.finding(Finding::new(Code::LimitProperties, format!("{count} certificates; the first {CERTIFICATES} are named.")))?;
    }
    Ok(())
}

/// A distinguished name (RFC 4514, without its escapes).
fn name(element: &Element<'_>) -> String {
    let attributes = element.inner().flat_map(|set| set.inner()).filter_map(|pair| {
        let mut parts = pair.inner();
        let (kind, value) = (parts.next()?, parts.next()?);
        let kind = dotted(kind.content);
        let short = match kind.as_str() {
            "2.5.4.3" => "CN",
            "2.5.4.6" => "C",
            "2.5.4.7" => "L",
            "2.5.4.8" => "ST",
            "2.5.4.10" => "O",
            "2.5.4.11" => "OU",
            "1.2.840.113549.1.9.1" => "emailAddress",
            _ => kind.as_str(),
        };
        Some(format!("{short}={}", text(&value)))
    });
    attributes.collect::<Vec<_>>().join(", ")
}

/// The signed attribute that says when (RFC 5652, section 11.3), as it stands in the file.
fn signing_time(signer: &Element<'_>) -> Option<String> {
    let attributes = signer.inner().find(|part| part.tag == 0xA0)?;
    let own = attributes.inner().find(|attribute| attribute.first().is_some_and(|kind| dotted(kind.content) == "1.2.840.113549.1.9.5"))?;
    own.inner().nth(1)?.first().map(|time| text(&time))
}

/// `DigestedData`: version, algorithm, content, digest.
fn digested(data: &Element<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    match data.inner().filter(|part| part.tag == SEQUENCE).nth(1).and_then(|own| own.inner().nth(1)).and_then(|explicit| explicit.first()) {
        Some(content) => give(unwrapped(context.name), &content.octets(), sink),
        None => sink.finding(Finding::new(Code::Damaged, "The digested content is missing.")),
    }
}

fn compressed(data: &Element<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let wrapped = data.inner().filter(|part| part.tag == SEQUENCE).nth(1).and_then(|own| own.inner().nth(1)).and_then(|explicit| explicit.first());
    let Some(wrapped) = wrapped else {
        return sink.finding(Finding::new(Code::Damaged, "The compressed content is missing."));
    };
    let packed = wrapped.octets();
    sink.child(unwrapped(context.name), &mut Checked::new(flate2::bufread::ZlibDecoder::new(packed.as_slice()))).map(|_| ())
}

/// `TimeStampedData`: version, address, metadata, content, evidence.
fn stamped(data: &Element<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut child = unwrapped(context.name);
    let mut content = None;
    for part in data.inner() {
        match part.tag {
            0x16 => sink.finding(Finding::new(Code::External, format!("The stamped data are said to be at {}.", text(&part))))?,
            SEQUENCE => {
                for field in part.inner() {
                    match field.tag {
                        0x0C => child.name = text(&field),
                        0x16 => child.media_type = Some(text(&field)),
                        _ => {}
                    }
                }
            }
            OCTETS | OCTETS_BUILT => content = Some(part.octets()),
            0xA0..=0xA2 => sink.finding(Finding::new(Code::Signed, "The file carries time-stamps; they were not judged here."))?,
            _ => {}
        }
    }
    match content {
        Some(content) => give(child, &content, sink),
        None => sink.finding(Finding::new(Code::External, "What was stamped is not in the file.")),
    }
}
