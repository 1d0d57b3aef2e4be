"""Question and passages -> statements by a language model, each checked as soon as it is written."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from threading import Event

from index.text.tokens import token_counter
from rag.cite import Statement
from rag.places import Places
from rag.reader import Reading
from rag.settings import Settings
from rag.writer.llm import LanguageModel, ModelServerError, Usage
from rag.writer.prompt import REFUSAL, Prompt, Task, build_prompt
from rag.writer.sentence_checker import ENDED, SentenceChecker
from rag.writer.sentence_cutter import Cutter, Drafted
from rag.writer.thoughts import ThoughtFilter

_SLACK = 2
"""A server that ignores the token limit is cut off at this many times the limit."""
_LETTERS = 16
"""Longest token in characters; a server that sends more text than its tokens can hold is cut off too."""
_SILENT = re.compile(
    r"(?:(?:unfortunately|however|sorry|but|i am sorry|i'm sorry)\b[\s,]*)?"
    r"(?:(?:the |these |this |any of the )?(?:given |provided )?(?:passages?|sources?|texts?|documents?|information)\b"
    r".{0,30}?(?:\b(?:not|never|no|nothing)\b|n['’]t\b)"
    r"|(?:there is|i (?:find|found|see)|it contains) (?:no|nothing)\b.{0,12}\b(?:information|mention|answer|details?)\b"
    r"|i (?:can ?not|can['’]t|could not|do not|don['’]t) (?:answer|find|know|say|see)\b)",
    re.IGNORECASE,
)
"""A refusal in other words than the agreed ones."""


@dataclass(frozen=True)
class GeneratedDraft:
    """The draft of a language model so far.

    `declined` is True if the model gave the fixed refusal. `failed` says why the server gave no complete answer, and
    `rejected` why a complete one is not shown.
    `tokens` has "prompt" and "completion"; `timings` are milliseconds.
    """

    statements: tuple[Statement, ...] = ()
    declined: bool = False
    failed: str = ""
    rejected: str = ""
    tokens: Mapping[str, int] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)

    @property
    def shows(self) -> bool:
        """True if a sentence passed the check."""
        return any(one.verdict != "unsupported" for one in self.statements)

    def notes(self, *, quoted: bool) -> Iterator[str]:
        """Yield notes for the reader: the failure, or the omitted sentences with reasons.

        `quoted` says whether quotes answer instead.
        """
        if self.failed:
            why = "The answer is quoted, because the" if quoted else "The"
            yield f"{why} language model could not be used. {self.failed}"
            return
        if self.rejected:
            then = "so the answer is quoted" if quoted else "so it is not shown"
            yield f"{self.rejected} in what the language model wrote, {then}."
        if self.declined:
            yield "The language model found no answer in the passages."
        out = [one for one in self.statements if one.verdict == "unsupported"]
        if out:
            whys = "; ".join(dict.fromkeys(one.why for one in out))
            count = f"{len(out)} of {len(self.statements)} sentences"
            yield f"{count} that the language model wrote did not pass the check: {whys}."
        if not self.statements and not self.declined:
            yield f"The language model wrote no whole sentence{', so the answer is quoted' if quoted else ''}."
        elif quoted and out and len(out) == len(self.statements):
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
    counter = token_counter(settings.encoding)
    prompt = build_prompt(task, places.articles, counter, settings.llm_prompt_tokens)
    checker = SentenceChecker(task, prompt.ids, places, reading)
    stream = _Stream(model, prompt, counter.count, settings.llm_answer_tokens)
    draft = GeneratedDraft()
    started = time.perf_counter()
    checking, silent = 0.0, False
    try:
        with closing(stream.sentences(stop)) as drafted:
            for one in drafted:
                if one is None:
                    draft = replace(draft, statements=())
                    continue
                if _declines(one.text):
                    silent = True  # next to a sentence that passes, a refusal means nothing
                    continue
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
    declined = silent and not draft.shows and not draft.failed
    yield replace(draft, declined=declined, tokens=tokens, timings={**draft.timings, **spent})


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
        cutter, thoughts = Cutter(), ThoughtFilter()
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
                    cutter = Cutter()
                    yield None
                yield from cutter.feed(spoken.text)
                if tokens > self._most or len(self.text) >= _LETTERS * self._most:
                    self.usage = Usage(cut=True)
                    break
        if stop and stop.is_set():
            return
        for one in (*cutter.feed(thoughts.end()), *cutter.end()):
            # In an answer that was cut off, the last sentence counts only if its citation shows that it is complete.
            if not self.usage.cut or (one.closed and ENDED.search(one.text)):
                yield one


def _declines(text: str) -> bool:
    """True for the agreed refusal, and for one in other words."""
    return (
        bool(_SILENT.match(text))
        or re.sub(r"\W+", " ", text).strip().casefold() == re.sub(r"\W+", " ", REFUSAL).strip().casefold()
    )


def _since(started: float) -> float:
    """Return the milliseconds since `started`."""
    return round(1000 * (time.perf_counter() - started), 2)
