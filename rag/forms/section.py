"""The section that a question names by its heading, and the reply to a question in the document itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from index.text.identifiers import find_identifiers, without
from index.text.structure import Block, Structure
from index.text.words import content_terms, words
from rag.cite import Statement
from rag.forms.along_blocks import MOST_ITEMS, entries, listed, of_reply, statements
from rag.forms.comparison import sides
from rag.forms.question_form import HOW_MUCH, asks_what_is_not, denies
from rag.places import Places
from rag.reader import Evidence
from rag.types import Form

_ASKS = re.compile(r"\b(who|whom|whose|what|which|when|where|why|how)\b", re.IGNORECASE)
_FOR_A_VALUE = re.compile(r"\b(?:who|whom|whose|when|where)\b", re.IGNORECASE)
_FOR_A_MEANING = frozenset(content_terms("mean meaning means stand stands explain definition error code"))
"""Terms that ask for the meaning of the rest of a question: "what does error E-404 mean"."""
_PARTICLES = frozenset(content_terms("along together away back ahead short brief overview glance detail"))
"""Terms that say nothing about the content of a section: "what must I bring along", "what's new in short"."""
_DOCUMENTS = frozenset(
    content_terms(
        "document documents source sources text article report rules minutes handbook manual guide agreement contract"
        " lease policy letter email thread newsletter leaflet notes faq instructions terms conditions"
    )
)
COMPARES = frozenset(content_terms("compare compared comparison difference different differ versus vs"))
"""Terms of a question that compares."""
_VERSIONS = ("version", "release")
"""Nouns before a number that headings often leave out."""
_SAYS = re.compile(
    r"(?:.*\b)?what (?:do|does|did) (?P<who>.{2,80}?) (?:say|state|tell (?:me|us)|have to say) (?:about|on)\s+"
    r"(?P<topic>.+?)[\s?.!]*",
    re.IGNORECASE,
)
"""Asks for everything that a source says about a topic."""
_LONGEST = 700
"""Longest reply or first paragraph of a section, in characters, that is quoted whole."""
_STEM = 4
"""Fewest letters that two terms of one word share."""
_TOP = 250
"""Characters from the start of a document that name it, in addition to its title."""


def named_section(question: str, form: Form, evidence: Evidence | None, places: Places) -> list[Statement]:
    """Return the list or paragraph below the heading that a question names.

    There is none if the question names no heading, or if the best `evidence` answers alone elsewhere or is in the reply
    to the question.

    A question names a heading if it has all words of the heading, and otherwise only words of the document's title or
    top and of the headings above it: "what do i need for the bread" in a recipe for bread names "What you need". A
    question for a value can only name a question in the document that asks alike.
    """
    if form in ("comparison", "summary"):
        return []
    if said := _SAYS.fullmatch(question):
        return _section_on(said["topic"], said["who"], places)
    question_terms = set(_terms(question)) - _FOR_A_MEANING - _PARTICLES
    seen, best = set[str](), (0, 0, -1, "")
    for hit in list(places.hits):
        article = hit.chunk.article_id
        if article in seen:
            continue
        seen.add(article)
        held = places.structure(article)
        source = places.articles[article]
        called = set(content_terms(f"{' '.join(words(source.source))} {source.published or ''}"))
        top = set(content_terms(f"{source.title}\n{held.text[:_TOP]}")) | called
        for number, heading in _headings(held):
            named = [term for term in _terms(heading) if term not in _PARTICLES]
            if not named or not all(any(_is_like(one, term) for term in question_terms) for one in named):
                continue
            if asks_what_is_not(question) and not denies(heading):
                continue  # "What we pay" is not what they won't pay
            rest = {term for term in question_terms if not any(_is_like(one, term) for one in named)}
            above = [held.text[one.inner : one.end] for one in held.path(number)]
            path = {term for words_above in above for term in (*content_terms(words_above), *_terms(words_above))}
            numbers = {term for term in rest if any(map(str.isdigit, term))}
            worth = len(set(named)), len(rest & path)
            if rest <= top | path and numbers <= path | called and _alike(question, heading) and worth > best[:2]:
                best = *worth, number, article
    return _below(places.structure(best[3]), best[2], best[3], evidence, places) if best[3] else []


def compared_sections(question: str, places: Places) -> list[Statement]:
    """Return the list or paragraph below the headings of two things compared.

    There is none unless both have headings in one document and the question compares them as a whole.
    """
    pair = sides(question)
    if pair is None or any({*content_terms(one.question)} - {*content_terms(one.thing)} - COMPARES for one in pair):
        return []
    things = [{*content_terms(one.thing)} for one in pair]
    for article in dict.fromkeys(hit.chunk.article_id for hit in places.hits):
        held = places.structure(article)
        headings = [({*content_terms(words)}, number) for number, words in _headings(held)]
        found = [next((number for terms, number in headings if thing and terms == thing), None) for thing in things]
        if None not in found and found[0] != found[1]:
            below = [_below(held, number, article, None, places) for number in found if number is not None]
            return [one for part in below for one in part] if all(below) else []
    return []


def _section_on(topic: str, who: str, places: Places) -> list[Statement]:
    """Return the section on a topic in the source that `who` names best.

    Its heading has all words of one thing of the topic, or half of the topic's words with the others in the section.
    """
    question_terms, named, best = set(_terms(topic)), set(content_terms(who)), (0, 0, -1, "")
    parts = [set(_terms(part)) for part in re.split(r"\band\b|\bor\b|,", topic)]
    for article in dict.fromkeys(hit.chunk.article_id for hit in places.hits):
        held, source = places.structure(article), places.articles[article]
        called = content_terms(f"{source.title} {' '.join(words(source.source))}")
        for number, heading in _headings(held):
            terms = _terms(heading)
            shared = sum(any(_is_like(one, term) for term in terms) for one in question_terms)
            if not question_terms or 2 * shared < len(question_terms):
                continue
            below = _terms(
                " ".join(held.text[slice(held.blocks[n].start, held.blocks[n].end)] for n in held.under(number))
            )
            whole = all(any(_is_like(one, term) for term in (*terms, *below)) for one in question_terms)
            whole = whole or any(
                part and all(any(_is_like(one, term) for term in terms) for one in part) for part in parts
            )
            worth = len(named.intersection(called)), shared
            meant = worth[0] > 0 or named <= _DOCUMENTS
            if meant and whole and worth > best[:2]:
                best = *worth, number, article
    return _below(places.structure(best[3]), best[2], best[3], None, places) if best[3] else []


def _terms(text: str) -> list[str]:
    """Return the terms of a text, with one form for all spellings of a code: E-404, E404, and version 3.1, 3.1."""
    codes = [one for one in find_identifiers(text) if one.noun.lower() in ("", *_VERSIONS)]
    named = {term for one in codes for term in content_terms(one.noun)}
    other = [term for term in content_terms(without(codes, text)) if term not in named]
    return [*other, *(one.keys[-1] for one in codes)]


def _is_like(one: str, other: str) -> bool:
    """True if two terms are of one word ("decide" and "decisions" have different stems); numbers must be equal."""
    if not (one.isalpha() and other.isalpha()):
        return one == other
    shared = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one == other or shared >= max(_STEM, min(len(one), len(other)) - 1)


def _headings(held: Structure) -> Iterator[tuple[int, str]]:
    """Yield (number of the block, words) for headings with text below, and for questions with a reply."""
    for number, block in enumerate(held.blocks):
        if block.kind == "pair":
            yield number, held.text[block.start : block.inner]
        elif block.kind == "heading" and number and number + 1 < len(held.blocks):
            yield number, held.text[block.inner : block.end]


def _alike(question: str, heading: str) -> bool:
    """True if a heading may answer a question.

    A heading that is a question must ask for the same kind of thing. Any other heading fits unless the question asks
    for a person, a time, a place or a number.
    """
    if "?" not in heading:
        return not (HOW_MUCH.search(question) or _FOR_A_VALUE.search(question))
    asks = [{word.casefold() for word in _ASKS.findall(one)} for one in (question, heading)]
    much = [HOW_MUCH.findall(one.casefold()) for one in (question, heading)]
    return asks[0] == asks[1] and much[0] == much[1]


def _below(held: Structure, number: int, article: str, evidence: Evidence | None, places: Places) -> list[Statement]:
    block = held.blocks[number]
    if block.kind == "pair":
        inside = evidence and _stands_in(block, article, evidence)
        return [] if inside else _quoted(held, block, article, places)
    below = [n for n, one in enumerate(held.blocks) if one.parent == number and one.kind != "item"]
    for n in below[:2]:
        one = held.blocks[n]
        if one.kind in ("list", "steps", "rows") and 1 < len(entries(held, n)) <= MOST_ITEMS:
            return listed(held, n, places, article, 1.0)
        if one.kind == "paragraph" and not held.text[one.start : one.end].rstrip().endswith(":"):
            if evidence and evidence.stands and not _stands_in(one, article, evidence):
                return []
            return _quoted(held, one, article, places)
    return []


def _stands_in(block: Block, article: str, evidence: Evidence) -> bool:
    return evidence.hit.chunk.article_id == article and block.start <= evidence.start < block.end


def _quoted(held: Structure, block: Block, article: str, places: Places) -> list[Statement]:
    """Return a paragraph or reply; nothing if it is too long to quote whole."""
    if block.end - block.inner > _LONGEST:
        return []
    if block.kind == "pair":
        return of_reply((block.inner, block.end), places, article, 1.0)
    return statements((block.inner, block.end), places, article, 1.0, (), "quote")
