"""Find articles with the same content: exact copies, and near-duplicates by shared phrases. Pure."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.article import Article
from index.formats.content import marks_to_json

_PHRASE = 5
"""Words in a phrase."""
_KEPT = 128
"""Phrases of an article that its sketch keeps; equal texts keep the same ones."""
_FEWEST = 20
"""Texts of fewer phrases are only compared for equality."""
_NEAR = 0.8
"""Share of common phrases from which two articles are near-duplicates."""
_Sketch = NDArray[np.uint64]


@dataclass(frozen=True)
class Record:
    """An article in memory: source, id, digest of its content, and sketch as bytes."""

    source: str
    id: str
    content: bytes
    sketch: bytes

    @property
    def phrases(self) -> _Sketch:
        """Return the sketch as sorted numbers."""
        return np.frombuffer(self.sketch, dtype=np.uint64)


@dataclass(frozen=True)
class Group:
    """Articles with the same content: the one that is indexed, and its copies."""

    original: Record
    copies: tuple[Record, ...]


def record(article: Article) -> Record:
    """Return the record of an article."""
    return Record(article.source, article.id, content_digest(article), sketch(article.text).tobytes())


def content_digest(article: Article) -> bytes:
    """Return the digest (16 bytes) of an article's title, date, pages, rows and text.

    The title counts if the file's metadata gives it, the date unless the file's name gives it. Name, author and
    language do not count.
    """
    title = article.title if article.title_origin == "metadata" else ""
    dated = article.published
    published = dated.when if dated and dated.origin != "file name" else None
    marks = marks_to_json(article.pages, article.rows, article.times)
    digest = hashlib.blake2b(json.dumps([title, published, marks]).encode(), digest_size=16)
    digest.update(article.text.encode("utf-8", "surrogatepass"))
    return digest.digest()


def originals(records: Sequence[Record]) -> list[Group]:
    """Group sources with the same content, in order of the names of the originals.

    The original, which is indexed, is the first by name, so the order of `records` does not matter.
    """
    groups: dict[bytes, list[Record]] = {}
    for one in sorted(records, key=lambda one: one.source):
        groups.setdefault(one.content, []).append(one)
    return [Group(group[0], tuple(group[1:])) for group in groups.values()]


def near_duplicates(records: Sequence[Record]) -> Iterator[tuple[str, str, float]]:
    """Yield pairs of near-duplicates: (source, earlier source, share of phrases).

    The share of common phrases, in [0, 1], is estimated from sketches, the smallest hashes of each text's phrases
    (Broder 1997, "On the resemblance and containment of documents"). Each article is only compared with the earlier
    article in which most of its sketch was first seen, so the time grows with the number of articles and not with its
    square.
    """
    if not records:
        return
    lengths = np.array([len(one.phrases) for one in records])
    # Arrays: a dictionary of phrases would take ten times the memory.
    _, first, which = np.unique(
        np.concatenate([one.phrases for one in records]), return_index=True, return_inverse=True
    )
    owner = np.repeat(np.arange(len(records), dtype=np.int32), lengths)
    seen_in = owner[first][which]
    ends = np.cumsum(lengths)
    for number, end in enumerate(ends):
        votes = seen_in[end - lengths[number] : end]
        earlier = votes[votes < number]
        if len(earlier):
            numbers, counts = np.unique(earlier, return_counts=True)
            other = records[numbers[counts.argmax()]]
            share = resemblance(records[number].phrases, other.phrases)
            if share >= _NEAR:
                yield records[number].source, other.source, share


def resemblance(one: _Sketch, other: _Sketch) -> float:
    """Estimate the share of all phrases of two texts that both have; 0 without any."""
    together = np.union1d(one, other)[:_KEPT]
    shared = np.intersect1d(one, other, assume_unique=True)
    return float(np.isin(together, shared).mean()) if len(together) else 0.0


def sketch(text: str) -> _Sketch:
    """Return the smallest hashes of a text's phrases, sorted; empty for a short text."""
    hashes = [zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in text.lower().split()]
    if len(hashes) < _PHRASE + _FEWEST:
        return np.array([], dtype=np.uint64)
    words = np.array(hashes, dtype=np.uint64)
    length = len(words) - _PHRASE + 1
    mixed = np.zeros(length, dtype=np.uint64)
    for at in range(_PHRASE):
        # An odd multiplier (of Knuth's 64-bit generator) spreads each word over all bits, whatever its position.
        mixed = (mixed ^ words[at : at + length]) * np.uint64(6364136223846793005)
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed)[:_KEPT]


def repeated(records: Sequence[Record]) -> list[tuple[str, str]]:
    """Return (source, remark) for each copy and each near-duplicate."""
    groups = originals(records)
    same = [
        (copy.source, f"has the same text as {group.original.source!r}: indexed once")
        for group in groups
        for copy in group.copies
    ]
    near = [
        (source, f"has nearly the same text as {other!r} ({share:.0%} of their phrases)")
        for source, other, share in near_duplicates([group.original for group in groups])
    ]
    return sorted(same + near)
