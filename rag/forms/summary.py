"""A summary in the sources' own words: the most central sentences of a document, a section or everything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from index.article import Article
from index.encoder.embedder import Embedder, Vectors
from index.encoder.vocabulary import folded, is_english
from index.text.layout import Span
from index.text.published import Published
from index.text.sentences import sentences
from index.text.structure import Block, Structure
from index.text.words import content_terms, words
from rag.check.facts import find_facts
from rag.cite import Statement
from rag.forms.along_blocks import REFERS, statements
from rag.forms.periods import period_named
from rag.forms.question_form import summary_clause, without_form, word_forms
from rag.places import Places
from rag.retrieve import Hit
from rag.scope import Scope

MOST = 5
"""Most sentences in a summary."""
MOST_SECTIONS = 10
_SEVERAL = 3
"""A summary covers each section if there are at least this many."""
_NUMBERED = re.compile(r"^(?:\d+(?:\.\d+)*[.)]?|[A-Z][.)])\s+")
MOST_DOCUMENTS = 12
"""Most documents in a summary of everything."""
_TOP = 250
"""Characters from the start of a document that name it, in addition to its title."""
_MOST_COMPARED = 60
"""Most sentences of a document that are compared."""
_OPENING = re.compile(
    r"(?:executive |short )?(?:summary|abstract|overview|in brief|at a glance|key (?:points|findings))", re.I
)
_PRESENT = re.compile(r"(?:present|attendees|attendance|in attendance|participants|apologies)\b", re.I)
_FORMAL = re.compile(
    rf"\W*(?:{_PRESENT.pattern}\s*:|minutes of (?:the|a)\b|(?:many )?thank(?:s| you)\b|dear\b|how kind\b"
    r"|(?:kind|best) regards)",
    re.I,
)
"""Opens a line of minutes or letters that says nothing on their subject."""
_OUTCOME = re.compile(r"\W*(?:decision|decided|agreed|resolved|resolution|outcome|conclusion)s?\b", re.I)
"""Opens what a meeting decided."""
_EVERYTHING = re.compile(
    r"(?:(?:everything|it|here|documents?|sources?|files?|articles?|texts?)\s*)*"
    r"|(?:whole |entire )?(?:library|collection)",
    re.I,
)
_NEWEST = re.compile(r"\b(?:newe(?:r|st)|latest|most recent|current|last)\b", re.I)
_OLDEST = re.compile(r"\b(?:olde(?:r|st)|earliest|earlier|first|original|previous)\b", re.I)
_KINDS = {
    "eml": "e-mail email mail message thread", "mbox": "e-mail mail messages", "csv": "table spreadsheet list",
    "xlsx": "table spreadsheet workbook", "pdf": "pdf", "docx": "word document", "pptx": "slides presentation",
    "html": "web page", "htm": "web page", "epub": "book",
}  # fmt: skip
_DOCUMENT = frozenset(
    content_terms(
        "document article report text page file paper source section chapter part story post news issue edition number"
        " newsletter bulletin magazine minutes letter leaflet email new interesting"
        " handout guide sheet brochure booklet flyer memo notes programme program itinerary schedule agreement contract"
    )
)
"""What a question may call the document to summarise, whatever its title."""
_LEAST_COVERAGE, _LEAST_COSINE = 0.5, 0.4
"""Lowest coverage or lowest cosine of the best passage, one of which must be reached, for a topic that the sources
know."""
_HALF = 0.5
"""Share of a topic's words in a title that chooses the document, even if nothing else fits."""
_PASSAGES, _START = 3, 600
"""Fewest passages with a name that a document is about, or characters of its start that have it."""
_NEAR = 0.6
"""If the newest or oldest is asked for, documents with at least this share of the best score are candidates too."""
_LONGEST = 400
"""Longest sentence, in characters, or pair of sentences."""
_REPEATS = 0.5
"""Penalty of a sentence for its likeness to a chosen one (Carbonell & Goldstein 1998)."""
_FEW_SECTIONS, _LONG = 4, 6
"""With up to so many sections, two sentences come from each section that has at least so many sentences."""
_LEAD, _SHORT_LEAD = 3, 200
"""Sentences from the text above the sections if it is half as long as the longest of them, MOST if it has a list too;
least characters of that text for one sentence."""
_FACT, _MOST_FACTS = 0.03, 3
"""Bonus of a sentence for each number, date or name in it, and the most that count."""
_DECIDED = 1.0
"""Bonus of what a meeting decided: it goes before all else that a section says."""
_EARLY = 0.15
"""Bonus of the first sentence of a text over its last."""


@dataclass(frozen=True)
class Target:
    """What to summarise: a document, or the section under heading number `heading`."""

    article_id: str
    heading: int | None = None


def find_targets(question: str, scope: Scope) -> list[Target]:
    """Return the documents that a question asks to summarise: one, all, or none.

    If the question as a whole names none, the clause that asks for a summary may: "I'm new, sum up the lease".
    """
    if found := _targets(question, without_form(question), scope):
        return found
    alone = without_form(summary_clause(question))
    return _targets(question, alone, scope) if alone else []


def _targets(question: str, topic: str, scope: Scope) -> list[Target]:
    """Return the documents on a topic that a question asks to summarise."""
    catalog = scope.generation.catalog
    ids = catalog.article_ids()
    titles = _titles(scope)
    topic = _joined(topic, titles, scope)
    if _EVERYTHING.fullmatch(topic):
        return [Target(id_) for id_ in dict.fromkeys(ids[source] for source, _, _ in titles)][:MOST_DOCUMENTS]
    bare = " ".join(word for word in topic.split() if not set(content_terms(word)) <= _DOCUMENT) or topic
    _, hits = scope.search(bare)
    topic_terms = word_forms(topic)
    names = {source: word_forms(f"{title} {' '.join(words(source))} {_kind(source)}") for source, title, _ in titles}
    known = set[str]().union(_DOCUMENT, *names.values())
    what = _OLDEST.sub(" ", _NEWEST.sub(" ", topic))
    shares = {source: len(topic_terms & held) / max(1, len(topic_terms)) for source, held in names.items()}
    unheard = [
        word
        for word in what.split()
        if any(term not in known and not scope.retriever.document_frequency(term) for term in content_terms(word))
    ]
    most = max(shares.values(), default=0.0)
    near_enough = any(hit.coverage >= _LEAST_COVERAGE or hit.cosine >= _LEAST_COSINE for hit in hits)
    if (unheard and most <= _HALF) or (not near_enough and most < _HALF):
        # A word that no source has may be what the question is about, but not if the rest names a document.
        ordinary = all(is_english(folded(part)) for word in unheard for part in words(word))
        return _by_name(what, hits, scope) if ordinary else []
    total = sum(hit.score for hit in hits) or 1.0
    worth = {ids[source]: 2 * share for source, share in shares.items()}
    for hit in hits:
        worth[hit.chunk.article_id] = worth.get(hit.chunk.article_id, 0.0) + hit.score / total
    best = max(worth.values())
    dates = {ids[source]: published.when for source, _, published in titles if published}
    near = sorted((id_ for id_ in dates if worth.get(id_, 0.0) >= _NEAR * best), key=lambda id_: dates[id_])
    period = period_named(question)
    published_on = {ids[source]: published for source, _, published in titles}
    if own := [id_ for id_ in near if period and period.holds(published_on[id_])]:
        return [Target(max(own, key=lambda id_: worth[id_]))]
    if len(near) > 1 and (_NEWEST.search(question) or _OLDEST.search(question)):
        return [Target(near[-1 if _NEWEST.search(question) else 0])]
    chosen = max(worth, key=lambda id_: worth[id_])
    share_of = {ids[source]: share for source, share in shares.items()}
    alike = [id_ for id_ in near if share_of[id_] == share_of[chosen] >= _HALF]
    return [Target(alike[-1] if chosen in alike else chosen)]  # of two notices on one thing the newer counts


def _joined(topic: str, titles: Sequence[tuple[str, str, Published | None]], scope: Scope) -> str:
    """Return a topic with the parts of a compound joined if the sources only know it so: "de-icing" as "deicing"."""
    known = set(words(" ".join(f"{source} {title}" for source, title, _ in titles)))

    def joined(match: re.Match[str]) -> str:
        one = match[0].replace("-", "")
        held = {folded(one), *content_terms(one)} & known or any(
            map(scope.retriever.document_frequency, content_terms(one))
        )
        return one if held else match[0]

    return re.sub(r"\b[^\W_]+(?:-[^\W_]+)+\b", joined, topic)


def _by_name(topic: str, hits: Sequence[Hit], scope: Scope) -> list[Target]:
    """Return the document that is about a name in the topic that no other has; nothing if several are.

    A name is written with a capital wherever it stands. A document is about it if several passages have it, or the
    opening.
    """
    found = list[Target]()
    for id_ in dict.fromkeys(hit.chunk.article_id for hit in hits):
        text = scope.generation.catalog.article_by_id(id_).text
        if any(_is_own_name(word, id_, text, scope) for word in words(topic)):
            found.append(Target(id_))
    return found if len(found) == 1 else []


def _is_own_name(word: str, article_id: str, text: str, scope: Scope) -> bool:
    """True if a word is a name that only this article has, and what it is about."""
    own, terms = scope.generation.words.within((article_id,)), content_terms(word)
    held = [own.document_frequency(term) for term in terms]
    if not any(held) or held != [scope.retriever.document_frequency(term) for term in terms]:
        return False
    alone = rf"(?<!\w){re.escape(word.lower())}(?!\w)"
    opens = re.search(alone, text[:_START], re.IGNORECASE) is not None
    return not re.search(alone, text) and (opens or min(held) >= _PASSAGES)


def named_by_title(topic: str, scope: Scope) -> list[Target]:
    """Return the only document whose title has all words of a topic, else nothing."""
    ids, topic_terms = scope.generation.catalog.article_ids(), set(content_terms(topic))
    found = {
        ids[source] for source, title, _ in _titles(scope) if topic_terms and topic_terms <= set(content_terms(title))
    }
    return [Target(id_) for id_ in found] if len(found) == 1 else []


def _titles(scope: Scope) -> list[tuple[str, str, Published | None]]:
    """Return (source, title, date) of the selected sources."""
    catalog = scope.generation.catalog
    ids = catalog.article_ids()
    return [one for one in catalog.titles() if scope.article_ids is None or ids[one[0]] in scope.article_ids]


def _kind(source: str) -> str:
    """Return the words that people use for a file of this kind."""
    return _KINDS.get(source.rpartition(".")[2].lower(), "")


def find_section(held: Structure, title: str, topic: str) -> int | None:
    """Return the heading that a topic names in addition to the document's title.

    It has at least half of the topic's words that the title lacks. None means the whole document.
    """
    wanted = word_forms(topic) - word_forms(title)
    if not wanted:
        return None
    found = [
        (len(wanted & word_forms(held.text[block.inner : block.end])), -number)
        for number, block in enumerate(held.blocks)
        if block.kind == "heading"
    ]
    best = max(found, default=(0, 0))
    return -best[1] if best[0] * 2 >= len(wanted) and best[0] else None


def summarise(
    question: str, targets: Sequence[Target], places: Places, embedder: Embedder
) -> tuple[list[Statement], str]:
    """Return a summary for a question, and a note that says what it summarises."""
    made = list[Statement]()
    for target in targets:
        article = places.articles[target.article_id]
        if len(targets) > 1:
            for one in _summary_of(target, places, embedder, 1)[:1]:
                made.append(replace(one, text=f"{article.title}: {one.text}"))
            continue
        heading = find_section(
            places.structure(article.id), _naming(article, places.structure(article.id)), without_form(question)
        )
        made = _summary_of(Target(article.id, heading), places, embedder)
    names = [places.articles[one.article_id].title for one in targets]
    return (
        made,
        f"A summary of {names[0] if len(names) == 1 else f'{len(names)} sources'}, in its own words." if names else "",
    )


def _naming(article: Article, held: Structure) -> str:
    """Return what names a document: its title and file, and the first lines, up to the first section."""
    first = next((one.start for one in held.blocks[1:] if one.kind == "heading"), _TOP)
    return f"{article.title} {' '.join(words(article.source))} {article.text[: min(_TOP, first)]}"


def _summary_of(target: Target, places: Places, embedder: Embedder, most: int = MOST) -> list[Statement]:
    """Return the most central sentences of a document or section, in text order.

    With several sections it has sentences of each, after the section's heading.
    """
    held = places.structure(target.article_id)
    if target.heading is None and (opening := _opening(held)) is not None:
        target = replace(target, heading=opening)
    sections = _sections(held, target.heading) if most > 1 else []
    sections = [n for n in sections if not _only_names(held, n)]
    if len(sections) < _SEVERAL:
        numbers = range(len(held.blocks)) if target.heading is None else held.under(target.heading)
        return _statements(held, [held.blocks[n] for n in numbers], target, places, embedder, most)
    made = _of_the_lead(held, sections, target, places, embedder)
    lead = len(made)
    for number in sections[:MOST_SECTIONS]:
        heading = held.text[held.blocks[number].inner : held.blocks[number].end]
        blocks = [held.blocks[n] for n in held.under(number)]
        fewer = len(sections) > _FEW_SECTIONS or lead >= MOST
        each = 2 if not fewer and len(list(_lines(held, blocks))) >= _LONG else 1
        for one in _statements(held, blocks, target, places, embedder, each):
            made.append(replace(one, text=f"{_NUMBERED.sub('', ' '.join(heading.split()))}: {one.text}"))
    return made


def _of_the_lead(
    held: Structure, sections: Sequence[int], target: Target, places: Places, embedder: Embedder
) -> list[Statement]:
    """Return the most central sentences of the text above the sections, such as the newest message of a thread."""
    if target.heading is not None:
        return []
    starts = [held.blocks[n].start for n in sections]
    above = [block for block in held.blocks if block.start < starts[0] and block.kind in ("paragraph", "item")]
    lines = list(_lines(held, above))
    length = sum(end - start for start, end in lines)
    longest = max(after - start for start, after in pairwise([*starts, len(held.text)]))
    listed = sum(block.kind == "item" for block in above) >= _SEVERAL
    most = (
        (MOST if listed else _LEAD)
        if 2 * length >= longest
        else 1
        if length >= _SHORT_LEAD and _whole(held.text, lines)
        else 0
    )
    return _statements(held, above, target, places, embedder, most) if most else []


def _statements(
    held: Structure, blocks: Sequence[Block], target: Target, places: Places, embedder: Embedder, most: int
) -> list[Statement]:
    """Return the most central sentences of blocks, as statements."""
    lines = list(_lines(held, blocks))
    whole = _whole(held.text, lines)
    lines = whole if len(whole) >= min(most, len(lines)) else lines
    if len(lines) > most:
        lines = _carrying(held.text, lines, embedder, most)
    lines = _with_antecedents(held, blocks, lines)
    return [one for line in lines for one in statements(line, places, target.article_id, 1.0, (), "item")]


def _with_antecedents(held: Structure, blocks: Sequence[Block], lines: Sequence[Span]) -> list[Span]:
    """Extend each sentence that refers back ("That is seven weeks") to the one before it in its block."""
    parts = {(one.inner, one.end): sentences(held.text, one.inner, one.end) for one in blocks}
    before = {following[0]: earlier for part in parts.values() for earlier, following in pairwise(part)}
    made = list[Span]()
    for start, end in lines:
        earlier = before.get(start)
        if earlier and REFERS.match(held.text, start, end) and end - earlier[0] <= _LONGEST:
            start = earlier[0]
        if made and start < made[-1][1]:
            start = made.pop()[0]
        made.append((start, end))
    return made


def _only_names(held: Structure, number: int) -> bool:
    """True if a section has no full sentence, only the document's name or the people present."""
    block = held.blocks[number]
    names = number == 0 or _PRESENT.match(held.text, block.inner, block.end)
    return bool(names) and not _whole(held.text, _lines(held, [held.blocks[n] for n in held.under(number)]))


def _whole(text: str, lines: Iterable[Span]) -> list[Span]:
    """Return the lines that end like a sentence."""
    return [(start, end) for start, end in lines if text[start:end].rstrip('"”’)*_').endswith((".", "!"))]


def _sections(held: Structure, heading: int | None) -> list[int]:
    """Return the sections of a document or section: those of the highest level that has several."""
    below = range(len(held.blocks)) if heading is None else held.under(heading)
    found = [
        n
        for n in below
        if held.blocks[n].kind == "heading" and any(held.blocks[m].kind != "heading" for m in held.under(n))
    ]
    for level in sorted({held.blocks[n].level for n in found}):
        if len(of_level := [n for n in found if held.blocks[n].level == level]) >= _SEVERAL:
            return of_level
    return []


def _opening(held: Structure) -> int | None:
    """Return the heading of the document's own summary; None if it has none."""
    for number, block in enumerate(held.blocks):
        if block.kind == "heading" and _OPENING.fullmatch(held.text[block.inner : block.end].strip(" :.")):
            return number
    return None


def _lines(held: Structure, blocks: Sequence[Block]) -> Iterator[Span]:
    """Yield the sentences of paragraphs, items and replies that are long enough to say something."""
    for block in blocks:
        if block.kind not in ("paragraph", "item", "pair") or (block.kind == "item" and block.level):
            continue  # a nested item is part of the item around it
        for start, end in sentences(held.text, block.inner, block.end):
            if (
                25 <= end - start <= _LONGEST
                and held.text[end - 1] not in ":?"
                and (held.text[start:end].count(" ") >= 4 or _OUTCOME.match(held.text, start, end))
                and not _FORMAL.match(held.text, start, end)
            ):
                yield start, end


def _carrying(text: str, lines: Sequence[Span], embedder: Embedder, most: int) -> list[Span]:
    """Return the lines nearest to the mean of all, each unlike the chosen ones, in the order of the text."""
    step = max(1, -(-len(lines) // _MOST_COMPARED))
    lines = lines[::step]
    vectors: Vectors = embedder.encode_documents([text[start:end] for start, end in lines])
    middle = vectors.mean(axis=0)
    facts = np.array([min(_MOST_FACTS, len(find_facts(text[start:end]))) for start, end in lines])
    worth = (
        _FACT * facts
        + vectors @ (middle / max(1e-6, float(np.linalg.norm(middle))))
        + _EARLY * np.linspace(1, 0, len(lines))
        + _DECIDED * np.array([bool(_OUTCOME.match(text, start, end)) for start, end in lines])
    )
    chosen = list[int]()
    while len(chosen) < min(most, len(lines)):
        likeness = (vectors @ vectors[chosen].T).max(axis=1) if chosen else np.zeros(len(lines))
        scores = worth - _REPEATS * likeness
        scores[chosen] = -np.inf
        chosen.append(int(np.argmax(scores)))
    return [lines[n] for n in sorted(chosen)]
