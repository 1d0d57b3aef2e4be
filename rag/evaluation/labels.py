"""The places of labels in the corpus, and the passages and citations that contain them."""

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
"""Most characters of a corpus in which an unlabelled answer is searched; in a larger one it counts as present."""


@dataclass(frozen=True)
class LabelPlace:
    """A label with its place: `spans` in the source's text, any of which counts.

    A label for a whole source has no spans. `missing` says why a label was not found ("" if it was).
    """

    label: Label
    spans: tuple[Span, ...] = ()
    missing: str = ""

    def lies_in(self, source: str, start: int, end: int) -> bool:
        """True if the slice contains the whole quote.

        For a label of a whole source, any slice of that source counts. A context without a literal answer counts if the
        two share at least half of the shorter one.
        """
        if self.missing or source != self.label.source:
            return False
        if self.label.context and not self.label.spans:
            return any(_share_half((start, end), span) for span in self.spans)
        return self.label.whole_source or any(start <= a and b <= end for a, b in self.spans)

    def covered_by(self, citation: Citation) -> bool:
        """True if citation and quote share at least half of the shorter one."""
        if self.missing or citation.source != self.label.source:
            return False
        if self.label.whole_source:
            return True
        return any(_share_half((citation.start, citation.end), span) for span in self.spans)

    def touched_by(self, citation: Citation) -> bool:
        """True if the citation overlaps the label."""
        if self.missing or citation.source != self.label.source:
            return False
        return self.label.whole_source or any(a < citation.end and citation.start < b for a, b in self.spans)


def _share_half(one: Span, other: Span) -> bool:
    """True if two spans share at least half of the shorter one."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return shared > 0 and 2 * shared >= min(one[1] - one[0], other[1] - other[0])


class Corpus:
    """The articles of a generation without the sources `left_out`, for judging.

    Thread-safe.
    """

    def __init__(self, generation: Generation, left_out: frozenset[str] = frozenset()) -> None:
        self._catalog = generation.catalog
        self.left_out = left_out
        self.article = lru_cache(maxsize=1000)(self._catalog.article)
        self._locate = lru_cache(maxsize=10_000)(self._first_place)
        self._hints = _HINTS

    @cached_property
    def sources(self) -> list[str]:
        """All sources of the corpus."""
        return [source for source, _, _ in self._catalog.titles() if source not in self.left_out]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.sources)

    def find(self, label: Label) -> LabelPlace:
        """Return the place of a label.

        A quote counts at each occurrence in its source, a context in the first source that has it; white space may
        differ.
        """
        if label.context:
            return self._find_context(label)
        if label.source not in self._known:
            return LabelPlace(label, missing=f"source {label.source!r} is not in the corpus{self._hint(label.source)}")
        # Passages name the indexed source; a copy of it has the same text.
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
        """Return the first source with a quote, the span, and if the white space is the same; source "" if none has
        it."""
        longest = max(quote.split(), key=len, default="")
        for source in self.sources:
            article = self.article(source)
            if article and longest in article.text and (place := next(occurrences(quote, article.text), None)):
                return source, *place, article.text[slice(*place)] == quote
        return "", 0, 0, False

    def _hint(self, source: str) -> str:
        """Return a hint at a similar source name; only for the first few, because the search is slow."""
        self._hints -= 1
        near = difflib.get_close_matches(source, self.sources[:5000], 1, 0.6) if self._hints >= 0 else []
        return f"; did you mean {near[0]!r}?" if near else ""

    def in_a_chunk(self, place: LabelPlace) -> bool:
        """True if some chunk contains the whole label."""
        article = self.article(place.label.source)
        chunks = self._catalog.chunks_of(article.id) if article else []
        return any(place.lies_in(place.label.source, chunk.start, chunk.end) for chunk in chunks)

    def says(self, answers: Sequence[str], question: str = "") -> bool:
        """True if some article contains an answer or its content words, in any order.

        Of a long reference, COVERED of the words suffice. Also True if the corpus is too large to search.
        """
        texts = self._searched
        if texts is None:
            return True
        return any(_mentions(text, content, one, question) for text, content in texts for one in answers)

    @cached_property
    def _searched(self) -> list[tuple[str, frozenset[str]]] | None:
        """(normalised text, terms) of each article; None if the corpus is too large."""
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
    """True if a normalised text with the terms `content` contains an answer or enough of its content words.

    Of a short answer it must have all content words, and the numbers exactly.
    """
    if within(text, answer):
        return True
    wanted = content_wanted(answer, question)
    if is_long(answer):
        return len(wanted & content) >= COVERED * len(wanted)
    figures = [word for word in normalise(answer) if any(map(str.isdigit, word))]
    return bool(wanted) and wanted <= content and all(within(text, figure) for figure in figures)


def occurrences(quote: str, text: str) -> Iterator[Span]:
    """Yield each span of a quote in a text; white space may differ."""
    words = quote.split()
    start = text.find(quote.strip()) if words else -1
    if start < 0 and len(words) > 1:
        yield from (m.span() for m in re.finditer(r"\s+".join(map(re.escape, words)), text))
    while start >= 0:
        yield start, start + len(quote.strip())
        start = text.find(quote.strip(), start + 1)


def find_labels(question: Question, corpus: Corpus) -> list[LabelPlace]:
    """Return the places of a question's labels.

    A context that is in no source is left out if the question has answers, because its tool may have changed the
    wording.
    """
    places = [corpus.find(label) for label in question.labels]
    return [one for one in places if not (one.label.context and one.missing and question.answers)]


def missing_labels(questions: QuestionSet, corpus: Corpus) -> list[Problem]:
    """Return the labels that are not in the corpus as problems; the run can go on."""
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
        message = f"{lost:,} of {contexts:,} are in no source word for word: these are judged by their answers alone"
        problems.append(Problem(questions.name, "contexts", message))
    return problems


def credited(places: Sequence[LabelPlace], passages: Sequence[Passage]) -> list[int]:
    """Return the number of labels credited to each passage, in order.

    A label is credited once, to the first passage that contains it.
    """
    open_places = list(places)
    counts = []
    for passage in passages:
        held = [place for place in open_places if place.lies_in(passage.source, passage.start, passage.end)]
        open_places = [place for place in open_places if place not in held]
        counts.append(len(held))
    return counts


def verbatim(citation: Citation, article: Article | None) -> bool:
    """True if the quote equals its slice of the article."""
    return article is not None and article.text[citation.start : citation.end] == citation.quote
