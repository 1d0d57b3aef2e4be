"""Question -> hits: the nearest chunks by meaning and by words, fused into one ranking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from index.build.generation import Generation
from index.chunk import Chunk
from index.encoder.embedder import Embedder, Vectors
from index.mentions import mentions
from index.store.bm25 import mention
from index.text.aliases import Renamed
from index.text.calendar_names import held_name
from index.text.identifiers import Identifier, find_identifiers, without
from index.text.words import content_terms, terms

_MOST_ASKED = 16
"""Limit of the search for distinct passages, as a multiple of the candidates."""
_BM25_CEILING = 2.2
"""BM25 with k1 = 1.2 gives a term at most k1 + 1 times its idf."""


@dataclass(frozen=True)
class Query:
    """A question as the retrievers see it.

    `vector` is its unit vector (d,), `idf` its content terms with their weights, `article_ids` the articles to search
    (None: all). `identifiers` count as one term each. `renamed` is the question with names in the other form that the
    sources introduce.
    """

    text: str
    vector: Vectors
    idf: dict[str, float]
    article_ids: tuple[str, ...] | None = None
    identifiers: tuple[Identifier, ...] = ()
    renamed: tuple[Renamed, ...] = ()

    @property
    def terms(self) -> list[str]:
        """The stemmed content terms, in order."""
        return list(self.idf)


@dataclass(frozen=True)
class Hit:
    """A retrieved chunk with its rank, from 1, and its fused score in [0, 1].

    `cosine` is that of question and passage, in [-1, 1]. `coverage` is the BM25 score divided by the highest score that
    the question's terms could reach, in [0, 1]. `dense_rank` and `lexical_rank` are the ranks by each retriever (None:
    not among its candidates).
    """

    chunk: Chunk
    rank: int
    score: float
    cosine: float
    coverage: float
    dense_rank: int | None
    lexical_rank: int | None


class Retriever:
    """Searches one generation by meaning and by words.

    The fusion is a convex combination of scores (Bruch et al. 2023). On held-out questions it did better than
    reciprocal rank fusion (Cormack et al. 2009): benchmarks/retrieval.md has both.
    """

    def __init__(self, generation: Generation, embedder: Embedder, *, candidates: int, dense_weight: float) -> None:
        """Take `candidates` hits from each retriever.

        `dense_weight` in [0, 1] is the weight of meaning against words.
        """
        self._generation = generation
        self._embedder = embedder
        self._candidates = candidates
        self._dense_weight = dense_weight

    def query(self, question: str, article_ids: tuple[str, ...] | None = None) -> Query:
        """Embed the question and weigh its words.

        The weights come from the whole index, even if only some articles are searched.
        """
        words = self._generation.words
        identifiers = tuple(find_identifiers(question))
        content = self._generation.aliases.prefer_frequent(
            terms(question), content_terms(without(identifiers, question)), words.document_frequency
        )
        for one in identifiers:
            forms = [mention(key) for key in one.keys]
            held = next(filter(words.document_frequency, forms), None)
            # A source that writes "Zorb9" contains no word of "Zorb 9".
            content = [
                term for term in content if not held or term not in terms(one.noun) or words.document_frequency(term)
            ]
            content.append(held or forms[0])
        content = [held_name(term, words.document_frequency) for term in content]
        idf = {term: words.idf(term) for term in content}
        renamed = tuple(self._generation.aliases.renamed(question))
        return Query(question, self._embedder.encode_queries([question])[0], idf, article_ids, identifiers, renamed)

    def document_frequency(self, term: str) -> int:
        """Return the number of passages that contain a term."""
        return self._generation.words.document_frequency(term)

    def retrieve(self, query: Query, limit: int) -> list[Hit]:
        """Return the `limit` best chunks, best first.

        Of chunks with the same text under the same headings only one is returned. Each retriever searches only the
        selected articles, so that no other article takes a place among the candidates.
        """
        vectors, words = self._generation.vectors, self._generation.words.within(query.article_ids)
        by_meaning = self._distinct(lambda most: vectors.query(query.vector, most, query.article_ids))
        by_words = self._distinct(lambda most: words.query(query.terms, most))
        dense = list(by_meaning.values())
        # The retrievers may return different copies of the same text.
        lexical = [(by_meaning.get(text, (id_,))[0], score) for text, (id_, score) in by_words.items()]
        cosine = dict(dense)
        # Hits found by words alone get their exact cosine, so that both scores count for every hit.
        only_words = [id_ for id_, _ in lexical if id_ not in cosine]
        for id_, vector in self._generation.vectors.vectors(only_words).items():
            cosine[id_] = float(np.dot(vector, query.vector))
        ceiling = _BM25_CEILING * sum(query.idf.values())
        coverage = {id_: min(1.0, score / ceiling) for id_, score in lexical} if ceiling else {}
        weight = self._dense_weight
        fused = {
            id_: weight * max(0.0, similarity) + (1 - weight) * coverage.get(id_, 0.0)
            for id_, similarity in cosine.items()
        }
        order = sorted(fused, key=lambda id_: (-fused[id_], id_))
        chunks = self._generation.catalog.chunks(order if query.identifiers else order[:limit])
        best = _named_first(query.identifiers, order, chunks)[:limit]
        dense_rank = {id_: rank for rank, (id_, _) in enumerate(dense, 1)}
        lexical_rank = {id_: rank for rank, (id_, _) in enumerate(lexical, 1)}
        return [
            Hit(
                chunk=chunks[id_],
                rank=rank,
                score=fused[id_],
                cosine=cosine[id_],
                coverage=coverage.get(id_, 0.0),
                dense_rank=dense_rank.get(id_),
                lexical_rank=lexical_rank.get(id_),
            )
            for rank, id_ in enumerate(best, 1)
        ]

    def _distinct(self, ask: Callable[[int], list[tuple[str, float]]]) -> dict[bytes, tuple[str, float]]:
        """Return the best candidates of one retriever by the digest of their text, best first.

        Asks for more candidates while too many have the same text.
        """
        most = self._candidates
        while True:
            found = ask(most)
            texts = self._generation.catalog.digests([id_ for id_, _ in found])
            first: dict[bytes, tuple[str, float]] = {}
            for id_, score in found:
                first.setdefault(texts[id_], (id_, score))
            if len(first) >= self._candidates or len(found) < most or most >= _MOST_ASKED * self._candidates:
                return dict(islice(first.items(), self._candidates))
            most *= 4


def _named_first(identifiers: Sequence[Identifier], order: list[str], chunks: Mapping[str, Chunk]) -> list[str]:
    """Put the candidates that contain every identifier first: identifiers mean little to an encoder."""
    if not identifiers:
        return order
    held = {id_: mentions(chunks[id_].searchable) for id_ in order}
    return sorted(order, key=lambda id_: not all(one.stands_in(held[id_]) for one in identifiers))
