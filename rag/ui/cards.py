"""The evidence of an answer as markup: one card for each cited place, and the markers that link to the cards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote as urlquote

from index.formats import page_word
from index.sources.fetch import is_address
from index.text.layout import Span
from rag.api.addresses import article_path
from rag.cite import Citation
from rag.types import Answer, Passage
from rag.ui.escape import day, escape
from rag.ui.evidence import CardPiece, CardPlace, group_places
from rag.ui.passage import flowing, without_heading


def marker(turn_id: str, one: Citation) -> str:
    """Return the marker of a citation, a link to its card."""
    text = flowing(one.quote)
    quote = text if len(text) <= _LONGEST_TIP else f"{text[:_LONGEST_TIP].rstrip()} ..."
    return (
        f'<a class="fn-marker" href="#source-{escape(turn_id)}-{one.number}" data-quote="{escape(quote)}" '
        f'aria-label="source {one.number}, {escape(one.title)}">{one.number}</a>'
    )


_SIGNS = re.compile(r"^(?:#{1,6} +|[ \t]*(?:`{3,}|~{3,})[^\n`]*\n?)|(?<! )\*\*|\*\*(?! )", re.MULTILINE)
_LONGEST_TIP = 280
"""Characters of a quote that a marker shows."""


def source_cards(turn_id: str, answer: Answer) -> str:
    """Return an answer's evidence: a card for each cited place, other passages folded."""
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


def _place_card(turn_id: str, place: CardPlace) -> str:
    """Return the card of a place with all its citations; each marker links to the first word of its citation."""
    one = place.first
    numbers = _runs(sorted(cited.number for cited in place.citations))
    text = _passage(place.before)
    text += "".join(f"{_mark(turn_id, pieces)}{_passage(after)}" for pieces, after in place.highlights)
    return (
        f'<article class="fn-card fn-cited" tabindex="-1"><h3 dir="auto"><span class="fn-number">{numbers}</span> '
        f"{escape(one.title)}</h3>{_where(one, _headings(place))}"
        f'<blockquote dir="auto">{text}</blockquote>'
        f"{_open(place.citations[0])}</article>"
    )


def _runs(numbers: Sequence[int]) -> str:
    """Return sorted numbers as text; runs of three or more are shortened to their ends.

    >>> _runs([1, 2, 3, 5, 7, 8])
    '1–3, 5, 7, 8'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    said = (f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
    return ", ".join(said)


def _passage(text: str) -> str:
    """Return the text of a passage without Markdown marks of headings, bold words and code fences."""
    return escape(_SIGNS.sub("", text))


def _mark(turn_id: str, pieces: Sequence[CardPiece]) -> str:
    said = []
    for piece in pieces:
        said += [f'<span id="source-{escape(turn_id)}-{number}"></span>' for number in piece.begins]
        text = _passage(piece.text)
        said.append(f"<strong>{text}</strong>" if piece.answers else text)
    return f"<mark>{''.join(said)}</mark>"


def _headings(place: CardPlace) -> str:
    """Return the headings of the citations of a place; for a table these name the rows."""
    return ", ".join(dict.fromkeys(one.heading for one in place.citations if one.heading))


def _where(one: Citation | Passage, heading: str) -> str:
    """Return the publication date of a source, and the page and heading of the cited words."""
    parts = [f"<bdi>{escape(day(one.published))}</bdi>"] if one.published else []
    parts += [f"{page_word(one.source)} {one.page}"] if one.page else []
    said = f'<p class="fn-meta">{" · ".join(parts)}</p>' if parts else ""
    return said + (f'<p class="fn-heading" dir="auto">{escape(heading)}</p>' if heading else "")


def _open(one: Citation | Passage) -> str:
    """Return the end of a card: a link to the words in the whole article, and the source's name."""
    answers = one.answers if isinstance(one, Citation) else ()
    address = article_address(one.source, one.article_id, (one.start, one.end), answers)
    words = one.quote if isinstance(one, Citation) else one.text
    page = _web_page(one.source, words) if is_address(one.source) else ""
    others = "".join(f", also in <bdi>{escape(other)}</bdi>" for other in one.also_in)
    return (
        f'<p class="fn-file"><a class="fn-open" href="{address}" target="_blank" rel="noopener">Open'
        f'<span class="fn-unseen"> article {escape(one.source)} in a new tab</span></a>{page} '
        f'<span class="fn-meta"><bdi>{escape(one.source)}</bdi>{others}</span></p>'
    )


def _web_page(source: str, quote: str) -> str:
    """Return a link to the web page, with a text fragment that scrolls to the quoted words if the browser can."""
    words = quote.split()
    ends = [words] if len(words) <= 8 else [words[:4], words[-4:]]
    # subtle: a dash or comma in the words would be read as syntax of the text fragment.
    place = ",".join(urlquote(" ".join(part), safe="").replace("-", "%2D") for part in ends)
    return (
        f' <a class="fn-open" href="{escape(f"{source}#:~:text={place}")}" target="_blank" rel="noopener noreferrer">'
        f'Open web page<span class="fn-unseen"> {escape(source)} in a new tab</span></a>'
    )


def article_address(source: str, article_id: str = "", quote: Span = (0, 0), answers: Sequence[Span] = ()) -> str:
    """Return the escaped address of a source's page; `article_path` explains the arguments."""
    return escape(article_path(source, article_id, quote, answers))


def highlighted(one: Citation) -> str:
    """Return the quote as HTML, with the answering words in bold."""
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
        f'<article class="fn-card"><h3 dir="auto">{escape(passage.title)}</h3>{_where(passage, passage.heading)}'
        f'<blockquote dir="auto">{_passage(without_heading(flowing(passage.text), passage.heading))}</blockquote>'
        f"{_open(passage)}</article>"
    )
