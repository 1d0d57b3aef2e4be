"""A corpus with a document of each format, written by the usual programs; each document holds one fact."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
import pypandoc
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageBreak, PageTemplate, Paragraph


@dataclass(frozen=True)
class Fact:
    """A fact: its question, the words of the quote, and the place in the citation."""

    question: str
    words: str
    heading: str = ""
    page: int | None = None
    title: str = ""
    published: str = ""


FACTS = {
    "mill.pdf": Fact(
        "How much did the restoration of Farley Mill cost?",
        "The restoration of Farley Mill cost 48,200 pounds",
        "Restoration of the mill",
        2,
        "On Farley Mill",
    ),
    "bridge.docx": Fact(
        "Who designed the Tarn footbridge?",
        "The Tarn footbridge was designed by Edda Holm",
        "Design",
        title="Tarn footbridge",
    ),
    "lamps.html": Fact(
        "When were the street lamps of Oxley lit for the first time?",
        "The street lamps of Oxley were lit for the first time in 1887",
        "The first evening",
        title="Street lamps in Oxley",
        published="2021-03-09",
    ),
    "island.epub": Fact(
        "How many keepers lived at Skerry lighthouse?",
        "Nine keepers lived at Skerry lighthouse",
        "Chapter Two",
        title="The Island",
        published="1998-05-01",
    ),
    "apples.csv": Fact("What is the harvest of the apple Ribston?", "apple: Ribston | harvest: 740 kg", "row 5"),
    "ferries.xlsx": Fact(
        "How many passengers does the ferry Marta carry?", "ferry: Marta | passengers: 312", "Fleet, row 4"
    ),
    "news.jsonl": Fact(
        "Who won the regatta at Lund?", "The regatta at Lund was won by the crew of the Svala", "Regatta at Lund"
    ),
    "kites.json": Fact(
        "Where is the kite museum of Dieppe?",
        "The kite museum of Dieppe stands in the old tobacco store",
        title="Kites of Dieppe",
        published="2020-09-12",
    ),
    "letter.eml": Fact(
        "When does the ice rink in Bergen open?",
        "The ice rink in Bergen opens on 14 November",
        title="Opening of the ice rink",
        published="2023-10-02",
    ),
    "canal.pptx": Fact(
        "How deep is the canal lock at Wester?",
        "The canal lock at Wester is 4.6 metres deep",
        "Locks",
        2,
        "The Wester canal",
    ),
    "bees.odt": Fact(
        "Who keeps the bees of Alder farm?",
        "The bees of Alder farm are kept by Nora Quist",
        "Keepers",
        title="Bees of Alder farm",
    ),
    "wells.rtf": Fact(
        "When was the well of Upper Thorne dug?",
        "The well of Upper Thorne was dug in 1714",
        "Upper Thorne",
        title="Wells of the district",
    ),
    "tram-talk.srt": Fact(
        "How many trams does the depot in Malm hold?",
        "The depot in Malm holds fifty-two trams",
        "at 1:02:05",
        title="Tram talk",
    ),
    "glass-tour.vtt": Fact(
        "What is the oven of the glassworks heated with?",
        "The oven of the glassworks is heated with beech wood",
        "at 0:07",
        title="Glass tour",
    ),
    "clay.md": Fact(
        "At what temperature is the clay of Orne fired?", "The clay of Orne is fired at 1,180 degrees", "Firing"
    ),
    "owls.txt": Fact("How many owls nest in Harrow wood?", "Seventeen owls nest in Harrow wood"),
}
FILLER = (
    "The people of the village have kept careful records for many years, and most of them can still be read today. "
    "Visitors come in spring and in autumn, when the roads are dry and the inns are open. "
)
MORE = "Gas came by a pipe from the works at the harbour, and a man with a ladder went from lamp to lamp at dusk."


def write_corpus(folder: Path) -> Path:
    """Write every document of FACTS into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_pdf(folder / "mill.pdf")
    write_docx(folder / "bridge.docx")
    (folder / "lamps.html").write_text(HTML, "utf-8")
    write_epub(folder / "island.epub")
    with (folder / "apples.csv").open("w", encoding="utf-8", newline="") as stream:
        apples = [["Cox", "810 kg"], ["Egremont", "655 kg"], ["Pearmain", "702 kg"], ["Ribston", "740 kg"]]
        csv.writer(stream).writerows([["apple", "harvest"], *apples])
    write_xlsx(folder / "ferries.xlsx")
    records = [
        {"title": "Market day", "date": "2022-05-03", "text": f"The market opened at six. {FILLER}"},
        {
            "title": "Regatta at Lund",
            "date": "2022-06-11",
            "text": f"{FILLER}The regatta at Lund was won by the crew of the Svala.",
        },
    ]
    (folder / "news.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records), "utf-8")
    kites = {
        "headline": "Kites of Dieppe",
        "datePublished": "2020-09-12T08:00:00Z",
        "body": f"{FILLER}The kite museum of Dieppe stands in the old tobacco store.",
    }
    (folder / "kites.json").write_text(json.dumps(kites), "utf-8")
    write_pptx(folder / "canal.pptx")
    write_with_pandoc(folder / "bees.odt", "Bees of Alder farm", "Keepers", FACTS["bees.odt"].words)
    write_with_pandoc(folder / "wells.rtf", "Wells of the district", "Upper Thorne", FACTS["wells.rtf"].words)
    (folder / "tram-talk.srt").write_text(SRT, "utf-8")
    (folder / "glass-tour.vtt").write_text(VTT, "utf-8")
    (folder / "letter.eml").write_bytes(make_mail().as_bytes())
    (folder / "clay.md").write_text(
        f"# Potters of the valley\n\n{FILLER}\n\n## Firing\n\nThe clay of Orne is fired at 1,180 degrees.\n", "utf-8"
    )
    (folder / "owls.txt").write_text(f"{FILLER}\n\nSeventeen owls nest in Harrow wood.\n", "utf-8")
    return folder


def write_pdf(path: Path) -> None:
    """Write three pages in two justified columns, with a running head and page numbers."""
    width, height = A4
    styles = getSampleStyleSheet()
    styles["BodyText"].alignment = 4

    def draw_margins(canvas: Canvas, document: Any) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(60, height - 40, "Yearbook of the Valley")
        canvas.drawCentredString(width / 2, 30, str(document.page))

    column = (width - 140) / 2
    frames = [Frame(60 + at * (column + 20), 60, column, height - 120) for at in (0, 1)]
    document = BaseDocTemplate(str(path), pagesize=A4, title="On Farley Mill", author="Ann Bell")
    document.addPageTemplates([PageTemplate("two", frames, onPage=draw_margins)])

    def fill(count: int) -> list[Flowable]:
        return [Paragraph(f"Part {number} of it. {FILLER}{FILLER}", styles["BodyText"]) for number in range(count)]

    story: list[Flowable] = [Paragraph("On Farley Mill", styles["Title"]), *fill(8), PageBreak()]
    story += [*fill(6), Paragraph("Restoration of the mill", styles["Heading2"])]
    story += [Paragraph("The restoration of Farley Mill cost 48,200 pounds and took two years.", styles["BodyText"])]
    document.build([*story, PageBreak(), *fill(3)])


def write_docx(path: Path) -> None:
    """Write a title, headings, a list and a table."""
    document = docx.Document()
    document.core_properties.title = "Tarn footbridge"
    document.core_properties.author = "Ann Bell"
    document.add_heading("Tarn footbridge", 0)
    document.add_paragraph(FILLER)
    document.add_heading("Design", 1)
    document.add_paragraph("The Tarn footbridge was designed by Edda Holm.")
    document.add_paragraph("Its deck is of oak.", style="List Bullet")
    document.add_heading("Spans", 1)
    table = document.add_table(rows=0, cols=2)
    for cells in (("span", "length"), ("north", "14 m"), ("south", "9 m")):
        for cell, text in zip(table.add_row().cells, cells, strict=True):
            cell.text = text
    document.save(str(path))


HTML = f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Street lamps in Oxley | The Post</title>
<meta property="og:title" content="Street lamps in Oxley"><meta name="author" content="Tom Hale">
<meta property="article:published_time" content="2021-03-09T07:30:00+01:00"></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/sport">Sport results of the week</a></li></ul></nav>
<div class="cookie-consent"><p>We use cookies to improve this site. <button>Accept all</button></p></div>
<aside class="advert"><p>Buy two pairs of boots at Miller's and pay for one.</p></aside>
<article><h1>Street lamps in Oxley</h1><p>{FILLER}</p><p>{MORE}</p>
<h2>The first evening</h2><p>The street lamps of Oxley were lit for the first time in 1887, on a <b>wet</b> evening
in March, and the whole town stood in the High Street to see them.</p>
<table><tr><th>Street</th><th>Lamps</th></tr><tr><td>High Street</td><td>24</td></tr>
<tr><td>Mill Lane</td><td>7</td></tr></table></article>
<footer><p>Copyright 2021 The Post. Terms of use and privacy policy.</p></footer></body></html>"""


def write_epub(path: Path) -> None:
    """Write two chapters as EPUB 3."""
    chapters = {
        "one.xhtml": f"<h1>Chapter One</h1><p>{FILLER}</p>",
        "two.xhtml": f"<h1>Chapter Two</h1><p>Nine keepers lived at Skerry lighthouse.</p><p>{FILLER}</p>",
    }
    kind = 'media-type="application/xhtml+xml"'
    items = "".join(f'<item id="{name[:3]}" href="{name}" {kind}/>' for name in chapters)
    spine = "".join(f'<itemref idref="{name[:3]}"/>' for name in chapters)
    package = f"""<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">
      <metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Island</dc:title>
      <dc:creator>Ann Bell</dc:creator><dc:language>en</dc:language><dc:date>1998-05-01</dc:date></metadata>
      <manifest>{items}<item id="nav" href="nav.xhtml" properties="nav" {kind}/></manifest>
      <spine><itemref idref="nav"/>{spine}</spine></package>"""
    container = """<?xml version="1.0"?>
      <container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>
      <rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
    page = '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("OEBPS/book.opf", package)
        archive.writestr("OEBPS/nav.xhtml", f"{page}</head><body><nav>Contents</nav></body></html>")
        for name, body in chapters.items():
            archive.writestr(f"OEBPS/{name}", f"{page}</head><body>{body}</body></html>")


def write_xlsx(path: Path) -> None:
    """Write two sheets; the second has a line of text above its table."""
    book = openpyxl.Workbook()
    first = book.active
    first.title = "Ports"
    for cells in (["port", "berths"], ["Vik", 4], ["Nes", 2]):
        first.append(cells)
    fleet = book.create_sheet("Fleet")
    for row in (["Ferries in service"], ["ferry", "passengers", "since", "full"], ["Anna", 280, date(2001, 4, 2), 0.5],
                ["Marta", 312, date(2009, 6, 30), 0.25]):  # fmt: skip
        fleet.append(row)
    fleet["D3"].number_format = fleet["D4"].number_format = "0%"
    book.save(path)


def write_pptx(path: Path) -> None:
    """Write four slides with notes: title, list, picture without text, and table."""
    deck = pptx.Presentation()
    deck.core_properties.title = "The Wester canal"
    deck.core_properties.author = "Ann Bell"
    title, words, empty, table = (deck.slides.add_slide(deck.slide_layouts[number]) for number in (0, 1, 6, 5))
    del empty
    title.shapes.title.text, title.placeholders[1].text = "The Wester canal", "A talk for members"
    words.shapes.title.text = "Locks"
    body = words.placeholders[1].text_frame
    body.text = "The canal lock at Wester is 4.6 metres deep."
    for level, item in ((0, "It has two gates:"), (1, "one of oak"), (1, "one of steel")):
        paragraph = body.add_paragraph()
        paragraph.text, paragraph.level = item, level
    words.notes_slide.notes_text_frame.text = "Tell them how the oak gate was lost."
    table.shapes.title.text = "Boats"
    cells = table.shapes.add_table(4, 3, *[pptx.util.Inches(1)] * 4).table
    for number, row in enumerate((("boat", "2023", "2024"), ("Anna", "12", "14"), ("Mary", "", "3"), ("", "7", "9"))):
        for column, text in enumerate(row):
            cells.cell(number, column).text = text
    cells.cell(2, 0).merge(cells.cell(3, 0))
    deck.save(str(path))


def write_with_pandoc(path: Path, title: str, heading: str, fact: str) -> None:
    """Write an ODT or RTF file with headings, a nested list, a table and a footnote."""
    text = f"""# {title}\n\n{FILLER}\n\n## {heading}\n\n{fact}.[^1]\n\n## Care\n\n1. Look at it.\n2. Clean it:\n
    a. with water
    b. with sand\n\n- every week\n- every month\n\n| place | depth |\n|---|---|\n| north | 14 m |\n| south | 9 m |
\n[^1]: So the rolls of the parish say.\n"""
    pypandoc.convert_text(text, path.suffix[1:], "markdown", outputfile=str(path), extra_args=["--standalone"])


SRT = """1
00:00:01,000 --> 00:00:04,000
<i>Welcome</i> to our talk
about trams &amp; their drivers.

2
01:02:05,500 --> 01:02:07,000
The depot in Malm holds

3
01:02:07,100 --> 01:02:09,000
fifty-two trams.
It was built for forty.
"""

VTT = """WEBVTT
Language: en

NOTE Checked by ear

first
00:01.000 --> 00:04.000 align:start
<v Ann Bell>Mind the step, please.

00:07.000 --> 00:09.000
<v Tom Hale>The oven of the glassworks

00:09.000 --> 00:11.000
<v Tom Hale>is heated with <c.loud>beech wood</c>.
"""


def make_mail() -> EmailMessage:
    """Return a message as text and as HTML, with an attachment."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "Ann Bell <ann@example.org>", "Tom Hale <tom@example.org>"
    mail["Subject"], mail["Date"] = "Opening of the ice rink", "Mon, 02 Oct 2023 09:15:00 +0200"
    words = "The ice rink in Bergen opens on 14 November."
    mail.set_content(f"Dear Tom,\n\n{words}\n\nAnn\n")
    mail.add_alternative(f"<html><body><p>Dear Tom,</p><p>{words}</p></body></html>", subtype="html")
    mail.add_attachment(b"plan", maintype="application", subtype="pdf", filename="plan.pdf")
    return mail
