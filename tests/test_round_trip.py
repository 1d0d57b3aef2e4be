"""Documents from real writers are read back with the same blocks: headings, lists, steps, tables."""

from __future__ import annotations

import html
import tempfile
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import docx
import pptx
import pypandoc
import pytest
from docx.enum.style import WD_STYLE_TYPE
from hypothesis import given, settings
from hypothesis import strategies as st

from index.article import article_of
from index.chunk import ChunkLimits, chunk
from index.formats import opendocument, richtext, slides, webpage, word
from index.formats.content import Content
from index.text.structure import structure

WORDS = "harbour mill rope lantern ferry orchard copper violin garden meadow bridge winter".split()
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=4, max_size=9).map(lambda some: f"The {' '.join(some)} is here.")
LABELS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(lambda some: " ".join(some).capitalize())
CELLS = st.one_of(st.just(""), LABELS, st.integers(1, 999).map(str))


@dataclass(frozen=True)
class Part:
    """A block to write: its kind, level, and words (one text or items) or rows of cells, the header first."""

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
    blocks = ["# Handbook of the harbour"]
    for part in parts:
        if part.kind == "heading":
            blocks.append(f"{'#' * part.level} {part.words[0]}")
        elif part.kind == "paragraph":
            blocks.append(part.words[0])
        elif part.kind == "rows":
            lines = [f"| {' | '.join(row)} |" for row in part.rows]
            blocks.append("\n".join([lines[0], "|---|---|---|", *lines[1:]]))
        else:
            marks = [f"{n}. " if part.kind == "steps" else "- " for n in range(1, len(part.words) + 1)]
            blocks.append("\n".join(mark + words for mark, words in zip(marks, part.words, strict=True)))
    return "\n\n".join(blocks) + "\n"


def as_html(parts: list[Part]) -> str:
    elements = ["<h1>Handbook of the harbour</h1>"]
    for part in parts:
        words = [html.escape(one) for one in part.words]
        if part.kind == "heading":
            elements.append(f"<h{part.level}>{words[0]}</h{part.level}>")
        elif part.kind == "paragraph":
            elements.append(f"<p>{words[0]}</p>")
        elif part.kind == "rows":
            cells = [
                "".join(f"<{'td' if n else 'th'}>{cell}</{'td' if n else 'th'}>" for cell in row)
                for n, row in enumerate(part.rows)
            ]
            elements.append(f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>")
        else:
            tag = "ol" if part.kind == "steps" else "ul"
            elements.append(f"<{tag}>{''.join(f'<li>{one}</li>' for one in words)}</{tag}>")
    return f"<html><head><title>Handbook of the harbour</title></head><body>{''.join(elements)}</body></html>"


def write_docx(parts: list[Part], path: Path) -> None:
    document = docx.Document()
    document.add_heading("Handbook of the harbour", 1)
    for part in parts:
        if part.kind == "heading":
            document.add_heading(part.words[0], part.level)
        elif part.kind == "paragraph":
            document.add_paragraph(part.words[0])
        elif part.kind == "rows":
            table = document.add_table(len(part.rows), 3)
            for row, cells in zip(table.rows, part.rows, strict=True):
                for cell, words in zip(row.cells, cells, strict=True):
                    cell.text = words
        else:
            for words in part.words:
                document.add_paragraph(words, "List Bullet" if part.kind == "list" else "List Number")
    document.save(str(path))


def write_pptx(parts: list[Part], path: Path) -> None:
    """Write a slide for each heading, and a shape for each other part."""
    presentation = pptx.Presentation()
    first = presentation.slides.add_slide(presentation.slide_layouts[0])
    first.shapes.title.text = "Handbook of the harbour"
    slide = first
    for part in parts:
        if part.kind == "heading":
            slide = presentation.slides.add_slide(presentation.slide_layouts[5])
            slide.shapes.title.text = part.words[0]
        elif part.kind == "rows":
            table = slide.shapes.add_table(len(part.rows), 3, 0, 0, 9_000_000, 900_000).table
            for number, cells in enumerate(part.rows):
                for column, words in enumerate(cells):
                    table.cell(number, column).text = words
        else:
            marks = {"list": ("a:buChar", {"char": "•"}), "steps": ("a:buAutoNum", {"type": "arabicPeriod"})}
            frame = slide.shapes.add_textbox(0, 0, 900_000, 900_000).text_frame
            for number, words in enumerate(part.words):
                paragraph = frame.add_paragraph() if number else frame.paragraphs[0]
                paragraph.text = words
                if part.kind in marks:
                    mark(paragraph, *marks[part.kind])
    presentation.save(str(path))


def mark(paragraph: Any, tag: str, attributes: dict[str, str], depth: int = 0) -> None:
    """Give a paragraph of a slide a bullet or a number."""
    paragraph.level = depth
    bullet = paragraph._p.get_or_add_pPr().makeelement(pptx.oxml.ns.qn(tag), attributes)
    paragraph._p.pPr.append(bullet)


def write_with_pandoc(markdown: str, path: Path) -> None:
    pypandoc.convert_text(markdown, path.suffix[1:], "markdown", outputfile=str(path), extra_args=["--standalone"])


def read_back(text: str) -> list[Part]:
    """Return the blocks of a text as parts, with rows as named cells."""
    blocks_of_text = structure(text)
    found = []
    for number, block in enumerate(blocks_of_text.blocks):
        words = text[block.inner : block.end]
        if block.kind in ("heading", "paragraph"):
            found.append(Part(block.kind, block.level, (words,)))
        elif block.kind in ("list", "steps"):
            items = tuple(text[item.inner : item.end] for item in blocks_of_text.items(number))
            found.append(Part(block.kind, 0, items))
        elif block.kind == "rows":
            lines = [line for line in text[block.start : block.end].splitlines() if line.strip()]
            found.append(Part("rows", 0, (), tuple(tuple(line.split(" | ")) for line in lines)))
    return found[1:]


def named(part: Part) -> Part:
    """Return a table as it is stored: each cell with its column name, without empty cells."""
    if part.kind != "rows":
        return part
    header, *rows = part.rows
    lines = [
        tuple(f"{name}: {cell}" for name, cell in zip(header, row, strict=True) if cell) for row in rows if any(row)
    ]
    return Part("rows", 0, (), tuple(lines))


def joined(parts: list[Part]) -> list[tuple[str, int, tuple[str, ...]]]:
    """Return the blocks with each table row apart, because rows with one filled cell are not read as rows."""
    blocks = list[tuple[str, int, tuple[str, ...]]]()
    for part in parts:
        if part.kind == "rows":
            blocks += [("row", 0, (" | ".join(row),)) for row in part.rows]
        else:
            blocks.append((part.kind, part.level, part.words))
    return blocks


def written_and_read(form: str, parts: list[Part]) -> Content:
    if form == "html":
        return webpage.read_markup(as_html(parts))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"handbook.{form}")
        if form == "docx":
            write_docx(parts, path)
            return word.read(path)
        if form == "pptx":
            write_pptx(parts, path)
            return slides.read(path)
        write_with_pandoc(as_markdown(parts), path)
        return opendocument.read(path) if form == "odt" else richtext.read(path)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["html", "docx", "pptx"])
@settings(max_examples=40, deadline=None)
@given(parts=DOCUMENTS)
def test_blocks_come_back_as_they_were_written(form: str, parts: list[Part]) -> None:
    check_round_trip(form, parts)


@pytest.mark.parametrize("form", ["odt", "rtf"])
@settings(max_examples=12, deadline=None)
@given(parts=DOCUMENTS)
def test_blocks_come_back_from_a_file_of_another_program(form: str, parts: list[Part]) -> None:
    check_round_trip(form, parts)


def check_round_trip(form: str, parts: list[Part]) -> None:
    content = written_and_read(form, parts)
    written = [named(part) for part in parts]
    if form == "pptx":
        written = [replace(part, level=2) if part.kind == "heading" else part for part in written]
    assert joined(read_back(content.text)) == joined(written)
    article = article_of(f"handbook.{form}", content)
    if form == "pptx":
        titles = [part.words[0] for part in parts if part.kind == "heading"]
        starts = [article.text[start:].split("\n")[0].lstrip("# ") for start in article.pages]
        assert starts == ["Handbook of the harbour", *titles]
    chunks = chunk(article, ChunkLimits(len, len, pieces=900, tokens=400))
    assert all(article.text[one.start : one.end] == one.text for one in chunks)
    searched = " ".join(one.searchable for one in chunks)
    assert all(words in searched for part in written for words in part.words)
    assert all(cell in searched for part in written for row in part.rows for cell in row)


DEPTHS = st.lists(st.integers(-2, 1), max_size=7).map(
    lambda steps: list(accumulate(steps, lambda depth, step: min(max(depth + step, 0), 3), initial=0))
)


FORMS = ["md", "html", "docx", "pptx", "odt", "rtf"]


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=12, deadline=None)
@given(depths=DEPTHS)
def test_items_keep_the_depth_that_was_written(form: str, depths: list[int]) -> None:
    items = [f"The {WORDS[number]} is here." for number in range(len(depths))]
    text = nested_list(form, list(zip(items, depths, strict=True)))
    if form != "md":
        expected = [f"{'  ' * depth}- {words}" for words, depth in zip(items, depths, strict=True)]
        assert text.split("\n") == ["# Things", "", *expected]
    blocks_of_text = structure(text)
    found = [
        (text[one.inner : one.end].split("\n")[0], one.level) for one in blocks_of_text.blocks if one.kind == "item"
    ]
    if len(depths) == 1:
        assert found == [] and items[0] in text
        return
    assert found == list(zip(items, depths, strict=True))
    open_ = [next(number for number, one in enumerate(blocks_of_text.blocks) if one.kind == "list")]
    for number, one in enumerate(blocks_of_text.blocks):
        if one.kind == "item":
            open_ = open_[: one.level + 1]
            around = blocks_of_text.blocks[open_[-1]]
            assert one.parent == open_[-1] and around.start <= one.start < one.end <= around.end
            open_.append(number)


def nested_list(form: str, items: list[tuple[str, int]]) -> str:
    """Write a list to a file in a format, and return the text read from it."""
    markdown = "# Things\n\n" + "\n".join(f"{'    ' * depth}- {words}" for words, depth in items) + "\n"
    if form == "md":
        return markdown
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"list.{form}")
        if form == "html":
            body = pypandoc.convert_text(markdown, "html", "markdown")
            return webpage.read_markup(f"<html><head><title>Things</title></head><body>{body}</body></html>").text
        if form == "docx":
            document = docx.Document()
            document.add_heading("Things", 1)
            for words, depth in items:
                style = "List Bullet" + (f" {depth + 1}" if depth else "")
                if style not in document.styles:  # python-docx has the first three
                    document.styles.add_style(style, WD_STYLE_TYPE.PARAGRAPH)
                document.add_paragraph(words, style)
            document.save(str(path))
            return word.read(path).text
        if form == "pptx":
            presentation = pptx.Presentation()
            slide = presentation.slides.add_slide(presentation.slide_layouts[5])
            slide.shapes.title.text = "Things"
            frame = slide.shapes.add_textbox(0, 0, 900_000, 900_000).text_frame
            for number, (words, depth) in enumerate(items):
                paragraph = frame.add_paragraph() if number else frame.paragraphs[0]
                paragraph.text = words
                mark(paragraph, "a:buChar", {"char": "-"}, depth)
            presentation.save(str(path))
            return slides.read(path).text
        write_with_pandoc(markdown, path)
        text: str = (opendocument if form == "odt" else richtext).read(path).text
        return text


def test_numbers_of_nested_items_stay_in_files_of_other_programs() -> None:
    markdown = "# Things\n\n- One thing.\n    1. First of it.\n    2. Second of it.\n- Two things.\n"
    for form, reader in (("docx", word), ("odt", opendocument), ("rtf", richtext)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"list.{form}")
            write_with_pandoc(markdown, path)
            text = reader.read(path).text
        assert text.split("\n")[2:] == ["- One thing.", "  1. First of it.", "  2. Second of it.", "- Two things."]


BOXES = st.lists(st.tuples(SENTENCES, st.lists(ROWS, max_size=3)), min_size=2, max_size=4)


@pytest.mark.parametrize("form", ["html", "docx", "odt", "rtf"])
@settings(max_examples=10, deadline=None)
@given(boxes=BOXES)
def test_tables_inside_items_stay_below_their_item(form: str, boxes: list[tuple[str, list[tuple[str, ...]]]]) -> None:
    header = ("Thing", "Place", "Count")
    tables = [Part("rows", 0, (), (header, *rows)) if rows else None for _, rows in boxes]
    parts = [as_markdown([table]).split("\n\n", 1)[1].strip() if table else "" for table in tables]
    items = [
        f"- {words}\n\n" + "".join(f"  {line}\n" for line in table.split("\n"))
        for (words, _), table in zip(boxes, parts, strict=True)
    ]
    markdown = "# Things\n\n" + "\n".join(items) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"list.{form}")
        write_with_pandoc(markdown, path)
        text = {"html": webpage, "docx": word, "odt": opendocument, "rtf": richtext}[form].read(path).text
    expected = []
    for (words, _), table in zip(boxes, tables, strict=True):
        expected += [words, *(" | ".join(row) for row in (named(table).rows if table else ()))]
    found = [line.strip().removeprefix("- ") for line in text.split("\n") if line.strip() and line[0] != "#"]
    assert found == expected
    kinds = structure(text).blocks
    rows = [text[one.start : one.end] for one in kinds if one.kind == "rows"]
    assert all(not row.startswith("- ") for row in rows)


MERGED = st.lists(
    st.tuples(LABELS, st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=3)), min_size=1, max_size=4
)


@pytest.mark.parametrize("form", ["html", "docx", "pptx", "odt"])
@settings(max_examples=10, deadline=None)
@given(groups=MERGED)
def test_a_merged_cell_is_repeated_in_each_of_its_rows(
    form: str, groups: list[tuple[str, list[tuple[str, str]]]]
) -> None:
    text = merged_table(form, groups)
    expected = [f"Group: {name} | Thing: {thing} | Place: {place}" for name, rows in groups for thing, place in rows]
    assert [line for line in text.split("\n") if " | " in line] == expected


def merged_table(form: str, groups: list[tuple[str, list[tuple[str, str]]]]) -> str:
    """Write a table with a merged first cell for each group, and return the text read from it."""
    rows = [("Group", "Thing", "Place"), *((name, *row) for name, inside in groups for row in inside)]
    spans, at = [], 1
    for _, inside in groups:
        spans.append((at, at + len(inside) - 1))
        at += len(inside)
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td{f' rowspan={len(inside)}' if first else ''}>{cell}</td>"
            for first, cell in ([(True, name)] if number == 0 else []) + [(False, cell) for cell in row]
        )
        + "</tr>"
        for name, inside in groups
        for number, row in enumerate(inside)
    )
    head = "".join(f"<th>{name}</th>" for name in rows[0])
    page = f"<h1>Things</h1><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"table.{form}")
        if form == "html":
            return webpage.read_markup(f"<html><head><title>Things</title></head><body>{page}</body></html>").text
        if form == "odt":
            pypandoc.convert_text(page, "odt", "html", outputfile=str(path), extra_args=["--standalone"])
            return opendocument.read(path).text
        if form == "docx":
            document = docx.Document()
            document.add_heading("Things", 1)
            table = document.add_table(len(rows), 3)
        else:
            document = pptx.Presentation()
            slide = document.slides.add_slide(document.slide_layouts[5])
            slide.shapes.title.text = "Things"
            table = slide.shapes.add_table(len(rows), 3, 0, 0, 9_000_000, 900_000).table
        for number, row in enumerate(rows):
            for column, words in enumerate(row):
                if column or not number or any(number == first for first, _ in spans):
                    table.cell(number, column).text = words
        for first, last in spans:
            if last > first:
                table.cell(first, 0).merge(table.cell(last, 0))
        document.save(str(path))
        text: str = (word if form == "docx" else slides).read(path).text
        return text
