"""Find the identifiers of a question: codes, and numbers or letters that name a thing. Pure.

The search is strict, because a question is refused if no source has one of them: possible quantities, dates and years
are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from index.text.terms import (
    FUNCTION_WORDS,
    GENERIC,
    MONTH_WORDS,
    PART_NOUNS,
    WRITTEN_OUT,
    YEAR,
    Token,
    counts_what_follows,
    is_also_verb,
    is_measured,
    is_plural,
    is_quantity,
    may_name,
    normal_form,
    numbers_things,
    tokens,
    with_plain_dashes,
)

_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|[\w./-]+\.[a-z]{2,4}\b(?!\.\w)")
_PERSONS = frozenset("i we you they he she".split())
_VERBS = frozenset("be have come get go".split())
"""After a number, these words show that the word before it is a noun: "when will rookery 4 be out"."""
_MODALS = frozenset("can could may might must shall should will would to".split())
_JOINS = re.compile(r",? (?:and|or|to|vs\.?|versus) |, ?| ?[-/&] ?")
_PERIODS = {"q": "quarter", "h": "half"}
_VERSION = re.compile(r"\d+\.\d+\.\d[\w.]*")
_BARE = 3
"""Digits from which a number identifies a thing by itself, whatever a source calls the thing."""


@dataclass(frozen=True)
class Identifier:
    """An identifier of a question, with its place.

    `text` is as written; `keys` are its normal forms, the narrowest first. A source has the identifier if it holds one
    of the keys. `noun` is the word that its number or letter belongs to, "" for a code.
    """

    text: str
    start: int
    end: int
    keys: tuple[str, ...]
    noun: str = ""

    def stands_in(self, held: Set[str]) -> bool:
        """True if a text that mentions `held` has this identifier."""
        return not held.isdisjoint(self.keys)

    def has_rival_in(self, held: Set[str]) -> bool:
        """True if a text that mentions `held` names another thing of the same kind.

        Rivals are E-404 for E-4042, room 312 for 313, 3.0.0 for Rookery 3.2.0.
        """
        return any(key not in self.keys and kind.fullmatch(key) for key in held for kind in self._kinds)

    def written_in(self, text: str) -> str | None:
        """Return the identifier as `text` writes it ("KX 402" for "KX402"), or None."""
        runs = map(re.escape, re.findall(r"[^\W\d_]+|\d+", self.keys[0]))
        found = re.search(rf"(?<!\w){r'[-./ ]?'.join(runs)}(?!\w)", with_plain_dashes(text), re.IGNORECASE)
        return text[slice(*found.span())] if found else None

    @cached_property
    def _kinds(self) -> list[re.Pattern[str]]:
        # Of the wider keys only a version can't be mistaken for a quantity.
        return [_kind(key) for number, key in enumerate(self.keys) if not number or _VERSION.fullmatch(key)]


def _kind(key: str) -> re.Pattern[str]:
    """Return a pattern of the keys of other things of the same kind."""
    letters = re.match(r"[^\W\d_]*", key)
    stem = letters.group() if letters else ""
    if stem == key:
        return re.compile(re.escape(key[:-1]) + r"[^\W\d_]")
    if stem:
        return re.compile(re.escape(stem) + r"\d[\w.]*")
    if _VERSION.fullmatch(key):
        return _VERSION
    return re.compile(re.sub(r"\d+", lambda run: rf"\d{{{len(run.group())}}}", re.escape(key)))


def without(identifiers: Sequence[Identifier], question: str, *, nouns: bool = False) -> str:
    """Replace the identifiers of a question by spaces, so that offsets stay.

    Their nouns stay unless `nouns` is set.
    """
    for one in identifiers:
        kept = one.noun if one.text.startswith(one.noun) and not nouns else ""
        question = question[: one.start] + kept.ljust(one.end - one.start) + question[one.end :]
    return question


def find_identifiers(question: str) -> list[Identifier]:
    """Return the identifiers of a question, in order.

    >>> [(one.text, one.keys) for one in find_identifiers("Is E-4042 shown in room 12 for 10 minutes?")]
    [('E-4042', ('e4042',)), ('room 12', ('room12',))]
    """
    return list(_Finder(question).all())


class _Finder:
    """A search for the identifiers of one question."""

    def __init__(self, question: str) -> None:
        self._question = question
        self._text = with_plain_dashes(question)
        self._tokens = tokens(self._text)
        self._shouted = question.isupper()
        self._masked = [match.span() for match in _ADDRESS.finditer(self._text)]
        self._noun: Token | None = None
        self._end = 0

    def all(self) -> Iterator[Identifier]:
        for place, token in enumerate(self._tokens):
            if any(start <= token.start < end for start, end in self._masked):
                continue
            found = self._identify(place, token)
            if found:
                self._end = token.end
                yield found

    def _identify(self, place: int, token: Token) -> Identifier | None:
        if token.is_number and not is_measured(self._text, self._tokens, place):
            return self._number(place, token)
        if token.is_letter:
            return self._letter(place, token)
        if token.is_code and not is_quantity(token) and token.low not in WRITTEN_OUT:
            return self._identifier(token, token, _forms(normal_form(token.text)))
        if token.text.replace("-", "").replace("/", "").isdigit() and self._is_part_number(token):
            return self._identifier(token, token, (normal_form(token.text),))
        return None

    def _number(self, place: int, token: Token) -> Identifier | None:
        joined = self._noun if self._noun and _JOINS.fullmatch(self._text, self._end, token.start) else None
        noun = joined or self._named_by(place)
        known = noun is not None and numbers_things(noun.low)
        if noun is None or (token.is_time and not known):
            return self._alone(place, token)
        if not known and noun.text.islower() and counts_what_follows(self._text, self._tokens, place):
            return None
        if is_also_verb(noun.low) and counts_what_follows(self._text, self._tokens, place):
            return None
        keys = [normal_form(f"{noun.text} {token.text}")]
        number = normal_form(token.text)
        if noun.low in GENERIC:
            keys = [number] if len(number) >= _BARE else []
        elif sum(c.isdigit() for c in number) >= _BARE or "." in number:
            keys.append(number)
        if normal_form(noun.text) in map(normal_form, PART_NOUNS):
            keys.append(f"§{number}")
        if not keys:
            return None
        self._noun = noun
        return self._identifier(token if joined else noun, token, tuple(keys), noun.text)

    def _alone(self, place: int, token: Token) -> Identifier | None:
        """Read a number without a noun: after capitals it is a code ("KX 402"), with two full stops a version."""
        before = self._tokens[place - 1] if place else None
        counts = token.is_time or counts_what_follows(self._text, self._tokens, place)
        if before and self._is_prefix(before) and self._gap(place) == " " and not counts:
            return self._identifier(before, token, _forms(normal_form(before.text + token.text)))
        if token.is_version:
            return self._identifier(token, token, (normal_form(token.text),))
        return None

    def _letter(self, place: int, token: Token) -> Identifier | None:
        """Read a letter that names a thing ("Model D", "gate b"); a letter between two names is an initial."""
        noun = self._named_by(place)
        if noun is None or self._shouted or self._text[token.end : token.end + 1] in (".", "'", "’", "-", "&"):
            return None
        known = numbers_things(noun.low)
        after = self._tokens[place + 1].text if place + 1 < len(self._tokens) else ""
        if token.text.islower() and (not known or token.text in "aist"):
            return None
        if not known and (token.text in "AI" or after[:1].isupper()):
            return None
        keys = [normal_form(f"{noun.text} {token.text}")]
        if normal_form(noun.text) in map(normal_form, PART_NOUNS):
            keys.append(f"§{token.low}")
        self._noun = noun
        return self._identifier(noun, token, tuple(keys), noun.text)

    def _named_by(self, place: int) -> Token | None:
        """Return the noun whose number or letter the token at `place` is, or None."""
        at = place - 1
        if at < 0 or not re.fullmatch(r" |-|: ?| ?#|\.? ", self._gap(place)):
            return None
        glue = self._tokens[at] if self._tokens[at].low in GENERIC else None
        if glue and at and self._gap(at) == " " and may_name(self._tokens[at - 1].text):
            at -= 1
        noun = self._tokens[at]
        if glue is noun:
            return noun
        if self._is_prefix(noun) or not may_name(noun.text) or (self._gap(place).startswith(".") and glue is None):
            return None
        before = self._tokens[at - 1].low if at else ""
        known, name = numbers_things(noun.low), noun.text[0].isupper()
        after = self._tokens[place + 1].low if place + 1 < len(self._tokens) else ""
        acts = before in _PERSONS or (before in _MODALS and after not in _VERBS)
        if acts and (is_also_verb(noun.low) or not (known or name) or (before in _PERSONS and not name)):
            return None
        # The capital of the first word says nothing: the word may be a verb or a plural.
        if at == 0 and not known and (noun.text.istitle() and not _is_name(noun.text)):
            return None
        return noun

    def _is_prefix(self, token: Token) -> bool:
        """True for a few capitals that may begin a code, in a question that is not all in capitals."""
        capitals = token.text.isalpha() and token.text.isupper() and len(token.text) <= 3
        return capitals and not self._shouted and token.low not in FUNCTION_WORDS and not numbers_things(token.low)

    def _is_part_number(self, token: Token) -> bool:
        """True for digits with hyphens or slashes that are neither a range nor a date."""
        parts = re.split(r"[-/]", token.text)
        rising = len(parts) == 2 and len(parts[0]) == len(parts[1]) and parts[0] < parts[1]
        round_, years = all(part.endswith("00") for part in parts), any(YEAR.fullmatch(part) for part in parts)
        return sum(map(len, parts)) >= 5 and not (rising or round_ or years or token.is_time)

    def _gap(self, place: int) -> str:
        return self._text[self._tokens[place - 1].end : self._tokens[place].start]

    def _identifier(self, first: Token, last: Token, keys: tuple[str, ...], noun: str = "") -> Identifier:
        return Identifier(self._question[first.start : last.end], first.start, last.end, keys, noun)


def _is_name(word: str) -> bool:
    return may_name(word.lower()) and word.lower() not in MONTH_WORDS and not is_plural(word.lower())


def _forms(form: str) -> tuple[str, ...]:
    """Return the ways to write a code out: "FY23" is the fiscal year 2023, "Q3" the third quarter."""
    if match := re.fullmatch(r"fy(?:20)?(\d\d)", form):
        year = match.group(1)
        return tuple(f"{word}{number}" for word in ("fy", "fiscal", "financial") for number in (f"20{year}", year))
    if match := re.fullmatch(r"([qh])([1-4])", form):
        return form, normal_form(f"{_PERIODS[match.group(1)]} {match.group(2)}")
    return (form,)
