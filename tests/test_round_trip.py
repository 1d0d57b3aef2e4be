"""Documents written by real writers come back with the blocks that were written: headings, lists, steps, tables."""

from __future__ import annotations

import html
import tempfile
from dataclasses import dataclass
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.formats import webpage, word
from index.text.structure import structure

WORDS = "harbour mill rope lantern ferry orchard copper violin garden meadow bridge winter".split()
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=4, max_size=9).map(lambda some: f"The {' '.join(some)} is here.")
LABELS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(lambda some: " ".join(some).capitalize())
CELLS = st.one_of(st.just(""), LABELS, st.integers(1, 999).map(str))


@dataclass(frozen=True)
class Part:
    """A block as it is written: its kind, level, and words: one text, items, or rows of cells with the header first."""

    kind: str
    level: int
    words: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


HEADINGS = st.builds(lambda level, label: Part("heading", level, (label,)), st.integers(2, 4), LABELS)
PARAGRAPHS = SENTENCES.map(lambda words: Part("paragraph", 0, (words,)))
ITEMS = st.lists(SENTENCES, min_size=2, max_size=4).map(tuple)
LISTS = st.builds(lambda kind, items: Part(kind, 0, items), st.sampled_from(["list", "steps"]), ITEMS)
ROWS = st.lists(CELLS, min_size=3, max_size=3).map(tuple).filter(lambda row: sum(map(bool, row)) > 1)
TABLES = st.lists(ROWS, min_size=2, max_size=4).map(
    lambda rows: Part("rows", 0, (), (("Thing", "Place", "Count"), *rows))
)
DOCUMENTS = st.lists(
    st.tuples(HEADINGS, PARAGRAPHS, st.one_of(LISTS, TABLES, PARAGRAPHS), PARAGRAPHS), min_size=1, max_size=4
).map(lambda sections: [part for section in sections for part in section])


def as_markdown(parts: list[Part]) -> str:
    made = ["# Handbook of the harbour"]
    for part in parts:
        if part.kind == "heading":
            made.append(f"{'#' * part.level} {part.words[0]}")
        elif part.kind == "paragraph":
            made.append(part.words[0])
        elif part.kind == "rows":
            lines = [f"| {' | '.join(row)} |" for row in part.rows]
            made.append("\n".join([lines[0], "|---|---|---|", *lines[1:]]))
        else:
            marks = [f"{n}. " if part.kind == "steps" else "- " for n in range(1, len(part.words) + 1)]
            made.append("\n".join(mark + words for mark, words in zip(marks, part.words, strict=True)))
    return "\n\n".join(made) + "\n"


def as_html(parts: list[Part]) -> str:
    made = ["<h1>Handbook of the harbour</h1>"]
    for part in parts:
        words = [html.escape(one) for one in part.words]
        if part.kind == "heading":
            made.append(f"<h{part.level}>{words[0]}</h{part.level}>")
        elif part.kind == "paragraph":
            made.append(f"<p>{words[0]}</p>")
        elif part.kind == "rows":
            cells = [
                "".join(f"<{'td' if n else 'th'}>{cell}</{'td' if n else 'th'}>" for cell in row)
                for n, row in enumerate(part.rows)
            ]
            made.append(f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>")
        else:
            tag = "ol" if part.kind == "steps" else "ul"
            made.append(f"<{tag}>{''.join(f'<li>{one}</li>' for one in words)}</{tag}>")
    return f"<html><head><title>Handbook of the harbour</title></head><body>{''.join(made)}</body></html>"


def write_docx(parts: list[Part], path: Path) -> None:
    made = docx.Document()
    made.add_heading("Handbook of the harbour", 1)
    for part in parts:
        if part.kind == "heading":
            made.add_heading(part.words[0], part.level)
        elif part.kind == "paragraph":
            made.add_paragraph(part.words[0])
        elif part.kind == "rows":
            table = made.add_table(len(part.rows), 3)
            for row, cells in zip(table.rows, part.rows, strict=True):
                for cell, words in zip(row.cells, cells, strict=True):
                    cell.text = words
        else:
            for words in part.words:
                made.add_paragraph(words, "List Bullet" if part.kind == "list" else "List Number")
    made.save(str(path))


def read_back(text: str) -> list[Part]:
    """The blocks of a text as they would have to be written, rows by their named cells."""
    held = structure(text)
    made = []
    for number, block in enumerate(held.blocks):
        words = text[block.inner : block.end]
        if block.kind in ("heading", "paragraph"):
            made.append(Part(block.kind, block.level, (words,)))
        elif block.kind in ("list", "steps"):
            items = tuple(text[item.inner : item.end] for item in held.items(number))
            made.append(Part(block.kind, 0, items))
        elif block.kind == "rows":
            lines = [line for line in text[block.start : block.end].splitlines() if line.strip()]
            made.append(Part("rows", 0, (), tuple(tuple(line.split(" | ")) for line in lines)))
    return made[1:]


def named(part: Part) -> Part:
    """A table as it is stored: each cell with the name of its column, empty ones left out."""
    if part.kind != "rows":
        return part
    header, *rows = part.rows
    lines = [
        tuple(f"{name}: {cell}" for name, cell in zip(header, row, strict=True) if cell) for row in rows if any(row)
    ]
    return Part("rows", 0, (), tuple(lines))


def joined(parts: list[Part]) -> list[tuple[str, int, tuple[str, ...]]]:
    """The blocks, each row of a table by itself: rows with one cell filled do not look like rows."""
    made = list[tuple[str, int, tuple[str, ...]]]()
    for part in parts:
        if part.kind == "rows":
            made += [("row", 0, (" | ".join(row),)) for row in part.rows]
        else:
            made.append((part.kind, part.level, part.words))
    return made


@pytest.mark.parametrize("form", ["html", "docx"])
@settings(max_examples=40, deadline=None)
@given(parts=DOCUMENTS)
def test_blocks_come_back_as_they_were_written(form: str, parts: list[Part]) -> None:
    if form == "html":
        text = webpage.read_markup(as_html(parts)).text
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "handbook.docx")
            write_docx(parts, path)
            text = word.read(path).text
    written = [named(part) for part in parts]
    assert [one for one in joined(read_back(text))] == joined(written)
