"""BM25 over the chunks (Robertson & Zaragoza 2009; k1 = 1.2, b = 0.75). The only room that knows tantivy.

Tantivy, not bm25s: its index lives in memory-mapped files and so opens at once at any size, it adds and deletes single
documents, and it is built once, never per question. bm25s holds the whole score matrix in memory and can't change it.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import tantivy

from index.digests import failing_as_damage

_ANALYZER = "footnote"
_WRITER_BYTES = 64_000_000
_PART = "word index"

FUNCTION_WORDS = frozenset(
    """a an the this that these those some any each every all both either neither no not nor and or but if then than
    so as of at by for with about against between into through during before after above below to from up down in
    out on off over under again further once here there when where why how what which who whom whose i me my we us
    our you your he him his she her it its they them their is am are was were be been being do does did doing done
    have has had having can could will would shall should may might must ought s t d ll m re ve don doesn didn isn
    aren wasn weren won wouldn couldn shouldn many much more most long often old tall far there's that's what's
    please tell give show let know just also too very only own same such other another according based""".split()
)


def _analyzer(*, stem: bool) -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    builder = builder.filter(tantivy.Filter.remove_long(64)).filter(tantivy.Filter.lowercase())
    builder = builder.filter(tantivy.Filter.ascii_fold())
    return (builder.filter(tantivy.Filter.stemmer("english")) if stem else builder).build()


_STEM = _analyzer(stem=True)
_FOLD = _analyzer(stem=False)


def terms(text: str) -> list[str]:
    """The words of `text` as the index sees them: lower case, without accents, stemmed, in order.

    >>> terms("GM’s cells")
    ['gm', 's', 'cell']
    """
    return list(_STEM.analyze(text))


def words(text: str) -> list[str]:
    """The words of `text` in lower case, without accents, not stemmed, in order."""
    return list(_FOLD.analyze(text))


def content_terms(text: str) -> list[str]:
    """The distinct terms of `text` that carry meaning, in order: function words and question words left out."""
    kept = [term for word in words(text) if word not in FUNCTION_WORDS for term in terms(word)]
    return list(dict.fromkeys(kept))


class LexicalIndex:
    """A BM25 index in a folder."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        """Open the folder, or `create` an empty index in it. Raises IndexDamaged when it can't be opened."""
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("id", stored=True, tokenizer_name="raw")
        schema.add_text_field("article", stored=False, tokenizer_name="raw", index_option="basic")
        schema.add_text_field("body", stored=False, tokenizer_name=_ANALYZER, index_option="freq")
        self._among: tantivy.Query | None = None
        self._folder = folder
        self._ever = 0
        if create:
            folder.mkdir(parents=True)
        with failing_as_damage(self._folder.parent, _PART):
            self._index = tantivy.Index(schema.build(), path=str(folder), reuse=not create)
            self._index.register_tokenizer(_ANALYZER, _STEM)
            self._look()

    def change(self, gone: Iterable[str], documents: Iterable[tuple[str, str, str]]) -> None:
        """Take out the chunks of the articles `gone`, add (id, article id, text) of chunks, and commit both."""
        writer = self._index.writer(_WRITER_BYTES, 1)
        for article_id in gone:
            writer.delete_documents_by_term("article", article_id)
        for id_, article_id, text in documents:
            document = tantivy.Document()
            document.add_text("id", id_)
            document.add_text("article", article_id)
            document.add_text("body", text)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._look()

    def _look(self) -> None:
        """See what is in the folder. Tantivy counts what was taken out until it merges that away; it says so there."""
        self._index.reload()
        held = json.loads((self._folder / "meta.json").read_text("utf-8"))
        self._ever = sum(int(segment["max_doc"]) for segment in held["segments"])

    def within(self, article_ids: Sequence[str] | None) -> LexicalIndex:
        """The same index seen as if it held these articles only (None: all); scores still weigh words by all of it."""
        if article_ids is None:
            return self
        narrowed = copy.copy(self)
        narrowed._among = tantivy.Query.term_set_query(self._index.schema, "article", list(article_ids))
        return narrowed

    def query(self, question_terms: Sequence[str], limit: int) -> list[tuple[str, float]]:
        """The `limit` best chunks for the terms: (id, BM25 score above 0), best first."""
        if not question_terms:
            return []
        either = [(tantivy.Occur.Should, self._holds(term)) for term in question_terms]
        wanted = self._narrowed(tantivy.Query.boolean_query(either))
        with failing_as_damage(self._folder.parent, _PART):
            searcher = self._index.searcher()
            found = searcher.search(wanted, limit=limit, count=False)
            return [(str(searcher.doc(address)["id"][0]), float(score)) for score, address in found.hits]

    def document_frequency(self, term: str) -> int:
        """In how many chunks `term` stands; also in some that were taken out since the index was written in full."""
        with failing_as_damage(self._folder.parent, _PART):
            searcher = self._index.searcher()
            if self._among is None:
                return int(searcher.doc_freq("body", term))
            return int(searcher.search(self._narrowed(self._holds(term)), limit=1, count=True).count or 0)

    def idf(self, term: str) -> float:
        """BM25's inverse document frequency, ln(1 + (N - n + 0.5) / (n + 0.5)), above 0.

        As tantivy weighs words: chunks that were taken out count in N and in n until it has merged them away.
        """
        held = self.document_frequency(term)
        return math.log(1 + (self._ever - held + 0.5) / (held + 0.5))

    def count(self) -> int:
        """How many chunks are indexed."""
        return int(self._index.searcher().num_docs)

    def _holds(self, term: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._index.schema, "body", term, "freq")

    def _narrowed(self, wanted: tantivy.Query) -> tantivy.Query:
        """What is wanted, among the articles that are looked at; that adds nothing to the score."""
        if self._among is None:
            return wanted
        among = tantivy.Query.const_score_query(self._among, 0.0)
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, wanted), (tantivy.Occur.Must, among)])
