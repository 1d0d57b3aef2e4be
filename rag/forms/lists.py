"""The list, steps or small table that a question asks for, found by what it stands under and what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from index.encoder.embedder import Embedder
from index.mentions import mentions
from index.text.structure import Structure, columns
from rag.cite import Statement
from rag.forms.along_blocks import MOST_ITEMS, entries, leads_into, listed
from rag.forms.asked import Form, word_forms
from rag.places import Places
from rag.reader import Evidence
from rag.retrieve import Query

_LEAST = 0.5
"""Cosine of question and list from which it answers a question for a list or for steps."""
_LEAST_UNASKED = 0.65
"""The same for a question that asks for neither in words ("breaking changes in 3.0.0")."""
_LEAST_OWN = 0.3
"""Cosine of question and the headings above a list, without the title of the document."""
_LEAST_INSIDE = 0.3
"""Share of the evidence in a list that shows that it is meant, whatever it stands under."""
_SURE = 0.5
"""Share of the evidence from which one slice of it is what is meant."""
_WANTS_A_VALUE = re.compile(
    r"\s*(?:who|whom|whose|when|where|how (?:much|many|long|old|far|often|big))\b", re.IGNORECASE
)
"""Opens a question that a list does not answer, whatever it stands under; "who was at the meeting" asks for several."""
_FEWEST_WORDS = 3
"""Words of a question that have to stand above a list where it has no more."""
_FEWEST_OWN = 2
"""Words of a question that have to stand in the headings and lines above a list, beside the document's title."""
_MOST_LISTS = 24
_LONGEST = 700
"""Characters of a list that are compared; the encoder reads no more."""


@dataclass(frozen=True)
class ListFound:
    """A list that a question asks for: its number among the blocks of the article, and its score in [-1, 1]."""

    article_id: str
    number: int
    score: float


def find_list(
    query: Query, form: Form, evidence: Sequence[Evidence], places: Places, embedder: Embedder
) -> ListFound | None:
    """Return the list near the passages that answers best, None if none is near enough to the question.

    Its score is the mean cosine of the question with what stands above a list, and with this and its items; or the
    share of the question's words that stand above it, if that is higher. A document on the subject is near to every
    question about it: so the headings of the list alone must be near too, or the `evidence` stand in it.
    """
    if form not in ("list", "steps", "words") or (form == "words" and _WANTS_A_VALUE.match(query.text)):
        return None
    kinds = ("list", "steps", "rows") if form == "list" else ("list", "steps")
    near = list(islice(_near(places, kinds), _MOST_LISTS))
    if not near:
        return None
    texts = [_texts(places, article, number) for article, number in near]
    vectors = embedder.encode_documents([text for head, whole, own in texts for text in (head, whole, own or head)])
    cosines = (vectors @ query.vector).reshape(-1, 3)
    asked, best = word_forms(query.text), None
    least = _LEAST_UNASKED if form == "words" else _LEAST
    for (article, number), (head, whole, own), (of_head, of_whole, of_own) in zip(near, texts, cosines, strict=True):
        if query.identifiers and not all(one.stands_in(mentions(whole)) for one in query.identifiers):
            continue  # another error's steps, another room's things
        score = max(float(of_head + of_whole) / 2, _share_above(asked, head, own))
        inside = _share_inside(evidence, places, article, number) >= _LEAST_INSIDE
        is_table = places.structure(article).blocks[number].kind == "rows"  # its columns are near to many questions
        meant = inside or (own and of_own >= _LEAST_OWN and not is_table)
        if score >= least and meant and (best is None or score > best.score):
            best = ListFound(article, number, score)
    if best and evidence and evidence[0].stands and evidence[0].score >= _SURE:
        # What answers by itself elsewhere is meant, not a list on the same subject.
        return best if _share_inside(evidence[:1], places, best.article_id, best.number) else None
    return best


def _share_inside(evidence: Sequence[Evidence], places: Places, article: str, number: int) -> float:
    """The share of the evidence that stands in a list."""
    block = places.structure(article).blocks[number]
    return sum(
        one.score
        for one in evidence
        if one.hit.chunk.article_id == article and one.start < block.end and block.start < one.end
    )


def _share_above(asked: set[str], head: str, own: str) -> float:
    """The share of a question's words above a list, 0 where only the title of the document has them."""
    if len(asked & word_forms(own)) < _FEWEST_OWN:
        return 0.0
    return len(asked & word_forms(head)) / max(_FEWEST_WORDS, len(asked))


def as_statements(found: ListFound, places: Places) -> list[Statement]:
    """Return a list as the statements of an answer."""
    return listed(places.structure(found.article_id), found.number, places, found.article_id, found.score)


def _near(places: Places, kinds: Sequence[str]) -> Iterator[tuple[str, int]]:
    """(article id, number) of the lists in the passages, the best passages first."""
    seen = set[tuple[str, int]]()
    for hit in list(places.hits):
        held = places.structure(hit.chunk.article_id)
        for number, block in enumerate(held.blocks):
            place = (hit.chunk.article_id, number)
            touches = block.start < hit.chunk.end and hit.chunk.start < block.end
            new = block.kind in kinds and touches and place not in seen
            if new and 2 <= len(entries(held, number)) <= MOST_ITEMS:
                seen.add(place)
                yield place


def _texts(places: Places, article_id: str, number: int) -> tuple[str, str, str]:
    """What stands above a list; this with its items; and what stands above it without the title of the document."""
    held, article = places.structure(article_id), places.articles[article_id]
    title = article.title if article.named else ""
    above = [held.text[one.inner : one.end] for one in held.path(number)]
    if number and leads_into(held, number - 1) == number:
        before = held.blocks[number - 1]
        above.append(held.text[before.start : before.end])
    if held.blocks[number].kind == "rows":
        above.append(" ".join(columns(held.text, held.blocks[number].start)))
    head = "\n".join(dict.fromkeys(filter(None, (title, *above))))
    own = "\n".join(line for line in above if line != title)
    return head, f"{head}\n{_items(held, number)}"[:_LONGEST], own


def _items(held: Structure, number: int) -> str:
    spans: Sequence[tuple[int, int]] = entries(held, number)
    return "\n".join(held.text[start:end] for start, end in spans)
