"""Evidence -> a draft in the sources' own words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from index.article import Article
from index.text.bars import row_at
from index.text.dates import read_dateline
from index.text.marks import without_marks
from index.text.published import Published
from index.text.words import content_terms
from rag.check.facts import find_facts
from rag.check.rivals import kind_of
from rag.cite import CitedSentence, Statement
from rag.reader import Evidence
from rag.types import Refusal

_EMPHASIS = re.compile(r"(\*\*|__|`)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_QUOTED_MAIL = re.compile(r"^(?:>[ \t]?)+(?:[-*•][ \t]+)?", re.MULTILINE)
_LISTED = ("item", "step", "row")
_NEAR_DUPLICATE = 0.8
_ALIKE = 0.5
"""Slices say much the same if they share half of all their words."""
_LEADS = 0.5
"""If a question asks for several things, the words of a further slice open the answer too if its score is at least
this share of the best."""
_MEASURES = frozenset(
    content_terms("cost price pay paid fee charge amount number time date year month day long old big")
)
"""Terms for values that many things have."""
_VERSION = frozenset(content_terms("version v rev revision edition issue draft final updated new old copy"))
_MAY_ANSWER = -2.0
"""Lowest log-odds to answer alone at which an older slice is quoted after the newest."""
_KEEP = 0.2
"""A further sentence is quoted if its score is at least this share of the best."""


def quote(
    evidence: Sequence[Evidence],
    articles: Mapping[str, Article],
    limit: int,
    *,
    several: bool = False,
    opens: bool = True,
) -> list[Statement]:
    """Return the answering words of the best slice, then the best `limit` slices.

    Slices are verbatim, near-duplicates appear once. They are dated if they come from several articles and one of these
    has a date. With `several` the words of slices nearly as good open the answer too; without `opens` no words do.
    """
    chosen = choose(evidence, limit)
    sources = {one.hit.chunk.article_id for one in chosen}
    dated = len(sources) > 1 and any(articles[id_].published for id_ in sources)
    dates = [published for one in chosen if (published := articles[one.hit.chunk.article_id].published)]
    newest = max(dates, key=lambda published: published.first_day, default=None)
    statements, said = list[Statement](), list[str]()
    leading = [one for one in chosen if one is chosen[0] or (several and one.score >= _LEADS * chosen[0].score)]
    for one in leading if opens else ():
        words = answering_words(one)
        if words and not any(words.lower() in other for other in said):
            statements.append(Statement(words, one, words=True, block="lead"))
            said.append(words.lower())
    for one in chosen:
        text = display_text(one)
        quoted = text if re.search(r'["“”«»]', text) else f"“{text}”"
        published = articles[one.hit.chunk.article_id].published
        older = ", older" if published and newest and published.last_day < newest.first_day else ""
        statements.append(Statement(f"{published or 'undated'}{older}: {quoted}" if dated else quoted, one))
    return statements


def newest_first(
    evidence: Sequence[Evidence], articles: Mapping[str, Article], question_terms: Sequence[str] = ()
) -> list[Evidence]:
    """Return the evidence with slices that answer for another time sorted by date.

    These come first, the newest before older ones and undated ones last. A slice answers for another time if it says
    the same as the best slice except for the answering words. It also does if the best one has a date, it is about the
    same thing in another article, and it answers alone with the same kind of words (a date, a number or a name that the
    question does not contain) or is in another version, also dated, of the same document. A slice that is older than
    the best needs lower odds to answer alone. `question_terms` are the terms of the question, rarest first.
    """

    def date_of(one: Evidence) -> Published | None:
        return articles[one.hit.chunk.article_id].published

    rivals = [one for one in evidence if _is_rival(one, evidence[0])]
    seen = {evidence[0].hit.chunk.article_id} if evidence else set()
    for one in evidence[1:]:
        best, dates = evidence[0], (date_of(evidence[0]), date_of(one))
        if one.hit.chunk.article_id in seen or read_dateline(one.text) or one in rivals or not dates[0]:
            continue
        older = bool(dates[0] and dates[1] and dates[1].last_day < dates[0].first_day)
        answers = one.odds > (_MAY_ANSWER if older else 0.0) and _of_one_kind(best, one, question_terms)
        versions = all(dates) and _of_one_document(*(articles[e.hit.chunk.article_id] for e in (one, best)))
        if (answers or versions) and of_one_thing(best, one, question_terms):
            rivals.append(replace(one, score=best.score))
            seen.add(one.hit.chunk.article_id)
    taken = {(one.hit.chunk.article_id, one.start) for one in rivals}
    dated = sorted((one for one in rivals if date_of(one)), key=lambda one: _age(date_of(one)))
    rest = [one for one in evidence if (one.hit.chunk.article_id, one.start) not in taken]
    return [*dated, *(one for one in rivals if not date_of(one)), *rest]


def of_one_thing(best: Evidence, other: Evidence, question_terms: Sequence[str]) -> bool:
    """True if another slice is about the same thing as the best one.

    `question_terms` has the rarest term first. Of those in the best slice, the other slice or its headings must contain
    the rarest, or most; half of them are enough if one belongs to a name. Values that many things have, such as a
    price, do not count.
    """
    held = set(content_terms(best.text))
    about = [term for term in question_terms if term in held and term not in _MEASURES]
    chunk = other.hit.chunk
    known = set(content_terms(f"{chunk.context} {chunk.heading} {other.text}"))
    if not about or about[0] in known:
        return True
    names = {term for fact in find_facts(best.text) if fact.kind == "name" for term in content_terms(fact.text)}
    shared = known.intersection(about)
    return len(shared) * 2 + bool(shared & names) > len(about)


def _of_one_document(one: Article, other: Article) -> bool:
    """True if two articles are versions of one document: their titles differ at most in a year, a version and the
    like."""
    first, second = (
        {term for term in content_terms(article.title) if term.isalpha()} - _VERSION for article in (one, other)
    )
    return bool(first) and first == second


def _of_one_kind(one: Evidence, other: Evidence, question_terms: Sequence[str]) -> bool:
    """True if both have answering words of one kind (date, number, name) that the question does not contain."""
    first, second = (
        {
            kind_of(fact)
            for fact in find_facts(answering_words(of))
            if not set(content_terms(fact.text)) <= set(question_terms)
        }
        for of in (one, other)
    )
    return bool(first & second)


def _is_rival(one: Evidence, best: Evidence) -> bool:
    """True if a slice is worth quoting and says much the same as the best, except for the answering words."""
    said, known = _terms_without_answers(one), _terms_without_answers(best)
    alike = len(said & known) >= _ALIKE * max(1, len(said | known))
    return one is best or (alike and one.score >= _KEEP * best.score)


def _terms_without_answers(one: Evidence) -> set[str]:
    return set(content_terms(one.text)) - set(content_terms(answering_words(one)))


def _age(published: Published | None) -> int:
    return -published.first_day.toordinal() if published else 0


def display_text(one: Evidence) -> str:
    """Return a slice for display; a row of a table drawn with bars or blanks gets column names."""
    chunk = one.hit.chunk
    drawn = "|" in one.text or "  " in one.text
    row = row_at(chunk.text, one.start - chunk.start, one.end - chunk.start, chunk.columns) if drawn else None
    return shown(row.named(chunk.text) if row else one.text)


def shown(text: str) -> str:
    """Return a slice for display: on one line, without Markdown.

    >>> shown("**Hotel:** up to\\n`115`")
    'Hotel: up to 115'
    """
    return " ".join(_EMPHASIS.sub(r"\2", without_marks(_QUOTED_MAIL.sub("", text))).split())


def as_text(sentences: Sequence[CitedSentence]) -> str:
    """Return the text of an answer.

    Items are on successive lines, sentences of a language model in one paragraph, quotes in a paragraph each.
    """
    parts = list[str]()
    for number, one in enumerate(sentences):
        if number:
            before = sentences[number - 1]
            tight = one.block in _LISTED and before.block in ("lead", *_LISTED)
            runs_on = one.block == before.block == "lead" and one.verdict != "quoted"
            parts.append("\n" if tight else " " if runs_on else "\n\n")
        mark = "- " if one.block in ("item", "row") else f"{_step(sentences, number)}. " if one.block == "step" else ""
        parts.append(f"{mark}{one}")
    return "".join(parts)


def _step(sentences: Sequence[CitedSentence], number: int) -> int:
    return sum(one.block == "step" for one in sentences[: number + 1])


def answering_words(one: Evidence) -> str:
    """Return the answering words of a slice, in the order of the text."""
    start = one.hit.chunk.start
    return ", ".join(" ".join(one.hit.chunk.text[a - start : b - start].split()) for a, b in sorted(one.answers))


def choose(evidence: Sequence[Evidence], limit: int) -> list[Evidence]:
    """Return the slices worth quoting: the best, and others nearly as good.

    Slices that repeat an earlier one are left out.
    """
    chosen: list[Evidence] = []
    said: list[set[str]] = []
    for one in evidence:
        if len(chosen) == limit or (chosen and one.score < _KEEP * chosen[0].score):
            break
        content = set(content_terms(one.text))
        if any(len(content & other) >= _NEAR_DUPLICATE * max(1, len(content | other)) for other in said):
            continue
        if chosen and read_dateline(one.text):
            continue  # a dateline adds nothing to other quotes
        chosen.append(one)
        said.append(content)
    return chosen


def refuse(refusal: Refusal, *, searched: str = "", nearest: bool = False) -> str:
    """Return the words of a refusal.

    The interface adds what to do about it. `searched` names the scope ("2 of 5 sources were searched"; "" for all),
    `nearest` says whether passages are shown below.
    """
    if refusal.kind == "no_sources":
        return "There are no sources yet, so there is nothing to answer from."
    if refusal.kind == "nothing_chosen":
        return "No source is chosen, so there is nothing to ask."
    if refusal.kind == "language":
        return f"This question looks like {refusal.language}. Questions are understood in English only so far."
    if refusal.kind == "not_understood":
        return "The question has no word that says what to look for."
    parts = [f"Only {searched}, and nothing there answers this." if searched else "The sources do not answer this."]
    if refusal.missing:
        parts.append(f"Nothing {'there' if searched else 'here'} mentions {_listed(refusal.missing)}.")
    if nearest:
        parts.append("The nearest passages may help to ask differently.")
    return " ".join(parts)


def _listed(names: Sequence[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
