"""Short forms that a text introduces: "electric vehicle (EV)", "General Motors (NYSE:GM)".

The method is that of Schwartz & Hearst 2003: the letters of the short form must occur in order in the words before the
bracket, the first letter at the start of a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from index.text.words import terms

_BRACKET = re.compile(r"\(\s*(?:[A-Z][\w.]{1,9}\s*:\s*)?([A-Za-z][\w&.-]{1,9})\s*\)")
_NOT_IN_LONG_FORM = re.compile(r"[.;:!?()\[\]\n]")


def find_aliases(text: str) -> list[tuple[str, str]]:
    """Return the (short form, long form) pairs that `text` introduces, in order.

    Each pair is returned once.

    >>> find_aliases("Sales of the electric vehicle (EV) rose.")
    [('EV', 'electric vehicle')]
    """
    found: dict[tuple[str, str], None] = {}
    for match in _BRACKET.finditer(text):
        short = match.group(1)
        if not any(letter.isupper() for letter in short):
            continue
        before = _NOT_IN_LONG_FORM.split(text[max(0, match.start() - 200) : match.start()])[-1]
        words = before.split()
        candidate = " ".join(words[-min(len(short) + 5, 2 * len(short)) :])
        if long := _long_form(short, candidate):
            found[short, long] = None
    return list(found)


def _long_form(short: str, candidate: str) -> str | None:
    """Return the shortest end of `candidate` that spells `short`, or None. Letters are matched from the right."""
    letters = [letter.casefold() for letter in short if letter.isalnum()]
    low = candidate.casefold()
    if len(low) != len(candidate):
        return None
    place = len(low)
    for number in range(len(letters) - 1, -1, -1):
        place -= 1
        while place >= 0 and (
            low[place] != letters[number] or (number == 0 and place > 0 and low[place - 1].isalnum())
        ):
            place -= 1
        if place < 0:
            return None
    long = candidate[place:].strip()
    if len(long) <= len(short) or short.casefold() in long.casefold().split() or len(long.split()) < 2:
        return None
    return long


@dataclass(frozen=True)
class Renamed:
    """A question with a name in its other form.

    It suits passages that have all terms of this form (`has`) and lack some of the form in the question (`lacks`).
    """

    question: str
    has: tuple[str, ...]
    lacks: tuple[str, ...]

    def suits(self, found: frozenset[str]) -> bool:
        """True if a passage with these terms has the new form and lacks the old one."""
        return found.issuperset(self.has) and not found.issuperset(self.lacks)


def _with(question: str, name: str, other: str) -> str:
    """Return a question with a name in another form."""
    return re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", lambda _: other, question, flags=re.IGNORECASE)


class Aliases:
    """The short forms of a corpus.

    A short form with several long forms is ambiguous and left out.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        meanings: dict[str, set[tuple[str, ...]]] = {}
        written: dict[str, tuple[str, str]] = {}
        for short, long in pairs:
            form = terms(short)
            if len(form) == 1:
                meanings.setdefault(form[0], set()).add(tuple(terms(long)))
                written.setdefault(form[0], (short, long))
        self._long = {short: next(iter(longs)) for short, longs in meanings.items() if len(longs) == 1}
        self._written = {short: written[short] for short in self._long}
        self._by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for name, words in self._long.items():
            if words:
                self._by_first.setdefault(words[0], []).append((words, name))

    def widen(self, found: Sequence[str]) -> set[str]:
        """Return the terms of a text and the other form of every name in it.

        `found` holds the terms in order.
        """
        widened = set(found)
        for term in widened & self._long.keys():
            widened.update(self._long[term])
        widened.update(short for _, short in self._runs(found))
        return widened

    def renamed(self, question: str) -> list[Renamed]:
        """Return the question once for each name in it, with that name in its other form."""
        found = terms(question)
        made = list[Renamed]()
        for long, short in self._runs(found):
            in_short, in_long = self._written[short]
            made.append(Renamed(_with(question, in_long, in_short), (short,), long))
        for short in set(found) & self._long.keys():
            in_short, in_long = self._written[short]
            made.append(Renamed(_with(question, in_short, in_long), self._long[short], (short,)))
        return made

    def prefer_frequent(
        self, question: Sequence[str], content: Sequence[str], document_frequency: Callable[[str], int]
    ) -> list[str]:
        """Return the content terms of a question, each name in its most frequent form.

        `question` holds all its terms in order, `content` those that carry meaning. Otherwise a long form that is in
        few chunks would count as rare even if its short form is in all of them.
        """
        chosen = list(content)
        for long, short in self._runs(question):
            if document_frequency(short) > max(document_frequency(term) for term in long):
                chosen = [term for term in chosen if term not in long] + [short]
        for short in [term for term in chosen if term in self._long]:
            long = self._long[short]
            if min(document_frequency(term) for term in long) > document_frequency(short):
                chosen = [term for term in chosen if term != short] + list(long)
        return list(dict.fromkeys(chosen))

    def _runs(self, found: Sequence[str]) -> list[tuple[tuple[str, ...], str]]:
        return [
            (long, short)
            for place, term in enumerate(found)
            for long, short in self._by_first.get(term, [])
            if tuple(found[place : place + len(long)]) == long
        ]
