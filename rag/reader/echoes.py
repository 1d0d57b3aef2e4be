"""Answering words that only say the question again ("Who supplies cells to GM?" "cells") are no answer."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from index.lexical import content_terms, terms
from rag.reader.spans import Found

_CHOICE = re.compile(r"\bor\b", re.IGNORECASE)


def without_echoes(question: str, passages: Sequence[str], found: Sequence[Found]) -> list[Found]:
    """What was found in each passage, less the answers all of whose words stand in the question, and their part of the
    passage's odds. A question that offers a choice ("red or blue?") is answered in its own words, and keeps them."""
    if _CHOICE.search(question):
        return list(found)
    asked = set(terms(question))
    return [_without(asked, text, one) for text, one in zip(passages, found, strict=True)]


def _without(asked: set[str], text: str, one: Found) -> Found:
    kept = tuple(a for a in one.answers if not _is_echo(asked, text[a.start : a.end]))
    if len(kept) == len(one.answers):
        return one
    dropped = sum(math.exp(a.score - one.score) for a in one.answers if a not in kept)
    if not kept:
        return Found()
    least = max(a.score for a in kept)
    return replace(one, answers=kept, score=max(least, one.score + math.log(max(1e-9, 1 - dropped))))


def _is_echo(asked: set[str], answer: str) -> bool:
    content = content_terms(answer)
    return bool(content) and asked.issuperset(content)
