"""Tables that lines draw in a PDF: found, read row by row, and marked on the picture of their page."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Table

from benchmarks.table_files import write_table
from index.formats import pdf, pdf_view
from index.formats.pdf_pieces import Grid
from index.formats.pdf_tables import find_grids
from index.stamps import stamp_of


def test_a_table_that_lines_draw_in_a_pdf_is_read_row_by_row_with_its_columns(tmp_path: Path) -> None:
    """Its long cells look like two columns of prose."""
    rows = [["Part of the boat", "Most that is paid", "You pay"]]
    rows += [[f"Damage to plank number {n}", f"up to {n + 2},000 euros in a year", f"{n}0 euros"] for n in range(1, 9)]
    rows.append(["Rudder and\nits fittings", "not covered, see section 4", "-"])
    table = Table(rows, colWidths=[150, 180, 90], style=[("GRID", (0, 0), (-1, -1), 0.5, "black")])
    text = [Paragraph("What the boat policy pays", getSampleStyleSheet()["Heading1"]), table]
    path = tmp_path / "policy.pdf"
    SimpleDocTemplate(str(path)).build([*text, Paragraph("It ends in May.", getSampleStyleSheet()["BodyText"])])
    made = pdf.read(path).text
    assert "Part of the boat: Damage to plank number 3 | Most that is paid: up to 5,000 euros in a year" in made
    assert "Part of the boat: Rudder and its fittings | Most that is paid: not covered, see section 4" in made
    assert made.index("plank number 8") < made.index("Rudder") < made.index("It ends in May.")
    start = made.index("Part of the boat: Damage to plank number 3")
    wanted = {"page": 0, "text": made, "start": start, "end": made.index("\n", start)}
    (box,) = pdf_view.look(path, stamp_of(path.stat()), [wanted])["boxes"][0][-1:]
    assert box[3] - box[1] < 0.05


def test_frames_and_single_lines_are_no_tables() -> None:
    frame = (50.0, 500.0, 100.0, 700.0)
    assert find_grids([frame, (60.0, 400.0, 300.0, 300.5), (60.0, 400.0, 200.0, 200.5)]) == []
    cells = [(x, x + 100.0, y, y + 20.0) for x in (50.0, 150.0) for y in (100.0, 120.0, 140.0)]
    (grid,) = find_grids([*cells, (300.0, 301.0, 100.0, 400.0)])
    assert grid == Grid((50.0, 150.0, 250.0), (100.0, 120.0, 140.0, 160.0))
    assert (grid.cell(60, 150), grid.cell(240, 105), grid.cell(300, 105)) == ((0, 0), (2, 1), None)
    assert grid.parts(140, 155, 110) and not grid.parts(100, 140, 110) and not grid.parts(140, 155, 500)


def test_blocks_beside_each_other_are_read_one_after_the_other(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "invoice.pdf"))
    canvas.setFont("Helvetica", 10)
    for y, words in zip(
        (780, 766, 752, 738), ("Larch Joinery", "8 Canal Yard", "Millbrook ML4 2QT", "VAT 318"), strict=True
    ):
        canvas.drawString(60, y, words)
    canvas.setFont("Helvetica", 22)
    canvas.drawString(330, 742, "INVOICE")
    canvas.setFont("Helvetica", 10)
    for y, words in zip((690, 676, 662, 648), ("Bill to:", "Oakdene School", "2 School Lane", "Oakdene"), strict=True):
        canvas.drawString(60, y, words)
    said = (("Invoice no.", "2024-0117"), ("Invoice date", "3 April 2024"), ("Due date", "3 May 2024"))
    for y, (name, value) in zip((690, 676, 662), said, strict=True):
        canvas.drawString(330, y, name)
        canvas.drawString(420, y, value)
    canvas.drawString(60, 600, "Please pay within 30 days by bank transfer and quote the number of the invoice.")
    canvas.save()
    assert pdf.read(tmp_path / "invoice.pdf").text.split("\n\n")[1:] == [
        "8 Canal Yard",
        "Millbrook ML4 2QT",
        "VAT 318",
        "## INVOICE",
        "Bill to:",
        "Oakdene School",
        "2 School Lane",
        "Oakdene",
        *(f"{name} | {value}" for name, value in said),
        "Please pay within 30 days by bank transfer and quote the number of the invoice.",
    ]


def test_a_table_whose_first_column_is_drawn_apart_from_its_rows_stays_whole(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "table.pdf"))
    heights = range(700, 600, -20)
    for number, y in enumerate(heights):
        canvas.drawString(60, y, f"0{number}/03")
    for number, y in reversed(list(enumerate(heights))):
        for x, words in ((160, f"Boat {number}"), (280, f"Berth {number}"), (400, f"{number} tons")):
            canvas.drawString(x, y, words)
    canvas.save()
    text = pdf.read(tmp_path / "table.pdf").text
    assert text.split("\n\n") == [f"0{n}/03 | Boat {n} | Berth {n} | {n} tons" for n in range(5)]


def test_merged_cells_of_a_pdf_table_are_read_as_one_and_said_in_each_row(tmp_path: Path) -> None:
    rows = [["Room", "Low season (EUR)", "", "High season", ""], ["", "2023", "2024", "2023", "2024"]]
    rows += [["Lake view", "80", "82", "110", "115"], ["", "85", "", "115", "120"], ["Garden", "60", "62", "90", "95"]]
    merged = ((0, 0, 1, 0), (0, 1, 0, 2), (0, 3, 0, 4), (2, 0, 3, 0), (2, 2, 3, 2))
    write_table(tmp_path / "rates.pdf", rows, headers=2, merged=merged)
    assert pdf.read(tmp_path / "rates.pdf").text.split("\n\n") == [
        "# Rates",
        "Room: Lake view | Low season (EUR) 2023: 80 | Low season (EUR) 2024: 82 | High season 2023: 110 | "
        "High season 2024: 115",
        "Room: Lake view | Low season (EUR) 2023: 85 | High season 2023: 115 | High season 2024: 120",
        "Room: Garden | Low season (EUR) 2023: 60 | Low season (EUR) 2024: 62 | High season 2023: 90 | "
        "High season 2024: 95",
    ]


def test_a_table_that_goes_on_keeps_the_names_of_its_columns(tmp_path: Path) -> None:
    rows = [["Seed", "Grams"], *([f"Bean {n}", f"{n}"] for n in range(100))]
    write_table(tmp_path / "seeds.pdf", rows)
    expected = ["# Seeds", *(f"Seed: Bean {n} | Grams: {n}" for n in range(100))]
    assert pdf.read(tmp_path / "seeds.pdf").text.split("\n\n") == expected
    table = Table(rows, style=[("GRID", (0, 0), (-1, -1), 0.5, "black")])
    SimpleDocTemplate(str(tmp_path / "plain.pdf")).build([table])
    assert pdf.read(tmp_path / "plain.pdf").text.split("\n\n") == expected[1:]


def test_another_table_on_the_next_page_keeps_its_own_names(tmp_path: Path) -> None:
    style = [("GRID", (0, 0), (-1, -1), 0.5, "black")]
    stock = [["Item", "Price", "Stock"], *([f"Bean {n}", f"{n}.50", f"{n}"] for n in range(1, 4))]
    people = [["Name", "Phone", "City"], ["Anna", "0151 22", "Bonn"], ["Berta", "0151 23", "Hove"]]
    tables = [Table(rows, colWidths=[100, 100, 100], style=style) for rows in (stock, people)]
    SimpleDocTemplate(str(tmp_path / "two.pdf")).build([tables[0], PageBreak(), tables[1]])
    text = pdf.read(tmp_path / "two.pdf").text
    assert "Name: Anna | Phone: 0151 22 | City: Bonn" in text and "Item: Name" not in text
