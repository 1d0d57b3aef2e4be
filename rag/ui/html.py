"""Rendering of the conversation: an Answer in, markup out. Pure; all text goes through one escaping function.

A turn is a question with its answer and its sources. Both have the turn's id, so a marker always links to the sources
of its own answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from index.text.published import Published
from rag.types import Answer
from rag.ui.cards import source_cards
from rag.ui.details import details
from rag.ui.escape import day, escape
from rag.ui.icons import button
from rag.ui.markdown import as_markdown
from rag.ui.passage import flowing
from rag.ui.sentences import answer_sentences


def line(words: str) -> str:
    """Return a status line; screen readers read it when it changes."""
    return f'<p class="fn-status" role="status">{escape(words)}</p>'


def problem(words: str) -> str:
    """Return a line with an error message."""
    return f'<p class="fn-problem" role="alert">{escape(words)}</p>'


def turn(turn_id: str, answer: Answer, *, starred: bool = False) -> str:
    """Return a finished turn: its article, and the section with its sources."""
    state = "refused" if answer.refused else "answered"
    body = f"{answer_text(turn_id, answer)}{_foot(turn_id, answer, starred)}{_footnotes(answer)}"
    return _article(turn_id, answer.question, state, body) + source_cards(turn_id, answer)


def pending_turn(turn_id: str, question: str, words: str) -> str:
    """Return a turn without an answer yet; `words` say what is happening."""
    return _article(turn_id, question, "working", line(words))


def writing_turn(turn_id: str, written: Answer | None, quoted: Answer | None) -> str:
    """Return a turn in progress.

    The sentences of the language model so far grow in a space above the quotes, which do not move.
    """
    so_far = answer_sentences(turn_id, _unmarked(written) if quoted else written) if written else ""
    words = f'<div class="fn-answer fn-growing">{so_far}{line("Writing and checking ...")}</div>'
    if quoted:
        quotes = answer_sentences(turn_id, quoted)
        words += f'<div class="fn-answer"><p class="fn-meta">In the sources’ words</p>{quotes}</div>'
    shown = quoted or written
    cards = source_cards(turn_id, shown) if shown else ""
    return _article(turn_id, shown.question if shown else "", "working", words) + cards


def _unmarked(written: Answer) -> Answer:
    """Return an answer without markers: while quotes are shown, the cards are theirs."""
    return replace(written, sentences=tuple(replace(one, citations=()) for one in written.sentences))


def failure(turn_id: str, question: str, message: str) -> str:
    """Return a turn that failed; `message` says why and what to do."""
    body = f'<p class="fn-problem" role="alert">{escape(message)}</p><div class="fn-foot">{_AGAIN}</div>'
    return _article(turn_id, question, "failed", body)


def parcel(markup: str) -> str:
    """Wrap markup in an attribute, so that only the page's script can show it.

    A template element does not work: Gradio updates elements in place and does not change a template's content.
    """
    return f'<i data-parcel="{escape(markup)}"></i>'


def status(words: str, kind: str) -> str:
    """Return the status line at the top; `kind` is its style."""
    return f'<p class="fn-state fn-state-{escape(kind)}" role="status">{escape(words)}</p>'


def welcome(
    titles: Sequence[tuple[str, str, Published | None]], examples: Sequence[str], *, known: bool, offer: str = ""
) -> str:
    """Return the start page: what Footnote does, the sources, and questions to ask.

    `titles` are (source, title, published); `known` is False while the sources are being opened. `offer` is markup that
    offers a language model.
    """
    parts = [
        '<p class="fn-lead">Answers from your sources, in their own words, with the place they stand. '
        "What the sources do not say, it does not say.</p>"
    ]
    if not known:
        parts.append('<p class="fn-none">The sources are being opened. You can ask already.</p>')
    if known and not titles:
        parts.append(
            "<h2>No sources yet</h2><p>Add files: text, PDF, Word, slides, web pages, tables, mail and more.</p>"
        )
    if titles:
        rows = "".join(
            f'<li><bdi>{escape(title)}</bdi> <span class="fn-meta">{escape(day(published))}</span></li>'
            for _, title, published in titles[:5]
        )
        more = f"<li>and {len(titles) - 5} more</li>" if len(titles) > 5 else ""
        parts.append(f"<h2>In the sources</h2><ul>{rows}{more}</ul>")
    if examples:
        parts.append(f"<h2>Worth asking</h2><ul>{''.join(map(_example, examples))}</ul>")
    if known:
        parts.append(
            '<p class="fn-first"><button type="button" class="fn-primary" data-do="add">Add your documents</button>'
            ' <span class="fn-meta">or drop them anywhere on this page</span></p>'
        )
    return f'<div class="fn-welcome">{"".join(parts)}{offer}</div>'


def _article(turn_id: str, question: str, state: str, body: str) -> str:
    return (
        f'<article class="fn-turn fn-{state}" id="turn-{escape(turn_id)}" data-turn="{escape(turn_id)}">'
        f'<h2 class="fn-question" dir="auto">{escape(question)}</h2>{body}</article>'
    )


def answer_text(turn_id: str, answer: Answer) -> str:
    """Return the text of an answer with markers and notes, or the refusal."""
    words = (
        answer_sentences(turn_id, answer) if answer.sentences else plain_words(answer.text, asks=answer.form == "talk")
    )
    notes = "".join(f'<p class="fn-note">{escape(note)}</p>' for note in answer.notes)
    label, advice = _refusal(answer) if answer.refused else ("", "")
    return f'<div class="fn-answer">{_searched(answer)}{label}{words}{advice}{notes}</div>{_suggestions(answer)}'


_REFUSED = {
    "not_in_sources": ("Not in the sources", ""),
    "not_understood": ("Question not understood", "Name what it is about: a person, a thing, a place or a date."),
    "language": ("Question not in English", "Ask it in English."),
    "no_sources": ("No sources yet", 'Add documents under <a href="#sources">Sources</a>, then ask again.'),
    "nothing_chosen": ("No sources chosen", 'Tick at least one under <a href="#sources">Sources</a>.'),
}
"""Kind of a refusal -> (heading, what to do on the page)."""


def _refusal(answer: Answer) -> tuple[str, str]:
    """Return the heading of a refusal, and the advice below it."""
    heading, advice = _REFUSED[answer.refusal.kind if answer.refusal else "not_in_sources"]
    return f'<p class="fn-verdict">{heading}</p>', f"<p>{advice}</p>" if advice else ""


def _searched(answer: Answer) -> str:
    """Return a line with the corrected question, and buttons to edit or undo it; "" if nothing was corrected."""
    if not answer.corrected:
        return ""
    # A question in quotation marks is searched exactly as typed.
    exact = escape(f"“{answer.question}”")
    edit = button("edit", "edit", "Edit what was searched", f' data-ask="{escape(answer.searched)}"')
    return (
        f'<p class="fn-note fn-searched" dir="auto">Searched for: {escape(answer.searched)}'
        f"{edit} "
        f'<button type="button" class="fn-example" data-ask="{exact}">Search for what I typed</button></p>'
    )


def _suggestions(answer: Answer) -> str:
    """Return the suggested questions as buttons."""
    if not answer.suggestions:
        return ""
    buttons = "".join(_example(question) for question in answer.suggestions)
    return f'<div class="fn-next"><span class="fn-note">Ask next:</span><ul>{buttons}</ul></div>'


def _example(question: str) -> str:
    return f'<li><button type="button" class="fn-example" dir="auto">{escape(question)}</button></li>'


def _foot(turn_id: str, answer: Answer, starred: bool) -> str:
    copies = button("copy", "copy", "Copy", f' data-copy="{escape(as_markdown(answer))}"')
    shown = _action("sources", "Evidence") if answer.passages else ""
    return (
        f'<div class="fn-foot">{copies}{button("link", "link", "Link")}{_AGAIN}{_thumbs(answer)}'
        f"{_star(starred)}{shown}{details(turn_id, answer)}</div>"
    )


_AGAIN = button("edit", "edit", "Edit") + button("again", "again", "Ask again")


def _thumbs(answer: Answer) -> str:
    """Return the thumb buttons, which send the answer and its citations as feedback; "" for small talk."""
    if not answer.refused and not answer.citations:
        return ""
    places = [{"source": c.source, "quote": c.quote, "start": c.start, "end": c.end} for c in answer.citations]
    data = f' data-answer="{escape(json.dumps({"refused": answer.refused, "cited": places}))}"'
    rated = (("good", "Good answer"), ("bad", "Bad answer"))
    return "".join(button("thumb", name, label, data, "fn-icon fn-thumb") for name, label in rated)


def _star(starred: bool) -> str:
    """Return the button that stars the question."""
    pressed = f' aria-pressed="{str(starred).lower()}"'
    return button("star", "star-question", "Star this question", pressed, "fn-icon fn-thumb")


def _action(name: str, label: str) -> str:
    """Return a small button below an answer."""
    return f'<button type="button" class="fn-action" data-do="{name}">{label}</button>'


def _footnotes(answer: Answer) -> str:
    """Return the citations as footnotes for print; the screen shows the cards instead."""
    items = "".join(
        f'<li dir="auto">{escape(", ".join(filter(None, (one.title, day(one.published), one.source))))}: '
        f"“{escape(flowing(one.quote))}”</li>"
        for one in answer.citations
    )
    return f'<ol class="fn-footnotes" aria-hidden="true">{items}</ol>' if items else ""


def plain_words(text: str, *, asks: bool = False) -> str:
    """Return a text without citations as paragraphs and lists.

    With `asks`, list items are questions and become buttons.
    """
    made = []
    for block in text.split("\n\n"):
        lines = block.split("\n")
        if all(line.startswith("- ") for line in lines):
            items = "".join(_example(line[2:]) if asks else f'<li dir="auto">{escape(line[2:])}</li>' for line in lines)
            made.append(f"<ul>{items}</ul>")
        else:
            made.append(f'<p dir="auto">{escape(block)}</p>')
    return "".join(made)


def stored_turn(turn_id: str, question: str, text: str) -> str:
    """Return a stored turn of which only the text was kept."""
    words = f'<div class="fn-answer">{plain_words(text)}</div><div class="fn-foot">{_AGAIN}</div>'
    return _article(turn_id, question, "answered", words)
