"""The chat: a Gradio page whose events ask the engine. What it shows is made in `html`, placed by `page.js`."""

from __future__ import annotations

import logging
import re
import uuid
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

import gradio as gr

from index.errors import FootnoteError
from rag import examples
from rag.answer import BadQuestion, answer, check
from rag.engine import Engine
from rag.ui import html

ROOM = Path(__file__).parent
_LOG = logging.getLogger("footnote")
_KEPT = 16
_TURN_ID = re.compile(r"[a-z0-9]{1,32}")


class _Outbox:
    """The latest turns of each session, by id. They travel together, so that when two updates reach the browser as
    one, the earlier turn is not lost."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._turns: dict[str, deque[tuple[str, str]]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def put(self, session: str, turn_id: str, markup: str) -> str:
        """Keep one turn, in place of its earlier state, and return the markup of all that are kept."""
        with self._lock:
            turns = self._turns[session]
            kept = [(id_, old) for id_, old in turns if id_ != turn_id]
            turns.clear()
            turns.extend([*kept, (turn_id, markup)])
            return "".join(f"<template>{markup}</template>" for _, markup in turns)

    def forget(self, session: str) -> None:
        """Drop a session that has ended."""
        with self._lock:
            self._turns.pop(session, None)


def make_page(engine: Engine) -> gr.Blocks:
    """The page over an engine."""
    outbox = _Outbox()

    def ask(question: str, turn_id: str, request: gr.Request) -> Iterator[str]:
        session = request.session_hash or ""
        turn_id = turn_id if _TURN_ID.fullmatch(turn_id or "") else uuid.uuid4().hex
        for markup in _turn_states(engine, question, turn_id):
            yield outbox.put(session, turn_id, markup)

    def states() -> Iterator[tuple[str, str]]:
        yield from _states(engine)

    def forget(request: gr.Request) -> None:
        outbox.forget(request.session_hash or "")

    with gr.Blocks(title="Footnote", analytics_enabled=False, fill_width=True) as page:
        with gr.Row(elem_id="fn-top"):
            gr.HTML('<h1 class="fn-name">Footnote</h1>', js_on_load=None)
            state = gr.HTML(html.status("Starting", "busy"), js_on_load=None)
        with gr.Row(elem_id="fn-desk", equal_height=False):
            with gr.Column(scale=3, min_width=320, elem_id="fn-left"):
                gr.HTML('<div id="fn-conversation" role="log" aria-label="Conversation"></div>', js_on_load=None)
                first = gr.HTML(html.welcome([]), js_on_load=None, elem_id="fn-first")
                with gr.Row(elem_id="fn-ask", equal_height=True):
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
            with gr.Column(scale=2, min_width=320, elem_id="fn-right"):
                gr.HTML('<div id="fn-panel" aria-label="Sources" role="region"></div>', js_on_load=None)
        turn_id = gr.Textbox(visible="hidden", elem_id="fn-turn-id")
        arriving = gr.HTML("", visible="hidden", elem_id="fn-arriving", js_on_load=None)

        gr.on(
            [question.submit, send.click],
            ask,
            inputs=[question, turn_id],
            outputs=[arriving],
            js="(question, id) => window.footnote.begin(question)",
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_limit=1,
            concurrency_id="ask",
            api_name="ask",
        )
        page.load(
            states, None, [state, first], show_progress="hidden", concurrency_limit=None, api_visibility="private"
        )
        page.unload(forget)
    page.queue(max_size=64, api_open=True)
    return page


def _turn_states(engine: Engine, question: str, turn_id: str) -> Iterator[str]:
    """The markup of a turn as it goes: waiting for the models if need be, then answered, refused or failed."""
    try:
        asked = check(question, engine.settings.max_question)
        if not engine.warm.is_set():
            yield html.pending(turn_id, asked, "The models are warming up; the answer comes in a moment ...")
            engine.warm.wait(timeout=600)
        yield html.turn(turn_id, answer(engine, asked))
    except BadQuestion as error:
        yield html.failure(turn_id, question[:200], str(error))
    except FootnoteError as error:
        yield html.failure(turn_id, question, str(error))
    except Exception:
        number = uuid.uuid4().hex[:8]
        _LOG.exception("error %s while answering %r", number, question)
        yield html.failure(
            turn_id, question, f"Something went wrong here (error {number}). The log tells more. Ask again, please."
        )


def _states(engine: Engine) -> Iterator[tuple[str, str]]:
    """The status line and the welcome, until everything is ready."""
    while not engine.warm.wait(timeout=0.25):
        words = engine.state if engine.state.startswith("indexing") else "Models are warming up; ask already"
        yield html.status(words, "busy"), html.welcome([])
    if engine.state.startswith("failed"):
        yield html.status(engine.state.removeprefix("failed: "), "failed"), html.welcome([])
        return
    count = len(engine.parts()[0].catalog.titles())
    words = (
        f"{count} source{'' if count == 1 else 's'}, ready" if count else "No sources yet: python app.py index FOLDER"
    )
    yield html.status(words, "ready" if count else "failed"), html.welcome(examples.questions(engine))
