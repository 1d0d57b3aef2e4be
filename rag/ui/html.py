"""The one room that makes HTML, with one escaping function. Pure: an Answer goes in, markup comes out.

A turn is one question with its answer and its sources. Both carry the turn's id, so a marker always leads to the
sources of its own answer, however many answers follow.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from urllib.parse import quote as urlquote
from urllib.parse import urlencode

from index.article import Article
from index.published import Published
from index.web import is_address
from rag.cite import Citation, CitedSentence
from rag.markdown import as_markdown
from rag.types import Answer, Passage
from rag.ui.evidence import Piece, Place, group_places
from rag.ui.icons import button

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
        parts.append("<h2>No sources yet</h2><p>Add files: text, PDF, Word, web pages, tables, mail and more.</p>")
    if titles:
        rows = "".join(
            f'<li><bdi>{escape(title)}</bdi> <span class="fn-meta">{escape(day(published))}</span></li>'
            for _, title, published in titles[:5]
        )
        more = f"<li>and {len(titles) - 5} more</li>" if len(titles) > 5 else ""
        parts.append(f"<h2>In the sources</h2><ul>{rows}{more}</ul>")
    if examples:
        items = "".join(
            f'<li><button type="button" class="fn-example" dir="auto">{escape(example)}</button></li>'
            for example in examples
        )
        parts.append(f"<h2>Worth asking</h2><ul>{items}</ul>")
    if known:
        parts.append(
            '<p class="fn-first"><button type="button" class="fn-primary" data-do="add">Add your documents</button>'
            ' <span class="fn-meta">or drop them anywhere on this page</span></p>'
        )
    return f'<div class="fn-welcome">{"".join(parts)}</div>'


def article_page(article: Article, start: int, end: int, *, changed: bool) -> str:
    """A page of its own with the whole text of an article, `text[start:end]` marked and in view.

    `changed` says that the text is no longer the one that was cited; then nothing is marked. Of a very long text only
    the surroundings of the quote are shown.
    """
    first, last = max(0, start - _AROUND), min(len(article.text), end + _AROUND)
    marked = "" if changed or start >= end else f'<mark id="quote">{escape(article.text[start:end])}</mark>'
    if marked:
        text = f"{escape(article.text[first:start])}{marked}{escape(article.text[end:last])}"
    else:
        first, last = 0, min(len(article.text), 2 * _AROUND)
        text = escape(article.text[first:last])
    notes = []
    if changed:
        notes.append("This source has changed since it was cited; the quoted words may stand elsewhere in it now.")
    if first > 0 or last < len(article.text):
        notes.append(f"A long text: characters {first} to {last} of {len(article.text)} are shown.")
    said = "".join(f'<p class="fn-note">{escape(note)}</p>' for note in notes)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>'
        f"{escape(article.title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="stylesheet" href="page.css"></head>'
        f'<body class="fn-reading"><main><h1 dir="auto">{escape(article.title)}</h1>'
        f"{_place(article.published, article.source)}{said}"
        f'<div class="fn-text" dir="auto">{text}</div></main></body></html>'
    )


_AROUND = 200_000
"""Characters shown on each side of a quote in a very long article."""


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
    label = '<p class="fn-verdict">Not in the sources</p>' if answer.refused else ""
    return f'<div class="fn-answer">{label}{said}{notes}</div>'


def _said(turn_id: str, answer: Answer) -> str:
    cited = {one.number: one for one in answer.citations}
    parts = []
    for sentence, following in zip(answer.sentences, (*answer.sentences[1:], None), strict=True):
        source = _quoted_source(sentence, cited)
        if not source:
            parts.append(_sentence(turn_id, sentence, cited))
            continue
        # A run of quotes from one source names it once, at its end.
        last = not following or _quoted_source(following, cited) != source
        parts.append(_quote(turn_id, sentence, cited, named=last))
    return "".join(parts)


def _quoted_source(sentence: CitedSentence, cited: Mapping[int, Citation]) -> str:
    """The source of a sentence that quotes one slice; "" for answering words and written sentences."""
    if sentence.words or sentence.verdict != "quoted" or len(sentence.citations) != 1:
        return ""
    return cited[sentence.citations[0]].source


def _quote(turn_id: str, sentence: CitedSentence, cited: Mapping[int, Citation], *, named: bool) -> str:
    """A sentence of a source as a block quote, its answering words marked; its date and title below."""
    one = cited[sentence.citations[0]]
    words = re.sub(r"[ \n]+", " ", one.quote)
    before, found, after = sentence.text.partition(words or "\n")
    said = escape(sentence.text)
    # A date before the quote stands below it, with the title.
    if found and before.strip("“ ") in ("", f"{day(one.published)}:", "undated:"):
        marked = re.sub(r"[ \n]+", " ", highlighted(one))
        said = ("“" if before.endswith("“") else "") + marked + escape(after)
    when = f" · <bdi>{escape(day(one.published))}</bdi>" if one.published else ""
    title = (
        f'<cite><a class="fn-to-card" href="#source-{escape(turn_id)}-{one.number}" dir="auto">{escape(one.title)}</a>'
        f"{when}</cite>"
    )
    return (
        f'<blockquote class="fn-quoted"><p dir="auto">{said}{_marker(turn_id, one)}</p>'
        f"{title if named else ''}</blockquote>"
    )


def _foot(answer: Answer) -> str:
    copies = button("copy", "copy", "Copy", f' data-copy="{escape(as_markdown(answer))}"')
    shown = _action("sources", "Evidence") if answer.passages else ""
    return (
        f'<div class="fn-foot">{copies}{button("link", "link", "Link")}{_AGAIN}{_thumbs(answer)}{shown}'
        f"{_details(answer)}</div>"
    )


_AGAIN = button("edit", "edit", "Edit") + button("again", "again", "Ask again")
_STAGES = {"retrieve": "searching", "read": "reading", "write": "writing", "check": "checking", "total": "in all"}


def _details(answer: Answer) -> str:
    """What is known of how the answer came about, folded."""
    passages = len(answer.passages)
    rows = [("Asked", str(answer.asked) if answer.asked else "all sources")]
    if passages:
        cited = len({one.source for one in answer.citations})
        quoted = f", {len(answer.citations)} quoted from {cited} source{'' if cited == 1 else 's'}" if cited else ""
        rows.append(("Passages", f"{passages} read{quoted}"))
    if answer.evidence_score is not None:
        meaning = "of 1: how likely the quoted words answer the question, as the reading model judges it"
        rows.append(("Evidence", f"{answer.evidence_score:.2f} {meaning}"))
    times = [f"{_STAGES.get(stage, stage)} {spent:,.0f} ms" for stage, spent in answer.timings.items()]
    if times:
        rows.append(("Time", ", ".join(times)))
    told = "".join(f"<dt>{name}</dt><dd>{escape(words)}</dd>" for name, words in rows)
    return f'<details class="fn-details"><summary class="fn-action">Details</summary><dl>{told}</dl></details>'


def _thumbs(answer: Answer) -> str:
    """Two buttons that make a labelled question of the answer; what it cites goes along. None under small talk."""
    if not answer.refused and not answer.citations:
        return ""
    places = [{"source": c.source, "quote": c.quote, "start": c.start, "end": c.end} for c in answer.citations]
    told = f' data-answer="{escape(json.dumps({"refused": answer.refused, "cited": places}))}"'
    rated = (("good", "Good answer"), ("bad", "Bad answer"))
    return "".join(button("thumb", name, label, told, "fn-icon fn-thumb") for name, label in rated)


def _action(name: str, label: str) -> str:
    """A small button under an answer."""
    return f'<button type="button" class="fn-action" data-do="{name}">{label}</button>'


def _footnotes(answer: Answer) -> str:
    """The citations once more, for paper: on the screen they stand beside the answer."""
    items = "".join(
        f'<li dir="auto">{escape(", ".join(filter(None, (one.title, day(one.published), one.source))))}: '
        f"“{escape(one.quote)}”</li>"
        for one in answer.citations
    )
    return f'<ol class="fn-footnotes" aria-hidden="true">{items}</ol>' if items else ""


def _sentence(turn_id: str, sentence: CitedSentence, cited: Mapping[int, Citation]) -> str:
    markers = "".join(_marker(turn_id, cited[number]) for number in sentence.citations)
    text = escape(sentence.text)
    if sentence.verdict == "unsupported":
        text = f"<del>{text}</del>"
    lead = ' class="fn-answering"' if sentence.words else ""
    return f'<p{lead} dir="auto">{text}{markers}{_verdict(sentence)}</p>'


def _verdict(sentence: CitedSentence) -> str:
    """What the check says of a written sentence, and why; nothing of a quoted one."""
    if sentence.verdict == "quoted":
        return ""
    sign = {"supported": "✓ supported", "weak": "weak", "unsupported": "not supported"}[sentence.verdict]
    why = f": {sentence.why}" if sentence.why else ""
    return f' <span class="fn-check fn-{sentence.verdict}">{escape(sign + why)}</span>'


def _marker(turn_id: str, one: Citation) -> str:
    quote = one.quote if len(one.quote) <= _LONGEST_TIP else f"{one.quote[:_LONGEST_TIP].rstrip()} ..."
    return (
        f'<a class="fn-marker" href="#source-{escape(turn_id)}-{one.number}" data-quote="{escape(quote)}" '
        f'aria-label="source {one.number}, {escape(one.title)}">{one.number}</a>'
    )


_LONGEST_TIP = 280
"""Characters of a quote that a marker shows."""


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
    places, others = group_places(answer)
    parts = [_place_card(turn_id, place) for place in places]
    if others:
        name = "Nearest passages" if answer.refused else "Also found"
        cards = "".join(map(_card, others))
        parts.append(f'<details class="fn-more"><summary>{name} ({len(others)})</summary>{cards}</details>')
    if not parts:
        said = "No passage comes near this question." if answer.refused else "This answer cites nothing."
        parts.append(f'<p class="fn-none">{said}</p>')
    return f'<section class="fn-sources" data-turn="{escape(turn_id)}">{"".join(parts)}</section>'


def _place_card(turn_id: str, place: Place) -> str:
    """A card with all citations of a place; the marker of each leads to the words where it begins."""
    one = place.first
    numbers = ", ".join(str(number) for number in sorted(cited.number for cited in place.citations))
    text = escape(place.before)
    text += "".join(f"{_mark(turn_id, pieces)}{escape(after)}" for pieces, after in place.highlights)
    return (
        f'<article class="fn-card fn-cited" tabindex="-1"><h3 dir="auto"><span class="fn-number">{numbers}</span> '
        f"{escape(one.title)}</h3>{_where(one)}"
        f'<blockquote dir="auto">{text}</blockquote>'
        f"{_open(place.citations[0])}</article>"
    )


def _mark(turn_id: str, pieces: Sequence[Piece]) -> str:
    said = []
    for piece in pieces:
        said += [f'<span id="source-{escape(turn_id)}-{number}"></span>' for number in piece.begins]
        said.append(f"<strong>{escape(piece.text)}</strong>" if piece.answers else escape(piece.text))
    return f"<mark>{''.join(said)}</mark>"


def _where(one: Citation | Passage) -> str:
    """When a source was published and where in it the words stand."""
    parts = [f"<bdi>{escape(day(one.published))}</bdi>"] if one.published else []
    parts += [f"page {one.page}"] if one.page else []
    said = f'<p class="fn-meta">{" · ".join(parts)}</p>' if parts else ""
    return said + (f'<p class="fn-heading" dir="auto">{escape(one.heading)}</p>' if one.heading else "")


def _open(one: Citation | Passage) -> str:
    """The end of a card: links to the whole article with the words in view, and the source's own name."""
    address = article_address(one.source, one.article_id, one.start, one.end)
    words = one.quote if isinstance(one, Citation) else one.text
    page = _web_page(one.source, words) if is_address(one.source) else ""
    others = "".join(f", also in <bdi>{escape(other)}</bdi>" for other in one.also_in)
    return (
        f'<p class="fn-file"><a class="fn-open" href="{address}" target="_blank" rel="noopener">Open'
        f'<span class="fn-unseen"> article {escape(one.source)} in a new tab</span></a>{page} '
        f'<span class="fn-meta"><bdi>{escape(one.source)}</bdi>{others}</span></p>'
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
        f'<article class="fn-card"><h3 dir="auto">{escape(passage.title)}</h3>{_where(passage)}'
        f'<blockquote dir="auto">{escape(passage.text)}</blockquote>'
        f"{_open(passage)}</article>"
    )


def _place(published: Published | None, source: str) -> str:
    when = f"<bdi>{escape(day(published))}</bdi> · " if published else ""
    return f'<p class="fn-meta">{when}<bdi>{escape(source)}</bdi></p>'


def kept(turn_id: str, question: str, text: str) -> str:
    """A turn of an earlier visit of which only the words are known."""
    said = f'<div class="fn-answer">{plain_words(text)}</div><div class="fn-foot">{_AGAIN}</div>'
    return _article(turn_id, question, "answered", said)
