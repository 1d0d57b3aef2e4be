"""The one room that makes HTML, with one escaping function. Pure: an Answer goes in, markup comes out.

A turn is one question with its answer and its sources. Both carry the turn's id, so a marker always leads to the
sources of its own answer, however many answers follow.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from index.text.published import Published
from rag.types import Answer
from rag.ui.cards import source_cards
from rag.ui.details import details
from rag.ui.escape import day, escape
from rag.ui.icons import button
from rag.ui.markdown import as_markdown
from rag.ui.passage import flowing
from rag.ui.said import said


def line(words: str) -> str:
    """A quiet line that is read aloud when it changes."""
    return f'<p class="fn-status" role="status">{escape(words)}</p>'


def problem(words: str) -> str:
    """A line about something that went wrong."""
    return f'<p class="fn-problem" role="alert">{escape(words)}</p>'


def turn(turn_id: str, answer: Answer, *, starred: bool = False) -> str:
    """A finished turn: the article for the conversation, and the section for the sources beside it."""
    state = "refused" if answer.refused else "answered"
    body = f"{answer_text(turn_id, answer)}{_foot(turn_id, answer, starred)}{_footnotes(answer)}"
    return _article(turn_id, answer.question, state, body) + source_cards(turn_id, answer)


def pending_turn(turn_id: str, question: str, words: str) -> str:
    """A turn that is still being worked on; `words` say what is happening."""
    return _article(turn_id, question, "working", line(words))


def writing_turn(turn_id: str, answer: Answer) -> str:
    """A turn of which some sentences are written and checked, with their sources, and more may come."""
    words = f'<div class="fn-answer">{said(turn_id, answer)}</div>{line("Writing and checking ...")}'
    return _article(turn_id, answer.question, "working", words) + source_cards(turn_id, answer)


def failure(turn_id: str, question: str, message: str) -> str:
    """A turn that could not be answered; `message` says why and what to do."""
    body = f'<p class="fn-problem" role="alert">{escape(message)}</p><div class="fn-foot">{_AGAIN}</div>'
    return _article(turn_id, question, "failed", body)


def parcel(markup: str) -> str:
    """Markup that is to arrive at the page's script and not to be shown before: it travels in an attribute.

    Gradio changes its elements in place when new content comes, and would leave what lies in a template as it was.
    """
    return f'<i data-parcel="{escape(markup)}"></i>'


def status(words: str, kind: str) -> str:
    """The line at the top that says what is in the sources and whether everything is ready."""
    return f'<p class="fn-state fn-state-{escape(kind)}" role="status">{escape(words)}</p>'


def welcome(titles: Sequence[tuple[str, str, Published | None]], examples: Sequence[str], *, known: bool) -> str:
    """What stands where nothing was asked yet: what this is, what is in the sources, what is worth asking.

    `titles` are (source, title, published); `known` is False while nobody can say yet what there is.
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
    return f'<div class="fn-welcome">{"".join(parts)}</div>'


def _article(turn_id: str, question: str, state: str, body: str) -> str:
    return (
        f'<article class="fn-turn fn-{state}" id="turn-{escape(turn_id)}" data-turn="{escape(turn_id)}">'
        f'<h2 class="fn-question" dir="auto">{escape(question)}</h2>{body}</article>'
    )


def answer_text(turn_id: str, answer: Answer) -> str:
    """What is read of an answer: its text with markers and notes, or the refusal."""
    words = said(turn_id, answer) if answer.sentences else plain_words(answer.text, asks=answer.form == "talk")
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
"""Kind of a refusal -> its heading, and what to do on the page."""


def _refusal(answer: Answer) -> tuple[str, str]:
    """The heading of a refusal, and what to do about it."""
    heading, advice = _REFUSED[answer.refusal.kind if answer.refusal else "not_in_sources"]
    return f'<p class="fn-verdict">{heading}</p>', f"<p>{advice}</p>" if advice else ""


def _searched(answer: Answer) -> str:
    """A line that says how the question was searched where that differs, and buttons that edit and undo it."""
    if not answer.corrected:
        return ""
    # Quotation marks ask for a search of exactly what stands between them.
    exact = escape(f"“{answer.question}”")
    edit = button("edit", "edit", "Edit what was searched", f' data-ask="{escape(answer.searched)}"')
    return (
        f'<p class="fn-note fn-searched" dir="auto">Searched for: {escape(answer.searched)}'
        f"{edit} "
        f'<button type="button" class="fn-example" data-ask="{exact}">Search for what I typed</button></p>'
    )


def _suggestions(answer: Answer) -> str:
    """Questions to ask next, as buttons."""
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
    """Two buttons that make a labelled question of the answer; what it cites goes along. None under small talk."""
    if not answer.refused and not answer.citations:
        return ""
    places = [{"source": c.source, "quote": c.quote, "start": c.start, "end": c.end} for c in answer.citations]
    told = f' data-answer="{escape(json.dumps({"refused": answer.refused, "cited": places}))}"'
    rated = (("good", "Good answer"), ("bad", "Bad answer"))
    return "".join(button("thumb", name, label, told, "fn-icon fn-thumb") for name, label in rated)


def _star(starred: bool) -> str:
    """The button that stars the question."""
    pressed = f' aria-pressed="{str(starred).lower()}"'
    return button("star", "star-question", "Star this question", pressed, "fn-icon fn-thumb")


def _action(name: str, label: str) -> str:
    """A small button under an answer."""
    return f'<button type="button" class="fn-action" data-do="{name}">{label}</button>'


def _footnotes(answer: Answer) -> str:
    """The citations once more, for paper: on the screen they stand beside the answer."""
    items = "".join(
        f'<li dir="auto">{escape(", ".join(filter(None, (one.title, day(one.published), one.source))))}: '
        f"“{escape(flowing(one.quote))}”</li>"
        for one in answer.citations
    )
    return f'<ol class="fn-footnotes" aria-hidden="true">{items}</ol>' if items else ""


def plain_words(text: str, *, asks: bool = False) -> str:
    """Paragraphs and "- " lists of a reply that cites nothing; with `asks` what is listed are questions to press."""
    made = []
    for block in text.split("\n\n"):
        lines = block.split("\n")
        if all(line.startswith("- ") for line in lines):
            items = "".join(_example(line[2:]) if asks else f'<li dir="auto">{escape(line[2:])}</li>' for line in lines)
            made.append(f"<ul>{items}</ul>")
        else:
            made.append(f'<p dir="auto">{escape(block)}</p>')
    return "".join(made)


def kept(turn_id: str, question: str, text: str) -> str:
    """A turn of an earlier visit of which only the words are known."""
    words = f'<div class="fn-answer">{plain_words(text)}</div><div class="fn-foot">{_AGAIN}</div>'
    return _article(turn_id, question, "answered", words)
