"""Suggested questions about the index. Each was asked before it is shown, and its own source answered it."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from index.build.generation import Generation
from index.errors import FootnoteError
from index.sources.roots import QUESTION_SET
from index.state import DamagedState, read_sealed, write_sealed
from index.text.words import content_terms
from rag.candidates import Candidate, candidates
from rag.queue import RequestQueue

if TYPE_CHECKING:  # an answer holds suggestions
    from rag.types import Answer

SUGGESTIONS_FILE = "suggestions.json"
SHOWN = 3
"""Number of suggestions at the start, and after an answer."""
_EVIDENCE = 0.6
"""Lowest evidence score of a suggested question: about half of the answerable ones reach it."""
_SOURCES, _OF_EACH, _TRIED = 40, 4, 40
"""Number of sources with candidates, of candidates of each source, and of candidates in all."""
_REST = 0.5
"""Seconds between two candidates."""
_LOOK_EVERY = 2.0
"""Seconds between checks for a new index."""
_LOG = logging.getLogger("footnote")
Ask = Callable[[str], "Answer"]


class _State:
    """The suggestions of one generation: those accepted, and the candidates still to be tried."""

    def __init__(self, name: str, kept: Iterable[Candidate], tried: Iterable[str]) -> None:
        self.name = name
        self.kept = list(kept)
        self.tried = set(tried)
        self.waiting: deque[Candidate] | None = None


class Suggestions:
    """The suggestions for the index in use. Safe to share between threads.

    They are stored in a file of the home under the name of their generation. So they are there at once after a restart,
    and none remains when the index changes.
    """

    def __init__(self, home: Path, roots: Callable[[], Sequence[Path]]) -> None:
        self._path = home / SUGGESTIONS_FILE
        self._roots = roots
        self._lock = Lock()
        self._state = _State("", [], [])
        self._ending = Event()

    def first(self, generation: Generation, sources: frozenset[str] | None = None) -> list[str]:
        """Return up to three suggestions, from different sources if possible.

        `sources` restricts them (None: all).
        """
        by_source: dict[str, list[str]] = {}
        for one in self._of(generation).kept:
            if sources is None or one.source in sources:
                by_source.setdefault(one.source, []).append(one.question)
        turns = (question for turn in zip_longest(*by_source.values()) for question in turn if question)
        return list(turns)[:SHOWN]

    def after(self, generation: Generation, question: str, cited: Sequence[tuple[str, int, int]]) -> list[str]:
        """Return up to three suggestions about the cited sources, nearest first.

        `cited` are (source, start, end). Leaves out the question itself, and suggestions that the cited places answer.
        """
        question_terms = set(content_terms(question))
        near = dict[str, int]()
        for one in self._of(generation).kept:
            places = [(start, end) for source, start, end in cited if source == one.source]
            said = any(start < one.end and one.start < end for start, end in places)
            if places and not said and set(content_terms(one.question)) != question_terms:
                near[one.question] = min(abs(one.start - start) for start, _ in places)
        return sorted(near, key=lambda one: near[one])[:SHOWN]

    def try_next(self, generation: Generation, ask: Ask) -> bool:
        """Ask the next candidate and keep it if its own source answers it.

        Returns False if no candidate is left.
        """
        state = self._of(generation)
        with self._lock:
            if state.waiting is None:
                state.waiting = deque(self._candidates(generation))
            one = state.waiting.popleft() if state.waiting else None
        if one is None:
            return False
        good = one.question not in state.tried and _is_answered(one, ask(one.question))
        with self._lock:
            state.tried.add(one.question)
            state.kept += [one] if good else []
            if state is self._state:
                self._write(state)
        return True

    def make_first(self, generation: Generation, ask: Ask) -> list[str]:
        """Return the first three suggestions; ask candidates until there are enough."""
        while len(self.first(generation)) < SHOWN and self.try_next(generation, ask):
            pass
        return self.first(generation)

    def ask_in_background(self, queue: RequestQueue, current: Callable[[], Generation], ask: Ask, warm: Event) -> None:
        """Ask the candidates of each new index on a thread, until `end` is called.

        It starts when the models are `warm`, takes the last place in the `queue` and rests after each question, so that
        a user hardly ever waits for it.
        """

        def run() -> None:
            warm.wait()
            while not self._ending.is_set():
                more = False
                # Questions report what is wrong with the index.
                with suppress(FootnoteError):
                    generation = current()
                    with queue.last_turn("", SUGGESTIONS_FILE, self._ending):
                        more = self.try_next(generation, ask)
                self._ending.wait(_REST if more else _LOOK_EVERY)

        def guarded() -> None:
            try:
                run()
            except Exception:
                _LOG.exception("suggestions are not made any more")

        Thread(target=guarded, name="suggestions", daemon=True).start()

    def end(self) -> None:
        """Stop asking candidates."""
        self._ending.set()

    def _of(self, generation: Generation) -> _State:
        with self._lock:
            if self._state.name != generation.folder.name:
                self._state = self._read(generation.folder.name)
            return self._state

    def _read(self, name: str) -> _State:
        try:
            value = read_sealed(self._path)
            if value["generation"] == name:
                return _State(name, [Candidate(**one) for one in value["kept"]], value["tried"])
        except (OSError, DamagedState, KeyError, TypeError):
            pass  # the candidates are asked again
        return _State(name, [], [])

    def _write(self, state: _State) -> None:
        kept = [asdict(one) for one in state.kept]
        with suppress(OSError):  # without a writable home they last until the process ends
            write_sealed(self._path, {"generation": state.name, "kept": kept, "tried": sorted(state.tried)})

    def _candidates(self, generation: Generation) -> list[Candidate]:
        """Return the candidates of each source in turn; question sets come first."""
        catalog = generation.catalog
        columns = [list(_of_question_set(root / QUESTION_SET, generation))[:_TRIED] for root in self._roots()]
        sources = [one.source for one in catalog.listing() if not one.copy_of and one.chunks]
        step = max(1, len(sources) // _SOURCES)
        for source in sources[::step][:_SOURCES]:
            article = catalog.article(source)
            # Nobody asks about a row by its number.
            if article and not article.rows:
                columns.append(candidates(source, catalog.chunks_of(article.id))[:_OF_EACH])
        return [one for turn in zip_longest(*columns) for one in turn if one][:_TRIED]


def _is_answered(one: Candidate, found: Answer) -> bool:
    """True if the evidence score is high and the first citation overlaps the place of the candidate."""
    if found.refused or not found.citations or (found.evidence_score or 0.0) < _EVIDENCE:
        return False
    first = found.citations[0]
    return one.source in (first.source, *first.also_in) and first.start < one.end and one.start < first.end


def _of_question_set(path: Path, generation: Generation) -> Iterator[Candidate]:
    """Yield the answered questions of a question set among the sources, from each source in turn."""
    by_source: dict[str, list[Candidate]] = {}
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        for row in rows:
            if row.get("answers") and row.get("relevant"):
                label = row["relevant"][0]
                source, quote = str(label["source"]), str(label["quote"])
                article = generation.catalog.article(source)
                at = article.text.find(quote) if article else -1
                if at >= 0:
                    words = str(row["question"]).strip(" ?")
                    one = Candidate(f"{words[:1].upper()}{words[1:]}?", source, at, at + len(quote))
                    by_source.setdefault(source, []).append(one)
    except (OSError, ValueError, AttributeError, KeyError, TypeError, IndexError):
        return
    yield from (one for turn in zip_longest(*by_source.values()) for one in turn if one)
