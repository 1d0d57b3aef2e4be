"""A draft -> sentences with checked citations. Pure.

A citation is a verbatim slice of an article; the slice is compared here, before anyone sees it, and numbers are given
here, once. A statement whose slice does not match is dropped and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from index.article import Article
from index.layout import Span
from rag.reader import Evidence


@dataclass(frozen=True)
class Statement:
    """One sentence of a draft: its text without markers, and the evidence it rests on. `words` tells the answering
    words themselves from a sentence."""

    text: str
    evidence: Evidence
    words: bool = False


@dataclass(frozen=True)
class Citation:
    """A numbered verbatim slice: `article.text[start:end] == quote`. `answers` are the answering words inside it."""

    number: int
    article_id: str
    source: str
    title: str
    published: date | None
    heading: str
    page: int | None
    start: int
    end: int
    quote: str
    answers: tuple[Span, ...] = ()


@dataclass(frozen=True)
class CitedSentence:
    """A sentence of an answer and the numbers of its citations; `words` tells the answering words themselves."""

    text: str
    citations: tuple[int, ...]
    words: bool = False

    def __str__(self) -> str:
        return " ".join([self.text, *(f"[{number}]" for number in self.citations)])


def cite(
    statements: Sequence[Statement], articles: Mapping[str, Article]
) -> tuple[list[CitedSentence], list[Citation], int]:
    """Check and number the evidence of a draft: (sentences, citations, statements dropped).

    `articles` maps article ids to articles. Statements that rest on the same slice share its number.
    """
    cited: list[CitedSentence] = []
    citations: list[Citation] = []
    numbers: dict[tuple[str, int, int], int] = {}
    dropped = 0
    for statement in statements:
        evidence = statement.evidence
        article = articles.get(evidence.hit.chunk.article_id)
        if article is None or article.text[evidence.start : evidence.end] != evidence.text:
            dropped += 1
            continue
        place = (article.id, evidence.start, evidence.end)
        if place not in numbers:
            numbers[place] = len(citations) + 1
            citations.append(_citation(numbers[place], evidence, article))
        cited.append(CitedSentence(statement.text, (numbers[place],), statement.words))
    return cited, citations, dropped


def _citation(number: int, evidence: Evidence, article: Article) -> Citation:
    inside = tuple(span for span in evidence.answers if evidence.start <= span[0] < span[1] <= evidence.end)
    return Citation(
        number=number,
        article_id=article.id,
        source=article.source,
        title=article.title,
        published=article.published,
        heading=article.row_names(evidence.start, evidence.end) or evidence.hit.chunk.heading,
        page=article.page(evidence.start),
        start=evidence.start,
        end=evidence.end,
        quote=evidence.text,
        answers=inside,
    )
