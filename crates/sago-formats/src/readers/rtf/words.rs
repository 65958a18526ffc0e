//! What the words of RTF name: destinations, properties, letters.

use crate::document::BlockKind;

/// Groups whose text is never read: tables of looks, and copies of what stands elsewhere.
pub(super) fn is_skipped(word: &str) -> bool {
    matches!(
        word,
        "colortbl"
            | "listtable"
            | "listoverridetable"
            | "rsidtbl"
            | "revtbl"
            | "filetbl"
            | "fontemb"
            | "themedata"
            | "colorschememapping"
            | "datastore"
            | "latentstyles"
            | "nonshppict"
            | "pgdsctbl"
            | "bkmkstart"
            | "bkmkend"
            | "falt"
            | "panose"
            | "listname"
            | "blipuid"
            | "mhtmltag"
            | "shprslt"
            | "upr"
            | "nonesttables"
            | "mmathPict"
            | "ftnsep"
            | "ftnsepc"
            | "ftncn"
            | "aftnsep"
            | "aftnsepc"
            | "aftncn"
            | "datafield"
            | "template"
            | "private"
            | "atnid"
            | "atndate"
            | "atnref"
            | "atntime"
            | "atrfstart"
            | "atrfend"
            | "atnparent"
            | "objalias"
            | "objsect"
            | "objname"
            | "oleclsid"
            | "pnseclvl"
            | "passwordhash"
            | "mctrlPr"
    )
}

/// Groups that begin with `\*` and hold text or groups with text.
pub(super) fn is_followed(word: &str) -> bool {
    matches!(
        word,
        "shppict"
            | "shpinst"
            | "shp"
            | "do"
            | "background"
            | "mmath"
            | "moMath"
            | "moMathPara"
            | "nesttableprops"
            | "userprops"
            | "formfield"
            | "picprop"
            | "shpgrp"
            | "objattph"
            | "fchars"
            | "lchars"
            | "result"
    )
}

pub(super) fn story_of(word: &str) -> Option<BlockKind> {
    Some(match word {
        "footnote" => BlockKind::Note,
        "header" | "headerl" | "headerr" | "headerf" | "footer" | "footerl" | "footerr" | "footerf" => BlockKind::Margin,
        "annotation" => BlockKind::Comment,
        "shptxt" | "dptxbxtext" => BlockKind::Paragraph,
        "xe" | "tc" | "rxe" | "txe" => BlockKind::Hidden,
        _ => return None,
    })
}

pub(super) fn value_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "title" => "dc:title",
        "subject" => "dc:subject",
        "author" => "dc:creator",
        "operator" => "cp:lastModifiedBy",
        "keywords" => "cp:keywords",
        "doccomm" | "comment" => "dc:description",
        "company" => "app:Company",
        "manager" => "app:Manager",
        "category" => "cp:category",
        "generator" => "app:Application",
        "hlinkbase" => "app:HyperlinkBase",
        "atnauthor" => "atnauthor",
        "fldinst" => "fldinst",
        "sn" => "sn",
        "sv" => "sv",
        "propname" => "propname",
        "staticval" => "staticval",
        "objclass" => "rtf:objclass",
        "ffdeftext" | "ffl" | "ffhelptext" | "ffstattext" => "field",
        _ => return None,
    })
}

pub(super) fn time_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "creatim" => "dcterms:created",
        "revtim" => "dcterms:modified",
        "printim" => "cp:lastPrinted",
        _ => return None,
    })
}

pub(super) fn letter_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "emdash" => "—",
        "endash" => "–",
        "bullet" => "•",
        "lquote" => "‘",
        "rquote" => "’",
        "ldblquote" => "“",
        "rdblquote" => "”",
        "emspace" => "\u{2003}",
        "enspace" => "\u{2002}",
        "qmspace" => "\u{2005}",
        "zwj" => "\u{200d}",
        "zwnj" => "\u{200c}",
        "zwbo" => "\u{200b}",
        "zwnbo" => "\u{2060}",
        "ltrmark" => "\u{200e}",
        "rtlmark" => "\u{200f}",
        "tab" => "\t",
        "line" | "lbr" | "softline" => "\n",
        _ => return None,
    })
}
