"""Footnotes of a PDF stand apart from its text, and their raised numbers from the words before them."""

from __future__ import annotations

from pathlib import Path

import pytest
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from index.article import article_of
from index.formats import pdf
from index.text.sentences import sentences

BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=13)
NOTE = ParagraphStyle("note", fontName="Helvetica", fontSize=8, leading=10)
LINE = "The gauge stood at the end of the old pier, where a keeper read it four times a day. "
OTHER = "In winter the readings of the night are missing, so that the highest tides are those of which we know least. "


def draw(canvas: Canvas, words: str, top: float, *, left: float = 60, width: float = 420, small: bool = False) -> float:
    paragraph = Paragraph(words, NOTE if small else BODY)
    _, height = paragraph.wrap(width, 2000)
    paragraph.drawOn(canvas, left, top - height)
    return top - float(height) - 6


@pytest.mark.parametrize(
    ("marked", "read"),
    [
        ("kept their books<super>1</super> as well", "kept their books[1] as well"),
        ("a rise of 0.21 metres.<super>12</super> Figure", "a rise of 0.21 metres.[12] Figure"),
        ("shown before<super>3,4</super> by others", "shown before[3,4] by others"),
        ("as in 1940<super>2</super> and later", "as in 1940[2] and later"),
        ("a room of 40 m<super>2</super> or 10<super>3</super> cm<super>2</super>", "a room of 40 m² or 10³ cm²"),
        ("much CO<sub>2</sub> in the air", "much CO2 in the air"),
    ],
)
def test_a_raised_number_does_not_change_the_word_before_it(tmp_path: Path, marked: str, read: str) -> None:
    canvas = Canvas(str(tmp_path / "paper.pdf"))
    draw(canvas, f"Few harbours of this coast have {marked} as anybody knows. {LINE}", 700)
    canvas.save()
    assert read in pdf.read(tmp_path / "paper.pdf").text


def test_a_sentence_ends_before_the_number_of_a_note() -> None:
    text = "The rise was 0.21 metres.[3] Figure 1 shows it."
    assert [text[a:b] for a, b in sentences(text)] == ["The rise was 0.21 metres.[3]", "Figure 1 shows it."]


def test_notes_do_not_part_a_paragraph_that_goes_on_over_the_page(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "paper.pdf"))
    top = draw(canvas, f"Few harbours kept their books<super>1</super> in feet.<super>2</super> {LINE * 3}", 780)
    paragraph = Paragraph(LINE * 4 + OTHER * 14, BODY)
    paragraph.wrap(420, 2000)
    first, rest = paragraph.split(420, 165)
    first.wrap(420, 2000)
    first.drawOn(canvas, 60, top - 165)
    canvas.line(60, 142, 200, 142)
    end = draw(
        canvas,
        "<super>1</super> The books are kept in the archive of the town, on the shelf by the door "
        "of the reading room, and may be asked for in writing.",
        138,
        small=True,
    )
    draw(canvas, "<super>2</super> One foot of Elden is 0.2986 metres.", end, small=True)
    canvas.showPage()
    rest.wrap(420, 2000)
    rest.drawOn(canvas, 60, 780 - rest.height)
    draw(canvas, f"Later work went on. {LINE * 3}", 770 - rest.height)
    canvas.save()
    content = pdf.read(tmp_path / "paper.pdf")
    opening, one, two, over, later = content.text.split("\n\n")
    assert opening.startswith("Few harbours kept their books[1] in feet.[2] The gauge")
    assert one.startswith("1 The books are kept") and one.endswith("asked for in writing.")
    assert two == "2 One foot of Elden is 0.2986 metres."
    assert over == (LINE * 4 + OTHER * 14).strip() and later.startswith("Later work")
    article = article_of("paper.pdf", content)
    assert [article.page(article.text.index(words)) for words in (one, over, later)] == [1, 1, 2]


def test_notes_at_the_foot_of_a_column_do_not_part_the_text_either(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "paper.pdf"))
    paragraph = Paragraph(OTHER * 40, BODY)
    paragraph.wrap(220, 5000)
    left, right = paragraph.split(220, 600)
    left.wrap(220, 5000)
    left.drawOn(canvas, 60, 180)
    draw(canvas, "* Read from the books of the harbour masters of the town.", 160, width=220, small=True)
    right.wrap(220, 5000)
    right.drawOn(canvas, 310, 780 - right.height)
    canvas.save()
    assert pdf.read(tmp_path / "paper.pdf").text.split("\n\n") == [
        "* Read from the books of the harbour masters of the town.",
        (OTHER * 40).strip(),
    ]


def test_small_print_without_marks_and_notes_below_a_full_stop_stay_where_they_are(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "paper.pdf"))
    top = draw(canvas, LINE * 6, 780)
    draw(canvas, "The small print of the harbour office says this.", 130, small=True)
    draw(canvas, "1. A note that stands here.", 110, small=True)
    assert top > 200
    canvas.save()
    assert pdf.read(tmp_path / "paper.pdf").text.split("\n\n") == [
        (LINE * 6).strip(),
        "The small print of the harbour office says this.",
        "1. A note that stands here.",
    ]
