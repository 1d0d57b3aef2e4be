"""Split a text into words: lower case, no accents, stemmed or not, with or without function words.

The same analyzer fills the word index, so that questions and passages are split alike.
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
    """Return the words of `text` as the index has them, in order.

    They are in lower case, without accents, and stemmed.

    >>> terms("GM’s cells")
    ['gm', 's', 'cell']
    """
    return list(STEM.analyze(text))


def words(text: str) -> list[str]:
    """Return the words of `text` in order: lower case, no accents, not stemmed."""
    return list(_FOLD.analyze(text))


def content_terms(text: str) -> list[str]:
    """Return the distinct terms of `text` without function words, in order."""
    kept = [term for word in words(text) if word not in FUNCTION_WORDS for term in terms(word)]
    return list(dict.fromkeys(kept))
