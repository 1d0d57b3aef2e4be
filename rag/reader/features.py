"""What can be counted about a question and a sentence: the inputs of the sentence reader. Pure but for look-ups."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from index.aliases import Aliases
from index.lexical import FUNCTION_WORDS, content_terms, terms, words
from index.tokens import token_counter
from rag.retrieve import Hit

Features = NDArray[np.float64]

SENTENCE_FEATURES = (
    "covered_in_sentence",
    "covered_nearby",
    "covered_in_passage",
    "cosine",
    "passage_score",
    "pairs",
    "kind_fits",
    "kind_lacks",
    "new_words",
    "names_in_sentence",
    "names_in_passage",
)
QUESTION_FEATURES = (
    "best_sentence",
    "best_covered",
    "best_covered_in_passage",
    "best_cosine",
    "top_score",
    "top_cosine",
    "top_coverage",
    "missing_names",
    "missing_share",
    "names_apart",
    "kind_lacks",
)

_WORD = re.compile(r"[^\W_]+(?:[’'&.-][^\W_]+)*")
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?|millions?|billions?)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:1\d{3}|20\d{2}|january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday"
    r"|wednesday|thursday|friday|saturday|sunday|century|centuries|decade|year|years|month|months|week|today|yesterday|tomorrow)\b",
    re.IGNORECASE,
)
_ASKS_NUMBER = re.compile(
    r"\bhow\s+(?:many|much|old|long|tall|far|large|big|high|deep|fast|often)\b|\b(?:number|amount|percentage|percent|share"
    r"|cost|price|population|temperature|rate|value|worth)\b",
    re.IGNORECASE,
)
_ASKS_TIME = re.compile(
    r"\b(?:when|what\s+(?:year|date|day|month|century|time|decade)|which\s+(?:year|date|day|month|century|decade)|since|until)\b",
    re.IGNORECASE,
)
_ASKS_NAME = re.compile(
    r"\b(?:who|whom|whose|where|(?:what|which)\s+(?:\w+\s+)?(?:company|companies|person|people|city|country|state|town|place|team"
    r"|group|organi[sz]ation|author|president|king|queen|leader|supplier|suppliers|partner|partners|region|nation|river|name))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Asked:
    """A question taken apart. `names` are its names and rare words: (as written, terms); `kind` what it asks for."""

    idf: dict[str, float]
    pairs: frozenset[tuple[str, str]]
    names: tuple[tuple[str, tuple[str, ...]], ...]
    kind: str
    words: frozenset[str]


def ask(question: str, idf: dict[str, float]) -> Asked:
    """Take a question apart; `idf` holds the weight of each of its content terms."""
    content = content_terms(question)
    kind = "number" if _ASKS_NUMBER.search(question) else "time" if _ASKS_TIME.search(question) else ""
    if not kind and _ASKS_NAME.search(question):
        kind = "name"
    return Asked(
        idf=idf,
        pairs=frozenset(pairwise(content)),
        names=tuple(names_and_rare_words(question)),
        kind=kind,
        words=frozenset(words(question)),
    )


def names_and_rare_words(question: str) -> list[tuple[str, tuple[str, ...]]]:
    """(word as written, its terms) for words of a question that are names, or too rare for the token table.

    A name has a capital inside the question; the first word counts only when it is rare too.
    """
    found = []
    for number, match in enumerate(_WORD.finditer(question)):
        word = re.sub(r"[’']s?$", "", match.group())
        content = [term for part in words(word) if part not in FUNCTION_WORDS for term in terms(part)]
        if not content or word.isdigit():
            continue
        capital = any(letter.isupper() for letter in (word if number else word[1:]))
        if capital or _is_rare(word):
            found.append((word, tuple(content)))
    return found


def _is_rare(word: str) -> bool:
    """True when the shipped token table, trained on common English, has no single token for the word."""
    return len(word) > 3 and token_counter().count(" " + word.lower()) > 1


def missing_names(asked: Asked, document_frequency: Callable[[str], int]) -> list[str]:
    """The names and rare words that no chunk of the index holds, as written."""
    return [word for word, content in asked.names if not any(document_frequency(term) for term in content)]


def fits_kind(asked: Asked, sentence: str) -> bool:
    """True when the sentence has something of the kind asked for (a number, a time, a name) that the question lacks."""
    if asked.kind == "number":
        return any(match.group().lower() not in asked.words for match in _NUMBER.finditer(sentence))
    if asked.kind == "time":
        return any(match.group().lower() not in asked.words for match in _TIME.finditer(sentence))
    if asked.kind == "name":
        inner = list(_WORD.finditer(sentence))[1:]
        return any(match.group()[0].isupper() and not set(words(match.group())) <= asked.words for match in inner)
    return False


def sentence_features(
    asked: Asked, hit: Hit, before: str, sentence: str, cosine: float, aliases: Aliases
) -> list[float]:
    """The features of one sentence of a hit, in the order of SENTENCE_FEATURES; `before` is the sentence above it.

    A name counts as held in its short or its long form.
    """
    held = aliases.widen(terms(sentence))
    nearby = held | aliases.widen(terms(before)) | aliases.widen(terms(hit.chunk.context))
    passage = aliases.widen(terms(hit.chunk.searchable))
    content = content_terms(sentence)
    pairs = set(pairwise(content))
    fits = fits_kind(asked, sentence)
    return [
        _covered(asked, held),
        _covered(asked, nearby),
        _covered(asked, passage),
        cosine,
        hit.score,
        len(asked.pairs & pairs) / max(1, len(asked.pairs)),
        float(bool(asked.kind) and fits),
        float(bool(asked.kind) and not fits),
        min(1.0, len(set(content) - asked.idf.keys()) / 12),
        _names_held(asked, nearby),
        _names_held(asked, passage),
    ]


def question_features(
    asked: Asked, hits: Sequence[Hit], best: Sequence[float], score: float, missing: int, unseen: set[str]
) -> list[float]:
    """The features of a whole question, in the order of QUESTION_FEATURES.

    `best` are the features of its best sentence and `score` that sentence's log-odds; `missing` counts the names that
    are in no source, `unseen` are the question's terms that are in none.
    """
    named = dict(zip(SENTENCE_FEATURES, best, strict=True))
    return [
        score,
        named["covered_in_sentence"],
        named["covered_in_passage"],
        named["cosine"],
        hits[0].score,
        max(hit.cosine for hit in hits),
        max(hit.coverage for hit in hits),
        float(missing > 0),
        _covered(asked, unseen),
        1.0 - named["names_in_passage"],
        named["kind_lacks"],
    ]


def _covered(asked: Asked, held: set[str]) -> float:
    """The share of the question's term weight that `held` has, in [0, 1]."""
    total = sum(asked.idf.values())
    return sum(weight for term, weight in asked.idf.items() if term in held) / total if total else 0.0


def _names_held(asked: Asked, held: set[str]) -> float:
    """The share of the question's names that `held` has; 1 when it has no names."""
    if not asked.names:
        return 1.0
    return sum(any(term in held for term in content) for _, content in asked.names) / len(asked.names)
