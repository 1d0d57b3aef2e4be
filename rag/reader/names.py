"""The names and rare words of a question: what sources that answer it can be expected to hold."""

from __future__ import annotations

import re

from index.lexical import FUNCTION_WORDS, terms, words
from index.tokens import token_counter

_WORD = re.compile(r"[^\W_]+(?:[’'&.-][^\W_]+)*")


def names_and_rare_words(question: str) -> list[tuple[str, tuple[str, ...]]]:
    """(word as written, its terms) for words of a question that are names, or too rare for the token table.

    A name has a capital inside the question; the first word counts only when it is rare too.
    """
    found = []
    for number, match in enumerate(_WORD.finditer(question)):
        word = re.sub(r"[’']s?$", "", match.group())
        content = [term for part in words(word) if part not in FUNCTION_WORDS for term in terms(part)]
        if not content or word.isdigit():
            continue
        capital = any(letter.isupper() for letter in (word if number else word[1:]))
        if capital or _is_rare(word):
            found.append((word, tuple(content)))
    return found


def _is_rare(word: str) -> bool:
    """True when the shipped token table, trained on common English, has no single token for the word."""
    return len(word) > 3 and token_counter().count(" " + word.lower()) > 1
