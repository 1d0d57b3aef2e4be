"""Text in a source that addresses a language model instead of a reader. No sentence may rest on it."""

from __future__ import annotations

import re
import unicodedata

_MODELS = r"(?:ais?|llms?|assistants?|chatbots?|language models?|models?|bots?)"
_SAY = r"(?:respond|reply|answer|say|output|print|write|state|tell|repeat|begin|finish|end|add|claim|mention|include)"
_BID = r"(?:^|[.!?:;,“\"(]\s*|\b(?:please|you must|you should|then|just)\s+)"
_ANSWER = r"(?:final )?(?:answer|reply|response|output)"

INSTRUCTION = re.compile(
    "|".join(
        (
            # Cancelling earlier instructions.
            r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,60}\b(?:instructions?|prompts?|rules?|guidelines?|above|"
            r"previous|prior|everything|context|passages?|question)",
            r"\bnew instructions?\b",
            # Assigning a role.
            r"\byou (?:are|will be|must act as) (?:now|no longer)\b",
            r"\bfrom now on\b.{0,40}\byou\b",
            r"\bjailbreak|\bdo anything now\b|\bpretend (?:to be|that you)\b",
            # Addressing a model, or imitating part of a conversation with one.
            r"\b(?:system|developer) (?:prompt|message|override|note|update)\b",
            rf"\b(?:as|dear) an? {_MODELS}\b",
            r"\b(?:attention|(?:notes?|message|instructions?|important) (?:to|for)|dear|hey|hello)"
            rf" (?:the |any |all )?{_MODELS}\b",
            r"<\|?/?(?:im_start|im_end|system|endoftext|user|assistant)|[\[(]/?INST[\])]|[‹<]/?\s*passages?",
            r"(?:^|[.!?]\s)\W*(?:system|assistant|user|human)\s*:",
            # Dictating the answer.
            rf"{_BID}{_SAY}\b.{{0,40}}\b(?:only|exactly|with the (?:words?|sentence|text|phrase)|the following|instead|"
            rf"verbatim|(?:the|every) (?:user|reader)|in your {_ANSWER})\b",
            rf"\b(?:your|the|every) {_ANSWER} (?:must|should|has to|is to|shall) (?:be|say|read|end|begin|contain)\b",
            r"(?:^|[.!?:;,“\"(‹›]\s*)(?:(?:please|then|instead|now)\s+)?(?:say|state|claim|answer|reply|respond|conclude|"
            r"output|print|tell (?:the|every|any) \w+)\s+(?:that|with|it was|as|:|“|\"|the (?:text|word))",
            rf"\b(?:when|if) (?:asked|summari[sz]ing|answering|you (?:are asked|summari[sz]e|answer|read))\b.{{0,60}}"
            rf"\b{_SAY}\b",
        )
    ),
    re.IGNORECASE | re.MULTILINE,
)
"""Deliberately narrow: a sentence that rests on a match is left out, so plain prose must not match."""


def instructs(text: str) -> bool:
    """True if a text addresses a language model, even behind invisible characters."""
    return bool(INSTRUCTION.search(visible(text)))


def visible(text: str) -> str:
    """Return a text without invisible characters, and with plain letters and brackets.

    Wide and small forms become plain ones (NFKC).
    """
    return without_unseen(unicodedata.normalize("NFKC", text))


def without_unseen(text: str) -> str:
    """Return a text without controls, direction marks, joiners and surrogates."""
    return "".join(c for c in text if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs"))
