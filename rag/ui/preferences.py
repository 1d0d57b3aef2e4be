"""The Settings view: the settings that users may change on the page, stored in FOOTNOTE_HOME."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

import gradio as gr

from index.errors import FootnoteError
from index.program import command
from rag.access.users import UserStore
from rag.access.visitor import Role, needs, visitor_of
from rag.engine import Engine
from rag.plain import plain_message
from rag.settings import CHOSEN_ON_PAGE, PREFIX, Settings, save, validated
from rag.ui.escape import escape
from rag.ui.html import line, problem
from rag.ui.icons import button
from rag.writer.llm import sendable_key
from rag.writer.servers import ModelServer, find_url

_WRITERS = (
    ("quote", "The sources", "Answers in the sources' own words."),
    ("llm", "A language model", "It writes from the retrieved passages; each sentence is checked against them."),
)
_CAREFUL = (
    ("0.2", "Open", "Answers more questions, and is wrong more often."),
    ("", "Balanced", "Refuses if the passages probably do not answer."),
    ("0.6", "Strict", "Answers only where the evidence is strong, and refuses more."),
)
_MOST_OFFERED = 6
"""Most models of one server that are offered."""
_PASSAGES = (("5", "5", ""), ("", "10", ""), ("20", "20", ""))


def preferences_room(settings: Settings, servers: Sequence[ModelServer] = ()) -> str:
    """Return the form with the current settings, and offers of the models of `servers`."""
    chosen = "" if settings.refuse_below is None else f"{settings.refuse_below:g}"
    passages = "" if settings.passages == 10 else str(settings.passages)
    return (
        f'{_offers(settings, servers)}<form data-order="settings">'
        f"{_choice(settings, 'writer', 'Who writes answers', _WRITERS, settings.writer)}"
        f"{_text(settings, 'llm_url', 'Address of the language model', 'http://127.0.0.1:11434/v1', settings.llm_url)}"
        f"{_text(settings, 'llm_model', 'Name of the model', 'llama3.2', settings.llm_model)}"
        f"{_key(settings)}"
        f"{_choice(settings, 'refuse_below', 'How careful', _CAREFUL, chosen)}"
        f"{_choice(settings, 'passages', 'Passages shown with an answer', _PASSAGES, passages)}"
        f'<div class="fn-setting"><b>Theme</b> {button("theme", "theme", "Light or dark")}</div>'
        '<button class="fn-primary">Save</button></form>'
        f'<p class="fn-note">All settings with their values: {command("settings")}.</p>'
    )


def model_offer(servers: Sequence[ModelServer], settings: Settings) -> str:
    """Return a button for the first model of the servers; "" without one, or if a server is chosen already."""
    if not servers or settings.llm_url or not settings.is_for_this_machine:
        return ""
    return _offer(servers[0], servers[0].models[0])


def _offers(settings: Settings, servers: Sequence[ModelServer]) -> str:
    """Return the models on this machine with buttons to choose them, and a button to search again."""
    if not settings.is_for_this_machine or settings.is_fixed("llm_url"):
        return ""
    rows = "".join(_offer(server, model) for server in servers for model in server.models[:_MOST_OFFERED])
    none = '<p class="fn-note">None found. Start Ollama, LM Studio, llama.cpp or vLLM, then look again.</p>'
    again = (
        '<form data-order="settings"><input type="hidden" name="look" value="yes">'
        '<button class="fn-action">Look again</button></form>'
        if settings.find_models
        else '<p class="fn-meta">FOOTNOTE_FIND_MODELS is false, so none are looked for.</p>'
    )
    return f'<div class="fn-setting"><b>Language models on this machine</b>{rows or none}{again}</div>'


def _offer(server: ModelServer, model: str) -> str:
    chosen = {"writer": "llm", "llm_url": server.url, "llm_model": model}
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(one)}">' for name, one in chosen.items())
    return (
        f'<form data-order="settings">{hidden}<button class="fn-action">Let <bdi>{escape(model)}</bdi> on this machine '
        f"write</button> "
        f'<span class="fn-meta">{escape(str(server))}; every sentence is checked</span></form>'
    )


def _key(settings: Settings) -> str:
    """Return the field for the key of the server, which never shows the key."""
    state = "set" if settings.llm_key else "not set"
    off = " disabled" if settings.llm_key and not settings.has_typed_key else ""
    return (
        '<div class="fn-setting"><label><b>Key of the server, for this run</b><input name="llm_key" type="password" '
        f'autocomplete="off" maxlength="500" placeholder="{state}"{off}></label>'
        '<p class="fn-meta">It is kept in memory only. FOOTNOTE_LLM_KEY in the environment keeps it for good.</p></div>'
    )


def _choice(settings: Settings, name: str, title: str, choices: Iterable[tuple[str, str, str]], now: str) -> str:
    """Return radio buttons for `choices` (value, label, meaning), and for the current value if it is not among them."""
    offered = list(choices)
    if now not in [value for value, _, _ in offered]:
        offered.append((now, f"Current value: {now}", ""))
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
        self._own_key = bool(engine.settings.llm_key)

    @needs(Role.ADMIN)
    def show(self) -> str:
        """Return the form, with the servers of the last search."""
        return preferences_room(self._engine.settings, self._engine.model_servers())

    @needs(Role.ADMIN)
    def save(self, sent: object, request: gr.Request) -> tuple[object, object, object]:
        """Store the settings; return (status, form, the composer's writer choice)."""
        settings = self._engine.settings
        try:
            if not settings.is_for_this_machine:
                raise FootnoteError("Settings can be changed here only while the page is served to this machine alone.")
            value = json.loads(str(sent or "{}"))
            chosen = {str(name): str(one).strip() for name, one in value.items()}
            if chosen.pop("look", ""):
                self._engine.model_servers(again=True)
                return line(""), self.show(), self.writer()
            self._change(settings, chosen, chosen.pop("llm_key", ""))
            self._note(settings, visitor_of(request.request).name)
        except (ValueError, AttributeError, RecursionError):
            return problem("These settings can't be read. Load the page again."), gr.skip(), gr.skip()
        except (FootnoteError, OSError) as error:
            return problem(plain_message(error, self._engine.home)), gr.skip(), gr.skip()
        return line("Saved. The next question is asked with these settings."), self.show(), self.writer()

    def _change(self, settings: Settings, chosen: dict[str, str], key: str) -> None:
        """Save the choices and use them; a typed key stays in memory, and goes to no other server."""
        if key and self._own_key:
            raise FootnoteError("FOOTNOTE_LLM_KEY is set in the environment, so no key can be typed here.")
        made = validated(settings, chosen)
        if made.writer == "llm" and not made.llm_url:
            raise FootnoteError("Give the address of the language model first.")
        moved = made.llm_url != settings.llm_url
        typed = key or (settings.model_key if not (moved or self._own_key) else "")
        url, model = made.llm_url or "", made.llm_model or ""
        if made.writer == "llm" and model and (moved or model != settings.llm_model or key):
            chosen = {**chosen, "llm_url": find_url(model, url, sendable_key(made.with_key(typed) if typed else made))}
            if settings.is_fixed("llm_url"):
                del chosen["llm_url"]
        changed = save(settings.with_key("") if not self._own_key else settings, chosen)
        self._engine.change(changed if self._own_key else changed.with_key(typed))

    def _note(self, before: Settings, by: str) -> None:
        """Note in the audit log which settings differ from `before`; never their values."""
        now = self._engine.settings
        names = (*CHOSEN_ON_PAGE, "llm_key")
        if changed := [f"{PREFIX}{name.upper()}" for name in names if getattr(now, name) != getattr(before, name)]:
            UserStore(self._engine.home).note(by, "settings changed", ", ".join(changed))

    @needs(Role.READER)
    def writer(self) -> gr.Radio:
        """Return the composer's writer choice."""
        settings = self._engine.settings
        return gr.Radio(value=settings.writer, visible=bool(settings.llm_url))


def make_settings_room(engine: Engine) -> Callable[[gr.Blocks, gr.Radio], gr.events.Dependency]:
    """Add the Settings view to the page.

    Returns the function that connects it to the page and to the composer's writer choice, and returns the event of a
    change.
    """
    events = _Events(engine)
    with gr.Column(elem_id="fn-settings", elem_classes=["fn-away"]):
        form = gr.HTML("", js_on_load=None)
        saved = gr.HTML("", js_on_load=None, elem_id="fn-saved")
        sent = gr.Textbox(visible="hidden")
        keep = gr.Button("Save", elem_id="fn-save", elem_classes=["fn-away"])
    private = dict(show_progress="hidden", api_visibility="private")

    def wire(page: gr.Blocks, writer: gr.Radio) -> gr.events.Dependency:
        # The search for servers may take half a second, in which a person may choose the writer.
        page.load(events.writer, None, writer, **private)
        page.load(events.show, None, form, **private)
        outputs = [saved, form, writer]
        return keep.click(events.save, sent, outputs, js="() => window.footnoteSources.order()", **private)

    return wire
