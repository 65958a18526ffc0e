#!/usr/bin/env python3
"""Makes crates/sago-formats/src/identify/pronom.tsv from PRONOM's published records.

    python3 xtask/scripts/pronom.py opf_fido-1.6.1-py2.py3-none-any.whl > crates/sago-formats/src/identify/pronom.tsv

The wheel of fido (PyPI, opf-fido) carries PRONOM's records as The National Archives publish them (pronom-xml-v109.zip) and the container signatures
(container-signature-20200121.xml). Both are under the Open Government Licence v3.0; nothing of fido itself is taken over.

Lines, with tabs between fields:
    V  release of PRONOM  release of the container signatures
    F  PUID  name  version  media types  extensions  PUIDs it has priority over
    S  byte sequences of the format above, all of which must be there: B (from the beginning), E (to the end) or V (anywhere),
       least and most bytes between, colon, pattern in PRONOM's syntax
    C  ZIP or OLE2  PUID, then for each file that must be inside: its path, `=`, its byte sequences with `;` between
"""
import io
import re
import sys
import xml.etree.ElementTree as ET
import zipfile

P = "{http://pronom.nationalarchives.gov.uk}"


def words(node, path):
    return " ".join((node.findtext(path) or "").split())


def sequence(position, offset, more, value):
    """Offset and MaxOffset as DROID reads them: the second is counted from the first; without an offset a sequence may stand anywhere."""
    value = re.sub(r"\s+", "", value).upper()
    if position.endswith("EOF"):
        least = int(offset or 0)
        return f"E{least}-{least + int(more or 0)}:{value}"
    if position == "Variable" or (offset == "" and more == ""):
        return f"V:{value}"
    least = int(offset or 0)
    return f"B{least}-{least + int(more or 0)}:{value}"


def records(archive):
    roots = [ET.fromstring(archive.read(name)) for name in archive.namelist() if name.endswith(".xml")]
    formats = [root.find(f".//{P}FileFormat") for root in roots]

    def puid(node):
        for identifier in node.iter(f"{P}FileFormatIdentifier"):
            if words(identifier, f"{P}IdentifierType") == "PUID":
                return words(identifier, f"{P}Identifier")
        raise SystemExit("a record without a PUID")

    by_number = {words(node, f"{P}FormatID"): puid(node) for node in formats}
    found = []
    for node in formats:
        medias = [words(i, f"{P}Identifier") for i in node.iter(f"{P}FileFormatIdentifier") if words(i, f"{P}IdentifierType") == "MIME"]
        medias = [media.strip() for value in medias for media in value.split(",")]
        signatures = [s for s in node.iter(f"{P}ExternalSignature") if words(s, f"{P}SignatureType") == "File extension"]
        extensions = [words(s, f"{P}Signature").lower().lstrip(".") for s in signatures]
        lower = [words(r, f"{P}RelatedFormatID") for r in node.iter(f"{P}RelatedFormat") if words(r, f"{P}RelationshipType") == "Has priority over"]
        head = ["F", puid(node), words(node, f"{P}FormatName"), words(node, f"{P}FormatVersion"), " ".join(medias), " ".join(dict.fromkeys(extensions))]
        lines = ["\t".join([*head, " ".join(by_number[number] for number in lower if number in by_number)])]
        for signature in node.iter(f"{P}InternalSignature"):
            fields = ["PositionType", "Offset", "MaxOffset", "ByteSequenceValue"]
            sequences = [sequence(*(words(b, P + field) for field in fields)) for b in signature.iter(f"{P}ByteSequence")]
            if sequences:
                lines.append("\t".join(["S", *sequences]))
        kind, number = puid(node).split("/")
        found.append(((kind, int(number)), lines))
    return [line for _, lines in sorted(found) for line in lines]


def container_pattern(text):
    """The container file writes texts in quotes and sets with spaces."""
    out, rest = "", text.strip()
    while rest:
        if rest[0].isspace():
            rest = rest[1:]
        elif rest[0] == "'":
            end = rest.index("'", 1)
            out += rest[1:end].encode("utf-8").hex().upper()
            rest = rest[end + 1:]
        elif rest[0] == "[":
            end = rest.index("]")
            inner, rest = rest[1:end], rest[end + 1:]
            inner = re.sub(r"'(.)'", lambda m: m.group(1).encode().hex(), inner).upper().strip()
            if re.fullmatch("&[0-9A-F]{2}", inner):
                out += f"[{inner}]"
                continue
            if re.search("[^0-9A-F: -]", inner):
                raise SystemExit(f"a set that is not known: {inner}")
            if "-" in inner or ":" in inner:
                low, high = re.split("[-:]", inner)
                out += f"[{low.strip()}:{high.strip()}]"
            else:
                out += "(" + "|".join(inner.split()) + ")"
        elif re.match("[0-9A-Fa-f]{2}", rest):
            out += rest[:2].upper()
            rest = rest[2:]
        else:
            raise SystemExit(f"a pattern that is not known: {text}")
    return out


def container_sequence(node):
    parts, head = "", ""
    for index, sub in enumerate(node.iter("SubSequence")):
        pattern = container_pattern(sub.findtext("Sequence"))
        if sub.find("LeftFragment") is not None:
            raise SystemExit("left fragments do not occur")
        for fragment in sub.iter("RightFragment"):
            pattern += f"{{{fragment.get('MinOffset')}-{fragment.get('MaxOffset')}}}" + container_pattern(fragment.text)
        least, most = sub.get("SubSeqMinOffset") or "0", sub.get("SubSeqMaxOffset")
        if most is not None and int(most) < int(least):
            most = least  # Some records leave the second at zero.
        if index == 0:
            kind = {"BOFoffset": "B", "EOFoffset": "E"}.get(node.get("Reference"), "V")
            head = f"{kind}{least}-{most}:" if kind != "V" and most is not None else "V:"
            parts = pattern
        else:
            parts += (f"{{{least}-*}}" if least != "0" else "*") + pattern
    return head + parts


def containers(root):
    puids = {m.get("signatureId"): m.get("Puid") for m in root.iter("FileFormatMapping")}
    lines = []
    for signature in root.iter("ContainerSignature"):
        files = []
        for file in signature.iter("File"):
            sequences = [container_sequence(node) for node in file.iter("ByteSequence")]
            files.append(file.findtext("Path").strip() + "=" + ";".join(sequences))
        puid = puids.get(signature.get("Id"))
        if puid:
            lines.append("\t".join(["C", signature.get("ContainerType"), puid, *files]))
    return lines


def main():
    wheel = zipfile.ZipFile(sys.argv[1])
    names = {name.rsplit("/", 1)[-1]: name for name in wheel.namelist()}
    archive = next(name for name in names if re.fullmatch(r"pronom-xml-v\d+\.zip", name))
    container = next(name for name in names if name.startswith("container-signature-"))
    lines = ["\t".join(["V", re.search(r"v(\d+)", archive).group(1), re.search(r"(\d+)", container).group(1)])]
    lines += records(zipfile.ZipFile(io.BytesIO(wheel.read(names[archive]))))
    lines += containers(ET.fromstring(wheel.read(names[container])))
    sys.stdout.write("\n".join(lines) + "\n")


main()
