"""Which articles say the same: exact copies, and near-duplicates by the phrases they share. Pure."""

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
"""Phrases kept of an article, the same ones of the same text: its sketch."""
_FEWEST = 20
"""Texts of fewer phrases are compared for equality only."""
_NEAR = 0.8
"""Share of their phrases, taken together, from which two articles are near-duplicates."""
_Sketch = NDArray[np.uint64]


@dataclass(frozen=True)
class Record:
    """What is kept in memory of an article: its source and id, a digest of its content, and its sketch as bytes."""

    source: str
    id: str
    content: bytes
    sketch: bytes

    @property
    def phrases(self) -> _Sketch:
        """The sketch as numbers, sorted."""
        return np.frombuffer(self.sketch, dtype=np.uint64)


@dataclass(frozen=True)
class Group:
    """Articles with the same content: the one that is indexed, and the others."""

    original: Record
    copies: tuple[Record, ...]


def record(article: Article) -> Record:
    """The record of an article."""
    return Record(article.source, article.id, content_digest(article), sketch(article.text).tobytes())


def content_digest(article: Article) -> bytes:
    """Return the digest (16 bytes) of what an article says: title, date, pages and rows, and text.

    Title and date count where the file says them beside its text. Its name, author and language do not.
    """
    title = article.title if article.title_origin == "metadata" else ""
    dated = article.published
    published = dated.when if dated and dated.origin != "file name" else None
    marks = marks_to_json(article.pages, article.rows, article.times)
    digest = hashlib.blake2b(json.dumps([title, published, marks]).encode(), digest_size=16)
    digest.update(article.text.encode("utf-8", "surrogatepass"))
    return digest.digest()


def originals(records: Sequence[Record]) -> list[Group]:
    """The groups of sources with the same content, by the name of the one that is indexed.

    That is the first by name, so the order they come in does not matter.
    """
    groups: dict[bytes, list[Record]] = {}
    for one in sorted(records, key=lambda one: one.source):
        groups.setdefault(one.content, []).append(one)
    return [Group(group[0], tuple(group[1:])) for group in groups.values()]


def near_duplicates(records: Sequence[Record]) -> Iterator[tuple[str, str, float]]:
    """(source, an earlier source, share of phrases in [0, 1] that they have in common) of articles nearly the same.

    The share is estimated from sketches, the smallest hashes of each text's phrases (Broder 1997, "On the resemblance
    and containment of documents"). Each article is compared with the one that most of its sketch was first seen in, so
    the time grows with the number of articles and not with its square.
    """
    if not records:
        return
    lengths = np.array([len(one.phrases) for one in records])
    # Columns of numbers, not a dictionary of phrases: that would take ten times the memory.
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
    """The estimated share of phrases that two texts have in common, of all that either has; 0 for two empty ones."""
    together = np.union1d(one, other)[:_KEPT]
    shared = np.intersect1d(one, other, assume_unique=True)
    return float(np.isin(together, shared).mean()) if len(together) else 0.0


def sketch(text: str) -> _Sketch:
    """The smallest hashes of a text's phrases, sorted; empty for a short text."""
    hashes = [zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in text.lower().split()]
    if len(hashes) < _PHRASE + _FEWEST:
        return np.array([], dtype=np.uint64)
    words = np.array(hashes, dtype=np.uint64)
    length = len(words) - _PHRASE + 1
    mixed = np.zeros(length, dtype=np.uint64)
    for at in range(_PHRASE):
        # An odd multiplier (that of Knuth's 64-bit generator) spreads each word over all bits, wherever it stands.
        mixed = (mixed ^ words[at : at + length]) * np.uint64(6364136223846793005)
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed)[:_KEPT]


def repeated(records: Sequence[Record]) -> list[tuple[str, str]]:
    """(source, remark) of each that says the same as another, or nearly the same."""
    groups = originals(records)
    same = [
        (copy.source, f"says the same as {group.original.source!r}: indexed once")
        for group in groups
        for copy in group.copies
    ]
    near = [
        (source, f"says nearly the same as {other!r} ({share:.0%} of their phrases)")
        for source, other, share in near_duplicates([group.original for group in groups])
    ]
    return sorted(same + near)
