"""The chat: a Gradio page whose events ask the engine. What it shows is made in `html`, placed by `page.js`."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from threading import Lock

import gradio as gr

from index.errors import FootnoteError
from index.generation import Generation
from rag.answer import answer
from rag.choice import Choice
from rag.conversation.store import ConversationStore
from rag.engine import Engine
from rag.evaluation.feedback import KINDS
from rag.suggestions import SHOWN
from rag.ui import dialogs, html
from rag.ui.conversations import is_conversation_id
from rag.ui.evaluation import make_tab
from rag.ui.sources import make_sources_tab
from rag.ui.turns import Turns
from rag.ui.uploads import GuardedBlocks, Uploads

ROOM = Path(__file__).parent
_OTHERS = 40
"""Events besides questions that Gradio may run at once: the tabs, the welcome, stopping."""
_WELCOME_LOOKS, _WELCOME_EVERY = 60, 0.5
"""How often the welcome looks for new suggestions, and seconds between two looks."""
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
    '<button type="button" class="fn-action" data-history="show">Conversations</button>'
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
_BEGIN = (
    "(question, _, writer) => [...window.footnote.begin(question, writer), window.footnoteChoice.leftOut(), "
    "window.footnoteConversations.id()]"
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


def _text(value: object) -> str:
    """What was sent as text; whoever calls the event may send anything."""
    return "" if value is None else str(value)


def _names(text: str) -> frozenset[str]:
    """The names in a JSON list; none when it is not one."""
    try:
        value = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


class _Events:
    """What the chat's events do."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._outbox = _Outbox()
        self._store = ConversationStore(engine.home)
        self.turns = Turns(engine)

    def suggest(self) -> None:
        """Begin to make suggestions in the background, behind the questions of people."""
        engine = self._engine

        def current() -> Generation:
            generation = engine.parts()[0]
            engine.speller(generation).warm_up()
            return generation

        ask = partial(answer, engine, writer="quote")
        engine.suggestions.ask_in_background(self.turns.queue, current, ask, engine.warm)

    async def ask(
        self, question: str, turn_ids: str, writer: str, left_out: str, conversation: str, request: gr.Request
    ) -> AsyncGenerator[str]:
        """Ask a question.

        `turn_ids` names its turn on the page, then the turns the page still waits for; `writer` is "quote" or "llm";
        `left_out` are the names of sources that are not asked, as a JSON list ("" for none); the answer is kept in the
        `conversation` with this id ("" for none).
        """
        sent = (question, turn_ids, writer, left_out, conversation)
        question, turn_ids, writer, left_out, conversation = map(_text, sent)
        session = request.session_hash or ""
        ids = [id_ for id_ in turn_ids.split() if _ID.fullmatch(id_)] or [uuid.uuid4().hex]
        self._outbox.keep_only(session, ids)
        choice = Choice(left_out=_names(left_out))
        keep = partial(self._store.add, conversation, ids[0]) if is_conversation_id(conversation) else None
        states = self.turns.states(question, session, ids[0], "llm" if writer == "llm" else "quote", choice, keep)
        async with aclosing(states):
            async for markup in states:
                yield self._outbox.put(session, ids[0], markup)

    async def stop(self, turn_ids: str, request: gr.Request) -> None:
        """Stop the questions of these turns."""
        self.turns.queue.stop(request.session_hash or "", turn_ids.split())

    async def arrive(self) -> AsyncGenerator[str]:
        """Yield the welcome when everything is ready, and again when there are more questions to suggest."""
        await asyncio.to_thread(self._engine.warm.wait)
        shown = ""
        for _ in range(_WELCOME_LOOKS):
            welcome, whole = await asyncio.to_thread(self._welcome)
            if welcome != shown:
                yield (shown := welcome)
            if whole:
                return
            await asyncio.sleep(_WELCOME_EVERY)

    def _welcome(self) -> tuple[str, bool]:
        """The welcome, and whether it has all that it can show."""
        try:
            generation = self._engine.parts()[0]
            titles, examples = generation.catalog.titles(), self._engine.suggestions.first(generation)
        except FootnoteError:
            return html.welcome([], [], known=False), True
        return html.welcome(titles, examples, known=True), not titles or len(examples) == SHOWN

    def leave(self, request: gr.Request) -> None:
        """Forget a session whose page was closed."""
        self.turns.queue.stop(request.session_hash or "")
        self._outbox.forget(request.session_hash or "")


def make_page(engine: Engine, files: Uploads) -> gr.Blocks:
    """The page over an engine; `files` are those that it uploads."""
    events = _Events(engine)
    events.suggest()
    with GuardedBlocks(files, title="Footnote", analytics_enabled=False, fill_width=True) as page:
        with gr.Row(elem_id="fn-top"):
            gr.HTML(f'<div class="fn-brand"><h1 class="fn-name">Footnote</h1>{_TABS}</div>', js_on_load=None)
            gr.HTML(html.status("\u00a0", "busy"), js_on_load=None)
            gr.HTML(_TOP + dialogs.keys(_KEYS) + dialogs.history() + dialogs.thumb_down(KINDS), js_on_load=None)
        _make_desk(engine, page, events)
        make_sources_tab(engine, page, files)
        make_tab(engine, page, files, events.turns.queue)
        page.unload(events.leave)
    # Gradio's own queue never holds a question back, and no request goes round it.
    page.max_threads = events.turns.queue.most + _OTHERS
    page.queue(api_open=False)
    return page


def _make_desk(engine: Engine, page: gr.Blocks, events: _Events) -> None:
    """Lay out the conversation with the sources beside it, and wire it."""
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
            panel = '<div id="fn-panel" role="region" aria-label="Sources" tabindex="-1"></div>'
            gr.HTML(_SHEET_TOP + panel, js_on_load=None)
    turn_ids = gr.Textbox(visible="hidden", elem_id="fn-turn-ids")
    left_out, conversation = gr.Textbox(visible="hidden"), gr.Textbox(visible="hidden")
    arriving = gr.HTML("", visible="hidden", elem_id="fn-arriving", js_on_load=None)

    gr.on(
        [question.submit, send.click],
        events.ask,
        inputs=[question, turn_ids, writer, left_out, conversation],
        outputs=arriving,
        js=_BEGIN,
        show_progress="hidden",
        trigger_mode="multiple",
        concurrency_limit=None,
        # Each of these would go through a thread first, and threads do not keep the order in which questions came.
        preprocess=False,
        postprocess=False,
        api_name="ask",
    )
    private = dict(show_progress="hidden", api_visibility="private")
    stop.click(events.stop, inputs=turn_ids, js="() => window.footnote.stop()", **private)
    page.load(events.arrive, None, first, concurrency_limit=None, **private)
