"""Questions that a text may answer, generated from the form of its sentences. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from index.chunk import Chunk
from index.text.aliases import find_aliases
from index.text.sentences import sentences


@dataclass(frozen=True)
class Candidate:
    """A question and the place in `source` that should answer it.

    The place is [start, end), in characters of the source's text.
    """

    question: str
    source: str
    start: int
    end: int


_LONGEST = 300
"""Longest sentence, in characters, that questions are generated from."""
_MOST = 110
"""Longest question, in characters."""
_REPLY = 600
"""Characters after a question in a text within which its answer is expected."""
_NAME = r"[A-Z][a-z’'-]+(?: [A-Z]\.)?(?: [A-Z][a-z’'-]+){1,2}"
_VERBS = r"is|are|was|were|be|has|have|had|to|will|would|can|could|may|must|should|and|or|that|which|who|not"
_WORD = rf"(?!(?:{_VERBS})\b)[\w’'&-]+"
_THING = rf"(?P<thing>(?:The|A|An) (?:{_WORD} ){{0,4}}?{_WORD}|[A-Z][\w’'&-]*(?: [A-Z0-9][\w’'&-]*){{0,4}})"
"""A short noun phrase at the beginning of a sentence: "The registration fee", "Harlow Marine"."""
_NUMBER = (
    r"(?:about |around |nearly |almost |over |only |up to |at least |at most |some |exactly )?"
    r"(?:[$€£¥]\s?|EUR |USD |GBP )?"
    r"(?:\d[\d.,]*\d|\d|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b"
)
_BE = r"(?P<be>is|are|was|were)"
_PAST = r"(?P<past>[a-z]{3,}ed|built|held|made|written|sold|bought|taken|found|begun|drawn|laid|cut|sunk)"
_DATE = r"(?:in|on|since)\s(?:[A-Z][a-z]+ )?(?:\d{1,2} )?(?:[A-Z][a-z]+ )?(?:1[5-9]|20)\d\d\b"
_WORKS = (
    r"(?:chief|ceo|president|chair\w*|director|executive|officer|secretary|treasurer|analyst|professor|founder|head|"
    r"manager|mayor|judge|lawyer|editor|author|architect|engineer|teacher|instructor|coach|doctor|nurse|owner|curator|"
    r"spokes\w+|minister|captain|leader|coordinator|warden|keeper|librarian|gardener|designer|composer|poet|painter)\b"
)
"""Occupations: a name followed by an occupation belongs to a person, so the question is "who"."""
_ASKS = re.compile(
    r"(?:Who|What|When|Where|Why|Which|How|Can|Could|Do|Does|Did|Is|Are|Was|Were|May|Must|Should|Will)\b"
    rf"[^?!.\n]{{8,{_MOST}}}\?"
)
_ASKED = re.compile(r"(?:[-*•]\s+|\d+[.)]\s+)?(?:(?:Q|Question)\s?\d*\s?[.:]\s*)?")
"""What may precede a question in a list of questions."""
_HOW_TO = re.compile(r"How to (?P<what>[a-z][\w’' -]{6,60})")
_POINTS = r"this|that|these|those|it|its|they|them|their|he|his|him|she|her|we|our|us|you|your|there|here"
_POINTS_BACK = re.compile(rf"\b(?:{_POINTS})\b", re.IGNORECASE)
_VAGUE = re.compile(
    rf"\b(?:{_POINTS}|i|my|same|other|latter|former|following|above|below|first|second|last|next|one|number|result|"
    r"results|reason|example|part|rest|most|such|some|any)\b",
    re.IGNORECASE,
)
"""Words that depend on earlier sentences, or are too vague to ask about."""
_THIRD_PERSON = {"has": "have", "employed": "employ"}
_Make = Callable[[re.Match[str], str], str]
"""(match of a form, its noun phrase in the case used inside a sentence) -> question."""


def _how_many(match: re.Match[str], thing: str) -> str:
    verb = match["verb"]
    base = _THIRD_PERSON.get(verb, verb.removesuffix("s"))
    did = "did" if verb == "employed" else "do" if verb == base else "does"
    return f"How many {match['noun']} {did} {thing} {base}?"


_DEFINITION = re.compile(
    rf"(?P<thing>(?:The|A|An) (?:{_WORD} ){{0,3}}?[A-Z][\w’'&-]*|[A-Z][a-z]{{4,}}) {_BE} (?:a|an|the) \w+"
)
_FORMS: list[tuple[re.Pattern[str], _Make]] = [
    (
        re.compile(rf"(?P<thing>The (?:[a-z][\w’'-]* ){{0,3}}{_WORKS}(?: of [^,.]{{3,40}}?)?) (?P<be>is|was) {_NAME}"),
        lambda match, thing: f"Who {match['be']} {thing}?",
    ),
    (
        re.compile(rf"(?:.{{0,80}}?\s)?(?P<name>{_NAME}), (?:(?:the|a|an|its|their) )?[^,.;]{{0,40}}?{_WORKS}"),
        lambda match, _: f"Who is {match['name']}?",
    ),
    (
        re.compile(rf"{_THING} (?P<be>was|were) (?:first |officially |originally )?{_PAST}\b.{{0,60}}?\b{_DATE}"),
        lambda match, thing: f"When {match['be']} {thing} {match['past']}?",
    ),
    (re.compile(rf"{_THING} costs? {_NUMBER}"), lambda _, thing: f"How much does {thing} cost?"),
    (
        re.compile(
            rf"{_THING} (?P<verb>has|have|holds?|seats?|needs?|employs|employed|contains?|covers?|takes?|receives?) "
            rf"{_NUMBER} (?P<noun>[a-z]{{2,}}[^su\W]s)\b"
        ),
        _how_many,
    ),
    (
        re.compile(rf"{_THING} {_BE} {_NUMBER} [a-z]+ (?P<how>long|wide|high|deep|tall|thick|old|heavy)\b"),
        lambda match, thing: f"How {match['how']} {match['be']} {thing}?",
    ),
    (
        re.compile(
            rf"(?P<thing>The (?:{_WORD} ){{1,5}}?{_WORD}) {_BE} {_NUMBER}"
            r"(?: [a-z]+| million [a-z]+| [A-Z][a-z]+(?: \d{4})?)?(?:[.,;]| (?:per|a|an|for|in|from|until|to)\b)"
        ),
        lambda match, thing: f"What {match['be']} {thing}?",
    ),
    (_DEFINITION, lambda match, thing: f"What {match['be']} {thing}?"),
]
"""Forms of sentences and the question that each answers, most specific first."""


def candidates(source: str, chunks: Sequence[Chunk]) -> list[Candidate]:
    """Return the questions that the passages of a source may answer, each once.

    They are in the order of the text; questions about short forms come last.
    """
    text = " ".join(chunk.text for chunk in chunks)
    found = [(chunk, *one) for chunk in chunks for one in _of_passage(chunk, text)]
    found += [(chunk, *one) for chunk in chunks for one in _of_short_forms(chunk)]
    first = {question: (chunk, start, end) for chunk, question, start, end in reversed(found) if len(question) <= _MOST}
    return [
        Candidate(question, source, chunk.start + start, chunk.start + end)
        for question, (chunk, start, end) in reversed(first.items())
    ]


def _of_passage(chunk: Chunk, text: str) -> Iterator[tuple[str, int, int]]:
    heading = chunk.heading.rpartition(" > ")[2].strip()
    if _ASKS.fullmatch(heading) and not _POINTS_BACK.search(heading):
        yield heading, 0, len(chunk.text)
    elif match := _HOW_TO.fullmatch(heading):
        yield f"How do I {match['what']}?", 0, len(chunk.text)
    for start, end in sentences(chunk.text):
        if end - start > _LONGEST:
            continue
        sentence = " ".join(chunk.text[start:end].split())
        question_text = sentence[_ASKED.match(sentence).end() :]  # type: ignore[union-attr]  # it also matches ""
        if _ASKS.fullmatch(question_text):
            if not _POINTS_BACK.search(question_text):
                yield question_text, end, end + _REPLY
        elif question := _question_for(question_text, text):
            yield question, start, end


def _of_short_forms(chunk: Chunk) -> Iterator[tuple[str, int, int]]:
    for short, long in find_aliases(chunk.text):
        if short.isupper() and 2 <= len(short) <= 5 and (at := chunk.text.find(long)) >= 0:
            yield f"What does {short} stand for?", at, at + len(long) + len(short)


def _question_for(sentence: str, text: str) -> str:
    """Return the question that a sentence answers by its form; "" if no form fits, or the sentence refers back."""
    for pattern, make in _FORMS:
        if match := pattern.match(sentence):
            thing = match.groupdict().get("thing") or ""
            single = thing.isalpha() and thing.istitle()
            small = f" {thing.lower()} " in text
            if _VAGUE.search(thing) or (pattern is _DEFINITION and single and not small):
                return ""  # "Anna is a baker" describes a person
            inside = thing.startswith(("The ", "A ", "An ")) or (single and small)
            return make(match, thing[:1].lower() + thing[1:] if inside else thing)
    return ""
