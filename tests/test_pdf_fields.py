"""What was typed and ticked in the fields of a PDF form stands beside the words that label each field."""

from __future__ import annotations

import os
from pathlib import Path

from reportlab.pdfgen.canvas import Canvas

from index.formats import pdf
from index.formats.pdf_view import picture
from index.stamps import stamp_of


def typed(canvas: Canvas, value: str, x: float, y: float, width: float = 150, **more: object) -> None:
    given = {"name": f"f{x}{y}", "fontSize": 10, "height": 16, **more}
    canvas.acroForm.textfield(value=value, x=x, y=y - 4, width=width, **given)


def lines(path: Path) -> list[str]:
    return [line for line in pdf.read(path).text.split("\n") if line]


def test_values_stand_beside_their_labels(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "form.pdf"))
    canvas.setFont("Helvetica", 10)
    for y, label, value in ((740, "Name:", "Jane Doe"), (720, "Address", "4 Quay Lane"), (700, "E-mail:", "")):
        canvas.drawString(60, y, label)
        typed(canvas, value, 160, y)
    canvas.drawString(60, 680, "Date of birth:")
    for number, value in enumerate(("17", "05", "1979")):
        typed(canvas, value, 160 + 40 * number, 680, 35)
    for x, label, value in ((60, "First name of the crew", "Ann"), (260, "Last name of the crew", "Marlowe")):
        canvas.drawString(x, 650, label)
        typed(canvas, value, x, 632)
    canvas.drawString(60, 600, "Type of boat:")
    for number, (label, ticked) in enumerate((("Sailing boat", True), ("Motor boat", False))):
        canvas.acroForm.checkbox(name=label, checked=ticked, x=160 + 110 * number, y=598, size=11)
        canvas.drawString(176 + 110 * number, 600, label)
    canvas.drawString(60, 580, "Electricity:")
    for number, value in enumerate(("yes", "no")):
        canvas.acroForm.radio(name="el", value=value, selected=value == "yes", x=160 + 60 * number, y=578, size=11)
        canvas.drawString(176 + 60 * number, 580, value)
    canvas.drawString(60, 560, "Berth:")
    canvas.acroForm.choice(
        name="berth", value="North pier", options=["North pier", "South pier"], x=160, y=556, width=120, height=16
    )
    canvas.drawString(60, 530, "Remarks:")
    typed(canvas, "Near the slipway.\nWe come late.", 160, 484, 300, height=60, fieldFlags="multiline")
    canvas.drawString(60, 450, "Signed in ______________________")
    typed(canvas, "Port Elden", 110, 450, 100)
    canvas.drawString(60, 430, "Please send the form to the harbour office before the first of May, or bring it along.")
    canvas.save()
    assert lines(tmp_path / "form.pdf") == [
        "Name: Jane Doe",
        "Address: 4 Quay Lane",
        "E-mail:",
        "Date of birth: 17 05 1979",
        "First name of the crew: Ann | Last name of the crew: Marlowe",
        "Type of boat: | ☒ Sailing boat | ☐ Motor boat",
        "Electricity: | ☒ yes | ☐ no",
        "Berth: North pier",
        "Remarks: Near the slipway. We come late.",
        "Signed in: Port Elden",
        "Please send the form to the harbour office before the first of May, or bring it along.",
    ]


def test_a_tick_belongs_to_the_words_right_before_its_box(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "form.pdf"))
    canvas.setFont("Helvetica", 10)
    for number, (label, ticked) in enumerate((("Yes", True), ("No", False))):
        canvas.drawString(160 + 55 * number, 700, label)
        end = 160 + 55 * number + canvas.stringWidth(label)
        canvas.acroForm.checkbox(name=label, checked=ticked, x=end + 3, y=698, size=11)
    canvas.save()
    assert " ".join(lines(tmp_path / "form.pdf")).replace(" |", "") == "Yes ☒ No ☐"


def test_values_in_a_table_stand_in_their_cells(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "form.pdf"))
    canvas.setFont("Helvetica", 10)
    for x in (60, 200, 320, 440):
        canvas.line(x, 600, x, 675)
    for y in (600, 625, 650, 675):
        canvas.line(60, y, 440, y)
    for x, words in ((66, "Thing"), (206, "Number"), (326, "State")):
        canvas.drawString(x, 657, words)
    for y, thing, value in ((632, "Lamp", "4"), (607, "Bench", "2")):
        canvas.drawString(66, y, thing)
        typed(canvas, value, 204, y, 100)
        typed(canvas, "worn", 324, y, 100)
    canvas.save()
    assert lines(tmp_path / "form.pdf") == [
        "Thing: Lamp | Number: 4 | State: worn",
        "Thing: Bench | Number: 2 | State: worn",
    ]


def test_a_field_without_words_beside_it_is_called_by_its_tip_and_secrets_stay_out(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "form.pdf"))
    for y in (780, 766, 752):
        canvas.drawString(60, y, "Mooring of the boat that is named below, for the summer.")
    typed(canvas, "Sea Thrift", 60, 600, tooltip="Name of the boat")
    typed(canvas, "hunter2", 60, 500, fieldFlags="password")
    typed(canvas, "unseen", 60, 400, annotationFlags="hidden")
    canvas.save()
    assert lines(tmp_path / "form.pdf")[-1:] == ["Name of the boat: Sea Thrift"]


def test_the_picture_of_a_page_shows_its_values(tmp_path: Path) -> None:
    made = []
    for value in ("", "MMMMMMMMMMMM"):
        path = tmp_path / f"form{value}.pdf"
        canvas = Canvas(str(path))
        canvas.drawString(60, 780, "Name:")
        typed(canvas, value, 120, 780)
        canvas.save()
        with path.open("rb") as stream:
            made.append(picture(path, stamp_of(os.fstat(stream.fileno())), 0))
    assert made[0] != made[1]
