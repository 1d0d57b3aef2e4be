"""Question and passages -> statements by a language model, each checked as soon as it is written."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import combinations
from threading import Event

from index.article import Article
from index.text.aliases import Aliases, find_aliases
from index.text.layout import Span
from index.text.tokens import token_counter
from rag.check import Verdict
from rag.check.sentence import SourceFacts, check_sentence
from rag.cite import Statement
from rag.places import Places
from rag.reader import Evidence, Reading
from rag.retrieve import Hit
from rag.settings import Settings
from rag.writer.llm import LanguageModel, ModelServerError, Usage
from rag.writer.prompt import REFUSAL, Prompt, Task, build_prompt
from rag.writer.sentence_cutter import Cutter, Drafted
from rag.writer.thoughts import ThoughtFilter

_SLACK = 2
"""A server that ignores the token limit is cut off at this many times the limit."""
_LETTERS = 16
"""Longest token in characters; a server that sends more text than its tokens can hold is cut off too."""
_ENDED = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")


_TRIED = 3
"""Number of passages of which pairs are tried for a sentence without a citation."""
_FOUND = "it cites no passage; the check found a supporting one"


@dataclass(frozen=True)
class GeneratedDraft:
    """The draft of a language model so far.

    `declined` is True if the model gave the fixed refusal. `failed` says why the server gave no complete answer.
    `tokens` has "prompt" and "completion"; `timings` are milliseconds.
    """

    statements: tuple[Statement, ...] = ()
    declined: bool = False
    failed: str = ""
    tokens: Mapping[str, int] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)

    @property
    def shows(self) -> bool:
        """True if a sentence passed the check."""
        return any(one.verdict != "unsupported" for one in self.statements)

    def notes(self) -> Iterator[str]:
        """Yield notes for the reader: the failure, or the omitted sentences with reasons."""
        if self.failed:
            yield f"The answer is quoted, because the language model could not be used. {self.failed}"
            return
        if self.declined:
            yield "The language model found no answer in the passages."
        out = [one for one in self.statements if one.verdict == "unsupported"]
        if out:
            whys = "; ".join(dict.fromkeys(one.why for one in out))
            count = f"{len(out)} of {len(self.statements)} sentences"
            yield f"{count} that the language model wrote did not pass the check: {whys}."
        if not self.statements and not self.declined:
            yield "The language model wrote no whole sentence, so the answer is quoted."
        elif out and len(out) == len(self.statements):
            yield "None is left, so the answer is quoted."


def generate(
    model: LanguageModel,
    task: Task,
    reading: Reading,
    places: Places,
    settings: Settings,
    stop: Event | None = None,
) -> Generator[GeneratedDraft]:
    """Ask the model, and yield the draft after each checked sentence.

    The last draft is complete. `reading` and `places` are those of the question. After a server failure the last draft
    reports it. `stop` ends the request at once.
    """
    hits, articles = places.hits, places.articles
    counter = token_counter(settings.encoding)
    prompt = build_prompt(task, articles, counter, settings.llm_prompt_tokens)
    checker = _SentenceChecker(prompt.ids, hits, articles, reading)
    stream = _Stream(model, prompt, counter.count, settings.llm_answer_tokens)
    draft = GeneratedDraft()
    started = time.perf_counter()
    checking = 0.0
    try:
        with closing(stream.sentences(stop)) as drafted:
            for one in drafted:
                if one is None:
                    draft = replace(draft, statements=())
                    continue
                if _declines(one.text):
                    if draft.statements:
                        continue  # next to other sentences a refusal means nothing
                    draft = replace(draft, declined=True)
                    break
                began = time.perf_counter()
                statement = checker.check(one)
                checking += _since(began)
                timings = draft.timings or {"first_sentence": _since(started)}
                draft = replace(draft, statements=(*draft.statements, statement), timings=timings)
                yield draft
    except ModelServerError as error:
        draft = replace(draft, statements=(), failed=str(error))
    usage = stream.usage
    tokens = {
        "prompt": prompt.tokens if usage.prompt is None else usage.prompt,
        "completion": counter.count(stream.text) if usage.completion is None else usage.completion,
    }
    spent = {"generate": round(_since(started) - checking, 2), "check": round(checking, 2)}
    yield replace(draft, tokens=tokens, timings={**draft.timings, **spent})


class _Stream:
    """One completion; `text` and `usage` hold what has arrived."""

    def __init__(self, model: LanguageModel, prompt: Prompt, count: Callable[[str], int], most: int) -> None:
        self.text = ""
        self.usage = Usage()
        self._model = model
        self._prompt = prompt
        self._count = count
        self._most = _SLACK * most

    def sentences(self, stop: Event | None) -> Generator[Drafted | None]:
        """Yield each sentence as soon as it is complete; None if everything before was a thought."""
        cutter, thoughts = Cutter(tuple(self._prompt.ids)), ThoughtFilter()
        tokens = 0
        with closing(self._model.complete(self._prompt.messages, stop)) as pieces:
            for piece in pieces:
                if isinstance(piece, Usage):
                    self.usage = piece
                    continue
                piece = piece[: _LETTERS * self._most]
                self.text += piece
                tokens += self._count(piece)
                spoken = thoughts.feed(piece)
                if spoken.anew:
                    cutter = Cutter(tuple(self._prompt.ids))
                    yield None
                yield from cutter.feed(spoken.text)
                if tokens > self._most or len(self.text) >= _LETTERS * self._most:
                    self.usage = Usage(cut=True)
                    break
        if stop and stop.is_set():
            return
        for one in (*cutter.feed(thoughts.end()), *cutter.end()):
            # In an answer that was cut off, the last sentence counts only if its citation shows that it is complete.
            if not self.usage.cut or (one.closed and _ENDED.search(one.text)):
                yield one


class _SentenceChecker:
    """Checks each sentence against the passages it cites."""

    def __init__(
        self, ids: Mapping[str, Hit], hits: Sequence[Hit], articles: Mapping[str, Article], reading: Reading
    ) -> None:
        self._ids = ids
        self._reading = reading
        ranks = {hit.chunk.id: rank for rank, hit in enumerate(hits, 1)}
        self._sources = {
            id_: _source(hit, articles[hit.chunk.article_id], articles, ranks[hit.chunk.id]) for id_, hit in ids.items()
        }

    def check(self, one: Drafted) -> Statement:
        """Return a sentence as a statement, with its verdict and the slices that support it."""
        known = [id_ for id_ in one.ids if id_ in self._ids]
        verdict = check_sentence(one.text, [self._sources[id_] for id_ in known]) if known else None
        if verdict is None:
            known, verdict = self._uncited(one.text)
        broken_off = not one.closed and one.block == "lead" and not _ENDED.search(one.text)
        if verdict.kind == "supported" and broken_off:
            verdict = replace(verdict, kind="weak", why="the language model broke off in it")
        if verdict.kind == "unsupported" or not verdict.support:
            return Statement(one.text, None, verdict="unsupported", why=verdict.why, block=one.block)
        pieces = [self._evidence(self._ids[known[s.source]], s.span, verdict.score) for s in verdict.support]
        also = tuple(pieces[1:])
        return Statement(one.text, pieces[0], also=also, verdict=verdict.kind, why=verdict.why, block=one.block)

    def _uncited(self, text: str) -> tuple[list[str], Verdict]:
        """Check a sentence without a citation against the passage that supports it best, or two of the best.

        Small models cite badly, so the check finds the citation.
        """
        single = [([id_], check_sentence(text, [source])) for id_, source in self._sources.items()]
        best = sorted(single, key=lambda one: _rank(one[1]), reverse=True)[:_TRIED]
        if best[0][1].kind != "supported":
            ids = [one[0] for one, _ in best]
            joined = [
                ([one, two], check_sentence(text, [self._sources[one], self._sources[two]]))
                for one, two in combinations(ids, 2)
            ]
            best = sorted([*best, *joined], key=lambda one: _rank(one[1]), reverse=True)
        cited, verdict = best[0]
        if verdict.kind == "unsupported":
            return cited, Verdict("unsupported", "it cites no passage, and no passage supports it", verdict.score)
        return cited, replace(verdict, why="; ".join(filter(None, (_FOUND, verdict.why))))

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


def _declines(text: str) -> bool:
    return re.sub(r"\W+", " ", text).strip().casefold() == re.sub(r"\W+", " ", REFUSAL).strip().casefold()


def _since(started: float) -> float:
    """Return the milliseconds since `started`."""
    return round(1000 * (time.perf_counter() - started), 2)
