"""Where labels stand in the corpus, and what holds or covers them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from index.article import Article
from index.generation import Generation
from index.layout import Span
from rag.cite import Citation
from rag.evaluation.measures import normalise, within
from rag.evaluation.questions import Label, Problem, QuestionSet
from rag.types import Passage

_HINTS = 10
_SEARCHED = 50_000_000
"""Characters of a corpus that are searched for an answer that has no label; in a larger one it counts as there."""


@dataclass(frozen=True)
class Place:
    """A label as found: `spans` are the places in the source's text that count, any of them. A label for a whole source
    has none; `missing` says why a label can't be found ("" when it can)."""

    label: Label
    spans: tuple[Span, ...] = ()
    missing: str = ""

    def held_by(self, source: str, start: int, end: int) -> bool:
        """True when the slice covers the whole quote; for a whole source, when it is a slice of it."""
        if self.missing or source != self.label.source:
            return False
        return self.label.whole_source or any(start <= a and b <= end for a, b in self.spans)

    def covered_by(self, citation: Citation) -> bool:
        """True when the citation covers at least half of the quote, or at least half of the citation lies in it."""
        if self.missing or citation.source != self.label.source:
            return False
        if self.label.whole_source:
            return True
        for start, end in self.spans:
            shared = min(end, citation.end) - max(start, citation.start)
            if shared > 0 and 2 * shared >= min(end - start, citation.end - citation.start):
                return True
        return False


class Corpus:
    """The articles of a generation, as judging needs them. Safe to share between threads."""

    def __init__(self, generation: Generation) -> None:
        self._catalog = generation.catalog
        self.article = lru_cache(maxsize=1000)(self._catalog.article)
        self._hints = _HINTS

    @cached_property
    def sources(self) -> list[str]:
        """Every source."""
        return [source for source, _, _ in self._catalog.titles()]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.sources)

    def find(self, label: Label) -> Place:
        """Where a label stands. A quote counts wherever its words stand, white space aside."""
        if label.source not in self._known:
            return Place(label, missing=f"source {label.source!r} is not in the corpus{self._hint(label.source)}")
        # Passages carry the name of what is indexed; a copy of it says the same at the same place.
        label = replace(label, source=(self._catalog.home(label.source) or (label.source,))[0])
        article = self.article(label.source)
        if label.whole_source or article is None:
            return Place(label)
        spans = tuple(span for span in label.spans if span[1] <= len(article.text))
        if label.quote is not None:
            if spans and all(article.text[start:end] != label.quote for start, end in spans):
                spans = ()
            spans = spans or tuple(occurrences(label.quote, article.text))
        if not spans:
            what = f"the quote {label.quote[:60]!r}" if label.quote is not None else "the place"
            return Place(label, missing=f"{what} is not in {label.source!r}")
        return Place(label, spans)

    def _hint(self, source: str) -> str:
        """A source with a similar name, for the first few that are missing: looking takes time."""
        self._hints -= 1
        near = difflib.get_close_matches(source, self.sources[:5000], 1, 0.6) if self._hints >= 0 else []
        return f"; did you mean {near[0]!r}?" if near else ""

    def in_a_chunk(self, place: Place) -> bool:
        """True when some chunk holds the label whole."""
        article = self.article(place.label.source)
        chunks = self._catalog.chunks_of(article.id) if article else []
        return any(place.held_by(place.label.source, chunk.start, chunk.end) for chunk in chunks)

    def says(self, answers: Sequence[str]) -> bool:
        """True when some article contains one of the answers (or the corpus is too large to look)."""
        texts = self._normalised
        return texts is None or any(within(text, answer) for text in texts for answer in answers)

    @cached_property
    def _normalised(self) -> list[str] | None:
        """Every article's text, normalised; None when the corpus is too large to hold."""
        texts, size = [], 0
        for source in self.sources:
            article = self.article(source)
            size += len(article.text) if article else 0
            if size > _SEARCHED:
                return None
            texts.append(" ".join(normalise(article.text)) if article else "")
        return texts


def occurrences(quote: str, text: str) -> Iterator[Span]:
    """Every place of a quote in a text; white space may differ."""
    words = quote.split()
    start = text.find(quote.strip())
    if start < 0 and len(words) > 1:
        yield from (m.span() for m in re.finditer(r"\s+".join(map(re.escape, words)), text))
    while start >= 0:
        yield start, start + len(quote.strip())
        start = text.find(quote.strip(), start + 1)


def unfound(questions: QuestionSet, corpus: Corpus) -> list[Problem]:
    """The labels that are not in the corpus, as problems; their questions can be asked all the same."""
    problems = []
    for question in questions.questions:
        for place in map(corpus.find, question.labels):
            if place.missing:
                problems.append(Problem(questions.name, question.where, place.missing))
    return problems


def credited(places: Sequence[Place], passages: Sequence[Passage]) -> list[int]:
    """For each passage in order, how many labels are credited to it: each label once, at the first that holds it."""
    open_places = list(places)
    counts = []
    for passage in passages:
        held = [place for place in open_places if place.held_by(passage.source, passage.start, passage.end)]
        open_places = [place for place in open_places if place not in held]
        counts.append(len(held))
    return counts


def verbatim(citation: Citation, article: Article | None) -> bool:
    """True when the quote equals its slice of the article."""
    return article is not None and article.text[citation.start : citation.end] == citation.quote
