"""Answering words that only say the question again ("Who supplies cells to GM?" "cells") are no answer."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from index.lexical import content_terms, terms
from rag.reader.spans import Found

_CHOICE = re.compile(r"\bor\b", re.IGNORECASE)
_MEANING = re.compile(
    r"\b(?:stands?|short|abbreviat\w*|acronyms?|initials|mean\w*|called|names?d?|full)\b", re.IGNORECASE
)
_SHORT = re.compile(r"\b[A-Z]{2,6}\b")


def without_echoes(question: str, passages: Sequence[str], found: Sequence[Found]) -> list[Found]:
    """What was found in each passage, less the answers all of whose words stand in the question, and their part of the
    passage's odds.

    The long form of initials in the question is the same name, unless it asks what they mean. A question that offers a
    choice ("red or blue?") is answered in its own words, and keeps them.
    """
    if _CHOICE.search(question):
        return list(found)
    asked = set(terms(question))
    short = set() if _MEANING.search(question) or len(content_terms(question)) < 2 else set(_SHORT.findall(question))
    return [_without(asked, short, text, one) for text, one in zip(passages, found, strict=True)]


def _without(asked: set[str], short: set[str], text: str, one: Found) -> Found:
    kept = tuple(a for a in one.answers if not _is_echo(asked, short, text[a.start : a.end]))
    if len(kept) == len(one.answers):
        return one
    dropped = sum(math.exp(a.score - one.score) for a in one.answers if a not in kept)
    if not kept:
        return Found()
    least = max(a.score for a in kept)
    return replace(one, answers=kept, score=max(least, one.score + math.log(max(1e-9, 1 - dropped))))


def _is_echo(asked: set[str], short: set[str], answer: str) -> bool:
    content = content_terms(answer)
    initials = "".join(word[0] for word in answer.split() if word[0].isupper())
    return bool(content) and (asked.issuperset(content) or (initials in short and len(initials) == len(content)))
