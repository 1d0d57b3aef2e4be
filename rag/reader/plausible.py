"""What speaks against answering words: they only say the question again ("Who supplies cells to GM?" "cells"), they
are a list's mark, they name who reports ("GM is flexible, its head said"), or no name where one is asked for."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from index.lexical import content_terms, terms
from rag.reader.spans import Found

Rule = Callable[[str, int, int], float]
"""(passage, start, end): the log-odds that these words lose; infinite when they are no answer."""
NO_NAME = 0.5
"""What words without a capital letter lose where a name is asked for, in log-odds: what a fit gives on the articles
that training left out. One right answer in seven is such (`python -m benchmarks.plausible`)."""
REPORTS = 3.0
"""What whoever reports loses, in log-odds: a factor of twenty, and not all, for a company may say what "the company"
does; a person with a title, who speaks for others, loses all. Too rare in the training data to be fitted."""
_CHOICE = re.compile(r"\bor\b", re.IGNORECASE)
_MEANING = re.compile(
    r"\b(?:stands?|short|abbreviat\w*|acronyms?|initials|mean\w*|called|names?d?|full)\b", re.IGNORECASE
)
_SHORT = re.compile(r"\b[A-Z]{2,6}\b")

_ASKING = re.compile(r"\b(?:who|whom|whose|what|which|how|when|where|why)\b", re.IGNORECASE)
_FOR_NAME = re.compile(r"who|whom|whose|(?:which|what) (?:compan|firm|person|people|organi[sz]ation)", re.IGNORECASE)
_YES_OR_NO = re.compile(r"\W*(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would|should)\b", re.IGNORECASE)
_WHO_IS = re.compile(r"\bwho(?:[’']s| is| was| are| were)\b", re.IGNORECASE)
_OF_SPEECH = re.compile(
    r"\b(?:sa(?:y|id|ys|ying)|t(?:ell|old)\w*|add\w*|not(?:e|ed|es)|stat(?:e|ed|es|ing)|explain\w*|claim\w*|argu\w*|"
    r"wr[io]t\w*|report\w*|comment\w*|remark\w*|accord\w*|announc\w*|quot\w*|describ\w*|think\w*|thought|believ\w*|"
    r"interview\w*|speak\w*|spoke\w*|talk\w*|mention\w*|suggest\w*|predict\w*|warn\w*|declar\w*|opinions?|views?|"
    r"experts?)\b",
    re.IGNORECASE,
)
_SAID = (
    r"(?:said|says|told|tells|added|adds|noted|notes|stated|states|explained|explains|claimed|claims|argued|argues|"
    r"reported|reports|commented|remarked)\b"
)
_OF_ITSELF = r"(?!(?:\s+(?:on|in|at|last|this|late|early)\s+\w+)?(?:\s+that)?\s+(?:it|he|she|they|its|his|her|their)\b)"
_SPEAKER = re.compile(
    r"(?:\s+[A-Z][\w’'.-]*){0,3}"  # the rest of the name
    r"(?:,\s(?!who\b|which\b|whose\b)(?P<role>[^,.;:]{1,60}),)?"
    rf"\s+(?:(?:has|have|had|also|later|then)\s+)?{_SAID}{_OF_ITSELF}"
)
_SPEAKER_AFTER_QUOTE = re.compile(rf"[”\"’'],?\s+{_SAID}\s+(?:[\w.’'-]+\s+){{0,4}}$")
_HEARER = re.compile(r"\b(?:told|tells|interview with|interviewed by|spoke to|speaking to)\s+(?:the\s+)?$")
_TITLE = re.compile(r"\b\w*[a-z]\s+$")  # not the initials of whom it is a title of
_PERSON = re.compile(
    r"\b(?:chief|ceo|cfo|coo|president|chair(?:man|woman)?|director|executive|officer|spokes\w+|minister|secretary|"
    r"analyst|professor|mr|mrs|ms|dr|founder|head|manager|governor|mayor|senator|judge|lawyer|economist)\b",
    re.IGNORECASE,
)
_BEFORE = 60
"""Characters before the words in which a verb or a title is looked for."""


def plausible(question: str, passages: Sequence[str], found: Sequence[Found]) -> list[Found]:
    """What was found in each passage, less the answers that are none and their part of the passage's odds."""
    against = rules(question)
    return [_weigh(against, text, one) for text, one in zip(passages, found, strict=True)]


def asks_for_a_name(question: str) -> bool:
    """True when it asks who, or which company or person: not when it asks what of somebody "who" does something."""
    asking = _ASKING.search(question)
    return bool(asking and _FOR_NAME.match(question, asking.start()) and not _YES_OR_NO.match(question))


def rules(question: str) -> list[Rule]:
    """All that may speak against an answer to this question."""
    made: list[Rule] = [_fragment] if _CHOICE.search(question) else [_fragment, _echo(question)]
    if asks_for_a_name(question):
        made.append(_no_name)
        if not _OF_SPEECH.search(question) and not _WHO_IS.search(question):
            made.append(_reporter(question))
    return made


def _weigh(against: Sequence[Rule], text: str, one: Found) -> Found:
    losses = [sum(rule(text, a.start, a.end) for rule in against) for a in one.answers]
    return (
        one.revised([((a.start, a.end), loss) for a, loss in zip(one.answers, losses, strict=True)])
        if any(losses)
        else one
    )


def _echo(question: str) -> Rule:
    """Words all of which stand in the question.

    The long form of initials in the question is the same name, unless it asks what they mean. A question that offers a
    choice ("red or blue?") is answered in its own words, and has no such rule.
    """
    asked = set(terms(question))
    short = set() if _MEANING.search(question) or len(content_terms(question)) < 2 else set(_SHORT.findall(question))

    def rule(text: str, start: int, end: int) -> float:
        answer = text[start:end]
        content = content_terms(answer)
        initials = "".join(word[0] for word in answer.split() if word[0].isupper())
        said = asked.issuperset(content) or (initials in short and len(initials) == len(content))
        return math.inf if content and said else 0.0

    return rule


def _fragment(text: str, start: int, end: int) -> float:
    """A small letter by itself, or the number or letter that a line of a list begins with."""
    answer, before = text[start:end], text[text.rfind("\n", 0, start) + 1 : start]
    mark = not before.strip() and re.fullmatch(r"\d{1,3}|[A-Za-z]", answer) and text[end : end + 2] in (". ", ") ")
    return math.inf if mark or (len(answer) == 1 and answer.islower()) else 0.0


def _no_name(text: str, start: int, end: int) -> float:
    """Words without a capital letter, in a passage that has some."""
    return NO_NAME if text[start:end].islower() and not text.islower() else 0.0


def _reporter(question: str) -> Rule:
    """Whoever says what the passage reports, or hears it: the subject of a verb of speech ("Anna Kovac, its head, told
    the Herald"), for a question who does something else, not who someone is or what was said.

    Not when the question names the speaker's title or role ("which people on the board"), and not when the speaker
    speaks of itself ("Acme said it will build").
    """
    asked = set(terms(question))

    def rule(text: str, start: int, end: int) -> float:
        before = text[max(0, start - _BEFORE) : start]
        if not (speaker := _SPEAKER.match(text, end)):
            return REPORTS if _HEARER.search(before) or _SPEAKER_AFTER_QUOTE.search(before) else 0.0
        title, role = _TITLE.search(before), speaker.group("role") or ""
        if not asked.isdisjoint(content_terms(f"{title.group() if title else ''} {role}")):
            return 0.0
        named = f"{before.rpartition('.')[2][-20:]}{text[start:end]} {role}"
        return math.inf if _PERSON.search(named) else REPORTS

    return rule
