"""The chat: a Gradio page whose events ask the engine. `html` renders the markup, `page.js` puts it on the page."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from threading import Lock

import gradio as gr

from index.build.generation import Generation
from index.errors import FootnoteError
from rag.access.middleware import PageSessions
from rag.access.visitor import Role, needs, visitor_of
from rag.answer import answer
from rag.api.service import AnswerService, Memory, stored_memory
from rag.choice import Choice
from rag.conversation.store import ConversationStore, is_conversation_id
from rag.engine import Engine
from rag.evaluation.feedback import COMPLAINTS
from rag.evaluation_runs import EvaluationRuns
from rag.source_changes import SourceChanges
from rag.suggestions import SHOWN
from rag.types import Answer
from rag.ui import dialogs, html, rail
from rag.ui.evaluation import make_tab
from rag.ui.preferences import make_settings_room, model_offer
from rag.ui.sources import make_sources_tab
from rag.ui.turns import Turns
from rag.ui.uploads import GuardedBlocks
from rag.uploads import Uploads

STATIC = Path(__file__).parent / "static"
_OTHERS = 40
"""Events besides questions that Gradio may run at once: the tabs, the welcome, stopping."""
_MOST_SESSIONS = 300
"""Pages whose state is kept in memory: those used last. A page that is forgotten still asks and gets its answers."""
_WELCOME_LOOKS, _WELCOME_EVERY = 60, 0.5
"""Number of checks for new suggestions after the page has loaded, and seconds between two checks."""
_ID = re.compile(r"[a-z0-9]{1,32}")
_BEGIN = (
    "(question, _, writer) => [...window.footnote.begin(question, writer), window.footnoteChoice.leftOut(), "
    "window.footnoteConversations.id()]"
)


class _Outbox:
    """The turns that each session's page is still waiting for.

    All of them are sent together: Gradio may merge two updates into one, and the earlier turn would be lost.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._turns = OrderedDict[str, dict[str, str]]()

    def put(self, session: str, turn_id: str, markup: str) -> str:
        """Store the new state of a turn and return all stored turns as parcels."""
        with self._lock:
            turns = self._turns.setdefault(session, {})
            self._turns.move_to_end(session)
            if len(self._turns) > _MOST_SESSIONS:
                self._turns.popitem(last=False)
            turns[turn_id] = markup
            return "".join(map(html.parcel, turns.values()))

    def keep_only(self, session: str, turn_ids: list[str]) -> None:
        """Drop all turns of a session except `turn_ids`; the page has the others."""
        with self._lock:
            for id_ in self._turns.get(session, {}).keys() - set(turn_ids):
                del self._turns[session][id_]

    def forget(self, session: str) -> None:
        """Drop a session that has ended."""
        with self._lock:
            self._turns.pop(session, None)


def _text(value: object) -> str:
    """Return a sent value as text; a client may send any type."""
    return "" if value is None else str(value)


def _names(text: str) -> frozenset[str]:
    """Return the names in a JSON list; an empty set if the text is no JSON list."""
    try:
        value = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def _memory(store: ConversationStore, conversation: str, turn: str, choice: Choice) -> Memory:
    """Return the memory of a conversation that keeps the sources that were excluded, too."""
    memory = stored_memory(store, conversation, turn)

    def keep(answer: Answer) -> None:
        memory.keep(answer)
        store.change(conversation, left_out=sorted(choice.left_out))

    return Memory(memory.earlier, keep)


class _Events:
    """The event handlers of the chat."""

    def __init__(self, engine: Engine, service: AnswerService) -> None:
        self._engine = engine
        self._outbox = _Outbox()
        self.turns = Turns(service)

    def suggest(self) -> None:
        """Start to compute suggestions in the background; people's questions go first."""
        engine = self._engine

        def current() -> Generation:
            generation = engine.parts()[0]
            engine.speller(generation).warm_up()
            return generation

        ask = partial(answer, engine, writer="quote")
        engine.suggestions.ask_in_background(self.turns.queue, current, ask, engine.warm)

    @needs(Role.READER)
    async def ask(
        self, question: str, turn_ids: str, writer: str, left_out: str, conversation: str, request: gr.Request
    ) -> AsyncGenerator[str]:
        """Ask a question and yield the turns that the page waits for, as parcels.

        `turn_ids` are the id of its turn on the page, then those of the turns the page still waits for. `writer` is
        "quote" or "llm". `left_out` is a JSON list of the sources to exclude ("" for none). The answer is stored in the
        `conversation` with this id ("" for none).
        """
        sent = (question, turn_ids, writer, left_out, conversation)
        question, turn_ids, writer, left_out, conversation = map(_text, sent)
        session = request.session_hash or ""
        ids = [id_ for id_ in turn_ids.split() if _ID.fullmatch(id_)] or [uuid.uuid4().hex]
        self._outbox.keep_only(session, ids)
        choice = Choice(left_out=_names(left_out))
        store = ConversationStore(self._engine.home, visitor_of(request.request).name)
        memory = _memory(store, conversation, ids[0], choice) if is_conversation_id(conversation) else None
        states = self.turns.states(question, session, ids[0], "llm" if writer == "llm" else "quote", choice, memory)
        async with aclosing(states):
            async for markup in states:
                yield self._outbox.put(session, ids[0], markup)

    @needs(Role.READER)
    async def stop(self, turn_ids: str, request: gr.Request) -> None:
        """Stop the questions of these turns."""
        self.turns.queue.stop(request.session_hash or "", turn_ids.split())

    @needs(Role.READER)
    async def arrive(self) -> AsyncGenerator[str]:
        """Yield the welcome once the models are loaded, and again for each new suggestion."""
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
        """Return the welcome, and True if it is complete."""
        try:
            generation = self._engine.parts()[0]
            titles, examples = generation.catalog.titles(), self._engine.suggestions.first(generation)
        except FootnoteError:
            return html.welcome([], [], known=False), True
        settings = self._engine.settings
        offer = "" if settings.llm_url else model_offer(self._engine.model_servers(), settings)
        return html.welcome(titles, examples, known=True, offer=offer), not titles or len(examples) == SHOWN

    @needs(Role.READER)
    def leave(self, request: gr.Request) -> None:
        """Forget a session whose page was closed."""
        self.turns.queue.stop(request.session_hash or "")
        self._outbox.forget(request.session_hash or "")


def make_page(
    engine: Engine,
    service: AnswerService,
    files: Uploads,
    changing: SourceChanges,
    runs: EvaluationRuns,
    sessions: PageSessions,
) -> gr.Blocks:
    """Build the page; `files` are its uploads, `changing` changes the sources, `runs` runs question sets."""
    events = _Events(engine, service)
    events.suggest()
    with GuardedBlocks(files, sessions, title="Footnote", analytics_enabled=False, fill_width=True) as page:
        # Before the composer, because the composer's box must be the last text box on the page.
        gr.HTML(dialogs.tour() + dialogs.thumb_down(COMPLAINTS), js_on_load=None, elem_id="fn-dialogs")
        hidden = [gr.Textbox(visible="hidden") for _ in range(3)]
        arriving = gr.HTML("", visible="hidden", elem_id="fn-arriving", js_on_load=None)
        with gr.Row(elem_id="fn-app", equal_height=False):
            with gr.Column(elem_id="fn-rail", min_width=0):
                gr.HTML(rail.top(), js_on_load=None, elem_id="fn-rail-top")
                gr.HTML(rail.sources_head(), js_on_load=None, elem_id="fn-rail-head")
                ticks = gr.HTML("", js_on_load=None, elem_id="fn-ticks")
                gr.HTML(rail.foot(), js_on_load=None, elem_id="fn-rail-foot")
            with gr.Column(elem_id="fn-center", min_width=0):
                gr.HTML(rail.header(), js_on_load=None, elem_id="fn-header")
                make_tab(engine, page, files, runs)
                changed = make_sources_tab(engine, page, files, changing, ticks)
                wire_settings = make_settings_room(engine)
                writer, first = _make_conversation(engine, page, events, hidden, arriving, changed)
                saved = wire_settings(page, writer)
                saved.then(events.arrive, None, first, show_progress="hidden", api_visibility="private")
                gr.HTML(html.status("\u00a0", "busy"), js_on_load=None, elem_id="fn-status")
            with gr.Column(elem_id="fn-right", min_width=0):
                gr.HTML(rail.panel(), js_on_load=None)
            gr.HTML('<div class="fn-scrim" data-do="close"></div>', js_on_load=None, elem_id="fn-behind")
        page.unload(events.leave)
    page.state_session_capacity = _MOST_SESSIONS  # Gradio keeps 150 KB for each; its default is 10,000
    # Gradio's queue must never delay a question, and every request must pass through it.
    page.max_threads = events.turns.queue.most + _OTHERS
    page.queue(api_open=False)
    return page


def _make_conversation(
    engine: Engine,
    page: gr.Blocks,
    events: _Events,
    hidden: Sequence[gr.Textbox],
    arriving: gr.HTML,
    changed: Sequence[gr.events.Dependency],
) -> tuple[gr.Radio, gr.HTML]:
    """Add the conversation and the composer below it, with their events; return the writer choice and the welcome.

    The welcome is rendered again after each event of `changed`: these change the sources.
    """
    turn_ids, left_out, conversation = hidden
    with gr.Column(elem_id="fn-desk", min_width=0):
        with gr.Column(elem_id="fn-left", min_width=0):
            first = gr.HTML(html.welcome([], [], known=False), js_on_load=None, elem_id="fn-first")
            gr.HTML('<div id="fn-conversation" role="log" aria-label="Conversation"></div>', js_on_load=None)
        with gr.Column(elem_id="fn-foot", min_width=0):
            gr.HTML(rail.composer_head(), js_on_load=None)
            with gr.Row(elem_id="fn-ask", equal_height=False):
                gr.HTML(rail.attach(), js_on_load=None, elem_id="fn-attach")
                question = gr.Textbox(
                    label="Question",
                    show_label=False,
                    container=False,
                    placeholder="Ask about your sources",
                    max_lines=6,
                    scale=8,
                    autofocus=True,
                    elem_id="fn-question",
                )
                gr.HTML(rail.chip(), js_on_load=None, elem_id="fn-asked-of")
                send = gr.Button("Send", variant="primary", min_width=0, elem_id="fn-send")
                stop = gr.Button("Stop", min_width=0, elem_id="fn-stop")
            writer = gr.Radio(
                [("Quotes", "quote"), ("Language model, checked", "llm")],
                value=engine.settings.writer,
                label="Answers by",
                elem_id="fn-writer",
                visible=bool(engine.settings.llm_url),
            )

    gr.on(
        [question.submit, send.click],
        events.ask,
        inputs=[question, turn_ids, writer, left_out, conversation],
        outputs=arriving,
        js=_BEGIN,
        show_progress="hidden",
        trigger_mode="multiple",
        concurrency_limit=None,
        # Either would run in a thread first, and threads do not keep the order of the questions.
        preprocess=False,
        postprocess=False,
        api_name="ask",
    )
    private = dict(show_progress="hidden", api_visibility="private")
    stop.click(events.stop, inputs=turn_ids, js="() => window.footnote.stop()", **private)
    for arrived in (page.load, *(event.then for event in changed)):
        arrived(events.arrive, None, first, concurrency_limit=None, **private)
    return writer, first
