"""A draft -> sentences with checked citations. Pure.

A citation is a verbatim slice of an article. The slice is compared with the article and numbered here, once, before
anything is shown. A statement whose slice does not match is dropped and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from index.article import Article
from index.text.layout import Span
from index.text.published import Published
from rag.reader import Evidence

SentenceKind = Literal["quoted", "supported", "weak", "unsupported"]
AnswerBlockKind = Literal["lead", "item", "step", "row", "quote"]
"""Role of a sentence in its answer: the opening, an item of a list, a step, a row of a table, or a quote."""


@dataclass(frozen=True)
class Statement:
    """A sentence of a draft, without citation markers, and its evidence.

    `evidence` is None only for an unsupported sentence. `words` is True for bare answering words instead of a sentence.
    `also` is further evidence for a sentence that joins several sources. `verdict` and `why` are those of a
    CitedSentence.
    """

    text: str
    evidence: Evidence | None
    words: bool = False
    also: tuple[Evidence, ...] = ()
    verdict: SentenceKind = "quoted"
    why: str = ""
    block: AnswerBlockKind = "quote"

    @property
    def all_evidence(self) -> tuple[Evidence, ...]:
        """All evidence of the statement, the main piece first."""
        return tuple(one for one in (self.evidence, *self.also) if one is not None)


@dataclass(frozen=True)
class Citation:
    """A numbered verbatim slice: `article.text[start:end] == quote`.

    `answers` are the answering words inside it.
    """

    number: int
    article_id: str
    source: str
    title: str
    published: Published | None
    heading: str
    page: int | None
    start: int
    end: int
    quote: str
    answers: tuple[Span, ...] = ()
    also_in: tuple[str, ...] = ()
    """Other sources with exactly the same text."""


@dataclass(frozen=True)
class CitedSentence:
    """A sentence of an answer with the numbers of its citations.

    `words` is True for bare answering words. `verdict` is "quoted" for a source's own words, else the result of the
    check, and `why` its reason in words.
    """

    text: str
    citations: tuple[int, ...]
    words: bool = False
    verdict: SentenceKind = "quoted"
    why: str = ""
    block: AnswerBlockKind = "quote"

    def __str__(self) -> str:
        marked = " ".join([self.text, *(f"[{number}]" for number in self.citations)])
        if self.verdict == "unsupported":
            return f"~~{marked}~~ (not supported: {self.why})"
        return f"{marked} (weak: {self.why})" if self.verdict == "weak" else marked


def cite(
    statements: Sequence[Statement], articles: Mapping[str, Article]
) -> tuple[list[CitedSentence], list[Citation], int]:
    """Check and number the evidence of a draft.

    Returns (sentences, citations, number of dropped statements). `articles` maps ids to articles. Statements with the
    same slice share its number.
    """
    cited: list[CitedSentence] = []
    citations: list[Citation] = []
    numbers: dict[tuple[str, int, int], int] = {}
    dropped = 0
    for statement in statements:
        pieces = [(one, articles.get(one.hit.chunk.article_id)) for one in statement.all_evidence]
        sound = [(one, a) for one, a in pieces if a is not None and a.text[one.start : one.end] == one.text]
        if len(sound) < len(pieces):
            dropped += 1
            continue
        own = list[int]()
        for evidence, article in sound:
            place = (article.id, evidence.start, evidence.end)
            if place not in numbers:
                numbers[place] = len(citations) + 1
                citations.append(_citation(numbers[place], evidence, article))
            own.append(numbers[place])
        given = tuple(dict.fromkeys(own))
        cited.append(
            CitedSentence(statement.text, given, statement.words, statement.verdict, statement.why, statement.block)
        )
    return cited, citations, dropped


def _citation(number: int, evidence: Evidence, article: Article) -> Citation:
    inside = tuple(span for span in evidence.answers if evidence.start <= span[0] < span[1] <= evidence.end)
    return Citation(
        number=number,
        article_id=article.id,
        source=article.source,
        title=article.title,
        published=article.published,
        heading=article.place(evidence.start, evidence.end) or evidence.hit.chunk.heading,
        page=article.page(evidence.start),
        start=evidence.start,
        end=evidence.end,
        quote=evidence.text,
        answers=inside,
        also_in=article.copies,
    )
