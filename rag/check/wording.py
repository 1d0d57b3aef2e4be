"""Compares the words of a sentence with those of a text, and their negation and direction. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.text.terms import FUNCTION_WORDS
from index.text.words import terms, words

_NEGATORS = frozenset(
    """not no never without none neither nor cannot nobody nothing nowhere hardly barely unable fail fails failed lack
    lacks lacked t""".split()
)
_SCOPE = 3
"""Number of content words after a negator that it negates."""
_CLAUSE = re.compile(r"[,;:.!?()–—]")
_AXES = """
more higher greater larger bigger rose rise rises risen rising increase increases increased increasing grew grow grows \
grown growing growth climbed surged gained gain exceeded up above over upward expanded raised
< less fewer lower smaller fell fall falls fallen falling decrease decreases decreased decreasing decline declines \
declined declining dropped drop drops shrank shrunk shrink lost loss down below under downward reduced cut
before prior earlier until preceding < after later following since subsequently afterwards
first earliest begin begins began start starts started opened opening < last latest final end ends ended closed closing
most highest largest biggest greatest best oldest maximum < least lowest smallest worst youngest minimum fewest
won win wins winning defeated beat < lost lose loses losing
accept accepted accepts allow allowed allows approve approved < reject rejected rejects refuse refused ban banned \
forbid forbidden prohibited denied
north northern < south southern
east eastern < west western
always all every < never none
include includes included including < exclude excludes excluded excluding
support supported supports supporting favoured < oppose opposed opposes opposing
inside within < outside
hot hotter warm warmer < cold colder cool cooler
import imports imported < export exports exported
"""
_SIDES = [
    (frozenset(one.split()), frozenset(other.split()))
    for one, other in (line.split("<") for line in _AXES.replace("\n<", "<").strip().splitlines())
]
"""Words with opposite directions, a pair of sets for each axis."""


def content(text: str) -> list[str]:
    """Return the content terms of `text` in order, with repetitions."""
    return [term for word in words(text) if word not in FUNCTION_WORDS for term in terms(word)]


def holds_term(term: str, held: set[str]) -> bool:
    """True if a set has a term, or a near form of it (product, production)."""
    if term in held:
        return True
    return len(term) >= 5 and any(
        other[:5] == term[:5] and min(len(term), len(other)) >= 0.7 * max(len(term), len(other)) for other in held
    )


def coverage(said: Sequence[str], held: set[str]) -> float:
    """Return the share of the distinct terms `said` that are `held`, in [0, 1].

    It is 0 if nothing is said.
    """
    distinct = set(said)
    return sum(holds_term(term, held) for term in distinct) / len(distinct) if distinct else 0.0


def negation_differs(sentence: str, text: str) -> bool:
    """True if one text denies what the other affirms, by their shared words."""
    said, denied_said = _plain_and_denied(sentence)
    held, denied_held = _plain_and_denied(text)
    if denied_said:
        turned = {term for group in denied_held for term in group}
        return not turned or any(
            _shares(group, held, 0.5) and not _shares(group, turned, 0.01) for group in denied_said
        )
    # A text denies many unrelated things, so the sentence must have all the negated words.
    return any(len(group) > 1 and _shares(group, said, 1.0) for group in denied_held)


def _shares(group: Sequence[str], held: set[str], least: float) -> bool:
    """True if at least this share of the terms is held."""
    return sum(holds_term(term, held) for term in group) >= least * len(group)


def _plain_and_denied(text: str) -> tuple[set[str], list[tuple[str, ...]]]:
    """Return the content terms outside of negations, and the terms that each negator negates."""
    plain: set[str] = set()
    denied: list[tuple[str, ...]] = []
    for clause in _CLAUSE.split(re.sub(r"n[’']t\b", " not", text)):
        group: list[str] | None = None
        for word in words(clause):
            if word in _NEGATORS:
                if group:
                    denied.append(tuple(group))
                group = []
            elif word not in FUNCTION_WORDS:
                for term in terms(word):
                    if group is not None and len(group) < _SCOPE:
                        group.append(term)
                    else:
                        plain.add(term)
        if group:
            denied.append(tuple(group))
    return plain, denied


def direction_differs(sentence: str, text: str) -> tuple[str, str] | None:
    """Return a word of the sentence and one of the text with opposite directions.

    None if the text also has a word in the direction of the sentence, or no such pair.

    >>> direction_differs("Sales rose in May.", "In May sales fell.")
    ('rose', 'fell')
    """
    said, held = words(sentence), words(text)
    held_set = set(held)
    for sides in _SIDES:
        for own, other in (sides, sides[::-1]):
            mine = [word for word in said if word in own]
            if not mine or held_set & own or set(said) & other:
                continue
            if against := [word for word in held if word in other]:
                return mine[0], against[0]
    return None
