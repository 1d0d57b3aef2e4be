"""Rendering of an answer's sentences: lead, lists, steps, rows and quotes, each with its markers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from rag.cite import Citation, CitedSentence
from rag.forms.values import number_in
from rag.types import Answer
from rag.ui.cards import highlighted, marker
from rag.ui.escape import day, escape
from rag.ui.passage import flowing
from rag.ui.rows import table_of
from rag.writer.quote import shown

_WORKED_OUT = re.compile(r"(?P<figure>.+?) (?P<working>\(\d+ rows?, .+\))")
"""Matches a figure and its calculation from rows."""


def answer_sentences(turn_id: str, answer: Answer) -> str:
    """Return the markup of an answer's sentences, block by block."""
    cited = {one.number: one for one in answer.citations}
    parts = []
    for block, run in groupby(answer.sentences, key=lambda one: one.block):
        sentences = list(run)
        if block in ("item", "step"):
            parts.append(_list(turn_id, sentences, cited))
        elif block == "row":
            parts.append(_table(turn_id, sentences, cited))
        elif block == "lead" and sentences[0].verdict != "quoted":
            parts.append(_written(turn_id, sentences, cited))
        else:
            parts.append(_paragraphs(turn_id, sentences, cited))
    return "".join(parts)


def _list(turn_id: str, sentences: Sequence[CitedSentence], cited: Mapping[int, Citation]) -> str:
    """Return items or steps as a list, with the source below if all cite the same one."""
    tag = "ol" if sentences[0].block == "step" else "ul"
    items = "".join(
        f'<li dir="auto">{_item(one, cited)}{_markers(turn_id, one, cited)}{_verdict(one)}</li>' for one in sentences
    )
    return f'<{tag} class="fn-list">{items}</{tag}>{_source_below(turn_id, sentences, cited)}'


def _item(one: CitedSentence, cited: Mapping[int, Citation]) -> str:
    """Return the text of an item; a heading at the start of a summary's item is grey."""
    heading, colon, words = one.text.partition(": ")
    if colon and any(cited[number].heading.endswith(heading) for number in one.citations):
        return f'<span class="fn-none">{escape(heading + colon)}</span>{escape(words)}'
    return _words(one)


def _table(turn_id: str, sentences: Sequence[CitedSentence], cited: Mapping[int, Citation]) -> str:
    """Return rows ("Tank: North | Litres: 12") as a table with a column for each name."""
    table = table_of([one.text for one in sentences])
    if table is None:
        return _list(turn_id, sentences, cited)
    names, filled = table
    # Columns of numbers are aligned right.
    kinds = [' class="fn-figure"' if _are_numbers(row.get(name, "") for row in filled) else "" for name in names]
    columns = list(zip(names, kinds, strict=True))
    head = "".join(f'<th scope="col"{kind} dir="auto">{escape(name)}</th>' for name, kind in columns)
    body = ""
    for one, cells in zip(sentences, filled, strict=True):
        tail = _markers(turn_id, one, cited) + _verdict(one)
        open_, close = ("<del>", "</del>") if one.verdict == "unsupported" else ("", "")
        body += "<tr>" + "".join(
            f'<td{kind} dir="auto">{open_}{escape(cells.get(name, ""))}{close}{"" if number else tail}</td>'
            for number, (name, kind) in enumerate(columns)
        )
        body += "</tr>"
    markup = f'<table class="fn-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    # A wide table scrolls on its own; tabindex makes it scroll by keyboard too.
    framed = f'<div class="fn-rows" tabindex="0" role="group" aria-label="Rows">{markup}</div>'
    return framed + _source_below(turn_id, sentences, cited)


def _are_numbers(cells: Iterable[str]) -> bool:
    values = [cell for cell in cells if cell]
    return bool(values) and all(number_in(cell) for cell in values)


def _source_below(turn_id: str, sentences: Sequence[CitedSentence], cited: Mapping[int, Citation]) -> str:
    numbers = [number for one in sentences for number in one.citations]
    if not numbers or len({cited[number].source for number in numbers}) > 1:
        return ""
    return f'<p class="fn-from">{_title(turn_id, cited[numbers[0]])}</p>'


def _title(turn_id: str, one: Citation, when: str = "") -> str:
    """Return the title of a source as a link to its card, and its date or `when`."""
    when = when or day(one.published)
    when = f" · <bdi>{escape(when)}</bdi>" if when else ""
    return (
        f'<cite><a class="fn-to-card" href="#source-{escape(turn_id)}-{one.number}" dir="auto">{escape(one.title)}</a>'
        f"{when}</cite>"
    )


def _markers(turn_id: str, one: CitedSentence, cited: Mapping[int, Citation]) -> str:
    return "".join(marker(turn_id, cited[number]) for number in one.citations)


def _written(turn_id: str, sentences: Sequence[CitedSentence], cited: Mapping[int, Citation]) -> str:
    """Return sentences of a language model as one paragraph."""
    words = " ".join(f"{_words(one)}{_markers(turn_id, one, cited)}{_verdict(one)}" for one in sentences)
    return f'<p dir="auto">{words}</p>'


def _words(one: CitedSentence) -> str:
    return f"<del>{escape(one.text)}</del>" if one.verdict == "unsupported" else escape(one.text)


def _paragraphs(turn_id: str, sentences: Sequence[CitedSentence], cited: Mapping[int, Citation]) -> str:
    parts = []
    for sentence, following in zip(sentences, (*sentences[1:], None), strict=True):
        source = _quoted_source(sentence, cited)
        if not source:
            parts.append(_sentence(turn_id, sentence, cited))
            continue
        # Consecutive quotes from the same source name it once, after the last.
        last = not following or _quoted_source(following, cited) != source
        parts.append(_quote(turn_id, sentence, cited, named=last))
    return "".join(parts)


def _quoted_source(sentence: CitedSentence, cited: Mapping[int, Citation]) -> str:
    """Return the source of a sentence that quotes one slice; "" for the lead and for written sentences."""
    if sentence.block == "lead" or sentence.verdict != "quoted" or len(sentence.citations) != 1:
        return ""
    return cited[sentence.citations[0]].source


def _quote(turn_id: str, sentence: CitedSentence, cited: Mapping[int, Citation], *, named: bool) -> str:
    """Return a quoted sentence as a block quote, with its answering words marked and its title and date below."""
    one = cited[sentence.citations[0]]
    words = shown(one.quote)
    before, found, after = sentence.text.partition(words or "\n")
    text = escape(flowing(sentence.text))
    # The date before the quote moves below it, to the title.
    if not found and " | " in sentence.text:  # a row, with the names of its columns
        before, words, after = _split_quote(sentence.text)
        found, words = words, words.replace(" | ", " · ")
        one = _with_quote(one, words)
    when = before.strip("“ ").removesuffix(":")
    if found and when in ("", day(one.published), f"{day(one.published)}, older", "undated"):
        is_exact = re.sub(r"[ \n]+", " ", one.quote) == words
        marked = _lines(highlighted(replace(one, quote=flowing(one.quote)))) if is_exact else escape(flowing(words))
        text = ("“" if before.endswith("“") else "") + marked + escape(after)
    title = _title(turn_id, one, when) if named else ""
    return f'<blockquote class="fn-quoted" dir="auto"><p>{text}{marker(turn_id, one)}</p>{title}</blockquote>'


def _split_quote(text: str) -> tuple[str, str, str]:
    """Split a text into the part before a quote, the quote, and the part after it."""
    before, mark, rest = text.partition("“")
    return (f"{before}{mark}", rest.removesuffix("”"), "”") if mark and rest.endswith("”") else ("", text, "")


def _with_quote(one: Citation, words: str) -> Citation:
    """Return the citation with `words` as its quote, and the spans of the answering words in them."""
    answers, at = list[tuple[int, int]](), 0
    for start, end in sorted(one.answers):
        found = words.find(answer := one.quote[start - one.start : end - one.start], at)
        if found >= 0:
            at = found + len(answer)
            answers.append((found, at))
    return replace(one, quote=words, start=0, end=len(words), answers=tuple(answers))


def _lines(markup: str) -> str:
    """Join the lines of a quote; a blank line, as between a heading and its text, becomes a line break."""
    return re.sub(r"[ \n]+", " ", re.sub(r"\n\s*\n", "<br>", markup))


def _sentence(turn_id: str, sentence: CitedSentence, cited: Mapping[int, Citation]) -> str:
    markers = _markers(turn_id, sentence, cited)
    text = _words(sentence)
    lead = ' class="fn-answering"' if sentence.block == "lead" else ""
    if lead and (worked := _WORKED_OUT.fullmatch(sentence.text)):
        text = f'{escape(worked["figure"])} <span class="fn-meta">{escape(worked["working"])}</span>'
    return f'<p{lead} dir="auto">{text}{markers}{_verdict(sentence)}</p>'


def _verdict(sentence: CitedSentence) -> str:
    """Return the check's verdict on a written sentence, and its reason; "" for a quoted one."""
    if sentence.verdict == "quoted":
        return ""
    sign = {"supported": "✓\u00a0supported", "weak": "weak", "unsupported": "not supported"}[sentence.verdict]
    why = f": {sentence.why}" if sentence.why else ""
    return f' <span class="fn-check fn-{sentence.verdict}">{escape(sign + why)}</span>'
