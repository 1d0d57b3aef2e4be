"""A follow-up -> the complete questions that it may mean. Pure.

Words alone can't tell what "it" or "and lemon thyme?" means, so a follow-up gets several interpretations: words of
earlier turns replace a pronoun, or the follow-up replaces a phrase of the earlier question. The interpretation that
retrieval and the reading model answer best gives the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from index.text.terms import FUNCTION_WORDS
from index.text.words import content_terms
from rag.cite import Citation
from rag.forms.periods import MONTHS
from rag.types import Answer

MOST_READINGS = 12
"""Most interpretations of one follow-up."""
_LOOK_BACK = 2
"""Earlier turns that a follow-up may refer to."""
_LONGEST_PHRASE = 6
"""Most words of an earlier answer that may replace a pronoun."""
_SHORT_OF_A_ROW = 3
"""Most content words of a question for another cell of the row in the last answer ("how many guests come")."""
_SHORT = 1
"""A question with at most this many content words is a fragment ("by when?")."""

_WORD = re.compile(r"[^\W_]+(?:[’'&./-][^\W_]+)*")
_NEW_SUBJECT = re.compile(
    r"\s*(?:(?:ok|okay|now|and)[\s,]+)?(?:something else|another (?:question|thing|topic)|different (?:question|topic)"
    r"|new (?:question|topic)|change of (?:subject|topic)|by the way|btw)\s*[:,.;–—-]*\s*",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"^\s*(?:(?:ok|okay|so|right|thanks)[\s,]+)?(?:and|but|or|what about|how about|what if|also)\b[\s,]*", re.IGNORECASE
)
_TOO = re.compile(r"[\s,]+(?:too|as well|also|either|though|then|instead)\s*[?.!]*\s*$", re.IGNORECASE)
_NUMBERED = re.compile(r"\b[A-Za-z]{1,4}-?\d+(?:[.,]\d+)*\b|\d+(?:[.,]\d+)*(?:\s?(?:%|[a-z]{1,3}\b))?")
"""A code ("E1") or a number with its unit ("60 mm")."""
_PERSON = frozenset(("he", "she", "him", "his", "her", "hers"))
_THING = frozenset("it its they them their theirs one ones this that these those".split())
_PLACE = frozenset(("there", "then"))
_CONTRACTED = {
    **{f"they{end}": "they" for end in ("re", "ve", "ll", "d")},
    **{"hes": "he", "shes": "she", "thats": "that", "itll": "it"},
}
"""Pronouns with a verb, as people type them without the apostrophe."""
_POSSESSIVE = frozenset(("his", "her", "its", "their"))
"""Pronouns that a name or noun before them in the question explains ("GM makes its own cells")."""
_DETERMINERS = frozenset(("this", "that", "these", "those", "his", "her", "its", "their", "one"))
"""Words that are pronouns only if no noun follows."""
_DO = frozenset(("do", "does", "did"))
"""After one of these and a pronoun, a verb follows, not a noun ("how much does that save?")."""
_ARTICLES = r"(?<![^\W_])(?:the|an?|my|our|your|this|that|these|those)\s+"
_OPENS = re.compile(_ARTICLES, re.IGNORECASE)
_ENDS = re.compile(f"{_ARTICLES}$", re.IGNORECASE)
_PREPOSITION = re.compile(
    r"(?:in|on|at|by|for|from|to|with|without|under|over|after|before|during|since|until|about|between|as)\b",
    re.IGNORECASE,
)
_TIMES = (
    MONTHS,
    "monday tuesday wednesday thursday friday saturday sunday".split(),
    "spring summer autumn fall winter".split(),
)
_NAMED_TIME = re.compile(rf"\b(?:{'|'.join(word for words in _TIMES for word in words)})s?\b", re.IGNORECASE)
_DOUBLED = re.compile(r"\b(\w+)(?: \1\b)+", re.IGNORECASE)
_VERBAL = frozenset(
    """is are was were be been am do does did has have had will would can could may might must should shall cost costs
    happen happens mean means work works""".split()
)


@dataclass(frozen=True)
class Thread:
    """The turns of one conversation, oldest first."""

    turns: tuple[Answer, ...] = ()

    def then(self, answer: Answer) -> Thread:
        """Return the thread with another turn."""
        return Thread((*self.turns, answer))

    def citations(self) -> tuple[Citation, ...]:
        """Return the citations of the last answered turn."""
        return next((turn.citations for turn in reversed(self.turns) if turn.citations), ())

    def row(self) -> Citation | None:
        """Return the citation of the table row that is all the last answer rests on; None if there is no such row."""
        turn = next((turn for turn in reversed(self.turns) if turn.citations), None)
        rows = [one for one in turn.citations if " | " in one.quote] if turn else []
        return rows[0] if turn and len(rows) == len(turn.citations) == 1 else None

    def _asks_of_the_row(self, question: str) -> bool:
        """True for a short question after an answer from one row, which may ask for another cell of it."""
        return self.row() is not None and len(content_terms(question)) <= _SHORT_OF_A_ROW

    def readings(self, question: str) -> list[str]:
        """Return what a question may mean here, at most MOST_READINGS, itself first.

        It is the only interpretation if it refers to nothing, changes the subject, or opens the conversation.
        """
        plain = question.strip()
        if fresh := _NEW_SUBJECT.match(plain):
            return [plain[fresh.end() :].strip() or plain]
        turns = [turn for turn in self.turns if turn.citations or turn.refused][-_LOOK_BACK:]
        if not turns or not (refers(plain) or self._asks_of_the_row(plain)):
            return [plain]
        made = dict.fromkeys([plain])
        for turn in reversed(turns):
            made |= dict.fromkeys(_DOUBLED.sub(r"\1", one) for one in _filled(plain, turn))
        return list(made)[:MOST_READINGS]


def refers(question: str) -> bool:
    """True if a question can't be understood by itself.

    It has a pronoun, opens with "and", or is only a fragment.

    >>> [refers(q) for q in ("and E3?", "when is it due?", "Who is the CEO of GM?", "is it true that GM makes cells?")]
    [True, True, False, False]
    """
    opens_or_ends = bool(_LINK.match(question) or _TOO.search(question))
    return opens_or_ends or bool(_pronouns(question)) or len(content_terms(question)) <= _SHORT


def is_fragment(question: str) -> bool:
    """True if a question is not a sentence, or has at most one content word.

    >>> [is_fragment(q) for q in ("and E3?", "electric ones too?", "by when?", "and who looks after the door?")]
    [True, True, True, False]
    """
    return not _is_sentence(strip_links(question)) or len(content_terms(question)) <= _SHORT


def strip_links(question: str) -> str:
    """Return a follow-up without the words that only link it to the conversation."""
    return _TOO.sub("", _LINK.sub("", question)).strip(" ?!.") or question.strip(" ?!.")


def _filled(question: str, turn: Answer) -> Iterator[str]:
    """Yield what a question may mean after a turn."""
    before = turn.searched or turn.question
    words = strip_links(question)
    phrases = _phrases(before)
    # A phrase with an article can't be a verb.
    subject = [*_answer_words(turn), *sorted(phrases, key=lambda phrase: not _OPENS.match(phrase))]
    for start, end in _pronouns(words)[:1]:
        is_person = words[start:end].casefold() in _PERSON
        for phrase in subject:
            if is_person and any(map(str.isdigit, phrase)):
                continue
            yield f"{words[:start]}{phrase}{words[end:]}"
    if not _pronouns(words) and not _is_sentence(words):
        # "and lemon thyme?" asks the earlier question of another thing; first replace a part that is written alike.
        yield from _alike(before, words)
        whole = [] if _PREPOSITION.match(words) else phrases[::-1]
        for phrase in whole:
            yield before.replace(phrase, words, 1)
        for phrase in whole:
            # The last word may be a verb: "how long does the syrup keep".
            shorter = phrase.rpartition(" ")[0]
            if _OPENS.match(phrase) and content_terms(shorter):
                yield before.replace(shorter, words, 1)
    if not _pronouns(words) and _is_sentence(words):
        yield from (f"{words} for {phrase}" for phrase in phrases)
    carried = [one for phrase in phrases if (one := _OPENS.sub("", phrase)).casefold() not in words.casefold()]
    yield f"{words} {' '.join(carried)}".strip()


def _alike(before: str, bare: str) -> Iterator[str]:
    """Yield the earlier question with a part replaced by a part of the follow-up that is written alike.

    Such parts are numbers and codes ("60 mm", "100 mm"; "E1", "E3"), months and days, and what follows the same
    preposition. Or append the follow-up ("and in March?").
    """
    for form in (_NUMBERED, _NAMED_TIME):
        new = [match.group() for match in form.finditer(bare)]
        old = [match.span() for match in form.finditer(before)]
        if len(new) == 1:
            for start, end in old:
                if _shape(before[start:end]) == _shape(new[0]):
                    yield f"{before[:start]}{new[0]}{before[end:]}"
    if preposition := _PREPOSITION.match(bare):
        for phrase in _phrases(before):
            yield from _replaced(before, f"{preposition.group()} {phrase}", bare)
        yield f"{before.rstrip(' ?!.')} {bare}"


def _replaced(before: str, old: str, new: str) -> Iterator[str]:
    """Yield the question with one part replaced, if it has that part."""
    start = before.casefold().find(old.casefold())
    if start >= 0:
        yield f"{before[:start]}{new}{before[start + len(old) :]}"


def _shape(text: str) -> str:
    """Return the kind of a number: its unit; codes are one kind, and so are months, weekdays, and seasons."""
    for number, names in enumerate(_TIMES):
        if text.casefold().removesuffix("s") in names or text.casefold() in names:
            return f"time {number}"
    code = text[:1].isalpha()
    return "code" if code else re.sub(r"[\d.,\s]+", "", text.casefold())


def _phrases(question: str) -> list[str]:
    """Return the runs of content words in a question, with the article before each, as written, in order."""
    runs, last = list[tuple[int, int]](), -1
    for match in _WORD.finditer(question):
        form = match.group().casefold()
        if {form, form.replace("’", "'").removesuffix("'s")} & (FUNCTION_WORDS | _VERBAL):
            last = -1
            continue
        if last >= 0 and question[last : match.start()].isspace():
            runs[-1] = runs[-1][0], match.end()
        else:
            runs.append(match.span())
        last = match.end()
    opened = [(led.start() if (led := _ENDS.search(question[:start])) else start, end) for start, end in runs]
    return list(dict.fromkeys(question[start:end] for start, end in opened))


def _answer_words(turn: Answer) -> list[str]:
    """Return the opening words of an answer, if they can replace a pronoun."""
    opening = next((one.text for one in turn.sentences if one.words), "")
    return [opening] if opening and len(opening.split()) <= _LONGEST_PHRASE else []


def _pronouns(question: str) -> list[tuple[int, int]]:
    """Return the places of pronouns that nothing in the question explains."""
    found = []
    matches = list(_WORD.finditer(question))
    for number, match in enumerate(matches):
        form = match.group().casefold().replace("’", "'").removesuffix("'s")
        form = _CONTRACTED.get(form.replace("'", ""), form)
        after = matches[number + 1].group().casefold() if number + 1 < len(matches) else ""
        before = matches[number - 1].group().casefold() if number else ""
        if form in _POSSESSIVE and content_terms(question[: match.start()]):
            continue
        if form in _PERSON or (form in _PLACE and not (before in _VERBAL and form == "there")):
            found.append(match.span())
        elif form in _THING:
            noun_follows = form in _DETERMINERS and after and after not in FUNCTION_WORDS and after not in _VERBAL
            noun_follows = noun_follows and before not in _DO
            # "a company that makes cells", "is it true that ...": no pronoun, or one that the question explains.
            clause = form == "that" and before and before not in FUNCTION_WORDS
            explained = form == "it" and before in _VERBAL and any(m.group().casefold() == "that" for m in matches)
            if not (noun_follows or clause or explained):
                found.append(match.span())
    return found


def is_whole(question: str) -> bool:
    """True for a sentence without a pronoun that it leaves unexplained.

    >>> [is_whole(q) for q in ("what can be deducted", "when is it due?", "lemon thyme")]
    [True, False, False]
    """
    return _is_sentence(question) and not _pronouns(question)


def _is_sentence(text: str) -> bool:
    """True for a full question ("who looks after the lift door"), not for a phrase ("lemon thyme")."""
    words = [match.group().casefold() for match in _WORD.finditer(text)]
    asks = {"who", "what", "when", "where", "why", "how", "which", "whose", "whom"}
    verbs = [
        word in _VERBAL and not (before and _PREPOSITION.fullmatch(before)) for before, word in pairwise(["", *words])
    ]
    return bool(words) and (words[0] in asks or any(verbs))


NO_TURNS = Thread()
"""The thread of a question outside a conversation."""
