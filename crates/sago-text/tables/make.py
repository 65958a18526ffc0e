#!/usr/bin/env python3
"""Makes nouns.txt, verbs.txt and hanja.txt from two packages of Python's index.

    pip download --no-deps python-mecab-ko-dic==2.1.1.post2 hanja==0.15.1
    unzip both wheels into FOLDER, then: python3 make.py FOLDER

Sources: mecab-ko-dic 2.1.1 (Apache-2.0), compiled as MeCab's sys.dic; table.yml of suminb/hanja 0.15.1 (MIT).
Nouns: common nouns of two to four syllables that are no compounds (or are, of three) and that the dictionary weighs by its corpus or gives a class of meaning
(the rest have one default cost and are rare). Verbs: stems of verbs and adjectives of one to four syllables.
Hanja: every reading of each character of the Basic Multilingual Plane, one line for a reading.
"""
import array
import collections
import re
import struct
import sys

HANGUL = re.compile("^[가-힣]+$")


def entries(path):
    """Surface, cost and feature of every entry of a compiled MeCab dictionary: header, double array (darts), tokens, features."""
    data = open(path, "rb").read()
    darts_size, token_size = struct.unpack("<2I", data[24:32])
    darts = array.array("i")
    darts.frombytes(data[72 : 72 + darts_size])
    tokens = data[72 + darts_size : 72 + darts_size + token_size]
    features = data[72 + darts_size + token_size :]
    base, check = darts[0::2], darts[1::2]
    stack = [(base[0], b"")]
    while stack:
        node, key = stack.pop()
        if node < len(base) and check[node] == node and base[node] < 0:
            value = -base[node] - 1
            for i in range(value & 0xFF):
                at = ((value >> 8) + i) * 16
                _, _, _, cost, feature, _ = struct.unpack("<HHHhII", tokens[at : at + 16])
                yield key.decode(), cost, features[feature : features.index(b"\0", feature)].decode().split(",")
        for byte in range(256):
            child = node + byte + 1
            if child < len(base) and check[child] == node and base[child] >= 0:
                stack.append((base[child], key + bytes([byte])))


def contracted(word, verbs):
    code = ord(word[-1]) - 0xAC00
    initial, vowel, final = code // 588, code // 28 % 21, code % 28
    for full in {6: [20], 9: [8], 14: [13], 10: [11]}.get(vowel, []) if final == 0 else []:
        if word[:-1] + chr(0xAC00 + initial * 588 + full * 28) in verbs:
            return True
    return False


def main(folder):
    nouns, verbs = set(), set()
    readings = collections.defaultdict(set)
    for surface, cost, feature in entries(folder + "/mecab_ko_dic/dictionary/sys.dic"):
        tag, meaning, reading, kind = feature[0], feature[1], feature[3], feature[4]
        if HANGUL.match(surface):
            if tag in ("NNG", "NP") and kind == "*" and 2 <= len(surface) <= 4 and (meaning != "*" or not 2636 <= cost <= 2660):
                nouns.add(surface)
            if tag == "NNG" and kind == "Compound" and len(surface) == 3 and not 2636 <= cost <= 2660:
                nouns.add(surface)
            if tag in ("VV", "VA") and kind == "*" and len(surface) <= 4:
                verbs.add(surface)
        elif len(surface) == 1 and "\u3400" <= surface <= "\u9fff" and HANGUL.match(reading) and len(reading) == 1:
            readings[reading].add(surface)
    # Stems that have run together with 어 (때려, 봐) are forms, not stems; so are some archaic ones of one syllable.
    verbs = {w for w in verbs if not contracted(w, verbs)} - set("녀니느다댕디비소시여으인제중즈")
    for line in open(folder + "/hanja/table.yml"):
        match = re.match(r'"\\u([0-9A-F]{4})": "\\u([0-9A-F]{4})"', line)
        if match and 0x3400 <= int(match[1], 16) <= 0x9FFF:
            readings[chr(int(match[2], 16))].add(chr(int(match[1], 16)))
    with open("nouns.txt", "w") as out:
        out.write("".join(w + "\n" for w in sorted(nouns)))
    with open("verbs.txt", "w") as out:
        out.write("".join(w + "\n" for w in sorted(verbs)))
    with open("hanja.txt", "w") as out:
        out.write("".join(r + "".join(sorted(c)) + "\n" for r, c in sorted(readings.items()) if HANGUL.match(r)))


main(sys.argv[1])
