"""The one room that makes HTML, with one escaping function. Pure: an Answer goes in, markup comes out.

A turn is one question with its answer and its sources. Both carry the turn's id, so a marker always leads to the
sources of its own answer, however many answers follow.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date

from rag.answer import Answer, Passage
from rag.cite import Citation, CitedSentence

_PLAIN = frozenset(" ,\n")


def escape(text: str) -> str:
    """Text -> HTML that shows exactly that text, wherever it is put: in an element, an attribute or a template.

    Every character but letters, digits, marks, spaces and commas becomes a numeric entity, so that neither HTML nor
    the page's templates (`{{`, `${`) find anything to read in it. Characters that HTML can't hold become U+FFFD.
    """
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character in _PLAIN or (character.isascii() and character.isalnum()):
        return character
    category = unicodedata.category(character)
    if category[0] in "LMN":
        return character
    code = ord(character)
    if category == "Cs" or (category == "Cc" and character not in "\t\n\r") or code in (0xFFFE, 0xFFFF):
        code = 0xFFFD
    return f"&#{code};"


def day(published: date | None) -> str:
    """A date as the page writes it."""
    return f"{published.day} {published:%b %Y}" if published else "undated"


def turn(turn_id: str, answer: Answer) -> str:
    """A finished turn: the article for the conversation, and the section for the sources beside it."""
    state = "refused" if answer.refused else "answered"
    return _article(turn_id, answer.question, state, _body(turn_id, answer)) + _sources(turn_id, answer)


def pending(turn_id: str, question: str, words: str) -> str:
    """A turn that is still being worked on; `words` say what is happening."""
    return _article(turn_id, question, "working", f'<p class="fn-status" role="status">{escape(words)}</p>')


def failure(turn_id: str, question: str, message: str) -> str:
    """A turn that could not be answered; `message` says why and what to do."""
    return _article(turn_id, question, "failed", f'<p class="fn-problem" role="alert">{escape(message)}</p>')


def status(words: str, kind: str) -> str:
    """The line at the top that says what is in the sources and whether everything is ready."""
    return f'<p class="fn-state fn-state-{escape(kind)}" role="status">{escape(words)}</p>'


def welcome(examples: Sequence[str]) -> str:
    """What stands where nothing was asked yet."""
    items = "".join(
        f'<li><button type="button" class="fn-example">{escape(example)}</button></li>' for example in examples
    )
    worth = f"<p>Worth asking:</p><ul>{items}</ul>" if items else ""
    return (
        '<div class="fn-welcome"><p class="fn-lead">Answers from your sources, in their own words, with the place they '
        f"stand. What the sources do not say, it does not say.</p>{worth}</div>"
    )


def _article(turn_id: str, question: str, state: str, body: str) -> str:
    return (
        f'<article class="fn-turn fn-{state}" id="turn-{escape(turn_id)}" data-turn="{escape(turn_id)}">'
        f'<h2 class="fn-question" dir="auto">{escape(question)}</h2>{body}</article>'
    )


def _body(turn_id: str, answer: Answer) -> str:
    if answer.sentences:
        titles = {one.number: one.title for one in answer.citations}
        said = "".join(_sentence(turn_id, sentence, titles) for sentence in answer.sentences)
    else:
        said = _plain(answer.text)
    notes = "".join(f'<p class="fn-note">{escape(note)}</p>' for note in answer.notes)
    sources = len({one.source for one in answer.citations})
    foot = [f"{sources} source{'' if sources == 1 else 's'}"] if sources else []
    foot.append(f"{answer.timings.get('total', 0):.0f} ms")
    label = '<p class="fn-verdict">Not in the sources</p>' if answer.refused else ""
    return f'<div class="fn-answer">{label}{said}{notes}</div><p class="fn-foot">{" · ".join(foot)}</p>'


def _sentence(turn_id: str, sentence: CitedSentence, titles: dict[int, str]) -> str:
    markers = "".join(_marker(turn_id, number, titles[number]) for number in sentence.citations)
    return f'<p dir="auto">{escape(sentence.text)}{markers}</p>'


def _marker(turn_id: str, number: int, title: str) -> str:
    return (
        f'<a class="fn-marker" href="#source-{escape(turn_id)}-{number}" '
        f'aria-label="source {number}, {escape(title)}">{number}</a>'
    )


def _plain(text: str) -> str:
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
    quote = f"{escape(before)}<mark>{_with_answers(one)}</mark>{escape(after)}"
    return (
        f'<article class="fn-card fn-cited" id="source-{escape(turn_id)}-{one.number}" tabindex="-1">'
        f'<h3 dir="auto"><span class="fn-number">{one.number}</span> {escape(one.title)}</h3>'
        f'{_place(one.published, one.source, one.heading)}<blockquote dir="auto">{quote}</blockquote></article>'
    )


def _with_answers(one: Citation) -> str:
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
        f"{_place(passage.published, passage.source, passage.heading)}"
        f'<blockquote dir="auto">{escape(passage.text)}</blockquote></article>'
    )


def _place(published: date | None, source: str, heading: str) -> str:
    under = f'<p class="fn-heading" dir="auto">{escape(heading)}</p>' if heading else ""
    return f'<p class="fn-meta"><bdi>{escape(day(published))}</bdi> · <bdi>{escape(source)}</bdi></p>{under}'
