"""The words of an index as its sources write them, and the English words that the shipped encoder knows."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from index.encoder.embedder import SHIPPED
from index.text.terms import FUNCTION_WORDS
from index.text.tokens import token_counter
from index.text.words import terms, words

_WORD = re.compile(r"[^\W\d_]{3,}")
_HYPHENS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
_MOST = 50_000_000
"""The most characters of text that are counted: minutes of work at most, however large the index."""
_SHORTEST_PART = 4
"""The fewest letters of each part of a compound such as "cannonball"."""
_SHARED, _ENDING = 5, 3
"""The fewest letters that two forms of a name share, and the most letters of an ending: "Icelandic", "Iceland"."""


@dataclass(frozen=True)
class Vocabulary:
    """The words of the sources, in lower case.

    `counts` says how often each occurs, `spellings` how it is usually written. `joined` are the hyphenated words,
    written without hyphens.
    """

    counts: dict[str, int]
    spellings: dict[str, str]
    joined: frozenset[str] = frozenset()

    def written(self, word: str) -> str:
        """Return a word of the sources with the capitals that it most often has there."""
        return self.spellings.get(word, word)

    def has_form(self, word: str) -> bool:
        """True if the sources have a word or another form of it.

        "Iceland" is in sources that have "Icelandic", and "e-mail" in those that have "email".
        """
        low = folded(word)
        joined = re.sub(r"[^\w]", "", low)
        if low in self.counts or joined in self.counts or joined in self.joined:
            return True
        if len(joined) < _SHARED:
            return False
        return any(
            (other.startswith(joined) or (joined.startswith(other) and len(other) >= _SHARED))
            and abs(len(other) - len(joined)) <= _ENDING
            for other in self._by_initial.get(joined[0], ())
        )

    def begin_like(self, word: str) -> list[str]:
        """Return the words that begin like `word`, function words included."""
        return _begin_like(word, self._by_initial)

    @cached_property
    def _by_initial(self) -> dict[str, list[str]]:
        return _grouped({*self.counts, *FUNCTION_WORDS})


def _grouped(words_: Iterable[str]) -> dict[str, list[str]]:
    """Group words of four letters and more by their first letter."""
    grouped = defaultdict[str, list[str]](list)
    for word in words_:
        if len(word) > 3:
            grouped[word[0]].append(word)
    return grouped


def _begin_like(word: str, grouped: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the words with the same first letter, which people seldom get wrong, or with the first two swapped."""
    swapped = (other for other in grouped.get(word[1:2], ()) if other[1:2] == word[0])
    return [*grouped.get(word[0], ()), *swapped]


def folded(word: str) -> str:
    """Return a word in lower case, without accents and without a possessive ending."""
    return "".join(words(re.sub(r"[’']s?$", "", word)))


def count_words(texts: Iterable[str], most: int = _MOST) -> Vocabulary:
    """Count the words of texts, in at most the first `most` characters."""
    raw, joined = Counter[str](), set[str]()
    for text in texts:
        raw.update(_WORD.findall(text[:most]))
        joined.update(folded(word.replace("-", "")) for word in set(_HYPHENS.findall(text[:most])))
        most -= len(text)
        if most <= 0:
            break
    counts, usual = dict[str, int](), dict[str, tuple[int, str]]()
    for word, number in raw.items():
        low = word.lower() if word.isascii() else folded(word)
        counts[low] = counts.get(low, 0) + number
        usual[low] = max(usual.get(low, (0, "")), (number, word))
    return Vocabulary(counts, {low: word for low, (_, word) in usual.items() if word != low}, frozenset(joined))


_DERIVED = re.compile(r"(?:re|un)?(?P<base>\w{3,}?)(?P<doer>ers?)?")
"""A word made of another one: "redoing", "joiners", "giver"."""
_UNITS = frozenset("kilo kilos gram grams tonne tonnes litre litres ounce ounces acre acres hectare hectares".split())
"""English words that are not among the encoder's word pieces."""


def is_english(word: str) -> bool:
    """True for a lower-case word that is English in any form: "dragged", "cannonball".

    The encoder's word pieces and the shipped token table decide: common English words are whole pieces.
    """
    whole, stems = _english()
    if word in whole or word in _UNITS or not stems.isdisjoint(terms(word)) or token_counter().count(f" {word}") == 1:
        return True
    if made := _DERIVED.fullmatch(word):
        base = made["base"]
        if (len(base) >= _SHORTEST_PART and base in whole) or (made["doer"] and f"{base}e" in whole):
            return True
    return any(
        word[:at] in whole and word[at:] in whole for at in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)
    )


def english_like(word: str) -> list[str]:
    """Return the common English words that begin like `word`."""
    return _begin_like(word, _english_by_initial())


@cache
def _english_by_initial() -> dict[str, list[str]]:
    return _grouped(_english()[0])


@cache
def _english() -> tuple[frozenset[str], frozenset[str]]:
    """Return the whole words among the encoder's pieces, and their stems."""
    pieces = json.loads((SHIPPED / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    whole = frozenset(piece for piece in pieces if _WORD.fullmatch(piece))
    return whole, frozenset(term for word in whole for term in terms(word))
