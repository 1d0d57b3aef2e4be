"""The answer to a question, and its JSON form in both directions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from index.text.published import Published
from rag.choice import SourceScope
from rag.cite import Citation, CitedSentence
from rag.settings import Writer

SCHEMA = 1
_QUOTED = re.compile(r'\s*["“”„](?P<inner>[^"“”„]+)["“”]\W*')
Form = Literal["words", "sentence", "list", "steps", "yes_no", "comparison", "summary"]
"""The form that a question asks for."""
AnswerForm = Literal["words", "sentence", "list", "steps", "table", "comparison", "summary", "about", "talk", "refusal"]
"""Form of an answer. "about" describes the sources, "talk" is small talk."""
RefusalKind = Literal["not_in_sources", "not_understood", "language", "no_sources", "nothing_chosen"]


@dataclass(frozen=True)
class Refusal:
    """The reason why a question has no answer.

    "not_in_sources": the passages that were read don't answer; `missing` are names, numbers and rare nouns of the
    question that no source has. "not_understood": the question has only common words, or no readable word. "language":
    the question is in `language` instead of English. "no_sources": nothing is indexed. "nothing_chosen": the choice
    leaves no source to search.
    """

    kind: RefusalKind
    missing: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True)
class Passage:
    """A retrieved passage to show. `score` is the fused retrieval score in [0, 1]."""

    rank: int
    article_id: str
    source: str
    title: str
    published: Published | None
    heading: str
    start: int
    end: int
    text: str
    score: float
    cited: bool
    page: int | None = None
    also_in: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the passage in the form of docs/answer.md."""
        return {
            "rank": self.rank,
            **_place_to_json(self),
            "text": self.text,
            "score": self.score,
            "cited": self.cited,
        }


@dataclass(frozen=True)
class Answer:
    """The answer to a question, or a refusal.

    `text` is the `sentences` joined, or a reply that cites nothing. `evidence_score` in [0, 1] estimates the
    probability that the answer is right (None if nothing was read). `timings` are milliseconds per stage. `writer` says
    who wrote `text`, and `form` is its form. `asked` are the sources that were searched (None: all). `refusal` says why
    the question is refused. `searched` is the question as it was searched: misspelt words corrected, references filled
    in. `suggestions` are questions to ask next.

    With a language model, `checked` are all its sentences in order, including those that failed the check (empty if
    they are the `sentences`), and `tokens` are its token counts ("prompt", "completion"). `made_by` is what else
    determines the answer: version, index, models, settings (empty if nothing was read). `is_draft` is True while a
    language model still writes.
    """

    question: str
    text: str
    refused: bool
    evidence_score: float | None = None
    sentences: tuple[CitedSentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    passages: tuple[Passage, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    checked: tuple[CitedSentence, ...] = ()
    writer: Writer = "quote"
    tokens: Mapping[str, int] = field(default_factory=dict)
    asked: SourceScope | None = None
    refusal: Refusal | None = None
    searched: str = ""
    suggestions: tuple[str, ...] = ()
    form: AnswerForm = "words"
    made_by: Mapping[str, str] = field(default_factory=dict)
    is_draft: bool = False

    def __post_init__(self) -> None:
        # A question without changes is searched as it is.
        object.__setattr__(self, "searched", self.searched or self.question)

    @property
    def all_sentences(self) -> tuple[CitedSentence, ...]:
        """All sentences in order, those of a language model that failed the check among them."""
        return self.checked or self.sentences

    @property
    def corrected(self) -> bool:
        """True if misspelt words were corrected for the search."""
        return bool(self.searched) and self.searched not in (self.question, as_typed(self.question)[0])

    def to_json(self) -> dict[str, Any]:
        """Return the answer in the form that other programs rely on (docs/answer.md)."""
        return {
            "schema": SCHEMA,
            "question": self.question,
            "searched": self.searched,
            "answer": self.text,
            "refused": self.refused,
            "refusal": _refusal_to_json(self.refusal),
            "form": self.form,
            "blocks": [_block_to_json(one) for one in self.sentences],
            "evidence_score": self.evidence_score,
            "sentences": [_sentence_to_json(one, one in self.sentences) for one in self.all_sentences],
            "citations": [_citation_to_json(one) for one in self.citations],
            "passages": [one.to_json() for one in self.passages],
            "timings": dict(self.timings),
            "notes": list(self.notes),
            "writer": self.writer,
            "tokens": dict(self.tokens) or None,
            "asked": _scope_to_json(self.asked),
            "suggestions": list(self.suggestions),
            "made_by": dict(self.made_by),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Answer:
        """Return the answer that `to_json` gave.

        Raises KeyError, TypeError or ValueError for another form.
        """
        if value["schema"] != SCHEMA:
            raise ValueError(f"schema {value['schema']}, expected {SCHEMA}")
        checked = [(_sentence_from_json(one), one["shown"]) for one in value["sentences"]]
        shown = tuple(sentence for sentence, is_shown in checked if is_shown)
        asked = value["asked"]
        return Answer(
            question=value["question"],
            text=value["answer"],
            refused=value["refused"],
            evidence_score=value["evidence_score"],
            sentences=shown,
            citations=tuple(_citation_from_json(one) for one in value["citations"]),
            passages=tuple(_passage_from_json(one) for one in value["passages"]),
            timings=value["timings"],
            notes=tuple(value["notes"]),
            checked=tuple(sentence for sentence, _ in checked) if len(shown) < len(checked) else (),
            writer=value["writer"],
            tokens=value["tokens"] or {},
            asked=SourceScope(frozenset(asked["sources"]), (), asked["of"], asked.get("dates", "")) if asked else None,
            # Answers stored by earlier versions lack these keys.
            refusal=_refusal_from_json(value.get("refusal")),
            searched=value.get("searched", value["question"]),
            suggestions=tuple(value.get("suggestions", ())),
            form=value.get("form", "words"),
            made_by=value.get("made_by", {}),
        )


def as_typed(question: str) -> tuple[str, bool]:
    """Return a question without quotation marks around it, and whether it had them.

    A question in quotation marks is searched exactly as typed.
    """
    match = _QUOTED.fullmatch(question)
    return (match["inner"].strip(), True) if match and match["inner"].strip() else (question, False)


def _scope_to_json(one: SourceScope | None) -> dict[str, Any] | None:
    dates = {"dates": one.dates} if one and one.dates else {}
    return {"sources": sorted(one.names), "of": one.total, **dates} if one else None


def _refusal_to_json(one: Refusal | None) -> dict[str, Any] | None:
    return {"kind": one.kind, "missing": list(one.missing), "language": one.language or None} if one else None


def _refusal_from_json(value: Mapping[str, Any] | None) -> Refusal | None:
    return Refusal(value["kind"], tuple(value["missing"]), value["language"] or "") if value else None


def _sentence_to_json(one: CitedSentence, shown: bool) -> dict[str, Any]:
    said = {"text": one.text, "citations": list(one.citations), "verdict": one.verdict, "why": one.why}
    return {**said, "words": one.words, "block": one.block, "shown": shown}


def _sentence_from_json(value: Mapping[str, Any]) -> CitedSentence:
    fields = (value["words"], value["verdict"], value["why"], value.get("block", "quote"))
    return CitedSentence(value["text"], tuple(value["citations"]), *fields)


def _block_to_json(one: CitedSentence) -> dict[str, Any]:
    block: dict[str, Any] = {"type": one.block, "text": one.text, "citations": list(one.citations)}
    if one.block == "row":
        block["cells"] = one.text.split(" | ")
    if one.verdict != "quoted":
        block |= {"verdict": one.verdict, "why": one.why}
    return block


def _place_to_json(one: Citation | Passage) -> dict[str, Any]:
    return {
        "source": one.source,
        "article_id": one.article_id,
        "title": one.title,
        "published": one.published.when if one.published else None,
        "published_from": one.published.origin if one.published else None,
        "heading": one.heading or None,
        "page": one.page,
        "also_in": list(one.also_in),
        "start": one.start,
        "end": one.end,
    }


def _place_from_json(value: Mapping[str, Any]) -> dict[str, Any]:
    names = ("source", "article_id", "title", "page", "start", "end")
    published = Published(value["published"], value["published_from"]) if value["published"] else None
    read = {"published": published, "heading": value["heading"] or "", "also_in": tuple(value["also_in"])}
    return {name: value[name] for name in names} | read


def _citation_to_json(one: Citation) -> dict[str, Any]:
    words: Sequence[tuple[int, int, str]] = [(a, b, one.quote[a - one.start : b - one.start]) for a, b in one.answers]
    answers = [{"text": text, "start": start, "end": end} for start, end, text in words]
    return {"number": one.number, **_place_to_json(one), "quote": one.quote, "answers": answers}


def _citation_from_json(value: Mapping[str, Any]) -> Citation:
    answers = tuple((words["start"], words["end"]) for words in value["answers"])
    return Citation(number=value["number"], quote=value["quote"], answers=answers, **_place_from_json(value))


def _passage_from_json(value: Mapping[str, Any]) -> Passage:
    rest = {name: value[name] for name in ("rank", "text", "score", "cited")}
    return Passage(**rest, **_place_from_json(value))
