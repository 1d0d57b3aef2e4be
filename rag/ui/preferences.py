"""The Settings view: the settings that users may change on the page, stored in FOOTNOTE_HOME."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import gradio as gr

from index.errors import FootnoteError
from index.program import command
from rag.engine import Engine
from rag.settings import Settings, save
from rag.ui.escape import escape
from rag.ui.html import line, problem
from rag.ui.icons import button
from rag.ui.plain import plain_message

_WRITERS = (
    ("quote", "The sources", "Answers in the sources' own words."),
    ("llm", "A language model", "It writes from the retrieved passages; each sentence is checked against them."),
)
_CAREFUL = (
    ("0.2", "Open", "Answers more questions, and is wrong more often."),
    ("", "Balanced", "Refuses if the passages probably do not answer."),
    ("0.6", "Strict", "Answers only where the evidence is strong, and refuses more."),
)
_PASSAGES = (("5", "5", ""), ("", "10", ""), ("20", "20", ""))


def preferences_room(settings: Settings) -> str:
    """Return the form with the current settings."""
    chosen = "" if settings.refuse_below is None else f"{settings.refuse_below:g}"
    passages = "" if settings.passages == 10 else str(settings.passages)
    key = "set" if settings.llm_key else "not set"
    return (
        '<form data-order="settings">'
        f"{_choice(settings, 'writer', 'Who writes answers', _WRITERS, settings.writer)}"
        f"{_text(settings, 'llm_url', 'Address of the language model', 'http://127.0.0.1:11434/v1', settings.llm_url)}"
        f"{_text(settings, 'llm_model', 'Name of the model', 'llama3.2', settings.llm_model)}"
        f'<p class="fn-note">The key that the server wants, if any, is FOOTNOTE_LLM_KEY in the environment: {key}.</p>'
        f"{_choice(settings, 'refuse_below', 'How careful', _CAREFUL, chosen)}"
        f"{_choice(settings, 'passages', 'Passages shown with an answer', _PASSAGES, passages)}"
        f'<div class="fn-setting"><b>Theme</b> {button("theme", "theme", "Light or dark")}</div>'
        '<button class="fn-primary">Save</button></form>'
        f'<p class="fn-note">All settings with their values: {command("settings")}.</p>'
    )


def _choice(settings: Settings, name: str, title: str, choices: Iterable[tuple[str, str, str]], now: str) -> str:
    """Return radio buttons for `choices` (value, label, meaning); a current value that is not a choice is added."""
    offered = list(choices)
    if now not in [value for value, _, _ in offered]:
        offered.append((now, f"As it is set: {now}", ""))
    off = " disabled" if settings.is_fixed(name) else ""
    rows = "".join(
        f'<label class="fn-choice"><input type="radio" name="{name}" value="{escape(value)}"'
        f"{' checked' if value == now else ''}{off}><span>{escape(words)}"
        f'{f""" <span class="fn-meta">{escape(meaning)}</span>""" if meaning else ""}</span></label>'
        for value, words, meaning in offered
    )
    return f'<fieldset class="fn-setting"><legend>{escape(title)}</legend>{rows}{_variable(settings, name)}</fieldset>'


def _text(settings: Settings, name: str, title: str, example: str, now: str | None) -> str:
    off = " disabled" if settings.is_fixed(name) else ""
    return (
        f'<div class="fn-setting"><label><b>{escape(title)}</b><input name="{name}" value="{escape(now or "")}" '
        f'placeholder="{escape(example)}" maxlength="500"{off}></label>{_variable(settings, name)}</div>'
    )


def _variable(settings: Settings, name: str) -> str:
    note = " is set in the environment, so it can't be changed here" if settings.is_fixed(name) else ""
    return f'<p class="fn-meta">FOOTNOTE_{name.upper()}{note}</p>'


class _Events:
    """The event handlers of the view."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def show(self) -> tuple[object, object]:
        """Return the form and the composer's writer choice."""
        return preferences_room(self._engine.settings), self._writer()

    def save(self, sent: object) -> tuple[object, object, object]:
        """Store the settings; return (status, form, the composer's writer choice)."""
        settings = self._engine.settings
        try:
            if not settings.is_for_this_machine:
                raise FootnoteError("Settings are changed here only while the page is served to this machine alone.")
            value = json.loads(str(sent or "{}"))
            chosen = {str(name): str(one).strip() for name, one in value.items()}
            if chosen.get("writer") == "llm" and not (chosen.get("llm_url", settings.llm_url)):
                raise FootnoteError("Give the address of the language model first.")
            self._engine.change(save(settings, chosen))
        except (ValueError, AttributeError, RecursionError):
            return problem("These settings can't be read. Load the page again."), gr.skip(), gr.skip()
        except (FootnoteError, OSError) as error:
            return problem(plain_message(error, self._engine.home)), gr.skip(), gr.skip()
        return line("Saved. The next question is asked with these settings."), *self.show()

    def _writer(self) -> gr.Radio:
        settings = self._engine.settings
        return gr.Radio(value=settings.writer, visible=bool(settings.llm_url))


def make_settings_room(engine: Engine) -> Callable[[gr.Blocks, gr.Radio], None]:
    """Add the Settings view to the page.

    Returns the function that connects it to the page and to the composer's writer choice.
    """
    events = _Events(engine)
    with gr.Column(elem_id="fn-settings", elem_classes=["fn-away"]):
        form = gr.HTML("", js_on_load=None)
        saved = gr.HTML("", js_on_load=None, elem_id="fn-saved")
        sent = gr.Textbox(visible="hidden")
        keep = gr.Button("Save", elem_id="fn-save", elem_classes=["fn-away"])
    private = dict(show_progress="hidden", api_visibility="private")

    def wire(page: gr.Blocks, writer: gr.Radio) -> None:
        page.load(events.show, None, [form, writer], **private)
        outputs = [saved, form, writer]
        keep.click(events.save, sent, outputs, js="() => window.footnoteSources.order()", **private)

    return wire
