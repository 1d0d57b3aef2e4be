"""The part of the index that a question searches."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from index.article import Article
from index.build.generation import Generation
from rag.choice import SourceScope
from rag.places import Places
from rag.reader.evidence import Reader
from rag.retrieve import Hit, Query, Retriever

_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Scope:
    """The index with its retriever and reader, narrowed to the selected sources.

    `source_scope` are the selected sources (None: all). `limit` is the number of passages to retrieve for a question.
    """

    generation: Generation
    retriever: Retriever
    reader: Reader
    source_scope: SourceScope | None
    limit: int

    @property
    def article_ids(self) -> tuple[str, ...] | None:
        """The articles to search; None for all."""
        return self.source_scope.article_ids if self.source_scope else None

    def search(self, question: str) -> tuple[Query, list[Hit]]:
        """Return the query of a question, and its hits."""
        query = self.retriever.query(question, self.article_ids)
        return query, self.retriever.retrieve(query, self.limit)

    def within(self, article_ids: Collection[str]) -> Scope | None:
        """Return the scope of the selected sources among these articles; None if empty."""
        homes = self.generation.catalog.homes()
        sources = homes if self.source_scope is None else self.source_scope.names
        names = frozenset(source for source in sources if homes[source] in article_ids)
        ids = tuple(sorted({homes[source] for source in names}))
        return replace(self, source_scope=SourceScope(names, ids, len(homes))) if names else None

    def of_year(self, words: str) -> Scope:
        """Return the scope of the sources published in a year, if `words` name one.

        Otherwise, or if no source was published in it, return the same scope.
        """
        if not _YEAR.fullmatch(words):
            return self
        catalog = self.generation.catalog
        homes = catalog.homes()
        dated = ((source, published) for source, _, published in catalog.titles() if published)
        return self.within({homes[source] for source, when in dated if when.first_day.year == int(words)}) or self

    def places(self, hits: Sequence[Hit], article_ids: Collection[str] = ()) -> Places:
        """Return the places of the hits, with these articles too."""
        catalog = self.generation.catalog
        ids = {*article_ids, *(hit.chunk.article_id for hit in hits)}
        return Places(
            hits, {id_: self._under_selected_name(catalog.article_by_id(id_)) for id_ in ids}, catalog.chunks_of
        )

    def _under_selected_name(self, article: Article) -> Article:
        """Return an article under its selected names: a selected copy replaces an original that is not selected."""
        if self.source_scope is None:
            return article
        first, *others = self.source_scope.named([article.source, *article.copies])
        return replace(article, source=first, copies=tuple(others))
