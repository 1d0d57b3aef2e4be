"""BM25 over the chunks (Robertson & Zaragoza 2009; k1 = 1.2, b = 0.75). The only module that uses tantivy.

Tantivy rather than bm25s: its index is memory-mapped and so opens at once at any size, it adds and deletes single
documents, and it is built once, never per question. bm25s holds the whole score matrix in memory and can't change it.
"""

from __future__ import annotations

import copy
import json
import math
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import tantivy

from index.home import linked
from index.store.digests import failing_as_damage
from index.text.words import STEM

_ANALYZER = "footnote"
_WRITER_BYTES = 64_000_000
_PART = "word index"

_MENTION = "#"
"""The prefix of a term that is the normal form of an identifier. No word of a text begins with it."""


def mention(form: str) -> str:
    """Return the term under which the index holds an identifier's normal form."""
    return _MENTION + form


class LexicalIndex:
    """A BM25 index in a folder."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        """Open the index in `folder`, or `create` an empty one there.

        Raises IndexDamaged if it can't be opened.
        """
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("id", stored=True, tokenizer_name="raw")
        schema.add_text_field("article", stored=False, tokenizer_name="raw", index_option="basic")
        schema.add_text_field("body", stored=False, tokenizer_name=_ANALYZER, index_option="freq")
        schema.add_text_field("mentions", stored=False, tokenizer_name="raw", index_option="basic")
        self._scope: tantivy.Query | None = None
        self._folder = folder
        self._ever = 0
        if create:
            folder.mkdir(parents=True)
        elif not os.access(folder, os.W_OK):
            # Tantivy locks an index even to read it.
            self._links = linked(folder, "*.lock")
            folder = Path(self._links.name)
        with failing_as_damage(self._folder.parent, _PART):
            self._index = tantivy.Index(schema.build(), path=str(folder), reuse=not create)
            self._index.register_tokenizer(_ANALYZER, STEM)
            self._reload()

    def change(self, gone: Iterable[str], documents: Iterable[tuple[str, str, str, Iterable[str]]]) -> None:
        """Delete the chunks of the articles `gone`, add `documents`, and commit both.

        A document is (chunk id, article id, text, mentions); the mentions are the normal forms of the identifiers in
        the chunk (index/mentions.py).
        """
        writer = self._index.writer(_WRITER_BYTES, 1)
        for article_id in gone:
            writer.delete_documents_by_term("article", article_id)
        for id_, article_id, text, mentions in documents:
            document = tantivy.Document()
            document.add_text("id", id_)
            document.add_text("article", article_id)
            document.add_text("body", text)
            for form in mentions:
                document.add_text("mentions", form)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        for name in ("meta.json", ".managed.json"):  # tantivy makes them readable by its user only
            shutil.copymode(self._folder / ".tantivy-meta.lock", self._folder / name)
        self._reload()

    def _reload(self) -> None:
        """Load the current index, and count its chunks with the deleted ones that tantivy has not merged away yet."""
        self._index.reload()
        held = json.loads((self._folder / "meta.json").read_text("utf-8"))
        self._ever = sum(int(segment["max_doc"]) for segment in held["segments"])

    def within(self, article_ids: Sequence[str] | None) -> LexicalIndex:
        """Return the same index, limited to these articles (None: all).

        Scores still weigh words by the whole index.
        """
        if article_ids is None:
            return self
        narrowed = copy.copy(self)
        narrowed._scope = tantivy.Query.term_set_query(self._index.schema, "article", list(article_ids))
        return narrowed

    def query(self, question_terms: Sequence[str], limit: int) -> list[tuple[str, float]]:
        """Return the `limit` best chunks for the terms: (id, BM25 score above 0).

        The best comes first. A mention counts as much as a word that occurs once in a chunk of mean length.
        """
        if not question_terms:
            return []
        either = [(tantivy.Occur.Should, self._weighed(term)) for term in question_terms]
        wanted = self._narrowed(tantivy.Query.boolean_query(either))
        with failing_as_damage(self._folder.parent, _PART):
            searcher = self._index.searcher()
            found = searcher.search(wanted, limit=limit, count=False)
            return [(str(searcher.doc(address)["id"][0]), float(score)) for score, address in found.hits]

    def document_frequency(self, term: str) -> int:
        """Return the number of chunks that have `term`.

        Some chunks that were deleted since the index was last merged count too.
        """
        with failing_as_damage(self._folder.parent, _PART):
            searcher = self._index.searcher()
            if self._scope is None:
                return int(searcher.doc_freq(*_place(term)))
            return int(searcher.search(self._narrowed(self._holds(term)), limit=1, count=True).count or 0)

    def idf(self, term: str) -> float:
        """Return the inverse document frequency of BM25, above 0, over the whole index.

        It is ln(1 + (N - n + 0.5) / (n + 0.5)). As in tantivy's own weights, deleted chunks count in N and in n until
        they are merged away.
        """
        with failing_as_damage(self._folder.parent, _PART):
            held = int(self._index.searcher().doc_freq(*_place(term)))
        return math.log(1 + (self._ever - held + 0.5) / (held + 0.5))

    def count(self) -> int:
        """Return the number of indexed chunks."""
        return int(self._index.searcher().num_docs)

    def _weighed(self, term: str) -> tantivy.Query:
        held = self._holds(term)
        return tantivy.Query.const_score_query(held, self.idf(term)) if term[:1] == _MENTION else held

    def _holds(self, term: str) -> tantivy.Query:
        field, form = _place(term)
        return tantivy.Query.term_query(self._index.schema, field, form, "freq" if field == "body" else "basic")

    def _narrowed(self, wanted: tantivy.Query) -> tantivy.Query:
        """Limit a query to the articles in scope, without changing its scores."""
        if self._scope is None:
            return wanted
        scope = tantivy.Query.const_score_query(self._scope, 0.0)
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, wanted), (tantivy.Occur.Must, scope)])


def _place(term: str) -> tuple[str, str]:
    """Return the field and the form in which a term is indexed."""
    return ("mentions", term[1:]) if term[:1] == _MENTION else ("body", term)
