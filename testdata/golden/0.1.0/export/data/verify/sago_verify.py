#!/usr/bin/env python3
"""Verifies what Sago hands over, an export, receipt or log folder:   sago_verify.py [--json] [--key FILE]... PATH

Needs Python 3.9 and nothing else. Written from the format document alone, apart from the first verifier, so that
neither has to be taken on trust. The chain it follows:

    bytes of a file -> digests in its manifest line -> manifest_root in the detail of an event -> commitment -> leaf
    -> root of the Merkle tree -> Ed25519 and ML-DSA-44 signatures of the log -> imprint of the time-stamps

It does not check the signature inside a time-stamp token; it prints the openssl command that does. --key names a file
with the log's keys, obtained from somewhere else than the package. Without it the keys in the package are used: that
shows that the package fits together, not whose log it is.
Ends with 0: sound; 1: findings that matter (severity "error"); 2: could not be done.
Sources: RFC 8493 (BagIt), RFC 6962 (Merkle tree), RFC 8032 (Ed25519), FIPS 204 (ML-DSA), RFC 3161 (time-stamps); C2SP
signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-proof; docs/formats.md of Sago ("formats" below).
"""
import argparse, base64, hashlib, json, operator, os, re, shlex, stat, struct, sys
from collections import namedtuple

MAX_SMALL = 256 << 20                   # bytes of any file that is read whole; evidence is read in pieces, at any size
Checkpoint = namedtuple("Checkpoint", "origin size root")
Event = namedtuple("Event", "origin index opening skeleton detail checkpoint")

class Bad(Exception):
    """Something in the package is wrong; the arguments are the code and the message of a finding."""
def want(condition, code, message):
    if not condition:
        raise Bad(code, message)

class Report:
    def __init__(self, root):
        self.root, self.findings, self.checked, self.commands = root, {}, [], []
    def add(self, code, path, message, severity="error"):
        self.findings[code, path, message] = severity
    def guard(self, path, check, *arguments):
        """What the check answers; or None after its Bad has become a finding about path."""
        try:
            return check(*arguments)
        except Bad as bad:
            self.add(bad.args[0], path, bad.args[1])
    def read(self, path):
        full = os.path.join(self.root, path)
        want(os.path.isfile(full) and not os.path.islink(full), "file-missing", "%s is no file here" % path)
        with open(full, "rb") as file:
            data = file.read(MAX_SMALL + 1)
        want(len(data) <= MAX_SMALL, "file-too-large", "%s is larger than this verifier reads" % path)
        return data
# ---------------------------------------------------------------- base64, JSON, numbers: one form each, nothing lenient
def unbase64(text, code, length=None):
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise Bad(code, "not base64")
    want(base64.b64encode(data).decode() == text and length in (None, len(data)), code, "a wrong form of base64")
    return data

def parse_json(text, code, *members, canonical=True):
    """A JSON object, in its canonical form (RFC 8785); when members are named, with exactly these."""
    def refuse(what):
        raise ValueError("%s has no place here" % what)
    once = lambda pairs: dict(pairs) if len(dict(pairs)) == len(pairs) else refuse("a member given twice")
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        value = json.loads(text, parse_constant=refuse, parse_float=refuse, object_pairs_hook=once)
        form = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        form.encode("utf-8")                                        # refuses halves of surrogate pairs
    except (ValueError, TypeError, RecursionError) as error:
        raise Bad(code, "not JSON: %s" % error)
    want(isinstance(value, dict) and (not members or set(value) == set(members)), code, "not the right members")
    want(form == text or not canonical, code, "not canonical JSON")
    return value
def whole(value, code):
    want(type(value) is int and 0 <= value < 1 << 53, code, "a number is not one")
    return value
def unhex(value, code, size=32):
    want(isinstance(value, str) and re.fullmatch("[0-9a-f]{%d}" % (2 * size), value), code, "not a lower-case digest")
    return bytes.fromhex(value)
# ---------------------------------------------------------------- Merkle tree (RFC 6962, section 2.1)
def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()
def leaf_hash(entry):
    return sha256(b"\0", entry)
def tree_root(hashes):
    """Root over leaf hashes: the left part is the largest power of two smaller than their number."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256()
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1", tree_root(hashes[:split]), tree_root(hashes[split:]))

def root_from_path(node, index, size, path):
    """The root an inclusion path (leaf's sibling first) leads to; None when it has not the length of this place."""
    if size < 2 or not path:
        return node if size == 1 and index == 0 and not path else None
    split = 1 << (size - 1).bit_length() - 1
    if index < split:
        node = root_from_path(node, index, split, path[:-1])
        return node and sha256(b"\1", node, path[-1])
    node = root_from_path(node, index - split, size - split, path[:-1])
    return node and sha256(b"\1", path[-1], node)
# ---------------------------------------------------------------- Ed25519 (RFC 8032, section 5.1), textbook arithmetic
P, ORDER = 2 ** 255 - 19, 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
def point_add(a, b):
    t = D * a[0] * b[0] * a[1] * b[1]
    return ((a[0] * b[1] + a[1] * b[0]) * pow(1 + t, -1, P) % P, (a[1] * b[1] + a[0] * b[0]) * pow(1 - t, -1, P) % P)
def point_multiply(scalar, point):
    total = (0, 1)
    while scalar:
        total = point_add(total, point) if scalar & 1 else total
        point, scalar = point_add(point, point), scalar >> 1
    return total

def point_decode(data):
    """A point in its canonical form and not of small order, or None."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    x = x if x & 1 == sign else P - x
    return (x, y) if y < P and x * x % P == square and point_multiply(8, (x, y))[0] else None
BASE = point_decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
def ed25519_verify(public, message, signature):
    a, r, s = point_decode(public), point_decode(signature[:32]), int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or a is None or r is None or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    return point_multiply(s, BASE) == point_add(r, point_multiply(h, a))
# ---------------------------------------------------------------- ML-DSA-44 (FIPS 204): verification, empty context
Q, TAU, GAMMA1, GAMMA2, BETA, OMEGA = 8380417, 39, 1 << 17, 95232, 78, 80
POWERS = [pow(1753, i, Q) for i in range(512)]                      # 1753 is a 512th root of unity mod q
ODD = [2 * int(format(i, "08b")[::-1], 2) + 1 for i in range(256)]  # the transform is the value at its odd powers
TO_NTT = [[POWERS[k * j % 512] for j in range(256)] for k in ODD]
FROM_NTT = [[POWERS[-k * j % 512] for k in ODD] for j in range(256)]  # the inverse, but for the factor 1/256
def transform(table, values):
    return [sum(map(operator.mul, row, values)) % Q for row in table]
def unpack(data, bits):
    everything = int.from_bytes(data, "little")
    return [everything >> bits * i & (1 << bits) - 1 for i in range(256)]
def sample_uniform(seed):                                           # algorithm 30; 1024 draws always hold 256
    stream = hashlib.shake_128(seed).digest(3 * 1024)
    draws = (int.from_bytes(stream[i:i + 3], "little") & 0x7FFFFF for i in range(0, len(stream), 3))
    return [draw for draw in draws if draw < Q][:256]
def sample_in_ball(seed):                                           # algorithm 29
    stream, c, at = hashlib.shake_256(seed).digest(2048), [0] * 256, 8
    for i in range(256 - TAU, 256):
        while stream[at] > i:
            at += 1
        sign = int.from_bytes(stream[:8], "little") >> i + TAU - 256 & 1
        c[i], c[stream[at]], at = c[stream[at]], 1 - 2 * sign, at + 1
    return c
def unpack_hint(data):                                              # algorithm 21: None when not in its one form
    hint, at = [[0] * 256 for _ in range(4)], 0
    for poly, end in zip(hint, data[OMEGA:]):
        places = list(data[at:end])
        if not at <= end <= OMEGA or places != sorted(set(places)):
            return None
        for place in places:
            poly[place] = 1
        at = end
    return None if any(data[at:OMEGA]) else hint
def use_hint(bit, value):                                           # algorithms 36 and 40
    low = value % (2 * GAMMA2)
    low = low - 2 * GAMMA2 if low > GAMMA2 else low
    high, low = (0, low - 1) if value - low == Q - 1 else ((value - low) // (2 * GAMMA2), low)
    return (high + (1 if low > 0 else -1)) % 44 if bit else high

def mldsa44_verify(public, message, signature):                     # algorithms 3 and 8
    z = [[GAMMA1 - value for value in unpack(signature[i:i + 576], 18)] for i in range(32, 2336, 576)]
    hint = unpack_hint(signature[2336:])
    if len(signature) != 2420 or hint is None or any(abs(value) >= GAMMA1 - BETA for poly in z for value in poly):
        return False
    mu = hashlib.shake_256(hashlib.shake_256(public).digest(64) + b"\0\0" + message).digest(64)
    c, z, encoded = transform(TO_NTT, sample_in_ball(signature[:32])), [transform(TO_NTT, poly) for poly in z], b""
    for row in range(4):
        matrix = [sample_uniform(public[:32] + bytes((column, row))) for column in range(4)]
        t = transform(TO_NTT, [value << 13 for value in unpack(public[32 + 320 * row:352 + 320 * row], 10)])
        w = transform(FROM_NTT, [sum(matrix[j][i] * z[j][i] for j in range(4)) - c[i] * t[i] for i in range(256)])
        high = [use_hint(bit, value * pow(256, -1, Q) % Q) for bit, value in zip(hint[row], w)]
        encoded += sum(value << 6 * i for i, value in enumerate(high)).to_bytes(192, "little")
    return hashlib.shake_256(mu + encoded).digest(32) == signature[:32]
# ---------------------------------------------------------------- verifier keys and signed checkpoints (C2SP)
def parse_vkeys(data):
    """Set of (name, id, algorithm byte, public key) from lines name+id+base64."""
    keys, code = set(), "key-malformed"
    for line in data.decode("utf-8", "replace").split():
        found = re.fullmatch(r"([!-*,-~]{1,255})\+([0-9a-f]{8})\+(\S+)", line)
        want(found, code, "a line is not a verifier key")
        body = unbase64(found[3], code)
        want((body[:1], len(body)) in ((b"\1", 33), (b"\4", 33), (b"\6", 1313)), code, "a key of an unknown kind")
        want(sha256(found[1].encode(), b"\n", body)[:4].hex() == found[2], code, "a key id is not that of its key")
        keys |= {(found[1], bytes.fromhex(found[2]), body[0], body[1:])} if body[0] != 4 else set()   # 4: a witness
    want(keys, code, "no key in this file")
    return keys

class Keys:
    """Checks signed checkpoints with the keys named after their log; remembers them, to compare their trees."""
    def __init__(self, report, pinned, own):
        self.report, self.pinned, self.own, self.known, self.roots = report, pinned, own, {}, {}
    def of(self, origin):
        own, keys = ({key for key in keys if key[0] == origin} for keys in (self.own, self.pinned or self.own))
        want(keys, "key-missing", "no key that may be used is named after this log, %s" % origin)
        for code, remark, message in (
                ("key-from-package", not self.pinned, "the keys of log %s are from the package itself: compare them"),
                ("key-differs", own and own != keys, "the package lists other keys of log %s than those given"),
                ("key-one-algorithm", {key[2] for key in keys} != {1, 6}, "log %s has no keys of both algorithms")):
            if remark:
                self.report.add(code, "", message % origin, "warning")
        return sorted(keys)
    def checkpoint(self, data):
        """The checkpoint in these bytes, once every key of its log has signed it."""
        self.known[data] = self.known.get(data) or self.check(data)
        return self.known[data]
    def check(self, data):
        text, code = data.decode("utf-8", "replace"), "checkpoint-malformed"
        body, _, tail = text.rpartition("\n\n")
        lines, found = body.split("\n"), [re.fullmatch("\u2014 (\\S+) (\\S+)", line) for line in tail[:-1].split("\n")]
        want(len(lines) == 3 and lines[0] and re.fullmatch("0|[1-9][0-9]{0,17}", lines[1]) and tail[-1:] == "\n"
             and all(found) and not re.search("[\0-\x09\x0b-\x1f\ufffd]", text), code, "not a signed checkpoint")
        origin, size, root = lines[0], int(lines[1]), unbase64(lines[2], code, 32)
        signatures = [(match[1], unbase64(match[2], code)) for match in found]
        for name, key_id, algorithm, public in self.of(origin):
            label, prefix = "ML-DSA-44" if algorithm == 6 else "Ed25519", bytes((len(name.encode()),)) + name.encode()
            mine = [data[4:] for signer, data in signatures if signer == name and data[:4] == key_id]
            want(mine, "signature-missing", "the log's %s signature is missing" % label)
            for signature in mine:                                  # first: structure cosigned_message, start = 0
                message = b"subtree/v1\n\0" + prefix + signature[:8] + prefix + struct.pack(">QQ", 0, size) + root
                want(signature[:1] < b"\x80" and mldsa44_verify(public, message, signature[8:]) if algorithm == 6 else
                     ed25519_verify(public, (body + "\n").encode(), signature),
                     "signature-invalid", "the log's %s signature does not verify" % label)
        want(self.roots.setdefault((origin, size), root) == root, "checkpoint-fork", "two trees of one size are signed")
        return Checkpoint(origin, size, root)
# ---------------------------------------------------------------- openings and proofs (formats, sections 2 and 3)
def open_half(half, name):
    """(commitment, payload) of one half; the payload is None when it is withheld."""
    code = "proof-opening-invalid"
    if isinstance(half, dict) and set(half) == {"commitment"}:
        return unbase64(half["commitment"], code, 32), None
    want(isinstance(half, dict) and set(half) == {"nonce", "payload"}, code, "%s is neither open nor withheld" % name)
    payload = parse_json(half["payload"], code)
    return sha256(b"sago/%s/1\n" % name.encode(), unbase64(half["nonce"], code, 32), half["payload"].encode()), payload

def check_proof(report, path, keys):
    """The event in a .tlog-proof, once it is shown to be in a signed tree."""
    code = "proof-malformed"
    head, blank, note = report.read(path).partition(b"\n\n")
    lines = head.decode("ascii", "replace").split("\n")
    want(blank and lines.pop(0) == "c2sp.org/tlog-proof@v1" and lines, code, "not a tlog-proof@v1")
    extra = lines.pop(0)[6:] if lines[0].startswith("extra ") else None
    index = re.fullmatch("index (0|[1-9][0-9]{0,17})", lines.pop(0) if lines else "")
    want(index and len(lines) < 64, code, "no index, or a path longer than any")
    siblings, index = [unbase64(line, code, 32) for line in lines], int(index[1])
    want(extra is not None, "proof-opening-missing", "the proof carries no opening")
    code = "proof-opening-invalid"
    opening = parse_json(unbase64(extra, code), code, "detail", "index", "log", "opening", "seconds", "skeleton")
    want(opening["opening"] == "sago-opening/1", code, "not a sago-opening/1")
    (first, skeleton), (second, detail) = (open_half(opening[name], name) for name in ("skeleton", "detail"))
    commitment = base64.b64encode(sha256(b"sago/leaf/1\n", first, second))
    entry = b"sago-leaf/1 %d %s\n" % (whole(opening["seconds"], code), commitment)
    checkpoint = keys.checkpoint(note)
    want(root_from_path(leaf_hash(entry), index, checkpoint.size, siblings) == checkpoint.root,
         "proof-not-included", "what was opened is not in the signed tree at index %d" % index)
    want(opening["log"] == checkpoint.origin, "proof-log-mismatch", "the opening is of another log than the checkpoint")
    want(whole(opening["index"], code) == index, "proof-index-mismatch", "the opening is of another index")
    return Event(checkpoint.origin, index, opening, skeleton, detail, checkpoint)

def manifest(report, path, event):
    """(manifest_root, manifest_lines) in the detail of an accession's event."""
    code, kind = "event-detail", (event.skeleton or {}).get("kind")
    want(event.detail is not None, "detail-withheld", "the detail that holds manifest_root is withheld")
    want(event.skeleton is None or kind == "accession-received", "event-kind", "the event is not accession-received")
    if event.skeleton is None:
        report.add("skeleton-withheld", path, "the kind of event is withheld", "warning")
    return unhex(event.detail.get("manifest_root"), code), whole(event.detail.get("manifest_lines"), code)
# ---------------------------------------------------------------- time-stamps (formats, section 8; RFC 3161)
def check_token(data, algorithm, stamped):
    """Looks for the messageImprint of the stamped bytes in the DER of the token's TSTInfo."""
    oid = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02" + (b"\1" if algorithm == "sha256" else b"\3")
    imprint = b"\4" + bytes((int(algorithm[3:]) // 8,)) + hashlib.new(algorithm, stamped).digest()
    wanted = (b"\x30\x0d" + oid + b"\5\0" + imprint, b"\x30\x0b" + oid + imprint)    # both are in use
    info = data.partition(b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04")[2]    # after id-ct-TSTInfo
    want(any(each in info for each in wanted), "stamp-imprint-mismatch", "the token is about other bytes")

def check_stamps(report, files, keys):
    """Checkpoints under data/stamps/<log id>/<size>/ that a token there is about."""
    stamped = set()
    for folder in sorted({path.rpartition("/")[0] for path in files if path.startswith("data/stamps/")}):
        name, tokens = folder + "/checkpoint", 0
        checkpoint = report.guard(name, lambda: keys.checkpoint(report.read(name)))
        if checkpoint and folder[12:] != "%s/%d" % (sha256(checkpoint.origin.encode()).hex()[:16], checkpoint.size):
            report.add("stamp-folder", folder, "the folder is named after another log or size")
        for path in [path for path in files if checkpoint and path.startswith(folder + "/")]:
            token = re.fullmatch(r"([^/]+)\.(sha256|sha512)\.tsr", path[len(folder) + 1:])
            if token:
                tokens += 1
                report.guard(path, lambda: check_token(report.read(path), token[2], report.read(name)))
                places = os.path.join(report.root, folder), token[0], token[1] + ".chain.pem"
                report.commands.append("cd %s && openssl ts -verify -data checkpoint -in %s -untrusted %s -CAfile "
                                       "ROOT.pem" % tuple(map(shlex.quote, places)))
        if tokens:
            stamped.add(checkpoint)
            report.add("stamp-unchecked", folder, "%d tokens: their signatures are to be checked" % tokens, "info")
    return stamped
# ---------------------------------------------------------------- BagIt (RFC 8493) in the one form of an export
def walk(root):
    """(SHA-256, SHA-512, size) of every file. Links and devices are refused: they are in none of the formats."""
    files = {}
    for folder, folders, names in os.walk(root, onerror=lambda error: (_ for _ in ()).throw(error)):
        for full in (os.path.join(folder, name) for name in folders + names):
            mode, path = os.lstat(full).st_mode, os.path.relpath(full, root).replace(os.sep, "/")
            want(stat.S_ISREG(mode) or stat.S_ISDIR(mode), "not-a-plain-file", "%s is a link or a device" % path)
            if stat.S_ISREG(mode):
                small, large = hashlib.sha256(), hashlib.sha512()
                with open(full, "rb") as file:
                    for block in iter(lambda: file.read(1 << 20), b""):
                        small.update(block), large.update(block)
                    files[path] = (small.hexdigest(), large.hexdigest(), file.tell())
    return dict(sorted(files.items()))

def check_bag(report, digests):
    """Four manifests, lower-case digests, two spaces, and every file in them, but for the tag manifests."""
    if report.read("bagit.txt") != b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n":
        report.add("bag-form", "bagit.txt", "not the declaration of BagIt 1.0")
    for tag, which in (("", 0), ("tag", 0), ("", 1), ("tag", 1)):
        name, listed = "%smanifest-%s.txt" % (tag, ("sha256", "sha512")[which]), {}
        text = report.read(name).decode("utf-8", "replace") if name in digests else ""
        for line in text[:-1].split("\n"):
            found = re.fullmatch("([0-9a-f]{%d})  (.+)" % (64, 128)[which], line, re.DOTALL)
            path = found and re.sub("%(0D|0A|25)", lambda code: chr(int(code[1], 16)), found[2])
            if not found or path in listed or text[-1:] != "\n":
                report.add("bag-form", name, "missing, or a line is not a digest, two spaces and a path")
                break
            listed[path] = found[1]
        here = {path for path in digests if path.startswith("data/") != bool(tag) and path[:12] != "tagmanifest-"}
        for path in sorted(here | set(listed)) if found else ():
            if path not in listed:
                report.add("bag-unlisted", path, name + " does not list it")
            elif path not in here or listed[path] != digests[path][which]:
                code = "bag-%s-%s" % (tag or "payload", "digest-mismatch" if path in here else "file-missing")
                report.add(code, path, "missing or different, according to " + name)
# ---------------------------------------------------------------- export (formats, sections 7 and 10)
def check_item(report, path, events, digests, copies):
    """1, once the item's line is under the manifest_root of a proven event of the custody log, with one file."""
    code, whole_numbers = "item-malformed", ("line_index", "line_count", "event_index")
    proof = parse_json(report.read(path), code, "item_proof", "line", "log", "path", *whole_numbers, canonical=False)
    index, count, at = (whole(proof[member], code) for member in whole_numbers)
    want(proof["item_proof"] == "sago-item-proof/1" and isinstance(proof["path"], list), code, "not an item proof")
    siblings, line = [unhex(node, code) for node in proof["path"]], parse_json(proof["line"], code)
    unhex(line.get("sha256"), code), unhex(line.get("sha512"), code, 64), whole(line.get("bytes"), code)
    want(line.get("line") == "sago-item/1", code, "not the line of an item")
    want(path == "data/proofs/items/%s.json" % line.get("item"), "item-number", "the proof is about another item")
    event = next((one for one in events.values() if (one.origin, one.index) == (proof["log"], at)), None)
    want(event, "item-event", "the event it rests on is not proven here")
    root, lines = manifest(report, path, event)
    want(count == lines and root_from_path(leaf_hash(proof["line"].encode()), index, count, siblings) == root,
         "item-inclusion", "the line is not under the manifest_root of the event")
    want(len(copies) == 1, "evidence-count", "%d files for this item instead of one" % len(copies))
    if digests[copies[0]] != (line["sha256"], line["sha512"], line["bytes"]):
        report.add("evidence-differs", copies[0], "not the bytes that were received as item %s" % line["item"])
    return 1

def check_events(report, path, events):
    """Compares the story told in events.jsonl with the proven events."""
    told = set()
    *lines, rest = report.read(path).split(b"\n")
    want(not rest, "event-malformed", "the last line is not finished")
    for text in lines:
        line = parse_json(text, "event-malformed", "index", "log", "opening", canonical=False)
        place = (str(line["log"]), whole(line["index"], "event-malformed"))
        told.add(place)
        if place not in events or events[place].opening != line["opening"]:
            report.add("event-unproven", path, "%s-%d is not told as it was proven" % place)
    for place in sorted(set(events) - told):
        report.add("event-unlisted", "data/proofs/%s-%d.tlog-proof" % place, "events.jsonl does not tell this event")

def verify_export(report, pinned):
    digests = walk(report.root)
    report.guard("bagit.txt", check_bag, report, digests)
    events, evidence, items, story = {}, {}, 0, "data/provenance/events.jsonl"
    proof = r"data/proofs/((?:custody|access)(?:\.[1-9][0-9]{0,8})?)-(0|[1-9][0-9]{0,17})\.tlog-proof"
    covered = re.compile(proof + r"$|((tag)?manifest-sha(256|512)|bagit)\.txt$|data/(evidence|proofs/(keys|items))/|"
                         r"data/stamps/.*(/checkpoint|\.sha(256|512)\.tsr)$|data/proofs/objects/[^/]+/inventory\.json$")
    keys = Keys(report, pinned, set().union(*(report.guard(path, lambda: parse_vkeys(report.read(path))) or ()
                                              for path in digests if path.startswith("data/proofs/keys/"))))
    for path in digests:
        name = re.fullmatch(proof, path)
        event = name and report.guard(path, check_proof, report, path, keys)
        if event and event.index == int(name[2]):
            events[name[1], event.index] = event
        elif event:
            report.add("proof-name", path, "the file is named after another index")
        if path.startswith("data/evidence/"):
            evidence.setdefault(path.split("/")[2] if path.count("/") == 3 else path, []).append(path)
        if not covered.match(path) and path != story:
            report.add("not-covered", path, "no proof covers this file: only the bag's own manifests list it", "info")
    report.guard(story, check_events, report, story, events)
    committed = "".join(event.opening["skeleton"].get("payload", "") for event in events.values())
    for path in digests:
        name, last = (path.split("/") + [""] * 4)[3:5]
        if path.startswith("data/proofs/items/"):
            items += report.guard(path, check_item, report, path, events, digests, evidence.pop(name[:-5], [])) or 0
        promise = '{"id":"%s","inventory_sha512":"%s"}' % (name, digests[path][1])
        if path.startswith("data/proofs/objects/") and last == "inventory.json" and promise not in committed:
            report.add("inventory-uncommitted", path, "no proven event commits to this inventory of this object")
    for path in sum(evidence.values(), []):
        report.add("evidence-unproven", path, "no item proof is about this file")
    if not items:
        report.add("export-empty", "", "no item here is proven")
    stamped = check_stamps(report, digests, keys)
    bare = sum(event.checkpoint not in stamped for event in events.values())
    if bare:
        report.add("not-stamped", "", "%d events are proven in a checkpoint that has no time-stamp here" % bare, "info")
    report.checked = ["%d files of the bag" % len(digests), "%d events" % len(events), "%d items" % items]
# ---------------------------------------------------------------- receipt (formats, section 11)
def verify_receipt(report, pinned):
    receipt = parse_json(report.read("receipt.json"), "receipt-malformed", canonical=False)
    names = [receipt.get(member) for member in ("manifest", "proof", "key")]
    want(receipt.get("receipt") == "sago-receipt/1" and all(isinstance(name, str) and re.fullmatch(r"\w[\w.-]*", name)
         for name in names), "receipt-malformed", "not a sago-receipt/1")
    for path in sorted(set(walk(report.root)) - set(names)):
        report.add("not-covered", path, "no proof covers this file, or only what is compared with one", "info")
    keys = Keys(report, pinned, report.guard(names[2], lambda: parse_vkeys(report.read(names[2]))) or set())
    event = report.guard(names[1], check_proof, report, names[1], keys)
    if event and (event.origin, event.index) != (receipt.get("log"), receipt.get("event_index")):
        report.add("receipt-event", "receipt.json", "the receipt names another event than it proves")
    *lines, rest = report.read(names[0]).split(b"\n")
    want(lines and not rest, "manifest-malformed", "no line, or the last is not finished")
    first = parse_json(lines[0], "manifest-malformed")
    if (first.get("line"), first.get("accession")) != ("sago-accession/1", receipt.get("accession", "")):
        report.add("receipt-accession", names[0], "the manifest is not about the accession of the receipt")
    told = event and report.guard(names[1], manifest, report, names[1], event)
    if told and told != (tree_root(list(map(leaf_hash, lines))), len(lines)):
        report.add("receipt-root", names[0], "the lines are not those that the log holds the manifest_root of")
    report.checked = ["%d lines of the manifest" % len(lines), "%d event" % bool(event)]
# ---------------------------------------------------------------- log (tlog-tiles)
def verify_log(report, pinned):
    beside, nodes, level = os.path.join("..", os.path.basename(os.path.abspath(report.root)) + ".vkey"), [], 0
    own = set() if pinned else report.guard(beside, lambda: parse_vkeys(report.read(beside))) or set()
    _, size, root = Keys(report, pinned, own).checkpoint(report.read("checkpoint"))
    def tile(kind, index, width):
        digits = str(index).rjust(-(-len(str(index)) // 3) * 3, "0")
        full = "/".join(["tile", kind] + ["x" + part for part in re.findall("...", digits[:-3])] + [digits[-3:]])
        there = width == 256 or os.path.exists(os.path.join(report.root, full))
        return there, report.read(full if there else full + ".p/%d" % width)
    for first in range(0, size, 256):
        width = min(256, size - first)
        full, data = tile("entries", first // 256, width)
        while data and len(nodes) < first + width:
            end = 2 + int.from_bytes(data[:2], "big")
            want(end <= len(data), "bundle-malformed", "an entry of the bundle at %d is cut off" % first)
            nodes.append(leaf_hash(data[2:end]))
            data = data[end:]
        want(len(nodes) == first + width and (full or not data), "bundle-malformed", "too few or many entries")
    want(tree_root(nodes) == root, "root-mismatch", "the entries do not lead to the signed root")
    while nodes:
        for first in range(0, len(nodes), 256):
            part = b"".join(nodes[first:first + 256])
            full, data = tile(str(level), first // 256, len(part) // 32)
            if data[:len(part)] != part or len(data) > len(part) and not full:
                report.add("tile-mismatch", "tile/%d" % level, "tile %d is not made of the entries" % (first // 256))
        nodes, level = [tree_root(nodes[i:i + 256]) for i in range(0, len(nodes) - 255, 256)], level + 1
    report.checked = ["%d entries" % size]
# ---------------------------------------------------------------- what was asked, and the answer
def plain(text):
    """Names are a stranger's choice: shown without control characters."""
    return "".join(c if c.isprintable() else "\\u%04x" % ord(c) for c in text)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one finding a line, as JSON")
    parser.add_argument("--key", action="append", default=[], metavar="FILE", help="keys of the log, from elsewhere")
    parser.add_argument("path", metavar="PATH")
    asked = parser.parse_args()
    report, has = Report(asked.path), lambda name: os.path.lexists(os.path.join(asked.path, name))
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        pinned = set().union(*(parse_vkeys(open(name, "rb").read()) for name in asked.key))
        check = (verify_export if has("bagit.txt") or has("data") else verify_receipt if has("receipt.json") else
                 verify_log if has("checkpoint") else None)
        if check is None:
            raise OSError("%s is not the folder of an export, a receipt or a log" % asked.path)
        report.guard("", check, report, pinned)
    except (OSError, Bad) as problem:
        print("could not verify: %s" % problem, file=sys.stderr)
        return 2
    for (code, path, message), severity in report.findings.items():
        line = json.dumps({"code": code, "path": path, "message": message, "severity": severity})
        print(line if asked.json else plain("%-7s %s %s: %s" % (severity, code, path, message)))
    failed = "error" in report.findings.values()
    if not asked.json:
        print("\nchecked: %s\nnot checked: whether anything was left out; names of files in data/evidence (the true "
              "one is the path in the item's line); signatures of time-stamps (with the authority's ROOT.pem, say:)" % (
                  ", ".join(report.checked) or "nothing"))
        print("\n".join([plain(each) for each in report.commands] + ["", "NOT SOUND" if failed else "SOUND"]))
    return 1 if failed else 0

if __name__ == "__main__":
    sys.exit(main())
