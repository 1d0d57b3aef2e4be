"""The chat: a Gradio page whose events ask the engine. What it shows is made in `html`, placed by `page.js`."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import BoundedSemaphore, Event, Lock

import gradio as gr

from index.errors import FootnoteError
from rag import examples
from rag.answer import BadQuestion, check, stream
from rag.choice import Choice, NothingChosen
from rag.engine import Engine
from rag.evaluation.feedback import KINDS
from rag.settings import Writer
from rag.ui import html
from rag.ui.evaluation import make_tab
from rag.ui.plain import plain
from rag.ui.sources import make_sources_tab
from rag.ui.uploads import GuardedBlocks, Uploads

ROOM = Path(__file__).parent
_LOG = logging.getLogger("footnote")
_PAUSE = 0.25
"""Seconds between two looks at what a question waits for."""
_ID = re.compile(r"[a-z0-9]{1,32}")
_KEYS = [
    ("Enter", "ask"),
    ("Shift + Enter", "a new line in the question"),
    ("Arrow up", "in the empty box: the last question, to edit and ask again"),
    ("Escape", "stop; or from a source back to its marker"),
    ("Tab", "from marker to marker; the quote shows"),
    ("Enter on a marker", "to the highlighted words in the source"),
    ("/", "to the question box"),
    ("?", "this list"),
]
_TOP = (
    '<div class="fn-tools"><button type="button" class="fn-action" data-do="clear">New conversation</button>'
    '<button type="button" class="fn-action" data-do="keys" aria-label="Keyboard map">?</button>'
    '<button type="button" class="fn-action" data-do="theme" aria-label="Light or dark">◐</button></div>'
)
_TABS = (
    '<nav class="fn-tabs" aria-label="Rooms"><a href="#chat" aria-current="page">Chat</a>'
    '<a href="#sources">Sources</a><a href="#evaluation">Evaluation</a></nav>'
)
_ASKING = (
    '<p class="fn-asking fn-status fn-away" role="status"><span></span> <a class="fn-action" href="#sources">Choose</a>'
    '<button type="button" class="fn-action" data-choice="all">Ask all</button></p>'
)
_SHEET_TOP = '<div class="fn-sheet-top"><button type="button" class="fn-action" data-do="close">Close</button></div>'


class _Outbox:
    """The turns of each session that its page still waits for. They travel together, so that when two updates reach
    the browser as one, the earlier turn is not lost."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._turns: dict[str, dict[str, str]] = defaultdict(dict)

    def put(self, session: str, turn_id: str, markup: str) -> str:
        """Keep one turn in place of its earlier state; returns the markup of all that are kept, in parcels."""
        with self._lock:
            turns = self._turns[session]
            turns[turn_id] = markup
            return "".join(map(html.parcel, turns.values()))

    def keep_only(self, session: str, turn_ids: list[str]) -> None:
        """Drop the turns that the page has."""
        with self._lock:
            kept = {id_: markup for id_, markup in self._turns[session].items() if id_ in turn_ids}
            self._turns[session] = kept

    def forget(self, session: str) -> None:
        """Drop a session that has ended."""
        with self._lock:
            self._turns.pop(session, None)


class _Desk:
    """Lets one question after another to the models, and only so many wait."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.models = BoundedSemaphore(1)
        self._lock = Lock()
        self._waiting: dict[str, Event] = {}

    def busy(self) -> bool:
        """True while a question waits or is being answered."""
        return bool(self._waiting)

    def states(self, question: str, turn_id: str, writer: Writer, choice: Choice) -> Iterator[str]:
        """The markup of a turn as it goes: waiting if need be, being written, then answered, refused or failed."""
        with self._lock:
            ahead = len(self._waiting)
            full = ahead > self._engine.settings.max_waiting
            if not full:
                self._waiting[turn_id] = Event()
        if full:
            yield html.failure(turn_id, question, "Too many questions are waiting here. Ask again in a moment.")
            return
        try:
            yield from self._states(question, turn_id, ahead, writer, choice)
        finally:
            self.stop([turn_id])

    def stop(self, turn_ids: Sequence[str]) -> None:
        """Let these turns wait no longer; they end without an answer."""
        with self._lock:
            for stopped in filter(None, [self._waiting.pop(id_, None) for id_ in turn_ids]):
                stopped.set()

    def _states(self, question: str, turn_id: str, ahead: int, writer: Writer, choice: Choice) -> Iterator[str]:
        stop = self._waiting[turn_id]
        try:
            asked = check(question, self._engine.settings.max_question)
            for words in self._reasons(ahead):
                if stop.is_set():
                    return
                yield html.pending(turn_id, asked, words)
            # The models are let go before anything is shown or written: that may take its time.
            found, shown = None, 0.0
            with ExitStack() as held:
                held.callback(self.models.release)
                for found in stream(self._engine, asked, writer=writer, choice=choice, stop=stop, models=held):
                    if found.writer == "llm" and time.monotonic() - shown >= _PAUSE and not stop.is_set():
                        shown = time.monotonic()
                        yield html.writing(turn_id, found)
            if found and not stop.is_set():
                yield html.turn(turn_id, found)
        except (BadQuestion, NothingChosen) as error:
            yield html.failure(turn_id, question[:200], str(error))
        except Exception as error:
            number = uuid.uuid4().hex[:8]
            _LOG.exception("error %s while answering %r", number, question)
            known = isinstance(error, FootnoteError)
            said = (
                plain(error, self._engine.home)
                if known
                else "Something went wrong while answering. Ask again; the log tells more."
            )
            yield html.failure(turn_id, question, f"{said} (Error {number})")

    def _reasons(self, ahead: int) -> Iterator[str]:
        """Why a question has to wait, in words, again and again. When nothing more comes, the models are its own."""
        while not self._engine.warm.wait(_PAUSE):
            yield f"{self._engine.status()[0]}. The answer comes in a moment ..."
        while not self.models.acquire(timeout=_PAUSE):
            yield f"{'1 question is' if ahead <= 1 else f'{ahead} questions are'} ahead of this one ..."


def _names(text: str) -> frozenset[str]:
    """The names in a JSON list; none when it is not one."""
    try:
        value = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def make_page(engine: Engine, files: Uploads) -> gr.Blocks:
    """The page over an engine; `files` are those that it uploads."""
    outbox, desk = _Outbox(), _Desk(engine)

    def ask(question: str, turn_ids: str, writer: str, left_out: str, request: gr.Request) -> Iterator[str]:
        """Ask a question; `turn_ids` names its turn on the page, then the turns the page still waits for; `writer` is
        "quote" or "llm"; `left_out` are the names of sources that are not asked, as a JSON list ("" for none)."""
        session = request.session_hash or ""
        ids = [id_ for id_ in (turn_ids or "").split() if _ID.fullmatch(id_)] or [uuid.uuid4().hex]
        outbox.keep_only(session, ids)
        choice = Choice(left_out=_names(left_out))
        for markup in desk.states(question, ids[0], "llm" if writer == "llm" else "quote", choice):
            yield outbox.put(session, ids[0], markup)

    def arrive() -> str:
        """The welcome, when everything is ready."""
        engine.warm.wait()
        try:
            titles = engine.parts()[0].catalog.titles()
            return html.welcome(titles, examples.questions(engine), known=True)
        except FootnoteError:
            return html.welcome([], [], known=False)

    def forget(request: gr.Request) -> None:
        outbox.forget(request.session_hash or "")

    with GuardedBlocks(files, title="Footnote", analytics_enabled=False, fill_width=True) as page:
        with gr.Row(elem_id="fn-top"):
            gr.HTML(f'<div class="fn-brand"><h1 class="fn-name">Footnote</h1>{_TABS}</div>', js_on_load=None)
            gr.HTML(html.status("\u00a0", "busy"), js_on_load=None)
            gr.HTML(_TOP + html.keys(_KEYS) + html.thumb_down(KINDS), js_on_load=None)
        with gr.Row(elem_id="fn-desk", equal_height=False):
            with gr.Column(scale=3, min_width=300, elem_id="fn-left"):
                first = gr.HTML(html.welcome([], [], known=False), js_on_load=None, elem_id="fn-first")
                gr.HTML('<div id="fn-conversation" role="log" aria-label="Conversation"></div>', js_on_load=None)
                with gr.Row(elem_id="fn-ask", equal_height=True):
                    gr.HTML(_ASKING, js_on_load=None, elem_id="fn-asking")
                    question = gr.Textbox(
                        label="Question",
                        show_label=False,
                        container=False,
                        placeholder="Ask about your sources ...",
                        max_lines=6,
                        scale=8,
                        autofocus=True,
                        elem_id="fn-question",
                    )
                    send = gr.Button("Send", variant="primary", scale=1, min_width=72, elem_id="fn-send")
                    stop = gr.Button("Stop", scale=1, min_width=72, elem_id="fn-stop")
                writer = gr.Radio(
                    [("Quotes", "quote"), ("Language model, checked", "llm")],
                    value=engine.settings.writer,
                    label="Answers by",
                    elem_id="fn-writer",
                    visible=bool(engine.settings.llm_url),
                )
            with gr.Column(scale=2, min_width=300, elem_id="fn-right"):
                gr.HTML(
                    _SHEET_TOP + '<div id="fn-panel" role="region" aria-label="Sources" tabindex="-1"></div>',
                    js_on_load=None,
                )
        make_sources_tab(engine, page, files)
        make_tab(engine, page, files, desk.busy)
        turn_ids = gr.Textbox(visible="hidden", elem_id="fn-turn-ids")
        left_out = gr.Textbox(visible="hidden")
        arriving = gr.HTML("", visible="hidden", elem_id="fn-arriving", js_on_load=None)

        gr.on(
            [question.submit, send.click],
            ask,
            inputs=[question, turn_ids, writer, left_out],
            outputs=arriving,
            js="(question, _, writer) => [...window.footnote.begin(question, writer), window.footnoteChoice.leftOut()]",
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_limit=engine.settings.max_waiting + 8,
            api_name="ask",
        )
        stop.click(
            lambda ids: desk.stop(ids.split()),
            inputs=turn_ids,
            js="() => window.footnote.stop()",
            show_progress="hidden",
            api_visibility="private",
        )
        page.load(arrive, None, first, show_progress="hidden", concurrency_limit=None, api_visibility="private")
        page.unload(forget)
    page.queue(api_open=True)
    return page
