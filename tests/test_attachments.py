"""What is attached to an e-mail is read with it, each file as a section under its name, within limits."""

from __future__ import annotations

import io
from email.message import EmailMessage
from pathlib import Path

import docx
import openpyxl
from reportlab.pdfgen.canvas import Canvas

from index.article import article_of
from index.chunk import ChunkLimits, chunk
from index.formats import attachments, mail
from index.formats.worker import Worker


def letter(subject: str, words: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"] = "Tom Hale <tom@elden.example>", "Ida Kerr <ida@elden.example>"
    made["Subject"], made["Date"] = subject, "Sat, 04 May 2024 10:00:00 +0000"
    made.set_content(words)
    return made


def a_pdf(words: str) -> bytes:
    stream = io.BytesIO()
    canvas = Canvas(stream)
    canvas.drawString(60, 780, words)
    canvas.save()
    return stream.getvalue()


def a_docx() -> bytes:
    document = docx.Document()
    document.add_heading("Lease", 1)
    document.add_heading("Rent", 2)
    document.add_paragraph("The rent is 1,450 pounds a month.")
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def a_workbook() -> bytes:
    book = openpyxl.Workbook()
    for name, rows in (("Prices", [("Thing", "Price"), ("Rope", 12), ("Lamp", 30)]), ("Berths", [("Berth", "Boat")])):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        sheet.append(("C 14", "Sea Thrift"))
    del book["Sheet"]
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def attach(message: EmailMessage, data: bytes, name: str) -> None:
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)


def test_attachments_are_sections_of_their_mail(tmp_path: Path) -> None:
    inner = letter("Keys", "The keys lie under the third stone.")
    attach(inner, a_pdf("The stone is grey."), "stone.pdf")
    message = letter("Papers for the mooring", "Here are the papers.")
    attach(message, a_docx(), "C:\\papers\\lease.docx")
    attach(message, a_workbook(), "prices.xlsx")
    message.add_attachment("Bring *two* ropes.", filename="notes.txt")
    message.add_attachment(inner)
    attach(message, b"\x89PNG", "photo.png")
    attach(message, b"plan", "plan.pdf")
    (tmp_path / "papers.eml").write_bytes(message.as_bytes())
    with Worker() as worker:
        content = worker.read(tmp_path / "papers.eml")
    assert content.title == "Papers for the mooring"
    head, _, attached = content.text.partition("\n\nHere are the papers.\n\n")
    assert head.startswith("# Papers for the mooring\n\nFrom: Tom Hale")
    assert attached.split("\n\n") == [
        "## Attachment: lease.docx",
        "### Lease",
        "#### Rent",
        "The rent is 1,450 pounds a month.",
        "## Attachment: prices.xlsx",
        "### Prices",
        "Thing: Rope | Price: 12",
        "Thing: Lamp | Price: 30",
        "Thing: C 14 | Price: Sea Thrift",
        "### Berths",
        "Berth: C 14 | Boat: Sea Thrift",
        "## Attachment: notes.txt",
        "Bring *two* ropes.",
        "## Attachment: Keys.eml",
        "### Keys",
        "From: Tom Hale <tom@elden.example> | To: Ida Kerr <ida@elden.example> | Date: Sat, 04 May 2024 10:00:00 +0000",
        "The keys lie under the third stone.",
        "#### Attachment: stone.pdf",
        "The stone is grey.",
    ]
    assert content.notes == (
        "its attachment plan.pdf is left out: it is not a PDF, despite its name: rename it, or save it as PDF",
        "its attachments are not read: photo.png",
    )
    chunks = chunk(article_of("papers.eml", content), ChunkLimits(len, len, pieces=900, tokens=400))
    rent = next(one for one in chunks if "1,450" in one.text)
    assert "Attachment: lease.docx > Lease > Rent" in rent.heading


def test_a_mail_without_words_of_its_own_is_what_is_attached(tmp_path: Path) -> None:
    message = letter("Scan", "")
    attach(message, a_pdf("The fee is 40 euros a week."), "fees.pdf")
    (tmp_path / "scan.eml").write_bytes(message.as_bytes())
    assert mail.read(tmp_path / "scan.eml").text.endswith("## Attachment: fees.pdf\n\nThe fee is 40 euros a week.")


def test_attachments_beyond_the_limits_are_told(tmp_path: Path) -> None:
    message = letter("Many", "A lot of notes.")
    for number in range(attachments.MOST + 2):
        message.add_attachment(f"Note {number} says this.", filename=f"note {number}.txt")
    (tmp_path / "many.eml").write_bytes(message.as_bytes())
    content = mail.read(tmp_path / "many.eml")
    assert content.text.count("## Attachment: ") == attachments.MOST and "Note 29 says" in content.text
    assert content.notes == tuple(
        f"its attachment note {number}.txt is left out: it exceeds the limit of {attachments.MOST} attachments"
        for number in (attachments.MOST, attachments.MOST + 1)
    )
    deep = letter("Innermost", "The treasure is here.")
    for number in range(attachments.DEEPEST + 1):
        outer = letter(f"Level {number}", "See what is attached.")
        outer.add_attachment(deep)
        deep = outer
    (tmp_path / "deep.eml").write_bytes(deep.as_bytes())
    content = mail.read(tmp_path / "deep.eml")
    assert "treasure" not in content.text and "Level 0" in content.text
    assert content.notes == ("its attachment Innermost.eml is left out: it is nested in more than 3 mails",)


def test_mails_attached_as_files_count_within_the_limits_of_the_outer_mail(tmp_path: Path) -> None:
    inner = letter("Innermost", "The key is under the mat.")
    for depth in range(5):
        outer = letter(f"Mail {depth}", f"See what is attached, number {depth}.")
        attach(outer, inner.as_bytes(), "message.eml")
        inner = outer
    (tmp_path / "letter.eml").write_bytes(inner.as_bytes())
    read = mail.read(tmp_path / "letter.eml")
    assert "number 1" in read.text and "under the mat" not in read.text
    assert any("is nested in more than 3 mails" in note for note in read.notes)


def test_a_malformed_name_of_an_attachment_spoils_no_mail(tmp_path: Path) -> None:
    outer = letter("Keys", "The key is under the mat.")
    attach(outer, b"Ring twice.", "note.txt")
    data = outer.as_bytes().replace(b'filename="note.txt"', b"filename*0*")
    assert data != outer.as_bytes()
    (tmp_path / "letter.eml").write_bytes(data)
    assert "under the mat" in mail.read(tmp_path / "letter.eml").text
