"""Text -> words: in lower case, without accents, as they are or stemmed; with or without function words.

The same analyzer fills the word index, so that a question and a passage are cut alike.
"""

from __future__ import annotations

import tantivy

from index.text.terms import FUNCTION_WORDS


def _analyzer(*, stem: bool) -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    builder = builder.filter(tantivy.Filter.remove_long(64)).filter(tantivy.Filter.lowercase())
    builder = builder.filter(tantivy.Filter.ascii_fold())
    return (builder.filter(tantivy.Filter.stemmer("english")) if stem else builder).build()


STEM = _analyzer(stem=True)
_FOLD = _analyzer(stem=False)


def terms(text: str) -> list[str]:
    """The words of `text` as the index sees them: lower case, without accents, stemmed, in order.

    >>> terms("GM’s cells")
    ['gm', 's', 'cell']
    """
    return list(STEM.analyze(text))


def words(text: str) -> list[str]:
    """The words of `text` in lower case, without accents, not stemmed, in order."""
    return list(_FOLD.analyze(text))


def content_terms(text: str) -> list[str]:
    """The distinct terms of `text` that carry meaning, in order: function words and question words left out."""
    kept = [term for word in words(text) if word not in FUNCTION_WORDS for term in terms(word)]
    return list(dict.fromkeys(kept))
