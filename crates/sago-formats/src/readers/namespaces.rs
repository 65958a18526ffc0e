//! Usual prefixes of the namespaces of document formats, and the named characters of XHTML that books use.

use quick_xml::name::{LocalName, ResolveResult};

/// The name with the usual prefix of its namespace; with the document's own prefix when the namespace is not known.
pub(crate) fn usual((resolved, local): (ResolveResult<'_>, LocalName<'_>), own: Option<&str>) -> String {
    let prefix = match resolved {
        ResolveResult::Bound(namespace) => prefix(namespace.into_inner()).or(own),
        _ => own,
    };
    match prefix {
        Some(prefix) if !prefix.is_empty() => format!("{prefix}:{}", local.into_inner()),
        _ => local.into_inner().to_owned(),
    }
}

/// Prefix of a namespace; empty for those whose names stand without one.
fn prefix(uri: &str) -> Option<&'static str> {
    // Namespaces of a format differ by version only in the middle; the strict form of Office Open XML has another beginning (ISO/IEC 29500-1, annex A).
    if let Some(rest) = uri.strip_prefix("http://schemas.openxmlformats.org/").or_else(|| uri.strip_prefix("http://purl.oclc.org/ooxml/")) {
        let mut words: Vec<&str> = rest.split('/').collect();
        words.retain(|word| *word != "2006");
        return Some(match words.as_slice() {
            ["wordprocessingml", "main"] => "w",
            ["spreadsheetml", "main"] => "",
            ["presentationml", "main"] => "p",
            ["drawingml", "main"] => "a",
            ["drawingml", "wordprocessingDrawing"] => "wp",
            ["drawingml", "spreadsheetDrawing"] => "xdr",
            ["drawingml", "picture"] => "pic",
            ["drawingml", "chart"] => "c",
            ["drawingml", "chartDrawing"] => "cdr",
            ["drawingml", "diagram"] => "dgm",
            ["officeDocument", "relationships"] => "r",
            ["officeDocument", "math"] => "m",
            ["officeDocument", "extended-properties" | "extendedProperties"] => "ap",
            ["officeDocument", "custom-properties" | "customProperties"] => "op",
            ["officeDocument", "docPropsVTypes"] => "vt",
            ["package", "metadata", "core-properties"] => "cp",
            ["package", "relationships" | "content-types"] => "",
            ["markup-compatibility"] => "mc",
            _ => return None,
        });
    }
    if uri.contains("/hwpml/") || uri.contains("/owpml/") {
        return Some(match uri.rsplit('/').next() {
            Some("paragraph") => "hp",
            Some("section") => "hs",
            Some("core") => "hc",
            Some("head") => "hh",
            Some("master-page") => "hm",
            Some("history") => "hhs",
            Some("app") => "ha",
            _ => return None,
        });
    }
    // OpenDocument, and OpenOffice.org 1 before it.
    if let Some(rest) = uri.strip_prefix("urn:oasis:names:tc:opendocument:xmlns:") {
        return open_document(rest.split(':').next().unwrap_or_default());
    }
    if let Some(rest) = uri.strip_prefix("http://openoffice.org/2000/").or_else(|| uri.strip_prefix("http://openoffice.org/2001/")) {
        return open_document(rest);
    }
    Some(match uri {
        "http://openoffice.org/2004/office" => "ooo",
        "http://purl.org/dc/elements/1.1/" => "dc",
        "http://purl.org/dc/terms/" => "dcterms",
        "http://www.w3.org/1999/xlink" => "xlink",
        "http://www.w3.org/XML/1998/namespace" => "xml",
        "http://www.w3.org/1998/Math/MathML" => "math",
        "http://www.w3.org/2000/svg" => "svg",
        "http://www.w3.org/1999/xhtml" => "",
        "http://www.idpf.org/2007/opf" | "http://www.idpf.org/2007/opf/" | "http://openebook.org/namespaces/oeb-package/1.0/" => "opf",
        "http://www.daisy.org/z3986/2005/ncx/" => "ncx",
        "urn:schemas-microsoft-com:vml" => "v",
        "urn:schemas-microsoft-com:office:office" => "o",
        "urn:schemas-microsoft-com:office:excel" => "x",
        "http://schemas.microsoft.com/office/excel/2006/main" => "xm",
        "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments" => "tc",
        "http://schemas.microsoft.com/office/word/2010/wordprocessingShape" => "wps",
        "http://schemas.microsoft.com/office/powerpoint/2018/8/main" => "p188",
        "http://schemas.microsoft.com/office/word/2012/wordml" => "w15",
        "http://schemas.microsoft.com/office/visio/2011/1/core" | "http://schemas.microsoft.com/office/visio/2012/main" => "",
        "http://schemas.microsoft.com/xps/2005/06" | "http://schemas.openxps.org/oxps/v1.0" => "",
        _ => return None,
    })
}

fn open_document(name: &str) -> Option<&'static str> {
    Some(match name {
        "office" => "office",
        "text" => "text",
        "table" => "table",
        "drawing" => "draw",
        "style" => "style",
        "svg-compatible" | "svg" => "svg",
        "presentation" => "presentation",
        "chart" => "chart",
        "form" => "form",
        "script" => "script",
        "meta" => "meta",
        "manifest" => "manifest",
        "datastyle" => "number",
        "container" => "container",
        _ => return None,
    })
}

/// Named characters: those of XML, and of XHTML (its Latin 1 set by order, and the usual ones of the other two sets).
pub(crate) fn entity(name: &str) -> Option<char> {
    const LATIN_1: [&str; 96] = [
        "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf", "laquo", "not", "shy", "reg", "macr", "deg", "plusmn",
        "sup2", "sup3", "acute", "micro", "para", "middot", "cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute",
        "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave", "Eacute", "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde",
        "Ograve", "Oacute", "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute", "THORN", "szlig", "agrave", "aacute",
        "acirc", "atilde", "auml", "aring", "aelig", "ccedil", "egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc", "iuml", "eth", "ntilde",
        "ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash", "ugrave", "uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
    ];
    if let Some(place) = LATIN_1.iter().position(|other| *other == name) {
        return u32::try_from(place).ok().and_then(|place| char::from_u32(0xA0 + place));
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "ensp" => '\u{2002}',
        "emsp" => '\u{2003}',
        "thinsp" => '\u{2009}',
        "zwnj" => '\u{200c}',
        "zwj" => '\u{200d}',
        "ndash" => '–',
        "mdash" => '—',
        "lsquo" => '‘',
        "rsquo" => '’',
        "sbquo" => '‚',
        "ldquo" => '“',
        "rdquo" => '”',
        "bdquo" => '„',
        "dagger" => '†',
        "Dagger" => '‡',
        "bull" => '•',
        "hellip" => '…',
        "permil" => '‰',
        "prime" => '′',
        "Prime" => '″',
        "lsaquo" => '‹',
        "rsaquo" => '›',
        "euro" => '€',
        "trade" => '™',
        "larr" => '←',
        "rarr" => '→',
        "minus" => '−',
        "ne" => '≠',
        "le" => '≤',
        "ge" => '≥',
        "oelig" => 'œ',
        "OElig" => 'Œ',
        "scaron" => 'š',
        "Scaron" => 'Š',
        _ => return None,
    })
}
