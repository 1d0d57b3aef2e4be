"""Bad files: each gets a one-line reason, and every other file is indexed."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from index.article import Article, read_article
from index.build.generation import faults
from index.build.write import Builder
from index.errors import UnreadableSource
from index.formats.worker import Worker
from index.home import current_folder
from index.sync import sync
from tests.documents import write_docx, write_pdf, write_pptx, write_with_pandoc, write_xlsx

OLD_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


def read(path: Path, worker: Worker) -> Article:
    return read_article(path, path.name, max_bytes=100_000_000, worker=worker)[0]


def write_bomb(path: Path, member: str, megabytes: int = 300) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(member, "w") as stream:
        for _ in range(megabytes):
            stream.write(b" " * 1_000_000)


def write_part(path: Path, member: str, data: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, data)


def write_locked(path: Path) -> None:
    canvas = Canvas(str(path), encrypt=StandardEncryption("secret"))
    canvas.drawString(100, 700, "Nobody reads this.")
    canvas.save()


def write_locked_odt(path: Path) -> None:
    manifest = "<manifest><file-entry full-path='content.xml'><encryption-data/></file-entry></manifest>"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", b"\x8f\x02 not XML \xff")


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of unreadable files and one readable file."""
    folder = tmp_path_factory.mktemp("bad")
    write_pdf(folder / "cut.pdf")
    write_docx(folder / "cut.docx")
    write_xlsx(folder / "cut.xlsx")
    write_pptx(folder / "cut.pptx")
    write_with_pandoc(folder / "cut.odt", "Title", "Heading", "Some words")
    for path in sorted(folder.iterdir()):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    write_locked(folder / "locked.pdf")
    Image.new("RGB", (60, 80), "white").save(folder / "scan.pdf")
    write_bomb(folder / "bomb.docx", "word/document.xml")
    write_bomb(folder / "bomb.xlsx", "xl/workbook.xml")
    write_bomb(folder / "bomb.epub", "META-INF/container.xml")
    write_bomb(folder / "bomb.pptx", "ppt/presentation.xml")
    write_bomb(folder / "bomb.odt", "content.xml")
    write_part(folder / "broken.docx", "word/document.xml", "<w:document")
    write_part(folder / "broken.xlsx", "xl/workbook.xml", "<workbook")
    write_part(folder / "broken.epub", "META-INF/container.xml", "<container/>")
    write_part(folder / "broken.pptx", "ppt/presentation.xml", "<p:presentation")
    write_part(folder / "broken.odt", "content.xml", "no xml")
    write_part(folder / "other.odt", "content.xml", "<a><body><spreadsheet/></body></a>")
    write_part(folder / "deep.odt", "content.xml", f"<a><body><text>{'<list>' * 9_000}<p>Deep.</p>")
    write_part(folder / "deep.pptx", "ppt/presentation.xml", "<a>" * 9_000)
    write_locked_odt(folder / "locked.odt")
    (folder / "other.rtf").write_text("No rich text")
    (folder / "empty.rtf").write_text("{\\rtf1\\ansi{\\info{\\title Nothing}}{\\pict 00ff}}")
    (folder / "deep.rtf").write_text("{\\rtf1 " + "{\\b " * 100_000)
    (folder / "untimed.srt").write_text("Words without any times\n")
    (folder / "binary.vtt").write_bytes(b"WEBVTT\n\n" + bytes(range(256)) * 9)
    (folder / "old.pptx").write_bytes(OLD_WORD)
    write_part(folder / "other.docx", "readme.txt", "no document")
    (folder / "old.docx").write_bytes(OLD_WORD)
    (folder / "picture.html").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 20)
    (folder / "empty.html").write_text("<html><body></body></html>")
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "broken.json").write_text("{nope")
    (folder / "deep.json").write_text("[" * 100_000 + "]" * 100_000)
    (folder / "deep.eml").write_text(
        "Subject: x\n"
        + "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(1500))
        + "Content-Type: text/plain\n\nThe innermost part."
    )
    (folder / "none.eml").write_text("only text\n\nno message")
    (folder / "wide.csv").write_text(f"{'x' * 79},y\n" + "1,2\n" * 300_000)
    with (folder / "sparse.pdf").open("wb") as stream:
        stream.truncate(2_000_000_000)
    os.mkfifo(folder / "pipe.pdf")
    (folder / "outside.html").symlink_to("/etc/hostname")
    (folder / "loop").symlink_to(folder)
    (folder / "odd\nname 😀.html").write_text("<p>The file with the odd name is read all the same.</p>")
    return folder


REASONS = {
    "bomb.docx": "unpacks to 300 MB",
    "binary.vtt": "binary",
    "bomb.epub": "unpacks to 300 MB",
    "bomb.odt": "unpacks to 300 MB",
    "bomb.pptx": "unpacks to 300 MB",
    "bomb.xlsx": "unpacks to 300 MB",
    "broken.docx": "damaged",
    "broken.epub": "damaged",
    "broken.json": "is not JSON",
    "broken.odt": "damaged",
    "broken.pptx": "no text",
    "broken.xlsx": "damaged",
    "cut.docx": "damaged",
    "cut.odt": "damaged",
    "cut.pdf": "damaged or cut off",
    "cut.pptx": "damaged",
    "cut.xlsx": "damaged",
    "deep.eml": "nested too deeply",
    "deep.json": "nested too deeply",
    "deep.odt": "nested too deeply",
    "deep.pptx": "nested too deeply",
    "deep.rtf": "nested too deeply",
    "empty.html": "no text",
    "empty.pdf": "is not a PDF",
    "empty.rtf": "no text",
    "locked.odt": "needs a password",
    "locked.pdf": "needs a password",
    "none.eml": "is not an e-mail",
    "old.docx": "older format",
    "old.pptx": "older format",
    "other.docx": "no word/document.xml",
    "other.odt": "contains no text document",
    "other.rtf": "is not RTF",
    "outside.html": "leads out of the folder",
    "picture.html": "binary",
    "pipe.pdf": "not a regular file",
    "scan.pdf": "is a scan: its 1 page is without text",
    "sparse.pdf": "2000.0 MB, more than the limit",
    "untimed.srt": "is not a subtitle file",
    "wide.csv": "more than 20,000,000 characters",
}


def test_bad_files_have_a_reason_and_the_good_file_is_indexed(builder: Builder, bad: Path) -> None:
    report = sync(builder, [bad])
    assert report.added == ["odd\nname 😀.html"] and faults(current_folder(builder.home)) == []
    reasons = dict(report.failed)
    assert reasons.keys() == REASONS.keys()
    for source, words in REASONS.items():
        assert words in reasons[source] and "\n" not in reasons[source], f"{source} {reasons[source]}"


@pytest.mark.parametrize("opened", ["<div>", "<b>", "<table><tr><td>", "<ul><li>"])
def test_deeply_nested_html_is_read(tmp_path: Path, opened: str) -> None:
    path = tmp_path / "deep.html"
    path.write_text(f"<html><body>{opened * 100_000}The mill stands at Farley.")
    with Worker() as worker:
        assert "The mill stands at Farley." in read(path, worker).text


def test_distant_cells_and_empty_rows_are_read_quickly(tmp_path: Path) -> None:
    path = tmp_path / "far.xlsx"
    write_xlsx(tmp_path / "near.xlsx")
    rows = "".join(f'<row r="{number}"><c r="A{number}"/></row>' for number in range(5, 50_000))
    last = '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>the last cell</t></is></c></row>'
    with zipfile.ZipFile(tmp_path / "near.xlsx") as near, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as far:
        for name in near.namelist():
            data = near.read(name).decode()
            if name.endswith("sheet2.xml"):
                data = data.replace("</sheetData>", f"{rows}{last}</sheetData>")
            far.writestr(name, data)
    with Worker() as worker:
        article = read(path, worker)
    assert article.text.endswith("the last cell") and article.rows[-1].number == 1_048_576 and len(article.rows) == 6


def test_a_row_that_no_workbook_has_is_refused(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "near.xlsx")
    with zipfile.ZipFile(tmp_path / "near.xlsx") as near, zipfile.ZipFile(tmp_path / "far.xlsx", "w") as far:
        for name in near.namelist():
            data = near.read(name).decode()
            far.writestr(name, data.replace('<row r="2"', f'<row r="{"9" * 40}"') if "sheet2" in name else data)
    with Worker() as worker, pytest.raises(UnreadableSource, match="a row that no workbook has"):
        read(tmp_path / "far.xlsx", worker)


@pytest.mark.slow
def test_a_file_over_the_time_or_memory_limit_is_stopped_and_the_next_is_read(tmp_path: Path) -> None:
    good = tmp_path / "good.csv"
    good.write_text("mill,built\nFarley,1823\n")
    with Worker(seconds=0.001) as hasty, pytest.raises(UnreadableSource, match=r"takes more than 0\.001 s"):
        hasty.read(good)
    hungry = tmp_path / "hungry.json"
    hungry.write_text(f"[{'[],' * 16_000_000}[]]")
    with Worker() as worker:
        with pytest.raises(UnreadableSource, match="more than 1 GB of memory"):
            worker.read(hungry)
        assert worker.read(good).text == "mill: Farley | built: 1823"


def test_plain_text_needs_no_worker_process(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Some text that is here.")
    with Worker() as worker:
        read(path, worker)
        assert worker.process_id is None
        (tmp_path / "b.csv").write_text("mill,built\nFarley,1823\n")
        read(tmp_path / "b.csv", worker)
        first = worker.process_id
        read(tmp_path / "b.csv", worker)
        assert first is not None and worker.process_id == first


def test_entities_that_expand_without_end_are_refused(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    container = f'<!DOCTYPE c [<!ENTITY a0 "lol">{entities}]><container><rootfile full-path="&a11;"/></container>'
    write_part(tmp_path / "laughs.epub", "META-INF/container.xml", container)
    with Worker() as worker, pytest.raises(UnreadableSource, match="damaged"):
        worker.read(tmp_path / "laughs.epub")


def test_entities_and_links_never_read_other_files(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    body = "<c><body><text><p>The mill &x;<!-- of Farley -->stands.</p></text></body></c>"
    write_part(
        tmp_path / "laughs.odt",
        "content.xml",
        f'<!DOCTYPE c [<!ENTITY a0 "lol">{entities}]>{body.replace("x;", "a11;")}',
    )
    outside = '<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    write_part(tmp_path / "outside.odt", "content.xml", f"{outside}{body}")
    write_pptx(tmp_path / "whole.pptx")
    with zipfile.ZipFile(tmp_path / "whole.pptx") as whole, zipfile.ZipFile(tmp_path / "links.pptx", "w") as made:
        for name in whole.namelist():
            data = whole.read(name).decode() if name.endswith((".xml", ".rels")) else whole.read(name)
            if name == "ppt/_rels/presentation.xml.rels" and isinstance(data, str):
                data = data.replace('Target="slides/slide4.xml"', 'Target="file:///etc/hostname" TargetMode="External"')
            if name == "ppt/slides/_rels/slide2.xml.rels" and isinstance(data, str):
                data = data.replace("../notesSlides/notesSlide1.xml", "../../../../../etc/hostname")
            made.writestr(name, data)
    with Worker() as worker:
        with pytest.raises(UnreadableSource, match="entities expand without limit"):
            worker.read(tmp_path / "laughs.odt")
        text = worker.read(tmp_path / "outside.odt").text
        links = worker.read(tmp_path / "links.pptx")
    assert text == "The mill stands."
    assert len(links.pages) == 3 and "Speaker notes" not in links.text and "Boats" not in links.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_has_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "secret.html"
    path.write_text("<p>Nobody may read this.</p>")
    path.chmod(0)
    with Worker() as worker, pytest.raises(UnreadableSource, match="can't be read: Permission denied"):
        read(path, worker)
