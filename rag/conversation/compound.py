"""A message that asks two or three questions -> each of them, and their answers joined into one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from index.text.words import content_terms
from rag.cite import Citation, CitedSentence
from rag.conversation.thread import is_whole
from rag.forms.question_form import requested_form
from rag.types import Answer, Passage
from rag.writer.quote import as_text

_MOST = 3
"""Most questions in one message that are answered one by one; more are searched as one."""
_ENOUGH_WORDS = 3
"""Fewest content words of a question that is asked without the statements before it."""
_QUOTES = 2
"""Most sentences quoted for each question."""
_BE = r"(?:is|are|was|were|has|have|had)"
_DO = r"(?:do|does|did|can|could|may|must|should|will|would)"
_PRONOUN = r"(?:i|we|you|one|he|she|it|they|there|that|this)"
# After "and", "when" and "where" may also open a clause of the question before: they need an inverted verb.
_OPENS = (
    rf"(?:(?:how|what|which|who|whose|whom|why)\b(?!\s*(?:[?.!,]|$))|(?:when|where)\s+(?:{_BE}|{_DO})\b"
    rf"|{_BE}\s+{_PRONOUN}\b|{_DO}\s+(?:{_PRONOUN}|an?|the|my|our)\b)"
)
_AND = re.compile(rf"\s*[,;]?\s+(?:and|&|plus)\s+(?:also\s+)?(?={_OPENS})", re.IGNORECASE)
_EMBEDDED = re.compile(
    rf"{_AND.pattern}|\s*[,;]?\s+(?:and|&)\s+(?:also\s+)?(?=(?:when|where)\s+\w+\s+\w)", re.IGNORECASE
)
_TELLS = re.compile(r"\b(?:tell|know|say|explain|wonder|wondering|find out|remember)\b", re.IGNORECASE)
_ENDS = re.compile(r"(?<=\?)\s+(?=\S)")
_STATES = re.compile(r"(?<=[^\W\d_][.!])\s+(?=\w)")
_ASKS = re.compile(rf"\b(?:how|what|which|who|whose|whom|why|when|where)\b|^\W*(?:{_BE}|{_DO})\b", re.IGNORECASE)
_RELATIVE = re.compile(r"\b(?!and\b)\w+\s+(who|which)\b.*\band\s+\1\b", re.IGNORECASE)
_COMPARES = re.compile(r"\b(?:between|both|differences?|differs?|differ|compare[ds]?|comparison)\b", re.IGNORECASE)


def single_questions(text: str) -> list[str]:
    """Return the questions that a message asks, in order; one if it can't be divided.

    >>> single_questions("who chaired the meeting and when is the next one?")
    ['who chaired the meeting', 'when is the next one?']
    >>> single_questions("what happens when it rains and when it snows?")
    ['what happens when it rains and when it snows?']
    """
    if requested_form(text) == "summary":
        return [text]
    parts = list[str]()
    for sentence in _ENDS.split(text):
        divider = _EMBEDDED if _TELLS.search(sentence) else _AND
        found = [part for part in divider.split(sentence) if part.strip()]
        parts += found if _TELLS.search(sentence) or not _RELATIVE.search(sentence) else [sentence]
    divided = 1 < len(parts) <= _MOST and not _COMPARES.search(parts[0])
    whole = divided and all(_ASKS.search(part) and len(part.split()) > 1 for part in parts)
    return parts if whole else [text]


def question_alone(text: str) -> str:
    """Return the question of a message without the statements before it; the message if the question needs them.

    It needs them if it refers to them, or says little by itself: nearly any source answers "what do I get".

    >>> question_alone("I work from Monday to Friday. which courses are on a Sunday evening?")
    'which courses are on a Sunday evening?'
    >>> question_alone("The lift is stuck. who repairs it?")
    'The lift is stuck. who repairs it?'
    """
    *before, last = _STATES.split(text)
    is_question = bool(before) and _ASKS.search(last) and not any("?" in one for one in before)
    says_enough = requested_form(last) == "summary" or len(content_terms(last)) >= _ENOUGH_WORDS
    return last if is_question and is_whole(last) and says_enough else text


def join_answers(question: str, answers: Sequence[Answer]) -> Answer:
    """Return one answer to a message from the answers to its questions, of which one at least is no refusal.

    If bare words answer each, they come first, then the quotes; else the answers follow one another. Its score is the
    lowest of the answered questions; a note names the others. Citations and passages are numbered anew.
    """
    given = [one for one in answers if one.citations]
    citations, shown = list[Citation](), list[CitedSentence]()
    for one in given:
        mine = {cited.number: _taken_in(cited, citations) for cited in one.citations}
        quotes = 0
        for said in one.sentences:
            is_quote = said.block == "quote" and not said.words
            quotes += is_quote
            anew = replace(said, citations=tuple(mine[number] for number in said.citations))
            repeats = is_quote and any(other.citations == anew.citations and not other.words for other in shown)
            if quotes <= _QUOTES and not repeats and anew not in shown:
                shown.append(anew)
    if all(one.form == "words" for one in given):
        shown.sort(key=lambda said: not said.words)
    return _renumbered(question, answers, given, shown, citations)


def _taken_in(cited: Citation, citations: list[Citation]) -> int:
    """Add a citation, or its answering words to one that covers it; return the number that it has from now on."""
    for at, one in enumerate(citations):
        if one.article_id == cited.article_id and one.start <= cited.start and cited.end <= one.end:
            citations[at] = replace(one, answers=tuple(dict.fromkeys((*one.answers, *cited.answers))))
            return one.number
    citations.append(replace(cited, number=len(citations) + 1))
    return len(citations)


def _renumbered(
    question: str,
    answers: Sequence[Answer],
    given: Sequence[Answer],
    sentences: Sequence[CitedSentence],
    citations: Sequence[Citation],
) -> Answer:
    """Return the answer with the citations in the order in which the sentences name them."""
    order = list(dict.fromkeys(number for said in sentences for number in said.citations))
    by_number = {cited.number: cited for cited in citations}
    shown = tuple(replace(said, citations=tuple(order.index(n) + 1 for n in said.citations)) for said in sentences)
    cited = tuple(replace(by_number[number], number=place) for place, number in enumerate(order, 1))
    forms = {one.form for one in given}
    notes = [note for one in given for note in one.notes]
    notes += [f"The sources do not answer: {one.question}" for one in answers if not one.citations]
    scores = [one.evidence_score for one in given if one.evidence_score is not None]
    stages = dict.fromkeys(stage for one in answers for stage in one.timings)
    return replace(
        given[0],
        question=question,
        searched=_searched(question, answers),
        text=as_text(shown),
        evidence_score=min(scores, default=None),
        sentences=shown,
        citations=cited,
        passages=tuple(_passages(given, cited)),
        timings={stage: round(sum(one.timings.get(stage, 0.0) for one in answers), 2) for stage in stages},
        notes=tuple(dict.fromkeys(notes)),
        suggestions=given[-1].suggestions,
        form=forms.pop() if len(forms) == 1 else "sentence",
    )


def _searched(question: str, answers: Sequence[Answer]) -> str:
    """Return the message as it was searched: itself, or its questions if one was changed."""
    changed = any(one.searched != one.question for one in answers)
    return "; ".join(one.searched for one in answers) if changed else question


def _passages(given: Sequence[Answer], cited: Sequence[Citation]) -> list[Passage]:
    """Return the passages of all answers, taken in turn, as many as one of them has and those that are cited."""
    most = max(len(one.passages) for one in given)
    turns = [one.passages[at] for at in range(most) for one in given if at < len(one.passages)]
    found = {(one.article_id, one.start): one for one in reversed(turns)}
    kept = list[Passage]()
    for one in dict.fromkeys((turn.article_id, turn.start) for turn in turns):
        passage = found[one]
        is_cited = any(
            c.article_id == passage.article_id and passage.start <= c.start and c.end <= passage.end for c in cited
        )
        if is_cited or len(kept) < most:
            kept.append(replace(passage, rank=len(kept) + 1, cited=is_cited))
    return kept
