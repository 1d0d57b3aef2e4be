"""The one room that makes HTML, with one escaping function. Pure: an Answer goes in, markup comes out.

A turn is one question with its answer and its sources. Both carry the turn's id, so a marker always leads to the
sources of its own answer, however many answers follow.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import quote as urlquote
from urllib.parse import urlencode

from index.published import Published
from index.web import is_address
from rag.cite import Citation, CitedSentence
from rag.markdown import as_markdown
from rag.types import Answer, Passage

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ,\n]")


def escape(text: str) -> str:
    """Text -> HTML that shows exactly that text, wherever it is put: in an element, an attribute or a template.

    Every character but letters, digits, marks, spaces and commas becomes a numeric entity, so that neither HTML nor
    the page's templates (`{{`, `${`) find anything to read in it. Characters that HTML can't hold become U+FFFD.
    """
    return _NOT_PLAIN.sub(_entity, text)


def _entity(match: re.Match[str]) -> str:
    character = match.group()
    category = unicodedata.category(character)
    if category[0] in "LMN":
        return character
    code = ord(character)
    if category == "Cs" or (category == "Cc" and character not in "\t\n\r") or code in (0xFFFE, 0xFFFF):
        code = 0xFFFD
    return f"&#{code};"


def day(published: Published | None) -> str:
    """A date as the page writes it; "" for a source without one."""
    return str(published or "")


def line(words: str) -> str:
    """A quiet line that is read aloud when it changes."""
    return f'<p class="fn-status" role="status">{escape(words)}</p>'


def problem(words: str) -> str:
    """A line about something that went wrong."""
    return f'<p class="fn-problem" role="alert">{escape(words)}</p>'


def turn(turn_id: str, answer: Answer) -> str:
    """A finished turn: the article for the conversation, and the section for the sources beside it."""
    state = "refused" if answer.refused else "answered"
    return _article(turn_id, answer.question, state, _body(turn_id, answer)) + _sources(turn_id, answer)


def pending(turn_id: str, question: str, words: str) -> str:
    """A turn that is still being worked on; `words` say what is happening."""
    return _article(turn_id, question, "working", line(words))


def writing(turn_id: str, answer: Answer) -> str:
    """A turn of which some sentences are written and checked, with their sources, and more may come."""
    said = f'<div class="fn-answer">{_said(turn_id, answer)}</div>'
    return _article(turn_id, answer.question, "working", said + line("Writing and checking ...")) + _sources(
        turn_id, answer
    )


def failure(turn_id: str, question: str, message: str) -> str:
    """A turn that could not be answered; `message` says why and what to do."""
    again = _action("again", "Ask again") + _action("edit", "Edit")
    body = f'<p class="fn-problem" role="alert">{escape(message)}</p><p class="fn-foot">{again}</p>'
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
    if known and not titles:
        parts.append(
            '<h2>No sources yet</h2><p>Add documents under <a href="#sources">Sources</a>, then ask about them.</p>'
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
    return f'<div class="fn-welcome">{"".join(parts)}</div>'


def _article(turn_id: str, question: str, state: str, body: str) -> str:
    return (
        f'<article class="fn-turn fn-{state}" id="turn-{escape(turn_id)}" data-turn="{escape(turn_id)}">'
        f'<h2 class="fn-question" dir="auto">{escape(question)}</h2>{body}</article>'
    )


def _body(turn_id: str, answer: Answer) -> str:
    return f"{answer_text(turn_id, answer)}{_foot(answer)}{_footnotes(answer)}"


def answer_text(turn_id: str, answer: Answer) -> str:
    """What is read of an answer: its text with markers and notes, or the refusal."""
    said = _said(turn_id, answer) if answer.sentences else plain_words(answer.text)
    notes = "".join(f'<p class="fn-note">{escape(note)}</p>' for note in answer.notes)
    label, advice = _refusal(answer) if answer.refused else ("", "")
    return f'<div class="fn-answer">{_searched(answer)}{label}{said}{advice}{notes}</div>{_suggestions(answer)}'


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
    """A line that says how the question was searched when its spelling was corrected, and a button that undoes it."""
    if not answer.corrected:
        return ""
    # Quotation marks ask for a search of exactly what stands between them.
    exact = escape(f"“{answer.question}”")
    return (
        f'<p class="fn-note fn-searched" dir="auto">Searched for: {escape(answer.searched)} '
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


def _said(turn_id: str, answer: Answer) -> str:
    titles = {one.number: one.title for one in answer.citations}
    return "".join(_sentence(turn_id, sentence, titles) for sentence in answer.sentences)


def _foot(answer: Answer) -> str:
    sources = len({one.source for one in answer.citations})
    told = f"{sources} source{'' if sources == 1 else 's'} · " if sources else ""
    told += f"{answer.timings.get('total', 0):.0f} ms"
    actions = _action("edit", "Edit") + _action("copy", "Copy", as_markdown(answer)) + _action("link", "Link")
    shown = _action("sources", "Sources") if answer.passages else ""
    return f'<p class="fn-foot"><span>{told}</span>{shown}{actions}{_thumbs(answer)}</p>'


def _thumbs(answer: Answer) -> str:
    """Two buttons that make a labelled question of the answer; what it cites goes along. None under small talk."""
    if not answer.refused and not answer.citations:
        return ""
    places = [{"source": c.source, "quote": c.quote, "start": c.start, "end": c.end} for c in answer.citations]
    told = escape(json.dumps({"refused": answer.refused, "cited": places}))
    return "".join(
        f'<button type="button" class="fn-action fn-thumb" data-do="{name}" data-answer="{told}" aria-label="{label}" '
        f'title="{label}">{sign}</button>'
        for name, label, sign in (("good", "Good answer", _THUMB), ("bad", "Bad answer", _THUMB))
    )


# Drawn here, because a machine without an emoji font shows boxes in their place. The style sheet turns it for "bad".
_THUMB = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3 10h4v10H3zM9 20V10l4-7c1.8 0 2.6 1.2 2.3 2.8L14.6 9H19'
    'a2 2 0 0 1 2 2.4l-1.4 7a2 2 0 0 1-2 1.6z"/></svg>'
)


def _action(name: str, label: str, copied: str = "") -> str:
    """A small button under an answer; `copied` is what it puts on the clipboard."""
    text = f' data-copy="{escape(copied)}"' if copied else ""
    return f'<button type="button" class="fn-action" data-do="{name}"{text}>{label}</button>'


def _footnotes(answer: Answer) -> str:
    """The citations once more, for paper: on the screen they stand beside the answer."""
    items = "".join(
        f'<li dir="auto">{escape(", ".join(filter(None, (one.title, day(one.published), one.source))))}: '
        f"“{escape(one.quote)}”</li>"
        for one in answer.citations
    )
    return f'<ol class="fn-footnotes" aria-hidden="true">{items}</ol>' if items else ""


def _sentence(turn_id: str, sentence: CitedSentence, titles: dict[int, str]) -> str:
    markers = "".join(_marker(turn_id, number, titles[number]) for number in sentence.citations)
    text = escape(sentence.text)
    if sentence.words:
        text = f"<strong>{text}</strong>"
    if sentence.verdict == "unsupported":
        text = f"<del>{text}</del>"
    return f'<p dir="auto">{text}{markers}{_verdict(sentence)}</p>'


def _verdict(sentence: CitedSentence) -> str:
    """What the check says of a written sentence, and why; nothing of a quoted one."""
    if sentence.verdict == "quoted":
        return ""
    sign = {"supported": "✓ supported", "weak": "weak", "unsupported": "not supported"}[sentence.verdict]
    why = f": {sentence.why}" if sentence.why else ""
    return f' <span class="fn-check fn-{sentence.verdict}">{escape(sign + why)}</span>'


def _marker(turn_id: str, number: int, title: str) -> str:
    return (
        f'<a class="fn-marker" href="#source-{escape(turn_id)}-{number}" '
        f'aria-label="source {number}, {escape(title)}">{number}</a>'
    )


def plain_words(text: str) -> str:
    """Paragraphs and "- " lists of a reply that cites nothing."""
    made = []
    for block in text.split("\n\n"):
        lines = block.split("\n")
        if all(line.startswith("- ") for line in lines):
            items = "".join(f'<li dir="auto">{escape(line[2:])}</li>' for line in lines)
            made.append(f"<ul>{items}</ul>")
        else:
            made.append(f'<p dir="auto">{escape(block)}</p>')
    return "".join(made)


def _sources(turn_id: str, answer: Answer) -> str:
    cited = "".join(_cited_card(turn_id, one, answer.passages) for one in answer.citations)
    others = [passage for passage in answer.passages if not passage.cited]
    cards = "".join(_card(passage) for passage in others)
    parts = []
    if cited:
        parts.append(f"<h2>Cited</h2>{cited}")
    if cards and answer.refused:
        parts.append(f"<h2>Nearest passages</h2>{cards}")
    elif cards:
        parts.append(f'<details class="fn-more"><summary>Also retrieved ({len(others)})</summary>{cards}</details>')
    if not parts:
        parts.append('<p class="fn-none">This answer cites nothing.</p>')
    return f'<section class="fn-sources" data-turn="{escape(turn_id)}">{"".join(parts)}</section>'


def _cited_card(turn_id: str, one: Citation, passages: Sequence[Passage]) -> str:
    around = next((p for p in passages if p.source == one.source and p.start <= one.start and one.end <= p.end), None)
    before = around.text[: one.start - around.start] if around else ""
    after = around.text[one.end - around.start :] if around else ""
    quote = f"{escape(before)}<mark>{highlighted(one)}</mark>{escape(after)}"
    return (
        f'<article class="fn-card fn-cited" id="source-{escape(turn_id)}-{one.number}" tabindex="-1">'
        f'<h3 dir="auto"><span class="fn-number">{one.number}</span> {escape(one.title)}</h3>'
        f"{_place(one.published, one.source, one.heading, one.page, one.also_in)}"
        f'<blockquote dir="auto">{quote}</blockquote>'
        f"{_open(one.article_id, one.source, one.start, one.end, one.quote)}</article>"
    )


def _open(article_id: str, source: str, start: int, end: int, quote: str) -> str:
    """The link to the whole article, with the quote in view."""
    address = article_address(source, article_id, start, end)
    page = _web_page(source, quote) if is_address(source) else ""
    return (
        f'<a class="fn-open" href="{address}" target="_blank" rel="noopener">Open article'
        f'<span class="fn-unseen"> {escape(source)} in a new tab</span></a>{page}'
    )


def _web_page(source: str, quote: str) -> str:
    """A link to the web page itself, at the quoted words where the browser can (a text fragment)."""
    words = quote.split()
    ends = [words] if len(words) <= 8 else [words[:4], words[-4:]]
    # subtle: a dash or comma in the words would be read as the fragment's own.
    place = ",".join(urlquote(" ".join(part), safe="").replace("-", "%2D") for part in ends)
    return (
        f' <a class="fn-open" href="{escape(f"{source}#:~:text={place}")}" target="_blank" rel="noopener noreferrer">'
        f'Open web page<span class="fn-unseen"> {escape(source)} in a new tab</span></a>'
    )


def article_address(source: str, article_id: str = "", start: int = 0, end: int = 0) -> str:
    """The escaped address of the page of a source, with [start, end) in view where there is such a place."""
    place = {"id": article_id, "start": start, "end": end} if end else {}
    quote = "#quote" if end else ""
    return escape(f"article?{urlencode({'source': source, **place}, errors='replace')}{quote}")


def highlighted(one: Citation) -> str:
    """The quote, the answering words in it set apart."""
    made, at = [], one.start
    for start, end in sorted(one.answers):
        if start < at:
            continue
        made.append(escape(one.quote[at - one.start : start - one.start]))
        made.append(f"<strong>{escape(one.quote[start - one.start : end - one.start])}</strong>")
        at = end
    return "".join([*made, escape(one.quote[at - one.start :])])


def _card(passage: Passage) -> str:
    return (
        f'<article class="fn-card"><h3 dir="auto">{escape(passage.title)}</h3>'
        f"{_place(passage.published, passage.source, passage.heading, passage.page, passage.also_in)}"
        f'<blockquote dir="auto">{escape(passage.text)}</blockquote>'
        f"{_open(passage.article_id, passage.source, passage.start, passage.end, passage.text)}</article>"
    )


def _place(
    published: Published | None, source: str, heading: str, page: int | None = None, also_in: Sequence[str] = ()
) -> str:
    under = f'<p class="fn-heading" dir="auto">{escape(heading)}</p>' if heading else ""
    where = f"<bdi>{escape(day(published))}</bdi> · " if published else ""
    where += f"<bdi>{escape(source)}</bdi>" + (f" · p. {page}" if page else "")
    where += "".join(f" · also in <bdi>{escape(other)}</bdi>" for other in also_in)
    return f'<p class="fn-meta">{where}</p>{under}'


def kept(turn_id: str, question: str, text: str) -> str:
    """A turn of an earlier visit of which only the words are known."""
    said = f'<div class="fn-answer">{plain_words(text)}</div><p class="fn-foot">{_action("again", "Ask again")}</p>'
    return _article(turn_id, question, "answered", said)
