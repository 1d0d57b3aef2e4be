"""Where labels stand in the corpus, and what holds or covers them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from index.article import Article
from index.build.generation import Generation
from index.text.layout import Span
from index.text.words import terms
from rag.cite import Citation
from rag.evaluation.measures import COVERED, content_wanted, is_long, normalise, within
from rag.evaluation.questions import Label, Problem, Question, QuestionSet
from rag.types import Passage

_HINTS = 10
_SEARCHED = 50_000_000
"""Characters of a corpus that are searched for an answer that has no label; in a larger one it counts as there."""


@dataclass(frozen=True)
class LabelPlace:
    """A label as found: `spans` are the places in the source's text that count, any of them. A label for a whole source
    has none; `missing` says why a label can't be found ("" when it can)."""

    label: Label
    spans: tuple[Span, ...] = ()
    missing: str = ""

    def held_by(self, source: str, start: int, end: int) -> bool:
        """True when the slice covers the whole quote; for a whole source, when it is a slice of it. A context that says
        no answer word for word is held by a slice that shares at least half of the shorter of the two."""
        if self.missing or source != self.label.source:
            return False
        if self.label.context and not self.label.spans:
            return any(_share_half((start, end), span) for span in self.spans)
        return self.label.whole_source or any(start <= a and b <= end for a, b in self.spans)

    def covered_by(self, citation: Citation) -> bool:
        """True when the citation covers at least half of the quote, or at least half of the citation lies in it."""
        if self.missing or citation.source != self.label.source:
            return False
        if self.label.whole_source:
            return True
        return any(_share_half((citation.start, citation.end), span) for span in self.spans)

    def touched_by(self, citation: Citation) -> bool:
        """True when the citation overlaps the label at all."""
        if self.missing or citation.source != self.label.source:
            return False
        return self.label.whole_source or any(a < citation.end and citation.start < b for a, b in self.spans)


def _share_half(one: Span, other: Span) -> bool:
    """True when two spans share at least half of the shorter of them."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return shared > 0 and 2 * shared >= min(one[1] - one[0], other[1] - other[0])


class Corpus:
    """The articles of a generation, as judging needs them, without the sources `left_out`. Safe to share between
    threads."""

    def __init__(self, generation: Generation, left_out: frozenset[str] = frozenset()) -> None:
        self._catalog = generation.catalog
        self.left_out = left_out
        self.article = lru_cache(maxsize=1000)(self._catalog.article)
        self._locate = lru_cache(maxsize=10_000)(self._first_place)
        self._hints = _HINTS

    @cached_property
    def sources(self) -> list[str]:
        """Every source."""
        return [source for source, _, _ in self._catalog.titles() if source not in self.left_out]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.sources)

    def find(self, label: Label) -> LabelPlace:
        """Where a label stands. A quote counts wherever its words stand, white space aside; a context in any source."""
        if label.context:
            return self._find_context(label)
        if label.source not in self._known:
            return LabelPlace(label, missing=f"source {label.source!r} is not in the corpus{self._hint(label.source)}")
        # Passages carry the name of what is indexed; a copy of it says the same at the same place.
        label = replace(label, source=(self._catalog.home(label.source) or (label.source,))[0])
        article = self.article(label.source)
        if label.whole_source or article is None:
            return LabelPlace(label)
        spans = tuple(span for span in label.spans if span[1] <= len(article.text))
        if label.quote is not None:
            if spans and all(article.text[start:end] != label.quote for start, end in spans):
                spans = ()
            spans = spans or tuple(occurrences(label.quote, article.text))
        if not spans:
            what = f"the quote {label.quote[:60]!r}" if label.quote is not None else "the place"
            return LabelPlace(label, missing=f"{what} is not in {label.source!r}")
        return LabelPlace(label, spans)

    def _find_context(self, label: Label) -> LabelPlace:
        quote = label.quote or ""
        source, start, end, exact = self._locate(quote)
        if not source:
            return LabelPlace(label, missing=f"the context {quote[:60]!r} is in no source word for word")
        spans = tuple((start + a, start + b) for a, b in label.spans) if exact else ()
        return LabelPlace(replace(label, source=source, spans=spans), spans or ((start, end),))

    def _first_place(self, quote: str) -> tuple[str, int, int, bool]:
        """The first source with a quote, its place there, and whether its white space is the same; "" for none."""
        longest = max(quote.split(), key=len, default="")
        for source in self.sources:
            article = self.article(source)
            if article and longest in article.text and (place := next(occurrences(quote, article.text), None)):
                return source, *place, article.text[slice(*place)] == quote
        return "", 0, 0, False

    def _hint(self, source: str) -> str:
        """A source with a similar name, for the first few that are missing: looking takes time."""
        self._hints -= 1
        near = difflib.get_close_matches(source, self.sources[:5000], 1, 0.6) if self._hints >= 0 else []
        return f"; did you mean {near[0]!r}?" if near else ""

    def in_a_chunk(self, place: LabelPlace) -> bool:
        """True when some chunk holds the label whole."""
        article = self.article(place.label.source)
        chunks = self._catalog.chunks_of(article.id) if article else []
        return any(place.held_by(place.label.source, chunk.start, chunk.end) for chunk in chunks)

    def says(self, answers: Sequence[str], question: str = "") -> bool:
        """True when some article contains one of the answers, or its content words in whatever order (of a long
        reference enough of them), or the corpus is too large to look."""
        texts = self._searched
        if texts is None:
            return True
        return any(_mentions(text, content, one, question) for text, content in texts for one in answers)

    @cached_property
    def _searched(self) -> list[tuple[str, frozenset[str]]] | None:
        """Every article's text, normalised, and its terms; None when the corpus is too large to hold."""
        texts, size = [], 0
        for source in self.sources:
            article = self.article(source)
            size += len(article.text) if article else 0
            if size > _SEARCHED:
                return None
            if article:
                texts.append((" ".join(normalise(article.text)), frozenset(terms(article.text))))
        return texts


def _mentions(text: str, content: frozenset[str], answer: str, question: str) -> bool:
    """True when a normalised text with these terms contains an answer or has enough of its content words; of a short
    answer all, its numbers as they are."""
    if within(text, answer):
        return True
    wanted = content_wanted(answer, question)
    if is_long(answer):
        return len(wanted & content) >= COVERED * len(wanted)
    figures = [word for word in normalise(answer) if any(map(str.isdigit, word))]
    return bool(wanted) and wanted <= content and all(within(text, figure) for figure in figures)


def occurrences(quote: str, text: str) -> Iterator[Span]:
    """Every place of a quote in a text; white space may differ."""
    words = quote.split()
    start = text.find(quote.strip()) if words else -1
    if start < 0 and len(words) > 1:
        yield from (m.span() for m in re.finditer(r"\s+".join(map(re.escape, words)), text))
    while start >= 0:
        yield start, start + len(quote.strip())
        start = text.find(quote.strip(), start + 1)


def find_labels(question: Question, corpus: Corpus) -> list[LabelPlace]:
    """Where a question's labels stand. Contexts that no source holds word for word are left out when there are answers
    to judge by: their wording is their tool's."""
    places = [corpus.find(label) for label in question.labels]
    return [one for one in places if not (one.label.context and one.missing and question.answers)]


def unfound(questions: QuestionSet, corpus: Corpus) -> list[Problem]:
    """The labels that are not in the corpus, as problems; their questions can be asked all the same."""
    problems = []
    contexts = lost = 0
    for question in questions.questions:
        for place in map(corpus.find, question.labels):
            contexts += place.label.context
            if place.label.context and place.missing and question.answers:
                lost += 1
            elif place.missing:
                problems.append(Problem(questions.name, question.where, place.missing))
    if lost:
        told = f"{lost:,} of {contexts:,} are in no source word for word: these are judged by their answers alone"
        problems.append(Problem(questions.name, "contexts", told))
    return problems


def credited(places: Sequence[LabelPlace], passages: Sequence[Passage]) -> list[int]:
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
