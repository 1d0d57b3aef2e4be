"""Reword questions and passages: "who" for an organisation, an organisation in the place of a person.

Public questions nearly always ask "who" for people, and a model trained on them alone answers with the nearest person.
Pure; no model, only patterns.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

from index.text.layout import Span

_KINDS = """company|companies|corporations?|firms?|manufacturers?|suppliers?|developers?|publishers?|businesses|brands?|
organi[sz]ations?|agency|agencies|institutions?|governments?|party|parties|teams?|clubs?|groups?|bands?|networks?|
studios?|newspapers?|universit(?:y|ies)|tribes?|unions?|army|armies"""
_ORGANISATION = re.compile(
    rf"(?:what|which)\s+(?:[a-z]+[^s\s]\s+)?(?:{_KINDS.replace(chr(10), '')})\s+(?=([a-z]+)\b)(?P<rest>.+)",
    re.IGNORECASE | re.DOTALL,
)
_VERB = re.compile(
    r"is|are|was|were|has|have|had|did|does|do|can|could|will|would|may|must|[a-z]{2,}ed|[a-z]{3,}[^s]s|made|won|built|"
    r"wrote|led|held|began|became|took|gave|ran|sold|bought|beat|lost|paid|sent|brought|put|set|make|supply|own|sell|use"
)
_PERSON = re.compile(r"who(?:se)?\b(?!\s+(?:else)\b)", re.IGNORECASE)
_NAME = re.compile(r"(?:[A-Z][\w.'’-]*)(?:\s+(?:(?:of|de|van|von|the)\s+)?[A-Z][\w.'’-]*){0,4}")


def ask_who(question: str) -> str | None:
    """Return a question for an organisation asked with "who", or None.

    "What company makes ...?" is such a question.
    """
    match = _ORGANISATION.fullmatch(question.strip())
    if not match or not _VERB.fullmatch(match.group(1).lower()):
        return None
    return ("Who " if question.strip()[0].isupper() else "who ") + match.group("rest")


def asks_who(question: str) -> bool:
    """True if the question begins with "who"."""
    return bool(_PERSON.match(question.strip()))


def names(texts: Iterable[str]) -> list[str]:
    """Return those of the texts that are a name and nothing else, each once."""
    stripped = (text.strip(" .,") for text in texts)
    return sorted({text for text in stripped if len(text) > 2 and _NAME.fullmatch(text)})


def rename(
    text: str, spans: Sequence[Span], others: Sequence[str], rng: random.Random
) -> tuple[str, tuple[Span, ...]] | None:
    """Replace the name that answers by one to three of `others`, in the whole passage.

    Returns the passage and the spans of the new names, or None if the answer is no name or a part of it occurs
    elsewhere.
    """
    name = max((text[start:end] for start, end in spans), key=len, default="")
    if not _NAME.fullmatch(name) or not others:
        return None
    whole = re.compile(rf"\b{re.escape(name)}(?!\w)")
    rest = whole.sub(" ", text)
    if any(part in rest for part in re.findall(r"\w{3,}", name)):
        return None
    chosen = rng.sample(others, min(len(others), rng.choice((1, 1, 2, 3))))
    new = " and ".join([", ".join(chosen[:-1]), chosen[-1]] if len(chosen) > 1 else chosen)
    made, places, at = "", [], 0
    for match in whole.finditer(text):
        made += text[at : match.start()]
        places.append((len(made), len(made) + len(new)))
        made += new
        at = match.end()
    return made + text[at:], tuple(places)
