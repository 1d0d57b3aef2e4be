"""Find the identifiers that a source mentions, in normal form. Pure.

The search is generous, because a question is refused if no source has its identifier. It accepts every way to write an
identifier ("rooms 311 to 314", "404 error", "second floor", a number at the head of a line, in a heading or in the
column "Room" of a row), and rejects only quantities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from index.article import Article
from index.chunk import Chunk
from index.formats import page_word
from index.text.terms import (
    FUNCTION_WORDS,
    GENERIC,
    PART_NOUNS,
    Token,
    is_measured,
    is_plural,
    may_name,
    normal_form,
    numbers_things,
    tokens,
    with_plain_dashes,
)

_NEAR = 3
"""How many words before a number may say what it names: "Velmo Brisa 7", "error code 404"."""
_MOST_IN_RANGE, _DIGITS = 200, 6
"""The most numbers that a range such as "rooms 311 to 314" may name, and the most digits of its ends."""
_LISTED = 40
"""The most list members between a noun and the number that it names."""
_BARE = 3
_ONES = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_CARDINAL = {word: number for number, word in enumerate(_ONES, 1)}
_RANK = {word: number for number, word in enumerate(_ORDINALS, 1)}
_SAYS_NUMBER = _CARDINAL.keys() | _RANK.keys()
_ROMAN_ONE = {"I": 1, "V": 5, "X": 10}
_RANKED = re.compile(r"(\d+)(?:st|nd|rd|th)", re.IGNORECASE)
_ROMAN = re.compile(r"(?=[IVX]{2,}$)(X{0,3})(IX|IV|V?I{0,3})")
_CODE = re.compile(r"([^\W\d_]+)[-./]?(\d+)([^\W\d_]?)")
_RANGE = re.compile(r"([^\W\d_]*-?)(\d{1,6})(?: ?- ?| to )\1(\d{1,6})(?!\w)")
_JOIN = frozenset("and or to through".split())
_LINKED = re.compile(r"[ (#:\"“'‘-]{0,3}|\. ?|, ")
_HEAD = re.compile(r"(?:^|[\n|])[\s#*•>(\[“-]*$")
_COLUMN = re.compile(r"(?:^|[\n|])[ \t]*([^|:\n]{1,60}): $")
_FIRST_COLUMN = re.compile(r"(?:^|\n)[^|:\n]{0,40}?(\w+)\.?: $")
_VERSIONED = ("version", "release", "v")
"""Words for what a number with two full stops names: "5.0.0" is of version 5."""
_ABBREVIATED = frozenset("no nr nos p pp ch sec fig vol art cl para rm apt ver v ed".split())


def mentions(text: str, head: str = "") -> set[str]:
    """Return the normal forms of the identifiers that a text mentions.

    `head` is the text above it: title, headings.

    >>> sorted(mentions("Rooms 311 and 312 show E-4042."))
    ['e', 'e4042', 'room311', 'room312']
    """
    topic = [word for token in tokens(with_plain_dashes(head)) if (word := _topic(token))]
    return {form for part in (text, head) for form in _Text(part, topic).all()}


def mentioned_in_name(source: str) -> set[str]:
    """Return the normal forms of the identifiers in a source's name.

    The name is the path: its folders, and the file name without its suffix.
    """
    path = PurePosixPath(source)
    name = " ".join([*path.parent.parts, path.stem])
    return mentions(name) | mentions(re.sub(r"[-_.]+", " ", name))


def chunk_mentions(article: Article, chunks: Sequence[Chunk]) -> Iterator[set[str]]:
    """Yield the normal forms of the identifiers that each chunk mentions, in order.

    `chunks` are all chunks of the article. Each also gets the identifiers in the source's name and in the text between
    it and the chunk before it, such as headings without text; the last also gets those in the text after it.
    """
    named = mentioned_in_name(article.source)
    word = page_word(article.source)
    ends = [0, *(one.end for one in chunks)]
    for one, end in zip(chunks, ends, strict=False):
        after = article.text[one.end :] if one is chunks[-1] else ""
        places = f"{word} {article.page(one.start)} to {article.page(one.end)}; {one.heading}"
        between = mentions(f"{article.text[end : one.start]}\n{after}")
        yield named | mentions(one.text, one.context) | between | mentions(places)


def _topic(token: Token) -> str:
    return token.text if token.is_word and token.low not in FUNCTION_WORDS else ""


class _Text:
    """A reader of the identifiers in one text; `topic` holds the words of the text above it."""

    def __init__(self, text: str, topic: list[str]) -> None:
        self._text = with_plain_dashes(text)
        self._tokens = tokens(self._text)
        self._topic = topic

    def all(self) -> Iterator[str]:
        for place, token in enumerate(self._tokens):
            if token.text.isalpha():
                if len(token.text) == 1 or token.low in _SAYS_NUMBER or token.text.isupper():
                    yield from self._word(place, token)
            elif not any(c.isdigit() for c in token.text):
                yield normal_form(token.text)  # "wi-fi"
            elif token.is_code and not token.is_number:
                yield from self._code(place, token)
            else:
                yield from self._number(place, token)

    def _code(self, place: int, token: Token) -> Iterator[str]:
        if match := _RANKED.fullmatch(token.text):
            yield from self._with_next(place, match.group(1))
            return
        yield normal_form(token.text)
        for part in re.split(r"[/_]", token.text):
            yield normal_form(part)
        if match := _RANGE.match(self._text, token.start):
            yield from (normal_form(f"{match.group(1)}{number}") for number in _members(*match.group(2, 3)))
        if match := _CODE.fullmatch(token.text):
            letters, number, suffix = match.groups()
            yield normal_form(letters)
            if suffix:
                yield normal_form(letters + number)
            # "Error E-404" is an error 404 too.
            yield from (normal_form(f"{word} {number}") for word in self._nouns(place))

    def _number(self, place: int, token: Token) -> Iterator[str]:
        nouns = self._nouns(place)
        quantity = is_measured(self._text, self._tokens, place)
        numbers = list(_written(token)) + self._range_before(place, token)
        for number in numbers:
            yield from (normal_form(f"{word} {number}") for word in nouns)
        before = self._tokens[place - 1] if place else None
        if before and before.text.isupper() and before.text.isalpha() and self._gap(place) == " ":
            yield normal_form(before.text + token.text)  # "KX 402"
        if token.is_version or token.text.count("-") + token.text.count("/"):
            yield normal_form(token.text)
        if token.is_version:
            yield from (normal_form(f"{word} {number}") for word in _VERSIONED for number in _written(token))
        if quantity:
            return
        yield from self._with_next(place, token.text)
        bare = self._is_head(place) or any(may_name(word) and not is_plural(word.lower()) for word in nouns[:1])
        for number in numbers if bare else ():
            if sum(c.isdigit() for c in number) >= _BARE or "." in number:
                yield normal_form(number)
            if self._is_head(place) or any(word.lower().rstrip("s") in PART_NOUNS for word in nouns[:1]):
                yield f"§{normal_form(number)}"
            if self._is_head(place) or token.is_version:
                yield from (normal_form(f"{word} {number}") for word in self._topic)

    def _word(self, place: int, token: Token) -> Iterator[str]:
        """Yield the forms of a letter that names, or of a number in words or in Roman numerals."""
        if number := _RANK.get(token.low):
            yield from self._with_next(place, str(number))
        elif number := _CARDINAL.get(token.low) or _roman(token.text):
            yield from (normal_form(f"{word} {number}") for word in self._nouns(place) if may_name(word))
        elif token.is_letter:
            nouns = self._nouns(place)
            named = [word for word in nouns if token.text.isupper() or numbers_things(word.lower())]
            yield from (normal_form(f"{word} {token.text}") for word in named)
            if one := _ROMAN_ONE.get(token.text):
                yield from (normal_form(f"{word} {one}") for word in named)
            if self._is_head(place):
                yield f"§{token.low}"
                yield from (normal_form(f"{word} {token.text}") for word in self._topic if token.text.isupper())

    def _with_next(self, place: int, number: str) -> Iterator[str]:
        """Yield the form of a number with the word after it: "404 error", "2nd floor"."""
        if place + 1 < len(self._tokens) and self._gap(place + 1) in (" ", "-"):
            after = self._tokens[place + 1]
            if (
                after.is_word
                and after.low not in FUNCTION_WORDS
                and not (is_plural(after.low) and after.text.islower())
            ):
                yield normal_form(f"{after.text} {number}")

    def _nouns(self, place: int) -> list[str]:
        """Return the words that may say what the token at `place` names, the nearest first.

        They are the words before it, past the other members of its list, or the words of its column's name.
        """
        column = _COLUMN.search(self._text, max(0, self._tokens[place].start - 70), self._tokens[place].start)
        if column:
            return [token.text for token in reversed(tokens(column.group(1))) if token.is_word][:_NEAR]
        found: list[str] = []
        at = place
        while at > max(0, place - _LISTED) and len(found) < _NEAR and _LINKED.fullmatch(self._gap(at)):
            if self._gap(at)[:1] == "." and self._tokens[at - 1].low not in _ABBREVIATED:
                break
            at -= 1
            token = self._tokens[at]
            if not found and (token.low in _JOIN or token.is_letter or any(c.isdigit() for c in token.text)):
                continue
            if not token.text.isalpha() or token.low in FUNCTION_WORDS or (found and self._gap(at + 1)[:1] == ","):
                break
            if not found and self._gap(at + 1)[:1] == ",":
                break
            found.append(token.text)
        return found

    def _range_before(self, place: int, token: Token) -> list[str]:
        """Return the numbers of the range that ends at this token ("rooms 311 to 314"), if there is one."""
        if not place:
            return []
        back = 2 if self._tokens[place - 1].low in ("to", "through") and self._gap(place) == " " else 1
        joined = back == 2 or self._gap(place).strip() == "-"
        return _members(self._tokens[place - back].text, token.text) if joined and place >= back else []

    def _is_head(self, place: int) -> bool:
        """True at the head of a line or cell, or in the first column of a row unless that column counts things."""
        start = self._tokens[place].start
        if _HEAD.search(self._text, max(0, start - 12), start):
            return True
        column = _FIRST_COLUMN.search(self._text, max(0, start - 70), start)
        return bool(column and (may_name(column.group(1)) or column.group(1).lower() in GENERIC))

    def _gap(self, place: int) -> str:
        return self._text[self._tokens[place - 1].end : self._tokens[place].start]


def _written(token: Token) -> Iterator[str]:
    """Yield the numbers that a number stands for: itself, a version's prefixes, the ends and members of a range."""
    yield token.text
    text = token.text.replace(",", "")
    if match := _RANGE.fullmatch(text):
        yield from (*match.group(2, 3), *_members(*match.group(2, 3)))
        return
    parts = re.split(r"\.", text)
    yield from (".".join(parts[:n]) for n in range(1, len(parts)))
    yield from re.split(r"[/_]", text) if re.search(r"[/_]", text) else ()
    if text[-1:].isalpha():
        yield text[:-1]


def _members(first: str, last: str) -> list[str]:
    small = all(number.isdecimal() and len(number) <= _DIGITS for number in (first, last))
    if not small or not 0 < int(last) - int(first) <= _MOST_IN_RANGE:
        return []
    return [str(number) for number in range(int(first), int(last) + 1)]


def _roman(text: str) -> int:
    match = _ROMAN.fullmatch(text)
    if not match:
        return 0
    ones = {"": 0, "I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9}
    return 10 * len(match.group(1)) + ones[match.group(2)]
