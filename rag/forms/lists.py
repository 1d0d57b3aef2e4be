"""The list, steps or small table that a question asks for, by the text above it and its items."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from index.encoder.embedder import Embedder
from index.mentions import mentions
from rag.cite import Statement
from rag.forms.along_blocks import listed
from rag.forms.block_choice import blocks_of
from rag.forms.question_form import asks_what_is_not, denies, word_forms
from rag.places import Places
from rag.reader import Evidence
from rag.retrieve import Query
from rag.types import Form

_LEAST = 0.5
"""Lowest cosine of question and list for a question that asks for a list or steps."""
_LEAST_UNASKED = 0.65
"""The same for a question that asks for neither by its wording ("breaking changes in 3.0.0")."""
_LEAST_OWN = 0.3
"""Lowest cosine of question and the headings above a list, without the title of the document."""
_LEAST_INSIDE = 0.3
"""Share of the evidence inside a list that is enough to choose it, whatever is above it."""
_SURE = 0.5
"""Share of the evidence from which a single slice is the answer."""
_WANTS_A_VALUE = re.compile(
    r"\s*(?:who|whom|whose|when|where|how (?:much|many|long|old|far|often|big))\b", re.IGNORECASE
)
"""Opens a question that no list answers; "who was at the meeting" asks for several."""
_FEWEST_WORDS = 3
"""A question with fewer words counts as having this many."""
_FEWEST_OWN = 2
"""Fewest words of a question in the headings and lines above a list, without the document's title."""
_MOST_LISTS = 24


@dataclass(frozen=True)
class ListFound:
    """A list that a question asks for.

    `number` is its number among the blocks of the article; `score` is in [-1, 1].
    """

    article_id: str
    number: int
    score: float


def find_list(
    query: Query, form: Form, evidence: Sequence[Evidence], places: Places, embedder: Embedder
) -> ListFound | None:
    """Return the list near the passages that answers best; None if none fits.

    Its score is the mean cosine of the question with the text above a list, and with that text and the items; or the
    share of the question's words above it, if that is higher. A document on the subject is near to every question about
    it. So the headings of the list alone must be near too, or it must contain part of the `evidence`.
    """
    if form not in ("list", "steps", "words") or (form == "words" and _WANTS_A_VALUE.match(query.text)):
        return None
    kinds = ("list", "steps", "rows") if form == "list" else ("list", "steps")
    near = list(islice((one for one in blocks_of(places) if one.kind in kinds), _MOST_LISTS))
    if not near:
        return None
    vectors = embedder.encode_documents([text for one in near for text in (one.above, one.whole, one.own or one.above)])
    cosines = (vectors @ query.vector).reshape(-1, 3)
    question_terms, best = word_forms(query.text), None
    least = _LEAST_UNASKED if form == "words" else _LEAST
    for one, (of_head, of_whole, of_own) in zip(near, cosines, strict=True):
        if query.identifiers and not all(each.stands_in(mentions(one.whole)) for each in query.identifiers):
            continue  # another error's steps, another room's things
        if asks_what_is_not(query.text) and not denies(one.whole):
            continue  # what is paid, not what is not
        score = max(float(of_head + of_whole) / 2, _share_above(question_terms, one.above, one.own))
        inside = _share_inside(evidence, places, one.article_id, one.number) >= _LEAST_INSIDE
        is_table = one.kind == "rows"  # its columns are near to many questions
        meant = inside or (one.own and of_own >= _LEAST_OWN and not is_table)
        if score >= least and meant and (best is None or score > best.score):
            best = ListFound(one.article_id, one.number, score)
    if best and evidence and evidence[0].stands and evidence[0].score >= _SURE:
        # A complete answer elsewhere is better than a list on the same subject.
        return best if _share_inside(evidence[:1], places, best.article_id, best.number) else None
    return best


def _share_inside(evidence: Sequence[Evidence], places: Places, article: str, number: int) -> float:
    """Return the share of the evidence that is inside a list."""
    block = places.structure(article).blocks[number]
    return sum(
        one.score
        for one in evidence
        if one.hit.chunk.article_id == article and one.start < block.end and block.start < one.end
    )


def _share_above(question_terms: set[str], head: str, own: str) -> float:
    """Return the share of a question's words above a list; 0 if only the document's title has them."""
    if len(question_terms & word_forms(own)) < _FEWEST_OWN:
        return 0.0
    return len(question_terms & word_forms(head)) / max(_FEWEST_WORDS, len(question_terms))


def as_statements(found: ListFound, places: Places) -> list[Statement]:
    """Return a list as the statements of an answer."""
    return listed(places.structure(found.article_id), found.number, places, found.article_id, found.score)
