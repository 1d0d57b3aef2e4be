"""What a question asks for: its names and rare words, and whether it asks for several things."""

from __future__ import annotations

import re

from index.text.identifiers import find_identifiers, without
from index.text.terms import FUNCTION_WORDS
from index.text.tokens import token_counter
from index.text.words import terms, words

_WORD = re.compile(r"[^\W_]+(?:[’'&.-][^\W_]+)*")
_PLURAL = r"(?:people|men|women|children|(?!(?:is|was|does|has|its|this|his|us)\b)\w+[^\Wsui]s)"
_POSSESSIVE = re.compile(r"[’']s?$")
_BEGINS = re.compile(r"(?:^|[.!?:;]\s)[\s\"“”'‘’(]*\Z")
_ARTICLES = frozenset("a an the".split())
_TITLES = frozenset("mr mrs ms miss dr prof sir".split())
_SMALL = FUNCTION_WORDS - {"i", "us", "may", "will", "it", "am", "who"}
"""Words with a capital inside a sentence only in titles; the words taken out are also names or abbreviations."""
_AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|will|would|can|could|may|might|must|should)"
LISTED = (
    r"^(?:(?!(?:is|are|was|were|do|does|did|has|have|can|who|what|which|when|where)\b)[\w’'-]+[\s,]+){0,4}lists?\b"
    r"|\blist (?:of|all|the|every|me|them|it)\b"
)
"""Asks for a list, or is the name of one ("packing list"); "is there a waiting list" does not."""
_SEVERAL = re.compile(
    rf"{LISTED}|\b(?:(?:who|what|which)\s+(?:are|were)|(?:which|what)\s+{_PLURAL}"
    rf"|(?:which|what)\s+[\w’'-]+\s+{_PLURAL}\s+{_AUXILIARY}|name\s+(?:all|the)|all\s+(?:the|of))\b",
    re.IGNORECASE,
)


def asks_for_several(question: str) -> bool:
    """True if a question asks for several things by its form: "who are", "list"."""
    return bool(_SEVERAL.search(question))


def names_and_rare_words(question: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the names of a question, and the words too rare for the token table.

    Each is (word as written, its terms). A name has a capital inside the question; the first word counts only if it is
    rare too. Codes are not words.
    """
    found = []
    for number, match in enumerate(_WORD.finditer(without(find_identifiers(question), question))):
        word = _POSSESSIVE.sub("", match.group())
        content = [term for part in words(word) if part not in FUNCTION_WORDS for term in terms(part)]
        if not content or word.isdigit():
            continue
        capital = any(letter.isupper() for letter in (word if number else word[1:]))
        if capital or _is_rare(word):
            found.append((word, tuple(content)))
    return found


def name_places(question: str) -> set[int]:
    """Return the offsets of the words that are names by their capital letter.

    A capital at the beginning of a sentence says nothing, nor do those of a title or of a text in capitals.

    >>> sorted(name_places("Summarise this. Who pays Mr Oakes?"))
    [25, 28]
    """
    inner = [match for match in _WORD.finditer(question) if not _BEGINS.search(question, 0, match.start())]
    if question.isupper() or any(one.group()[0].isupper() and one.group().lower() in _SMALL for one in inner):
        return set()
    return {one.start() for one in inner if one.group()[0].isupper()}


def names_and_nouns(question: str) -> set[str]:
    """Return the words of a question that are names by capital, or nouns by position.

    A noun by position is a possessor, or the last word of a phrase with an article: a function word or nothing follows.

    >>> sorted(names_and_nouns("Roughly when did the plumber of Anna's mill call McAdam?"))
    ['Anna', 'McAdam', 'plumber']
    """
    places, words_ = name_places(question), list(_WORD.finditer(question))
    found = set[str]()
    for before, one, after in zip([None, *words_], words_, [*words_[1:], None], strict=False):
        word = _POSSESSIVE.sub("", one.group())
        leads = before is not None and before.group().lower() in _ARTICLES
        closes = after is None or after.group().lower() in FUNCTION_WORDS
        inner = not question.isupper() and any(letter.isupper() for letter in word[1:])
        if word.lower() in _TITLES:
            continue
        if one.start() in places or inner or word != one.group() or (leads and closes):
            found.add(word)
    return found


def _is_rare(word: str) -> bool:
    """True if the shipped token table, trained on common English, has no single token for the word."""
    return len(word) > 3 and token_counter().count(" " + word.lower()) > 1
