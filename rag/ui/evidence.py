"""Grouping of an answer's citations into places, one card for each place. Pure: no markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.cite import Citation
from rag.types import Answer, Passage
from rag.ui.passage import flowing, without_heading


@dataclass(frozen=True)
class CardPiece:
    """A part of a place's text.

    `answers` is True for answering words; `begins` has the numbers of the citations that start here.
    """

    text: str
    answers: bool = False
    begins: tuple[int, ...] = ()


@dataclass(frozen=True)
class CardPlace:
    """One card: the citations of a passage and its text.

    Plain and highlighted parts alternate; `before` is the plain text that comes first.
    """

    citations: tuple[Citation, ...]
    before: str
    highlights: tuple[tuple[tuple[CardPiece, ...], str], ...]
    """(pieces of a highlight, the plain text that follows it)."""

    @property
    def first(self) -> Citation:
        """The citation with the lowest number."""
        return min(self.citations, key=lambda one: one.number)


def group_places(answer: Answer) -> tuple[list[CardPlace], list[Passage]]:
    """Return a place for each cited passage, and the passages that no place shows."""
    groups: dict[object, tuple[Passage | None, list[Citation]]] = {}
    for one in answer.citations:
        key, passage = _home(one, answer.passages, groups)
        groups.setdefault(key, (passage, []))[1].append(one)
    shown = [passage for passage, _ in groups.values() if passage]
    others = [one for one in answer.passages if not one.cited and not any(_holds(other, one) for other in shown)]
    return [_place(passage, citations) for passage, citations in groups.values()], others


def _home(
    one: Citation, passages: Sequence[Passage], groups: dict[object, tuple[Passage | None, list[Citation]]]
) -> tuple[object, Passage | None]:
    """Return the card key of a citation and the passage that contains it; prefer a passage that has a card already."""
    around = [passage for passage in passages if _holds(passage, one)]
    around.sort(key=lambda passage: passage.rank not in groups)
    if around:
        return around[0].rank, around[0]
    for key, (_, members) in groups.items():
        if any(other.source == one.source and other.start <= one.end and one.start <= other.end for other in members):
            return key, None
    return (one.source, one.start), None


def _holds(passage: Passage, one: Citation | Passage) -> bool:
    return passage.source == one.source and passage.start <= one.start and one.end <= passage.end


def _place(passage: Passage | None, citations: Sequence[Citation]) -> CardPlace:
    ordered = sorted(citations, key=lambda one: (one.start, one.end))
    joined: list[list[Citation]] = []
    for one in ordered:
        if joined and one.start < max(other.end for other in joined[-1]):
            joined[-1].append(one)
        else:
            joined.append([one])
    ends = [max(one.end for one in group) for group in joined]
    starts = [group[0].start for group in joined]
    if passage is None:
        return CardPlace(tuple(ordered), "", tuple((_pieces(group), "") for group in joined))
    text = flowing(passage.text)
    gaps = zip(ends, [*starts[1:], passage.end], strict=True)
    after = [text[end - passage.start : following - passage.start] for end, following in gaps]
    heading = ordered[0].heading
    before = without_heading(text[: starts[0] - passage.start], heading)
    highlights = (_pieces(group, text, passage.start) for group in joined)
    return CardPlace(tuple(ordered), before, tuple(zip(highlights, after, strict=True)))


def _pieces(group: Sequence[Citation], around: str = "", begin: int = 0) -> tuple[CardPiece, ...]:
    """Cut the text that overlapping citations cover into pieces, at each start of a citation or answer.

    `around` is the text of the passage ("" if unknown), which begins at offset `begin`.
    """
    answers = [span for one in group for span in one.answers]
    end = max(one.end for one in group)
    cuts = {one.start for one in group} | {place for span in answers for place in span} | {end}
    places = sorted(place for place in cuts if group[0].start <= place <= end)
    first, text = group[0].start, group[0].quote
    for one in group[1:]:
        text += one.quote[max(0, first + len(text) - one.start) :]
    text = around[first - begin : end - begin] or flowing(text)
    made = []
    for start, stop in pairwise(places):
        begins = tuple(one.number for one in group if one.start == start)
        inside = any(a <= start < b for a, b in answers)
        made.append(CardPiece(text[start - first : stop - first], inside, begins))
    return tuple(made)
