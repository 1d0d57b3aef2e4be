"""Which articles say the same: exact copies, and near-duplicates by the phrases they share. Pure."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from index.article import Article

_PHRASE = 5
"""Words in a phrase."""
_KEPT = 128
"""Phrases kept of an article, the same ones of the same text: its sketch."""
_FEWEST = 20
"""Texts of fewer phrases are compared for equality only."""
_NEAR = 0.8
"""Share of their phrases, taken together, from which two articles are near-duplicates."""
_Sketch = NDArray[np.uint64]


def originals(articles: Sequence[Article]) -> list[Article]:
    """One article of each group with the same content, each with the names of the others in `copies`.

    It is the first by name, so the order they come in does not matter. A title that is only the file's name is no
    content, nor is the file's author or language.
    """
    groups: dict[Article, list[Article]] = {}
    for article in sorted(articles, key=lambda one: one.source):
        title = article.title if article.named else ""
        content = replace(article, id="", source="", title=title, author="", language="")
        groups.setdefault(content, []).append(article)
    return [replace(group[0], copies=tuple(one.source for one in group[1:])) for group in groups.values()]


def near_duplicates(articles: Sequence[Article]) -> Iterator[tuple[str, str, float]]:
    """(source, an earlier source, share of phrases in [0, 1] that they have in common) of articles nearly the same.

    The share is estimated from sketches, the smallest hashes of each text's phrases (Broder 1997, "On the resemblance
    and containment of documents"). Each article is compared with the one that most of its sketch was first seen in, so
    the time grows with the number of articles and not with its square.
    """
    first_seen: dict[int, int] = {}
    sketches = [sketch(article.text) for article in articles]
    for number, (article, own) in enumerate(zip(articles, sketches, strict=True)):
        phrases = own.tolist()
        held = Counter(first_seen[one] for one in phrases if one in first_seen)
        for earlier, _ in held.most_common(1):
            share = resemblance(own, sketches[earlier])
            if share >= _NEAR:
                yield article.source, articles[earlier].source, share
        for one in phrases:
            first_seen.setdefault(one, number)


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


def repeated(articles: Sequence[Article]) -> list[tuple[str, str]]:
    """(source, remark) of each that says the same as another, or nearly the same."""
    once = originals(articles)
    same = [(name, f"says the same as {one.source!r}: indexed once") for one in once for name in one.copies]
    near = [
        (source, f"says nearly the same as {other!r} ({share:.0%} of their phrases)")
        for source, other, share in near_duplicates(once)
    ]
    return sorted(same + near)
