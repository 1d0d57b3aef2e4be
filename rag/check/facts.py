"""Verifiable facts of a sentence (numbers, dates, names, addresses), and whether a text has them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

from index.text.aliases import Aliases
from index.text.dates import PartialDate, find_dates
from index.text.terms import FUNCTION_WORDS
from index.text.tokens import token_counter
from index.text.words import terms, words
from rag.check.amounts import TIMES, Number, find_numbers
from rag.check.wording import holds_term

WORD = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W\d_]\w*(?:[’'&][^\W_]+)*")
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"'“”‹›]+|[\w.+-]+@[\w-]+\.[\w.]+", re.IGNORECASE)
_OPENS = re.compile(r"(?:[.!?:;]\s+|[“\"‘(]\s*)$")
CONNECTIVES = frozenset(
    """however nonetheless nevertheless moreover furthermore additionally meanwhile overall thus therefore hence instead
    consequently similarly likewise although though despite besides alongside unlike whereas whilst yes no both several
    another today currently later earlier recently including various numerous certain""".split()
)
_DEMONYM = ("n", "an", "ian", "ean", "ese", "ish", "i", "s", "es", "er", "ic", "can")
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.){2,}")


@dataclass(frozen=True)
class Fact:
    """A fact that a sentence states, as written.

    `kind` is "number", "date", "name" or "link".
    """

    kind: str
    text: str
    start: int
    end: int
    value: Number | PartialDate | tuple[str, ...] | str


def plain_terms(text: str) -> list[str]:
    """Return the index terms of a text, with "U.S." written "US"."""
    return terms(_undotted(text))


def _undotted(text: str) -> str:
    return _DOTTED.sub(lambda match: match.group().replace(".", ""), text)


@dataclass(frozen=True)
class SearchedText:
    """A text in which facts are looked up.

    `aliases` are the short forms that its article introduces.
    """

    text: str
    aliases: Aliases

    @cached_property
    def terms(self) -> set[str]:
        """The terms, with the other form of every name in the text."""
        return self.aliases.widen(plain_terms(self.text))

    @cached_property
    def forms(self) -> set[str]:
        """The words in lower case, not stemmed."""
        return set(words(_undotted(self.text)))

    @cached_property
    def _name_terms(self) -> set[str]:
        """The terms of capitalised words, and of the other forms of names."""
        text = _undotted(self.text)
        capital = (word for word in re.findall(r"\w+", text) if not word.islower())
        return set(terms(" ".join(capital))) | (self.terms - set(terms(text)))

    @cached_property
    def dates(self) -> list[PartialDate]:
        """The dates that have at least a month."""
        return [value for _, _, value in find_dates(self.text)]

    @cached_property
    def numbers(self) -> dict[Decimal, set[str]]:
        """The units of each number."""
        held: dict[Decimal, set[str]] = {Decimal(1): {"", "th"}}
        for one in find_numbers(self.text):
            held.setdefault(one.value, set()).add(one.unit)
        for year, _, day in self.dates:
            for value in (year, day):
                if value:
                    held.setdefault(Decimal(value), set()).add("")
        return held

    @cached_property
    def _starts(self) -> dict[str, list[str]]:
        starts: dict[str, list[str]] = {}
        for term in self._name_terms:
            starts.setdefault(term[:4], []).append(term)
        return starts

    def has(self, fact: Fact) -> bool:
        """True if the text has the fact, in any form."""
        value = fact.value
        if isinstance(value, Number):
            return self._has_number(value)
        if isinstance(value, str):
            return value in self.text.casefold()
        if fact.kind == "date":
            said: Any = value
            return any(_agrees(said, date, self.numbers) for date in self.dates)
        return not self._missing_words(fact)

    def holds(self, term: str) -> bool:
        """True if the text has a term, a near form of it, or a related name.

        A near form: product, production. A related name: Japan, Japanese.
        """
        return holds_term(term, self.terms) or self._has_kin(term)

    def has_word(self, word: str) -> bool:
        """True if the text has this word, its plural, or a name that it is a form of."""
        if not self.forms.isdisjoint((word, f"{word}s", f"{word}es")):
            return True
        return any(term in self._name_terms or self._has_kin(term) for term in terms(word))

    def lacks(self, fact: Fact) -> float:
        """Return how much of a fact the text lacks, in [0, 1].

        For a name it is the share of its words, for others 0 or 1.
        """
        if fact.kind != "name" or not isinstance(fact.value, tuple):
            return 0.0 if self.has(fact) else 1.0
        return min(1.0, len(self._missing_words(fact)) / len(fact.value))

    def _missing_words(self, fact: Fact) -> list[str]:
        """Return the words of a name that the text lacks; "well" does not count as "Wells"."""
        return [word for word in words(_undotted(fact.text)) if len(word) > 1 and not self.has_word(word)]

    def _has_number(self, number: Number) -> bool:
        units = self.numbers.get(number.value)
        if number.unit == "s" and units is None:  # "the 1990s" of a source that says 1995
            return any(number.value <= value < number.value + 10 for value in self.numbers if value > 1000)
        if units is None:
            return False
        return not number.unit or number.unit in units or (number.unit in TIMES | {"th", "s"} and "" in units)

    def _has_kin(self, term: str) -> bool:
        """True for Japan if the text has Japanese, and the other way round."""
        for held in self._starts.get(term[:4], ()):
            short, long = sorted((term, held), key=len)
            stem = short.rstrip("aey")
            if len(stem) >= 4 and long.startswith(stem) and long[len(stem) :].lstrip("aey") in _DEMONYM:
                return True
        return False


def find_facts(sentence: str) -> list[Fact]:
    """Return the facts of a sentence, in order.

    >>> [fact.text for fact in find_facts("In May 2020 CATL paid $5 million to Elon Musk.")]
    ['May 2020', 'CATL', '$5 million', 'Elon Musk']
    """
    found = [
        Fact("link", m.group(), m.start(), m.end(), m.group().rstrip(".,;:!?)").casefold()) for m in _links(sentence)
    ]
    for start, end, date in find_dates(sentence):
        found.append(Fact("date", sentence[start:end], start, end, date))
    taken = [(one.start, one.end) for one in found]
    for number in find_numbers(sentence):
        if _free(number.start, number.end, taken):
            found.append(Fact("number", sentence[number.start : number.end], number.start, number.end, number))
    taken = [(one.start, one.end) for one in found]
    found += _joined(sentence, (one for one in _names(sentence) if _free(one.start, one.end, taken)))
    return sorted(found, key=lambda one: one.start)


def _links(sentence: str) -> Iterator[re.Match[str]]:
    return _LINK.finditer(sentence)


def _free(start: int, end: int, taken: Iterable[tuple[int, int]]) -> bool:
    return all(end <= a or b <= start for a, b in taken)


def _agrees(said: PartialDate, held: PartialDate, numbers: dict[Decimal, set[str]]) -> bool:
    """True if `held` has every part of the date `said`; a year that the text has elsewhere counts for all its days."""
    year, month, day = said
    if month != held[1] or (day is not None and day != held[2]):
        return False
    return year is None or year == held[0] or (held[0] is None and Decimal(year) in numbers)


def _names(sentence: str) -> Iterator[Fact]:
    matches = list(WORD.finditer(sentence))
    for number, match in enumerate(matches):
        word = re.sub(r"[’']s?$", "", match.group())
        low = word.casefold()
        if not word[:1].isupper() and not any(letter.isupper() for letter in word[1:]):
            continue
        content = tuple(term for term in plain_terms(word) if len(term) > 1)
        if not content or low in FUNCTION_WORDS or low in CONNECTIVES or len(word) < 2:
            continue
        if opens(sentence, match.start()) and not _is_name(word, matches, number, sentence):
            continue
        yield Fact("name", word, match.start(), match.start() + len(word), content)


def opens(text: str, start: int) -> bool:
    """True if a sentence or quotation begins at `start`, where words have capitals."""
    return start == 0 or bool(_OPENS.search(text, max(0, start - 6), start))


def _is_name(word: str, matches: list[re.Match[str]], number: int, sentence: str) -> bool:
    """True if the first word of a sentence is a name, and not only capitalised for its position."""
    if any(letter.isupper() for letter in word[1:]):
        return True
    if number + 1 < len(matches):
        following = matches[number + 1]
        between = sentence[matches[number].end() : following.start()]
        if (
            following.group()[0].isupper()
            and between.strip() == ""
            and following.group().casefold() not in FUNCTION_WORDS
        ):
            return True
    return _is_rare(word.lower()) and not word.lower().endswith(("ly", "ing", "ed", "ies", "tion", "ers"))


@cache
def _is_rare(word: str) -> bool:
    """True if the token table, trained on common English, has no single token for a word in lower case."""
    return len(word) > 3 and token_counter().count(" " + word) > 1


def _joined(sentence: str, names: Iterable[Fact]) -> Iterator[Fact]:
    """Join the adjacent words of a name: "Elon Musk" is one fact."""
    run: list[Fact] = []
    for one in names:
        if run and sentence[run[-1].end : one.start] not in (" ", "-", "'s ", "’s "):
            yield _one(sentence, run)
            run = []
        run.append(one)
    if run:
        yield _one(sentence, run)


def _one(sentence: str, run: list[Fact]) -> Fact:
    start, end = run[0].start, run[-1].end
    return Fact("name", sentence[start:end], start, end, tuple(term for one in run for term in one.value))  # type: ignore[union-attr,misc]
