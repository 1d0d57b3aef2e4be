"""Whether a sentence exchanges who does what to whom. Pure.

"Reed sold the mill to Hale" has the words of "Hale sold the mill to Reed". The word right before a verb that both texts
have, its subject, stands after it in the other text. In the passive the sides change without the roles.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from index.text.sentences import sentences
from index.text.terms import FUNCTION_WORDS
from index.text.words import terms

_WORD = re.compile(r"\w+")
_BY = 5
"""Number of words after a verb within which "by" makes it passive."""
_BE = frozenset("is are was were be been being".split())


@dataclass(frozen=True)
class _Word:
    """A content word of a text: its term, its form, whether it is written like a name, and whether a verb is
    passive there."""

    term: str
    text: str
    named: bool
    passive: bool


def exchanged_roles(sentence: str, text: str) -> tuple[str, str] | None:
    """Return two words of a sentence that have exchanged their roles in every sentence of `text` with both, or None.

    >>> exchanged_roles("Ann Reed sold the mill to Tom Hale.", "In 1955 Tom Hale sold the mill to Ann Reed.")
    ('Reed', 'Hale')
    """
    own = _content_words(sentence)
    found = None
    for start, end in sentences(text):
        other = _content_words(text[start:end])
        if len({one.term for one in own} & {one.term for one in other}) < 3:
            continue
        if (pair := _exchanged(own, other)) is None:
            if _same_order(own, other):
                return None
            continue
        found = found or pair
    return found


def _exchanged(own: Sequence[_Word], other: Sequence[_Word]) -> tuple[str, str] | None:
    """Return the words right before a shared verb in the two texts, if each stands after the verb in the other text."""
    places, counts = {one.term: at for at, one in enumerate(other)}, Counter(one.term for one in (*own, *other))
    for at, verb in enumerate(own):
        there = places.get(verb.term, 0)
        if not at or not there or verb.named or counts[verb.term] != 2 or verb.passive != other[there].passive:
            continue
        subject, former = own[at - 1], other[there - 1]
        if subject.term == former.term or not (subject.text.isalpha() and former.text.isalpha()):
            continue
        after = {one.term for one in own[at + 1 :]}, {one.term for one in other[there + 1 :]}
        if former.term in after[0] and subject.term in after[1] and (subject.named or former.named):
            return subject.text, former.text
    return None


def _same_order(own: Sequence[_Word], other: Sequence[_Word]) -> bool:
    """True if the shared words stand in the same order in both."""
    places = {one.term: at for at, one in enumerate(other)}
    shared = [places[one.term] for one in own if one.term in places]
    return len(shared) > 2 and shared == sorted(shared)


def _content_words(text: str) -> list[_Word]:
    matches = list(_WORD.finditer(text))
    made = []
    for number, match in enumerate(matches):
        word = match.group()
        found = terms(word.lower()) if word.lower() not in FUNCTION_WORDS else []
        if found:
            following = [one.group().lower() for one in matches[number + 1 : number + 1 + _BY]]
            before = matches[number - 1].group().lower() if number else ""
            made.append(_Word(found[0], word, word[0].isupper(), "by" in following or before in _BE))
    return made
