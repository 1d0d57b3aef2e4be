"""Slices of articles -> evidence, each inside a passage: a retrieved one, or one added for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from index.article import Article
from index.chunk import Chunk
from index.text.layout import Span
from index.text.sentences import sentences
from index.text.structure import Structure, structure
from rag.reader import Evidence
from rag.retrieve import Hit

_LONGEST = 400_000
"""Longest article, in characters, that is parsed into blocks (about half a second); longer ones answer by sentences."""


class Places:
    """The passages of a question, and on demand others of the same articles."""

    def __init__(
        self, hits: Sequence[Hit], articles: Mapping[str, Article], chunks_of: Callable[[str], Sequence[Chunk]]
    ) -> None:
        """Take the passages, best first, with their articles by id.

        `chunks_of` returns all chunks of an article.
        """
        self.hits = list(hits)
        self.articles = articles
        self._chunks_of = chunks_of

    def structure(self, article_id: str) -> Structure:
        """Return the blocks of an article; none if it is too long to parse for a question."""
        text = self.articles[article_id].text
        return _structure(article_id, text) if len(text) <= _LONGEST else Structure(text, ())

    def evidence(self, article_id: str, start: int, end: int, score: float) -> list[Evidence]:
        """Return the slice [start, end) of an article as evidence.

        It is one piece if a passage contains all of it. Otherwise it is split into the sentences that passages contain;
        other sentences are left out.
        """
        if one := self._within(article_id, start, end, score):
            return [one]
        pieces = (
            self._within(article_id, a, b, score) for a, b in sentences(self.articles[article_id].text, start, end)
        )
        return [one for one in pieces if one]

    def whole(self, article_id: str, most: int) -> list[Hit]:
        """Return the first passages of an article, in order, with at most `most` tokens together.

        Those that are not among the passages yet are added to them.
        """
        known = {hit.chunk.id: hit for hit in self.hits}
        taken, tokens = list[Hit](), 0
        for chunk in self._chunks_of(article_id):
            tokens += chunk.token_count
            if taken and tokens > most:
                break
            taken.append(known.get(chunk.id) or self._add(chunk))
        return taken

    def _add(self, chunk: Chunk) -> Hit:
        score = self.hits[-1].score if self.hits else 0.0
        hit = Hit(chunk, len(self.hits) + 1, score, 0.0, 0.0, None, None)
        self.hits.append(hit)
        return hit

    def _within(self, article_id: str, start: int, end: int, score: float) -> Evidence | None:
        for hit in self.hits:
            if hit.chunk.article_id == article_id and hit.chunk.start <= start and end <= hit.chunk.end:
                return Evidence(hit, start, end, score)
        for chunk in self._chunks_of(article_id):
            if chunk.start <= start and end <= chunk.end:
                return Evidence(self._add(chunk), start, end, score)
        return None


@lru_cache(64)
def _structure(article_id: str, text: str) -> Structure:
    del article_id
    return structure(text)


def with_answers(one: Evidence, spans: Sequence[Span]) -> Evidence:
    """Return the evidence with those of the answer spans that lie inside it."""
    return replace(one, answers=tuple(span for span in spans if one.start <= span[0] and span[1] <= one.end))
