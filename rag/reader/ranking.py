"""The features by which passages and questions are rated after reading. Pure except for look-ups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.store.bm25 import mention
from index.text.aliases import Aliases
from index.text.identifiers import Identifier, without
from index.text.terms import normal_form, numbers_things
from index.text.words import terms
from index.text.years import year_forms, years
from rag.reader.names import names_and_nouns, names_and_rare_words
from rag.reader.spans import PassageReading
from rag.retrieve import Hit, Query

FeatureArray = NDArray[np.float64]

PASSAGE_FEATURES = ("answers", "fused", "strong", "unread")
"""Features of a passage that the small model read; the last two are 0 if the strong model reads no passage."""
QUESTION_FEATURES = (
    "best_answers",
    "best_first",
    "best_words",
    "second_answers",
    "missing_names",
    "missing_share",
    "names_apart",
    "names_elsewhere",
)
"""Retrieval scores are left out: with them the scores of everyday documents are worse (benchmarks/README.md)."""
_CLIP = 15.0
_ALONE = -5.0
"""Replaces the second passage's odds if no other passage has answers: with it a corpus of one paragraph refuses
about as many questions as one of two (`python -m benchmarks.few_passages`)."""
Name = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Linear:
    """Log-odds = features · weights + bias."""

    weights: FeatureArray
    bias: float

    def log_odds(self, rows: FeatureArray) -> FeatureArray:
        """Return the log-odds (n,) of the features (n, f)."""
        return np.asarray(rows @ self.weights + self.bias, dtype=np.float64)


@dataclass(frozen=True)
class ReadPassage:
    """A hit and its reading.

    `found` is the strong model's reading if it read the hit (`strong`), else the small model's. `first` is the small
    model's log-odds that the passage answers.
    """

    hit: Hit
    found: PassageReading
    first: float
    strong: bool = False


class Frequencies(Protocol):
    """Anything that counts the chunks with a term."""

    def document_frequency(self, term: str) -> int:
        """Return the number of chunks with the term."""
        ...


@dataclass(frozen=True)
class QuestionTraits:
    """What the sources lack of a question.

    `missing` are its identifiers, names and rare words that no chunk has, as written. `unseen` is the share of its term
    weight that no chunk has, in [0, 1]. `names` are all its names and rare words. `unknown` are the missing identifiers
    and years: no other thing answers for them. `named` is what a refusal reports as missing: `unknown`, names, and rare
    words that are nouns by their position.
    """

    names: tuple[Name, ...]
    missing: tuple[str, ...]
    unseen: float
    unknown: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def question_traits(query: Query, index: Frequencies, dates: Callable[[], Set[str]] = frozenset) -> QuestionTraits:
    """Compare a question with what the index has.

    `dates` gives the years in which sources were published.
    """

    def held(terms: Iterable[str]) -> bool:
        return any(index.document_frequency(term) for term in terms)

    def dated(year: str) -> bool:
        return held(year_forms(year, mention)) or year in dates()

    lacking = [
        one for one in query.identifiers if not held(map(mention, one.keys)) and not any(map(dated, years(one.text)))
    ]
    nouns = {one.noun for one in query.identifiers}
    names = tuple(name for name in names_and_rare_words(query.text) if name[0] not in nouns or held(name[1]))
    missing = (*(one.text for one in lacking), *(word for word, content in names if not held(content)))
    total = sum(query.idf.values())
    unseen = sum(weight for term, weight in query.idf.items() if not index.document_frequency(term))
    unknown = [one.text for one in lacking if not _may_be_misspelt(one, index)]
    unknown += [year for year in years(without(query.identifiers, query.text)) if not dated(year)]
    reported = names_and_nouns(query.text) | {one.text for one in lacking}
    named = dict.fromkeys([*unknown, *(word for word in missing if word in reported)])
    share = unseen / total if total else 0.0
    return QuestionTraits(names, tuple(dict.fromkeys(missing)), share, tuple(unknown), tuple(named))


def _may_be_misspelt(one: Identifier, index: Frequencies) -> bool:
    """True if no source has the noun before a number either: "rokery 3"."""
    forms = (*terms(one.noun), mention(normal_form(one.noun)))
    named = not one.noun or numbers_things(one.noun.lower())
    return not named and not any(index.document_frequency(term) for term in forms)


def passage_rows(passages: Sequence[ReadPassage]) -> FeatureArray:
    """Return the features (n, f) of the passages, in the order of PASSAGE_FEATURES.

    "strong" is 0 for a passage that the strong model did not read.
    """
    any_strong = any(one.strong for one in passages)
    return np.array(
        [
            [
                _clip(one.first),
                one.hit.score,
                _clip(one.found.score) if one.strong else 0.0,
                float(any_strong and not one.strong),
            ]
            for one in passages
        ]
    )


def question_row(
    traits: QuestionTraits, passages: Sequence[ReadPassage], aliases: Aliases, elsewhere: Mapping[str, Set[str]]
) -> list[float]:
    """Return the features of a question, in the order of QUESTION_FEATURES.

    The passages are in their final order, best first. A name is present in its short or its long form. `elsewhere` has
    the names that only other articles hold, by article id.
    """
    best, second = passages[0], passages[1:2]
    held = aliases.widen(terms(best.hit.chunk.searchable))
    apart = _names_apart(traits.names, held)
    others = elsewhere.get(best.hit.chunk.article_id, set[str]())
    return [
        _clip(best.found.score),
        _clip(best.first),
        _clip(best.found.answers[0].score) if best.found.answers else -_CLIP,
        _clip(second[0].found.score) if second and second[0].found.answers else _ALONE,
        float(bool(traits.named)),
        traits.unseen,
        len(apart) / max(1, len(traits.names)),
        len(apart & others) / max(1, len(traits.names)),
    ]


def names_elsewhere(traits: QuestionTraits, index: Frequencies, within: Frequencies) -> set[str]:
    """Return the names and rare words of a question that `index` holds, and `within`, a part of it, does not."""
    return {
        word
        for word, content in traits.names
        if any(index.document_frequency(term) for term in content)
        and not any(within.document_frequency(term) for term in content)
    }


def _names_apart(names: Sequence[Name], held: set[str]) -> set[str]:
    """Return the question's names and rare words that `held` lacks."""
    return {word for word, content in names if not any(term in held for term in content)}


def _clip(value: float) -> float:
    return max(-_CLIP, min(_CLIP, value))
