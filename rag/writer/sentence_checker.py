"""A sentence of a language model -> a statement with its verdict and the slices that support it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import combinations

from index.article import Article
from index.text.aliases import Aliases, find_aliases
from index.text.layout import Span
from rag.check import Verdict
from rag.check.facts import find_facts
from rag.check.sentence import SourceFacts, check_sentence, judge_sentence, measure
from rag.check.wording import content
from rag.cite import Statement
from rag.places import Places
from rag.reader import Evidence, Reading
from rag.retrieve import Hit
from rag.writer.prompt import Task
from rag.writer.sentence_cutter import Drafted

ENDED = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
"""The end of a whole sentence."""
_OPINION = re.compile(r"(yes|no)\b[\s,.:;–—-]*", re.IGNORECASE)
_REFERS = re.compile(r"(?:it|its|he|his|she|her|they|their|this|that|these|those)\b", re.IGNORECASE)
_FRAGMENT = 2
"""A text with fewer content words outside its facts is a fragment, which the question completes."""
_ANSWERS = 0.5
"""Share of the words of the question and a fragment that one slice must have together."""
_TRIED = 3
"""Number of passages of which pairs are tried for a sentence without a citation."""
_FOUND = "it cites no passage; the check found a supporting one"
_NONE = "it cites no passage, and no passage supports it"


class SentenceChecker:
    """Checks each sentence against the passages it cites, or finds the passage of one that cites none."""

    def __init__(self, task: Task, ids: Mapping[str, Hit], places: Places, reading: Reading) -> None:
        """Take the passages that the model has seen, by the ids that it may cite."""
        self._task = task
        self._ids = ids
        self._reading = reading
        ranks = {hit.chunk.id: rank for rank, hit in enumerate(places.hits, 1)}
        articles = places.articles
        self._sources = {
            id_: _source(hit, articles[hit.chunk.article_id], articles, ranks[hit.chunk.id]) for id_, hit in ids.items()
        }
        self._before: list[str] = []
        self._list_failed = False

    def check(self, one: Drafted) -> Statement:
        """Return a sentence as a statement, with its verdict and the slices that support it."""
        opinion = _OPINION.match(one.text)
        text = one.text[opinion.end() :] if opinion else one.text
        known = [id_ for id_ in one.ids if id_ in self._ids]
        if opinion and not any(map(str.isalnum, text)):
            verdict = Verdict("unsupported", "it gives no reason", 0.0)
        elif one.block == "lead" or not self._list_failed:
            known, verdict = self._judged(text, known, one)
        else:
            verdict = Verdict("unsupported", "its list opens with a sentence that did not pass the check", 0.0)
        if opinion and verdict.kind == "supported":
            verdict = _weaker(verdict, f"“{opinion[1]}” is the conclusion of the model")
        if one.block == "lead":
            self._list_failed = verdict.kind == "unsupported" and self._lacks_facts(text)
        if verdict.kind == "unsupported" or not verdict.support:
            return Statement(one.text, None, verdict="unsupported", why=verdict.why, block=one.block)
        self._before = known
        first, *also = (self._evidence(self._ids[known[s.source]], s.span, verdict.score) for s in verdict.support)
        return Statement(one.text, first, also=tuple(also), verdict=verdict.kind, why=verdict.why, block=one.block)

    def _judged(self, text: str, known: list[str], one: Drafted) -> tuple[list[str], Verdict]:
        """Return the passages of a text and its verdict."""
        if known:
            verdict = check_sentence(text, [self._sources[id_] for id_ in known])
        else:
            known, verdict = self._attributed(text)
        if verdict.kind == "supported" and one.block == "lead" and not one.closed and not ENDED.search(text):
            verdict = _weaker(verdict, "the language model broke off in it")
        if verdict.kind == "supported" and _is_fragment(text) and not self._answers(text, known):
            verdict = _weaker(verdict, "no sentence of the passage says this to the question")
        if verdict.kind == "supported" and self._task.doubted:
            verdict = _weaker(verdict, "the reading model doubts that the passages answer")
        return known, verdict

    def _attributed(self, text: str) -> tuple[list[str], Verdict]:
        """Find the passage of a text that cites none, as small models do; two passages support it weakly.

        A weak verdict counts only if the wording alone makes it weak. A pronoun refers to the passages of the sentence
        before.
        """
        nothing = Verdict("unsupported", _NONE, 0.0)
        ids = self._before if _REFERS.match(text) else list(self._sources)
        if not ids:
            return [], nothing
        single = [([id_], check_sentence(text, [self._sources[id_]])) for id_ in ids]
        best = sorted(single, key=lambda one: _rank(one[1]), reverse=True)[:_TRIED]
        known, verdict = best[0]
        if _is_fragment(text):
            enough = verdict.kind == "supported" and self._answers(text, known)
            return known, _weaker(verdict, _FOUND) if enough else nothing
        if verdict.kind == "supported":
            return known, replace(verdict, why=_FOUND)
        for pair in combinations([one[0] for one, _ in best], 2):
            joined = check_sentence(text, [self._sources[id_] for id_ in pair])
            if joined.kind == "supported":
                return list(pair), _weaker(joined, "it joins two passages, and cites none")
        measured = measure(text, [self._sources[known[0]]])
        by_wording = judge_sentence(replace(measured, slices=1.0, strange=()))[0] == "supported"
        if verdict.kind == "weak" and by_wording and not self._task.doubted:
            return known, replace(verdict, why=f"it cites no passage; {verdict.why}")
        return known, nothing

    def _answers(self, text: str, known: Sequence[str]) -> bool:
        """True if one slice has most words of the question and of a fragment, and denies neither."""
        measured = measure(f"{text} {self._task.question}", [self._sources[id_] for id_ in known])
        return measured.slices >= _ANSWERS and not measured.denied

    def _lacks_facts(self, text: str) -> bool:
        return bool(measure(text, list(self._sources.values())).missing)

    def _evidence(self, hit: Hit, span: Span, score: float) -> Evidence:
        start, end = hit.chunk.start + span[0], hit.chunk.start + span[1]
        answers = [
            words
            for read in self._reading.evidence
            if read.hit.chunk.article_id == hit.chunk.article_id
            for words in read.answers
            if start <= words[0] and words[1] <= end
        ]
        return Evidence(hit, start, end, score, tuple(dict.fromkeys(answers)))


def _weaker(verdict: Verdict, why: str) -> Verdict:
    return replace(verdict, kind="weak", why=why)


def _is_fragment(text: str) -> bool:
    """True for a date, a name or an item alone, which says something only as an answer to the question."""
    facts = {term for fact in find_facts(text) for term in content(fact.text)}
    return len(set(content(text)) - facts) < _FRAGMENT


def _rank(verdict: Verdict) -> tuple[int, float]:
    """Return what orders verdicts from worst to best."""
    return ("unsupported", "weak", "supported").index(verdict.kind), verdict.score


def _source(hit: Hit, article: Article, articles: Mapping[str, Article], rank: int) -> SourceFacts:
    context = [article.title if article.named else "", hit.chunk.heading]
    if article.published:
        context.append(article.published.when)
    # The article's own meaning of a short form takes precedence over those in the other articles.
    own = _introduced(article)
    shorts = {short for short, _ in own}
    others = [pair for other in articles.values() for pair in _introduced(other) if pair[0] not in shorts]
    return SourceFacts(hit.chunk.text, "\n".join(filter(None, context)), Aliases([*own, *others]), f"passage {rank}")


@lru_cache(64)
def _introduced(article: Article) -> list[tuple[str, str]]:
    return find_aliases(article.text)
