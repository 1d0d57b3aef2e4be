"""Tell numbered headings ("3. Heating") from numbered list items. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_NUMBER = re.compile(
    r"(?:(?:Section|Article|Part|Chapter)\s+)?(?P<number>\d{1,2}(?:\.\d{1,2}){0,3})(?P<mark>[.):]?)\s+(?=\S)"
)
_ENDS = re.compile(r"[.!?…:;,][\"'”’)\]]*$")
_SENTENCE = re.compile(r"[.!?…:][\"'”’)\]]*(?: \[\d+\])?$")
_LONGEST, _MOST_WORDS = 60, 8
_LONG = 55
"""A line at least this long is prose, whatever ends it."""

SectionNumber = tuple[int, ...]


def numbered_headings(paragraphs: Sequence[Sequence[str]]) -> set[int]:
    """Return the numbers of the paragraphs that open with a numbered heading.

    Each paragraph is given as its lines. A numbered heading is short and no sentence, prose or a list follows it, and
    another heading has the number before or after it: a single numbered line may be a list item or a date.
    """
    found = dict[int, SectionNumber]()
    for place, lines in enumerate(paragraphs):
        below = lines[1] if len(lines) > 1 else paragraphs[place + 1][0] if place + 1 < len(paragraphs) else ""
        rest = lines[1:] if len(lines) > 1 else paragraphs[place + 1] if below else ()
        if (number := _number_of_heading(lines[0])) and below and _is_section(number, below, rest):
            found[place] = number
    chained = set[int]()
    for (place, number), (after, following) in pairwise(found.items()):
        if _follows(number, following):
            chained |= {place, after}
    return chained


def number_of(line: str) -> SectionNumber:
    """Return the number that opens a line, or () if there is none.

    >>> number_of("3.1 Heating"), number_of("Section 4: Noise"), number_of("12 eggs"), number_of("Noise")
    ((3, 1), (4,), (), ())
    """
    match = _NUMBER.match(line)
    if not match or not (match["mark"] or "." in match["number"] or line[:1].isalpha()):
        return ()
    return tuple(int(part) for part in match["number"].split("."))


def after_number(line: str) -> int:
    """Return the offset in a line at which the words after its number begin."""
    match = _NUMBER.match(line) if number_of(line) else None
    return match.end() if match else 0


def _number_of_heading(line: str) -> SectionNumber:
    """Return the number of a line that may be a heading, () for any other."""
    match = _NUMBER.match(line)
    words = line[match.end() :] if match else ""
    short = len(words) <= _LONGEST and len(words.split()) <= _MOST_WORDS
    opens = words[:1].isalpha() and not words[:1].islower()
    return number_of(line) if short and opens and not _ENDS.search(words) and "|" not in words else ()


def _is_section(number: SectionNumber, below: str, rest: Sequence[str]) -> bool:
    """True if the lines below a numbered line are prose, or items of a deeper level."""
    own = number_of(below)
    if own:
        return len(own) > len(number)
    if below[:1].islower():
        return False
    return len(below) >= _LONG or any(_SENTENCE.search(line) for line in rest)


def _follows(number: SectionNumber, following: SectionNumber) -> bool:
    """True if `following` is the next number: 4 or 3.1 after 3, 4 after 3.2."""
    if len(following) > len(number):
        return following == (*number, 1)
    depth = len(following)
    return following[:-1] == number[: depth - 1] and following[-1] == number[depth - 1] + 1
