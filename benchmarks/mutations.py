"""Mutations of files for the fuzzer: bytes, tokens, nesting, and the members of archives."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from random import Random

_SPECIAL = [
    *(b"\0", b"\x01", b"\x1b[2J", b"\x7f", b"\r", b"\n\n", b"\x0c", b"\x85", b"\xff\xfe", b"\xed\xa0\x80"),
    *(mark.encode() for mark in ("\u202e", "\u2066", "\u2028", "\ufeff", "\U0010ffff", "e\u0301", "👩\u200d👧")),
    *(word.encode() for word in ("שלום", "İ", "ß", "=cmd|' /C calc'!A1", "javascript:", "![x](http://x.invalid/)")),
    *(b"<script>alert(1)</script>", b"{{7*7}}", b"${x}", b"&#0;", b"&#xD800;", b"&#x110000;", b"&a;"),
    *(b"<!DOCTYPE a [<!ENTITY a '&a;'>]>", b"<![CDATA[", b"]]>", b"-->", b"\\u-99999?", b"\\bin99999999 "),
    *(b"\\'zz", b"\\ud800", b"=?utf-8?q?=ff?=", b"%00", b"../../", b"C:\\", b"|", b'"', b",", b";"),
]  # fmt: skip
_NUMBERS = [
    *(b"0", b"-1", b"1e309", b"NaN", b"-0", b"99", b"999999", b"2147483648", b"-9223372036854775809", b"0x7f"),
    *("٣".encode(), "²".encode(), b"9" * 40, b"9" * 5000, b"1.5", b""),
]
_NESTED = [
    (b"[", b"]"), (b"{\"a\":", b"}"), (b"(", b")"), (b"<b>", b"</b>"), (b"<div>", b"</div>"), (b"<table><tr><td>", b""),
    (b"<ul><li>", b"</li></ul>"), (b"{\\b ", b"}"), (b"> ", b""), (b"- ", b""), (b"  - a\n  ", b""), (b"<<", b">>"),
    (b"*", b"*"), (b"`", b""), (b'"', b'"'), (b"| a ", b"|"),
]  # fmt: skip
_LONG_WORD = 5_000
"""One mutation in this many inserts a word of 10 MB."""
_TAG = re.compile(rb"<[^<>]{1,300}>|\{[^{}]{0,80}\}|\\[a-z]+-?\d*|^[^\n:]{1,40}:", re.MULTILINE)
_DIGITS = re.compile(rb"\d+")
_PIECES = re.compile(rb"\w+|\s+|[^\w\s]+")
Mutation = Callable[[bytes, Random], bytes]


def mutated(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Return a file with some mutations; `others` are files of the same format to splice with.

    Of an archive, mutate mostly the members.
    """
    if zipfile.is_zipfile(io.BytesIO(data)) and random.random() < 0.8:
        return _mutated_archive(data, random)
    for _ in range(_count(random)):
        if others and random.random() < 0.1:
            other = random.choice(others)
            data = data[: random.randint(0, len(data))] + other[random.randint(0, len(other)) :]
        elif random.randrange(_LONG_WORD) == 0:
            data = _inserted(data, random.choice([b"x", b"ab,", b"\xe2\x80\xae", b"1", b"<"]) * 10_000_000, random)
        else:
            data = random.choice(_MUTATIONS)(data, random)
    return data


def _mutated_archive(data: bytes, random: Random) -> bytes:
    """Return an archive with mutated, missing, swapped or renamed members."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    for _ in range(_count(random)):
        at = random.randrange(len(members))
        name, content = members[at]
        what = random.random()
        if what < 0.85:
            # Styles and themes are large and hardly read: prefer other members.
            at = random.choice(
                [n for n, (name, _) in enumerate(members) if "theme" not in name and "Layout" not in name] or [at]
            )
            name, content = members[at]
            members[at] = (name, random.choice(_MUTATIONS)(content, random))
        elif what < 0.9:
            members[at] = (name, random.choice(members)[1])
        elif what < 0.95 and len(members) > 1:
            del members[at]
        else:
            members.append((random.choice([name, f"../{name}", f"/{name}", name.upper(), "\u202e"]), content))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in dict(members).items():
            archive.writestr(name, content)
    return made.getvalue()


def _count(random: Random) -> int:
    return 1 + min(int(random.expovariate(0.6)), 12)


def _range(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randint(0, len(data))
    return start, min(len(data), start + int(random.expovariate(1 / random.choice([1, 8, 64, 1024]))) + 1)


def _inserted(data: bytes, word: bytes, random: Random) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + word + data[at:]


def _flip(data: bytes, random: Random) -> bytes:
    made = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 16]) if data else 0):
        made[random.randrange(len(made))] = random.randrange(256)
    return bytes(made)


def _cut(data: bytes, random: Random) -> bytes:
    start, end = _range(data, random)
    return data[:start] + data[end:]


def _truncate(data: bytes, random: Random) -> bytes:
    return data[: random.randint(0, len(data))]


def _repeat(data: bytes, random: Random) -> bytes:
    start, end = _range(data, random)
    return data[:start] + data[start:end] * random.choice([2, 3, 20, 200]) + data[end:]


def _move(data: bytes, random: Random) -> bytes:
    start, end = _range(data, random)
    return _inserted(data[:start] + data[end:], data[start:end], random)


def _special(data: bytes, random: Random) -> bytes:
    return _inserted(data, random.choice(_SPECIAL) * random.choice([1, 1, 1, 50]), random)


def _number(data: bytes, random: Random) -> bytes:
    return _replaced(data, _DIGITS, random.choice(_NUMBERS), random)


def _tag(data: bytes, random: Random) -> bytes:
    """Replace a tag, a control word or a key by another of the file, by two of them, or by nothing."""
    found = [match[0] for match in _TAG.finditer(data[:200_000])]
    if not found:
        return _flip(data, random)
    word = random.choice([b"", random.choice(found), random.choice(found) + random.choice(found)])
    return _replaced(data, _TAG, word, random)


def _piece(data: bytes, random: Random) -> bytes:
    found = [match[0] for match in _PIECES.finditer(data[:50_000])]
    return _replaced(data, _PIECES, random.choice(found), random) if found else data


def _replaced(data: bytes, pattern: re.Pattern[bytes], word: bytes, random: Random) -> bytes:
    found = list(pattern.finditer(data[:200_000]))
    if not found:
        return data
    match = random.choice(found)
    return data[: match.start()] + word + data[match.end() :]


def _nest(data: bytes, random: Random) -> bytes:
    """Put a range of the file between many opening and closing brackets, tags or marks."""
    before, after = random.choice(_NESTED)
    depth = random.choice([2, 5, 30, 300, 3000])
    start, end = _range(data, random)
    return data[:start] + before * depth + data[start:end] + after * random.choice([depth, 0, depth - 1]) + data[end:]


def _encode(data: bytes, random: Random) -> bytes:
    return data.decode("utf-8", "replace").encode(random.choice(["utf-16", "utf-8-sig", "utf-32", "cp1252"]), "replace")


_MUTATIONS: list[Mutation] = [
    *(_flip, _cut, _truncate, _repeat, _move, _special, _special, _number, _number, _tag, _tag, _tag, _piece, _piece),
    *(_nest, _encode),
]
