"""What a question shows of what it wants: its names and rare words, and whether it asks for several things."""

from __future__ import annotations

import re

from index.lexical import FUNCTION_WORDS, terms, words
from index.text.identifiers import find_identifiers, without
from index.tokens import token_counter

_WORD = re.compile(r"[^\W_]+(?:[’'&.-][^\W_]+)*")
_PLURAL = r"(?:people|men|women|children|(?!(?:is|was|does|has|its|this|his|us)\b)\w+[^\Wsui]s)"
_AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|will|would|can|could|may|might|must|should)"
_SEVERAL = re.compile(
    rf"\b(?:(?:who|what|which)\s+(?:are|were)|(?:which|what)\s+{_PLURAL}"
    rf"|(?:which|what)\s+[\w’'-]+\s+{_PLURAL}\s+{_AUXILIARY}|name\s+(?:all|the)|list|all\s+(?:the|of))\b",
    re.IGNORECASE,
)


def asks_for_several(question: str) -> bool:
    """True when the form of a question asks for more than one thing: "which companies", "who are", "list"."""
    return bool(_SEVERAL.search(question))


def names_and_rare_words(question: str) -> list[tuple[str, tuple[str, ...]]]:
    """(word as written, its terms) for words of a question that are names, or too rare for the token table.

    A name has a capital inside the question; the first word counts only when it is rare too. Codes are no words.
    """
    found = []
    for number, match in enumerate(_WORD.finditer(without(find_identifiers(question), question))):
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
