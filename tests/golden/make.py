"""Twelve documents as people have them, and the listing of what the reader makes of each.

`python -m tests.golden.make` writes the listings anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    FrameBreak,
    NextPageTemplate,
    PageTemplate,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

from index.article import Article, read_article
from index.formats.worker import Worker
from index.text.structure import Block, structure
from tests.golden import texts

HERE = Path(__file__).parent
NAMES = (
    "two-columns.pdf",
    "invoice.pdf",
    "form.pdf",
    "minutes.txt",
    "paper.pdf",
    "slides.pptx",
    "thread.eml",
    "page.html",
    "prices.xlsx",
    "contract.docx",
    "questions.md",
    "subtitles.srt",
)
LONGEST = 100
"""Most characters of a block that its line shows."""
WIDTH, HEIGHT = A4


def write_all(folder: Path) -> None:
    """Write the twelve documents into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_columns(folder / "two-columns.pdf")
    write_invoice(folder / "invoice.pdf")
    write_form(folder / "form.pdf")
    write_paper(folder / "paper.pdf")
    write_slides(folder / "slides.pptx")
    write_prices(folder / "prices.xlsx")
    write_contract(folder / "contract.docx")
    for name, text in (
        ("minutes.txt", texts.MINUTES),
        ("thread.eml", texts.THREAD),
        ("page.html", texts.PAGE),
        ("questions.md", texts.QUESTIONS),
        ("subtitles.srt", texts.SUBTITLES),
    ):
        (folder / name).write_bytes(text.encode("utf-8"))


def write_columns(path: Path) -> None:
    """Two pages of a magazine: a title over both columns, headings, a running head and page numbers."""
    styles = getSampleStyleSheet()
    body = ParagraphStyle("body", styles["BodyText"], alignment=4, fontName="Times-Roman", fontSize=12, leading=15)

    def furnish(canvas: Canvas, document: Any) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(60, HEIGHT - 40, "The Northern Beekeeper")
        canvas.drawRightString(WIDTH - 60, HEIGHT - 40, "Spring 2024")
        canvas.drawCentredString(WIDTH / 2, 30, str(document.page + 13))

    column, top = (WIDTH - 140) / 2, HEIGHT - 60
    lefts = (60, 80 + column)
    first = [Frame(60, top - 100, WIDTH - 120, 100), *(Frame(at, 60, column, top - 170) for at in lefts)]
    later = [Frame(at, 60, column, top - 60) for at in lefts]
    document = BaseDocTemplate(str(path), pagesize=A4, title="Heather honey", author="Moira Glen", invariant=1)
    document.addPageTemplates([PageTemplate("first", first, furnish), PageTemplate("later", later, furnish)])
    story: list[Flowable] = [
        NextPageTemplate("later"),
        Paragraph("Heather honey", styles["Title"]),
        Paragraph("Moira Glen takes her hives to the moor for six weeks each year", styles["Italic"]),
        FrameBreak(),
    ]
    for heading, paragraphs in MAGAZINE:
        if heading:
            story.append(Paragraph(heading, styles["Heading2"]))
        for words in paragraphs:
            is_item = words.startswith("• ")
            style = styles["BodyText"] if is_item else body
            story.append(Paragraph(words.removeprefix("• "), style, bulletText="•" if is_item else None))
    document.build(story)


MOOR = (
    "The moor lies four hundred metres above the farm, and the road up to it is steep and full of holes. I load the "
    "hives in the evening, when all bees are at home, and close them with foam. The van leaves at three in the "
    "morning, so that the sun never shines on a closed hive. By five they stand on their pallets and the bees fly out."
)
KEEPING = (
    "Heather honey is a jelly. It sets in the comb and does not run out when the comb is spun, so every frame has to "
    "be pressed or loosened with needles first. A press holds eight frames and takes an hour to empty. What comes out "
    "is the colour of dark amber, with small bubbles that never rise, and it smells of smoke and of flowers."
)
YIELD = (
    "In a good year a hive brings home fourteen kilograms, in a wet one nothing at all. In 2021 it rained on nineteen "
    "of the forty-two days, and I had to feed sugar to bees that stood in a sea of flowers. The year after was the "
    "best that anyone here remembers: my twelve hives gave one hundred and ninety-two kilograms between them."
)
WEATHER = (
    "Heather gives nectar only when the ground is damp and the air is warm, above eighteen degrees and without much "
    "wind. Two such days in a row are enough to fill a super. I look at the weather of the coast rather than at that "
    "of the town, since the moor gets its rain from the sea."
)
QUEENS = (
    "Old queens stop laying when the nights grow cold on the hill, and a hive without brood has no reason to gather. I "
    "give each hive a queen of the same summer at the end of June. Those that are bred from our own dark bees do best, "
    "since they fly at ten degrees and do not mind drizzle."
)
HOME = (
    "On the last Sunday of September the hives come home. They are a third heavier; it takes two people to lift one. "
    "I weigh each, write the weight on its roof and give it a strip against mites on the same evening, for a week "
    "later the bees sit too close together. What they have kept in the brood box stays there. Heather honey is hard "
    "to digest in winter, so each hive gets five litres of syrup on top."
)
NEIGHBOURS = (
    "The moor belongs to the Hartley estate, which lets us use four places for a jar of honey. The gamekeeper wants "
    "to know the day on which we come and the day on which we leave. In August there are shoots, and on those days "
    "nobody may walk up to the hives before four in the afternoon. In nine years we had one quarrel, about a gate."
)
STRAINING = (
    "Pressed honey is full of wax and pollen. It passes first through a coarse sieve, then through a cloth that was "
    "boiled. After two days in the tank the foam on top is taken off with a spoon, and the honey is stirred with an "
    "open whisk before it is filled into jars. Heat would ruin it: above forty degrees it loses its smell within hours."
)
MAGAZINE = (
    ("", [MOOR, WEATHER]),
    ("Getting ready", [
        "A hive that goes to the moor needs a young queen, nine frames of brood and ten kilograms of food. Before the "
        "trip I check each one:",
        "• the straps are tight",
        "• the entrance is closed with foam",
        "• the mesh on top lets in air",
        QUEENS,
    ]),
    ("On the moor", [YIELD, NEIGHBOURS]),
    ("Coming home", [HOME]),
    ("The press", [KEEPING, "A press costs about four hundred pounds. Ours is shared by five members.", STRAINING]),
    ("What the honey is sold for", [
        "A jar of 340 grams is sold for eleven pounds at the market of Alderby, twice as much as blossom honey. "
        "Most of it goes to people who come back each year.",
        "In the shops of the town it costs fourteen pounds. I sell little there, since they pay after three months.",
        "Whoever wants to go along next year can write to me before May. There is room for six more hives.",
    ]),
)  # fmt: skip


def write_invoice(path: Path) -> None:
    """One page: two addresses beside each other, a ruled table, totals at its foot, terms of payment."""
    styles = getSampleStyleSheet()
    small = styles["BodyText"]
    sender = "Larch &amp; Finch Joinery<br/>8 Canal Yard<br/>Millbrook ML4 2QT<br/>VAT no. 318 4471 20"
    receiver = "Bill to:<br/>Oakdene Primary School<br/>Mrs Carol Hines<br/>2 School Lane<br/>Millbrook ML1 7BD"
    said = [["Invoice no.", "2024-0117"], ["Invoice date", "3 April 2024"], ["Due date", "3 May 2024"],
            ["Your order", "OPS-88"]]  # fmt: skip
    rows: list[list[Any]] = [
        ["Pos.", "Description", "Qty", "Unit price", "Amount"],
        ["1", "Bookshelf, birch, 180 x 90 cm", "4", "£215.00", "£860.00"],
        ["2", Paragraph("Bench with storage, oak, made to measure for the reading corner", small), "2", "£340.00",
         "£680.00"],
        ["3", "Coat hooks, set of ten", "6", "£18.50", "£111.00"],
        ["4", "Delivery and assembly", "1", "£120.00", "£120.00"],
        ["Subtotal", "", "", "", "£1,771.00"],
        ["VAT 20%", "", "", "", "£354.20"],
        ["Total due", "", "", "", "£2,125.20"],
    ]  # fmt: skip
    top = ("VALIGN", (0, 0), (-1, -1), "TOP")
    spans = [("SPAN", (0, row), (3, row)) for row in (5, 6, 7)]
    ruled = [
        ("GRID", (0, 0), (-1, -1), 0.5, colors.black),
        ("BACKGROUND", (0, 0), (-1, 0), colors.lightgrey),
        ("FONT", (0, 0), (-1, 0), "Helvetica-Bold"),
        ("FONT", (0, 7), (-1, 7), "Helvetica-Bold"),
        ("ALIGN", (2, 0), (-1, -1), "RIGHT"),
        ("ALIGN", (0, 5), (3, 7), "RIGHT"),
        top,
    ]
    story: list[Flowable] = [
        Table([[Paragraph(sender, small), Paragraph("INVOICE", styles["Title"])]], [260, 200]),
        Spacer(0, 20),
        Table([[Paragraph(receiver, small), Table(said, [80, 100])]], [260, 200], style=[top]),
        Spacer(0, 24),
        Table(rows, [40, 220, 40, 75, 75], style=[*ruled, *spans]),
        Spacer(0, 20),
        Paragraph("Payment terms", styles["Heading3"]),
        Paragraph("Please pay within 30 days by bank transfer and quote the number of the invoice. After the due date "
                  "we charge interest of 8% a year.", small),
        Paragraph("Bank: Millbrook Savings Bank<br/>Sort code: 00-11-22<br/>Account: 12345678", small),
    ]  # fmt: skip
    SimpleDocTemplate(str(path), pagesize=A4, title="Invoice 2024-0117", invariant=1).build(story)


def write_form(path: Path) -> None:
    """One page that is filled in: values on lines and in boxes, ticked boxes, and two fields of a form to type into."""
    page = Canvas(str(path), A4, invariant=1)
    page.setTitle("Application for a mooring")
    page.setFont("Helvetica-Bold", 16)
    page.drawString(60, 780, "Application for a mooring")
    page.setFont("Helvetica", 9)
    page.drawString(60, 762, "Harbour office of Port Elden. Please write in capital letters.")
    y = _section(page, 730, "1. Owner")
    for label, value in (("Surname:", "HALVERS"), ("First name:", "JON"), ("Date of birth:", "17 May 1979"),
                         ("Telephone:", "01632 960 355")):  # fmt: skip
        page.setFont("Helvetica", 10)
        page.drawString(60, y, label)
        page.setFont("Courier", 11)
        page.drawString(170, y, value)
        page.line(168, y - 3, 420, y - 3)
        y -= 22
    y = _section(page, y - 12, "2. Boat")
    boxes = (("Name of the boat", "SEA THRIFT"), ("Length (m)", "8.4"), ("Draught (m)", "1.3"), ("Built", "1998"))
    for at, (label, value) in enumerate(boxes):
        left = 60 + 120 * at
        page.rect(left, y - 22, 115, 34)
        page.setFont("Helvetica", 7)
        page.drawString(left + 4, y + 3, label)
        page.setFont("Courier", 11)
        page.drawString(left + 4, y - 15, value)
    y -= 50
    page.setFont("Helvetica", 10)
    page.drawString(60, y, "Type of boat:")
    for at, (label, ticked) in enumerate((("Sailing boat", True), ("Motor boat", False), ("Rowing boat", False))):
        left = 170 + 110 * at
        page.rect(left, y - 1, 9, 9)
        if ticked:
            page.drawString(left + 1.3, y, "X")
        page.drawString(left + 16, y, label)
    y = _section(page, y - 34, "3. Mooring")
    for label, value in (("Wanted from", "1 May 2024"), ("Wanted until", "30 September 2024"),
                         ("Electricity", "[x] yes   [ ] no"), ("Remarks", "Near the slipway, please.")):  # fmt: skip
        page.setFont("Helvetica", 10)
        page.drawString(60, y, label)
        page.drawString(170, y, value)
        y -= 20
    y = _section(page, y - 14, "4. For the office")
    page.setFont("Helvetica", 10)
    page.drawString(60, y, "Berth given:")
    page.acroForm.textfield(name="berth", value="C 14", x=170, y=y - 5, width=100, height=18)
    page.drawString(300, y, "Fee paid:")
    page.acroForm.checkbox(name="paid", checked=True, x=360, y=y - 4, size=14)
    page.drawString(60, y - 50, "Place, date: Port Elden, 11 March 2024")
    page.drawString(330, y - 50, "Signature: J. Halvers")
    page.showPage()
    page.save()


def _section(page: Canvas, y: float, title: str) -> float:
    page.setFont("Helvetica-Bold", 12)
    page.drawString(60, y, title)
    return y - 24


def write_paper(path: Path) -> None:
    """Two pages of a paper: abstract, numbered headings, footnotes below a rule, a caption, references."""
    styles = getSampleStyleSheet()
    body = ParagraphStyle("body", styles["BodyText"], alignment=4, fontName="Times-Roman", fontSize=11, leading=14)

    def furnish(canvas: Canvas, document: Any) -> None:
        canvas.line(72, 122, 200, 122)
        canvas.setFont("Times-Roman", 8.5)
        y = 110
        for mark, lines in FOOTNOTES[document.page - 1]:
            canvas.setFont("Times-Roman", 6)
            canvas.drawString(72, y + 3, mark)
            canvas.setFont("Times-Roman", 8.5)
            for line in lines:
                canvas.drawString(77, y, line)
                y -= 11
        canvas.drawCentredString(WIDTH / 2, 40, str(document.page))

    frame = Frame(66, 130, WIDTH - 132, HEIGHT - 190)
    document = BaseDocTemplate(str(path), pagesize=A4, title="Tides in the Elden estuary", invariant=1)
    document.addPageTemplates([PageTemplate("one", [frame], furnish)])
    story: list[Flowable] = [
        Paragraph("Tides in the Elden estuary, 1850 to 1950", styles["Title"]),
        Paragraph("Clara Voss and Ibrahim Sane", ParagraphStyle("by", body, alignment=1)),
        Paragraph("Institute of Coastal History, Port Elden", ParagraphStyle("at", body, alignment=1)),
    ]
    for style, words in PAPER:
        story.append(Paragraph(words, body if style == "body" else styles[style]))
    document.build(story)


FOOTNOTES = (
    (("1", ["The books are kept in the town archive of Port Elden, shelf H 12 to H 31."]),
     ("2", ["One Elden foot is 0.2986 metres. All heights below are in metres above the zero of the gauge of 1850,",
            "which lies 0.41 metres below that of today."])),
    (("3", ["Sane (1998) comes to 0.19 metres with another method."]),),
)  # fmt: skip
LONG = (
    "The gauge stood at the end of the old pier, where a keeper read it four times a day and wrote the height into a "
    "book with the wind and the weather. In winter the readings of the night are missing on about one day in nine, "
    "most often in storms, so that the highest tides are those of which we know least."
)
PAPER = (
    ("Heading3", "Abstract"),
    ("body", "We read 146,000 heights of the tide from the books of the harbour masters. Between 1850 and 1950 the "
             "mean high tide rose by 0.21 metres. Half of this rise came in the eight years after the "
             "dredging of the bar in 1897, and two fifths of it before the first steamer came."),
    ("Heading2", "1 Introduction"),
    ("body", "Few harbours of this coast have kept their books<super>1</super> as well as Port Elden. " + LONG),
    ("body", "Earlier work used the printed tables, which give heights in Elden feet<super>2</super> and round them to "
             "the nearest quarter. We went back to the books themselves."),
    ("Heading2", "2 Method"),
    ("Heading3", "2.1 Reading the books"),
    ("body", "Two people read each page, and a third decided where they differed, which happened for 1.7% of heights. "
             + LONG),
    ("Heading3", "2.2 Gaps"),
    ("body", "A gap of one tide was filled with the mean of its neighbours; longer ones were left open. " + LONG),
    ("body", LONG),
    ("Heading2", "3 Results"),
    ("body", "The mean high tide was 3.12 metres in the decade from 1850 and 3.33 metres in that from 1940, a rise of "
             "0.21 metres.<super>3</super> Figure 1 shows that it was not steady."),
    ("Italic", "Figure 1. Mean high tide by decade. The dashed line marks the dredging of 1897."),
    ("body", LONG),
    ("body", "After the dredging the tide also came earlier, by eleven minutes at the town bridge. " + LONG),
    ("Heading2", "References"),
    ("body", "[1] A. Quill. <i>Harbours and their books</i>. Elden Press, 1987."),
    ("body", "[2] I. Sane. Sea level from printed tables. <i>Journal of Coasts</i> 14, 1998, pp. 201-219."),
    ("body", "[3] C. Voss. The dredging of the bar. <i>Port Elden Papers</i> 3, 2005, pp. 7-32."),
)  # fmt: skip


def write_slides(path: Path) -> None:
    """Five slides: a title, bullets in bullets with notes, two columns, a table, and words in a box of their own."""
    deck = pptx.Presentation()
    deck.core_properties.title = "Night bus review"
    deck.core_properties.author = "Dana Wirth"
    title, bullets, columns, table, close = (deck.slides.add_slide(deck.slide_layouts[at]) for at in (0, 1, 4, 5, 1))
    title.shapes.title.text, title.placeholders[1].text = "Night bus review", "Council of Harlow, 6 February 2024"
    bullets.shapes.title.text = "What we found"
    _fill(bullets.placeholders[1].text_frame, [
        (0, "Ridership fell by 18% in three years"),
        (1, "Line N2 lost most: 31%"),
        (1, "Line N5 grew, thanks to the hospital"),
        (0, "Half of all trips are on Friday and Saturday"),
        (0, "Drivers feel less safe after two o'clock"),
    ])  # fmt: skip
    bullets.notes_slide.notes_text_frame.text = "Say that 2021 was a year of closed bars.\nShow the map if asked."
    columns.shapes.title.text = "Two ways forward"
    columns.placeholders[1].text, columns.placeholders[3].text = "Keep the lines", "Buses on call"
    _fill(columns.placeholders[2].text_frame, [(0, "Costs 410,000 a year"), (0, "Needs no new law")])
    _fill(columns.placeholders[4].text_frame, [(0, "Costs 290,000 a year"), (0, "Needs an app and a telephone line")])
    table.shapes.title.text = "Passengers by line"
    rows = (("Line", "2021", "2022", "2023"), ("N1", "41,200", "39,800", "38,100"),
            ("N2", "52,600", "43,900", "36,300"), ("N5", "18,000", "20,400", "23,700"))  # fmt: skip
    inch = pptx.util.Inches(1)
    cells = table.shapes.add_table(4, 4, inch, 2 * inch, 6 * inch, 2 * inch).table
    for number, row in enumerate(rows):
        for at, words in enumerate(row):
            cells.cell(number, at).text = words
    box = table.shapes.add_textbox(inch, 5 * inch, 6 * inch, inch)
    box.text_frame.text = "Source: ticket machines, without season tickets"
    close.shapes.title.text = "Next steps"
    _fill(close.placeholders[1].text_frame, [(0, "Ask residents in March"), (0, "Decide on 14 May")])
    close.notes_slide.notes_text_frame.text = "The survey costs 3,000."
    deck.save(str(path))


def _fill(frame: Any, items: Sequence[tuple[int, str]]) -> None:
    for number, (depth, words) in enumerate(items):
        paragraph = frame.add_paragraph() if number else frame.paragraphs[0]
        paragraph.text, paragraph.level = words, depth


def write_prices(path: Path) -> None:
    """A title, two rows of headers with merged cells, merged names of groups, a note; a second sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Prices 2024"
    for row in (
        ["Garden centre Ashby: price list from 1 March 2024"],
        [],
        ["Group", "Article", "Retail", None, "Trade", None],
        [None, None, "single", "box of 10", "single", "box of 10"],
        ["Pots", "Clay pot 12 cm", 2.4, 21, 1.9, 17],
        [None, "Clay pot 20 cm", 4.8, 43, 3.9, 35],
        [None, "Glazed pot 20 cm", 9.5, 88, 7.6, 70],
        ["Soil", "Seed compost 10 l", 3.2, None, 2.6, None],
        [None, "Peat-free soil 40 l", 7.9, None, 6.4, None],
        ["Tools", "Hand fork", 6, 55, 4.8, 44],
        [],
        ["All prices in euros with 19% tax. Trade prices only with a card."],
    ):
        sheet.append(row)
    for cells in ("A1:F1", "A3:A4", "B3:B4", "C3:D3", "E3:F3", "A5:A7", "A8:A9", "A12:F12"):
        sheet.merge_cells(cells)
    for cells in sheet["C5:F10"]:
        for cell in cells:
            cell.number_format = "0.00"
    other = book.create_sheet("Delivery")
    for row in (["Zone", "Places", "Charge"], ["A", "Ashby, Thorpe", 0], ["B", "Lower Wick, Marl", 12.5],
                ["C", "all others", "on request"]):  # fmt: skip
        other.append(row)
    book.save(path)


NUMBERING = f"""<w:abstractNum {nsdecls("w")} w:abstractNumId="90"><w:multiLevelType w:val="multilevel"/>
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/></w:lvl>
<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%3)"/></w:lvl>
</w:abstractNum>"""
CLAUSES = (
    (0, "Definitions"),
    (1, '"Premises" means the ground floor and the yard of 14 Tanner Street, Wexcombe.'),
    (1, '"Term" means the five years that begin on 1 July 2024.'),
    (0, "Rent"),
    (1, "The Tenant pays a rent of 1,450 pounds a month, on the first day of each month."),
    (1, "The rent rises once a year, on 1 July, by the smaller of:"),
    (2, "the rise of the index of consumer prices over the year before; and"),
    (2, "three per cent."),
    (1, "On rent that is more than fourteen days late the Tenant pays interest of five per cent a year."),
    (0, "Use of the Premises"),
    (1, "The Tenant may use the Premises as a workshop for the repair of bicycles."),
    (1, "The Tenant must not:"),
    (2, "let the Premises, or a part of them, to others;"),
    (2, "store fuel or gas on the Premises; or"),
    (2, "make noise that is heard in the street between 20:00 and 07:00."),
    (0, "End of the lease"),
    (1, "Either party may end this lease after the third year with notice of six months in writing."),
    (1, "Clause 2.3 goes on to apply after the end of the lease."),
)


def write_contract(path: Path) -> None:
    """A lease: parties, clauses that Word numbers at three levels, a schedule as table, signatures."""
    document = docx.Document()
    document.core_properties.title = "Lease of 14 Tanner Street"
    document.core_properties.author = "Bray & Cole Solicitors"
    document.sections[0].header.paragraphs[0].text = "Draft 3"
    document.add_heading("LEASE AGREEMENT", 0)
    document.add_paragraph("This lease is made on 3 June 2024 between:")
    document.add_paragraph('(1) Edith Marlowe of 5 Church Row, Wexcombe (the "Landlord"); and')
    document.add_paragraph('(2) Spoke & Chain Ltd, company number 00712345 (the "Tenant").')
    numbering = document.part.numbering_part.element
    numbering.insert(0, parse_xml(NUMBERING))
    number = numbering.add_num(90).numId
    for level, words in CLAUSES:
        paragraph = document.add_paragraph()
        paragraph.add_run(words).bold = level == 0
        marks = paragraph._p.get_or_add_pPr().get_or_add_numPr()
        marks.get_or_add_ilvl().val, marks.get_or_add_numId().val = level, number
    document.add_heading("Schedule: things that stay in the Premises", 1)
    table = document.add_table(rows=0, cols=3)
    for cells in (("Thing", "Number", "State"), ("Work bench", "2", "worn"), ("Air compressor", "1", "good"),
                  ("Strip light", "6", "one broken")):  # fmt: skip
        for cell, text in zip(table.add_row().cells, cells, strict=True):
            cell.text = text
    document.add_paragraph("Signed by the Landlord: ____________________")
    document.add_paragraph("Signed for the Tenant: ____________________")
    document.save(str(path))


def read_all(folder: Path) -> dict[str, Article]:
    """Read the documents in the folder as the index does."""
    with Worker() as worker:
        return {name: read_article(folder / name, name, max_bytes=20_000_000, worker=worker)[0] for name in NAMES}


def golden(name: str) -> Path:
    """Where the listing of a document lies."""
    return HERE / f"{Path(name).stem}.txt"


def listing(article: Article) -> str:
    """What the article says of itself, its blocks, a line each, and its text."""
    published = article.published.when if article.published else "-"
    said = [
        f"source: {article.source}",
        f"title: {article.title} ({article.title_origin})",
        f"author: {article.author or '-'}",
        f"published: {published}",
        f"language: {article.language or '-'}",
    ]
    lines = [_line(article, number, block) for number, block in enumerate(structure(article.text).blocks)]
    return "\n".join(
        [*said, "", "== blocks: number kind level [place] <parent", *lines, "", "== text", article.text, ""]
    )


def _line(article: Article, number: int, block: Block) -> str:
    page = article.page(block.start)
    place = " ".join(filter(None, (f"p{page}" if page else "", article.place(block.start, block.end))))
    parent = "-" if block.parent is None else block.parent
    words = article.text[block.start : block.end].replace("\n", "⏎")
    return f"{number} {block.kind} {block.level} [{place}] <{parent} {words[:LONGEST]}"


def main() -> None:
    """Write the listings anew."""
    with tempfile.TemporaryDirectory() as folder:
        write_all(Path(folder))
        for name, article in read_all(Path(folder)).items():
            golden(name).write_text(listing(article), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
