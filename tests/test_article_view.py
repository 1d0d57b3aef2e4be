"""The page of an article: the words of its text and no others, the quote marked in them and on a page's picture."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfbase.pdfmetrics import getAscentDescent, stringWidth
from reportlab.pdfgen.canvas import Canvas

from benchmarks.served import served
from index.article import Article, article_of, make_article
from index.build.generation import open_current
from index.build.write import Builder
from index.errors import UnreadableSource
from index.formats.content import Content, Row
from index.formats.pdf_view import TALLEST, WIDEST, matched
from index.formats.worker import Worker
from index.sources.originals import Original, Originals
from index.sources.roots import register_roots
from index.stamps import stamp_of
from index.sync import sync
from rag.ui.article import AROUND, File, MarkedPlace, article_page, stretch
from rag.ui.reading import Viewer, _Busy
from rag.ui.typeset import Part, TextRun, typeset

# --- the words of the text --------------------------------------------------------------------------------------------

LINES = st.sampled_from(
    [
        "## Results of the year",
        "# Mills #",
        "The wheel turns when the river is high, and in dry summers a horse helps.",
        "and goes on here",
        "- rye",
        "  - wheat, **stone ground**",
        "• a bullet of another kind",
        "12. the twelfth",
        "apple: Ribston | harvest: 740 kg",
        "apple: Cox | harvest: 12 kg",
        "apple: Cox",
        "one | two",
        "| a | b |",
        "|---|:-:|",
        "| *c* | `d` |",
        "---",
        "===",
        "```",
        "x = [1]  # a note",
        "Date: 7 October 2024",
        "By Anna Brook",
        "Subscribe to our newsletter",
        "    indented by four",
        "a **bold** word, __one__ more, *leaning* and `code`; 2*3*4 and snake_case_name",
    ]
)
TEXTS = st.lists(
    st.one_of(LINES, LINES, LINES, st.text(max_size=30)).flatmap(
        lambda line: st.sampled_from(["\n", "\n\n", "\r\n"]).map(lambda end: line + end)
    ),
    min_size=1,
    max_size=14,
).map("".join)
# What may stand between the words that are shown.
STRUCTURE = re.compile(
    r"#{1,6}|[•◦▪‣·*+-]|\*\*|__|`|\*|(?:\*\*|__|`|\*){2}|[-=_*\s]{3,}|[|:\s-]+|(?:```|~~~)[^\n]*|\\?\|"
    r"|(?:[-=]{3,}|[|:\s-]+)?\s*(?:```|~~~)[^\n]*|(?:```|~~~)[^\n]*\s*(?:```|~~~)[^\n]*"
)


class Reader(HTMLParser):
    """The words of an article's page as (letter, marked), in order; those of its heading apart."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[tuple[str, bool]] = []
        self.words: list[tuple[str, bool]] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self._open: list[tuple[str, str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [str(given["id"])] if "id" in given else []
        if tag not in ("meta", "link", "img", "hr", "rect"):
            self._open.append((tag, given.get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in (one for one, _ in self._open):
            assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        names = {name for _, name in self._open}
        tags = {tag for tag, _ in self._open}
        if tags & {"summary", "caption"} or names & {"fn-name", "fn-page-name", "fn-note"}:
            return
        letters = [(letter, "mark" in tags) for letter in data if not letter.isspace()]
        if "fn-said" in names:
            self.title += letters
        elif "fn-text" in names:
            self.words += letters


def runs_of(part: Part) -> list[TextRun]:
    return [*part.runs, *(run for row in part.rows for cell in row for run in cell)]


def printed(text: str) -> str:
    """What HTML can show of letters, without white space."""
    kept = "".join(" " if letter.isspace() else letter for letter in text)
    return "".join(kept.split())


STORABLE = TEXTS.map(lambda text: re.sub(r"[^\n\r\t -~•]", "x", text))


@settings(max_examples=250, deadline=None)
@given(STORABLE, st.booleans())
def test_nothing_is_left_out_but_marks_of_structure(text: str, markdown: bool) -> None:
    parts = typeset(text, markdown=markdown)
    at = 0
    for part in parts:
        for run in sorted(runs_of(part), key=lambda run: run.start):
            assert at <= run.start <= run.end <= len(text)
            check_gap(text[at : run.start], part)
            at = run.end
        check_gap(text[at : part.end], part)
        at = max(at, part.end)
    assert not text[at:].strip()


def check_gap(gap: str, part: Part) -> None:
    words = gap.strip()
    if part.kind == "table" and words.removeprefix("|").strip().removesuffix(":") in part.names:
        return
    pieces = words.split()
    assert not words or STRUCTURE.fullmatch(words) or all(map(STRUCTURE.fullmatch, pieces)), (gap, part)
    assert not words or part.kind in ("heading", "title", "item", "table", "code", "rule") or set(words) <= set("*_`")


@settings(max_examples=250, deadline=None)
@given(STORABLE, st.booleans(), st.data())
def test_the_page_says_the_words_in_order_and_marks_those_of_the_quote(
    text: str, markdown: bool, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    article = make_article("mill.md" if markdown else "mill.txt", text)
    read = Reader(article_page(article, MarkedPlace(start, end), File()))
    shown = [run for part in typeset(text, markdown=markdown) for run in runs_of(part)]
    wanted = [(text[at], start <= at < end) for run in shown for at in range(run.start, run.end)]
    wanted = [(letter, marked) for letter, marked in wanted if not letter.isspace()]
    title = len(read.title)
    before = next((at for at in range(len(wanted) + 1) if wanted[at : at + title] == read.title), None)
    assert before is not None and read.words == wanted[:before] + wanted[before + title :]
    assert read.ids.count("quote") <= 1
    assert not any(marked for _, marked in wanted) or read.ids.count("quote") == 1


def test_a_quote_over_a_heading_paragraphs_and_a_table_is_marked_in_each() -> None:
    text = (
        "Mills\n\nAll about mills.\n\n## The wheel\n\nIt turns.\n\n- rye\n- wheat\n\na: 1 | b: 2\n\na: 3 | b: 4\n\nEnd."
    )
    start, end = text.index("wheel"), text.index("4") + 1
    page = article_page(
        make_article("mill.md", text), MarkedPlace(start, end, answers=((start + 7, start + 9),)), File()
    )
    assert '<h2 id="at-25" dir="auto">The <mark id="quote">wheel</mark></h2>' in page
    assert page.count("<mark") == 8 and page.count('id="quote"') == 1
    assert '<th scope="col" class="fn-name" dir="auto">a</th>' in page and '<td dir="auto"><mark>3</mark></td>' in page
    assert "##" not in page and "&#35;&#35;" not in page and "&#124;" not in page
    assert "End" in page and "<script" not in page


def test_a_quote_of_signs_alone_has_a_place_to_go_to_all_the_same() -> None:
    text = "Mills\n\nAll about mills.\n\n## The wheel\n\nIt turns."
    at = text.index("##")
    page = article_page(make_article("mill.md", text), MarkedPlace(at, at + 2), File())
    assert '<h2 id="at-25" dir="auto"><span id="quote"></span>The wheel</h2>' in page and "<mark" not in page


def test_rows_are_a_table_only_with_the_same_columns() -> None:
    def kinds(text: str, sheets: dict[int, str] | None = None) -> list[tuple[str, int]]:
        return [(part.kind, len(part.rows)) for part in typeset(f"Prose stands here.\n\n{text}", sheets=sheets)]

    prose = ("paragraph", 0)
    assert kinds("a: 1 | b: 2\n\na: 3 | b: 4\n\na: 5 | b: 6")[1:] == [("table", 3)]
    assert kinds("a: 1 | b: 2\n\nc: 3 | d: 4")[1:] == [prose, prose]
    assert kinds("a: 1 | b: 2\n\nplain words, a sentence.\n\na: 3 | b: 4")[1:] == [prose] * 3
    text = "a: 1 | b: 2\n\nb: 2\n\na: 1 | b: 2"
    rows = article_of("t.xlsx", Content(text, rows=(Row(0, "One", 2), Row(13, "One", 3), Row(19, "Two", 2))))
    page = article_page(rows, MarkedPlace(13, 17), File())
    assert page.count("<table") == 1 and "<caption>One</caption>" in page and '<td dir="auto"></td>' in page


def test_items_in_items_are_a_list_in_their_item() -> None:
    text = "# Bread\n\nIn short.\n\n1. Mix:\n    - rye\n    - water\n2. Bake.\n\nEnd."
    page = article_page(make_article("bread.md", text), MarkedPlace(), File())
    inner = '<ul><li dir="auto">rye</li><li dir="auto">water</li></ul>'
    outer = f'<ul><li class="fn-own" dir="auto">1. Mix:{inner}</li><li class="fn-own" dir="auto">2. Bake.</li></ul>'
    assert outer in unescape(page)


def test_what_is_told_above_the_text() -> None:
    text = "---\ntitle: Mills\ndate: 2024-06-03\n---\n\n## A\n\nx y z.\n\n## B\n\nx y z.\n\n### C\n\nx y z."
    page = article_page(make_article("notes/mill.md", text), MarkedPlace(conversation="0a1b"), File())
    assert "3 Jun 2024</bdi>, from its front matter" in page and "notes&#47;mill&#46;md" in page
    assert 'href="&#46;&#47;&#63;conversation&#61;0a1b">Back to the conversation' in page
    assert page.count('<a href="#at-') == 3 and 'class="fn-deep-1"' in page and "Open the file" in page
    for state, words in (("changed", "has changed since it was indexed"), ("gone", "was moved or deleted")):
        markup = article_page(make_article("mill.md", text), MarkedPlace(), File(state))
        assert words in markup and "Open the file" not in markup


def test_of_a_very_long_text_what_lies_around_is_shown_with_ways_to_the_rest() -> None:
    text = "".join(f"Line {number} of a long book.\n\n" for number in range(40_000))
    middle = text.index("Line 20000 ")
    article = Article("id", "book.txt", "Book", "text", None, text)
    page = article_page(article, MarkedPlace(middle, middle + 10, "id"), File())
    assert len(page) < 12 * AROUND and 'id="quote"' in page
    assert "Earlier part" in page and "Later part" in page and "Line 0 of" not in page
    first, last = stretch(text, (middle, middle + 10))
    later = article_page(article, MarkedPlace(middle, middle + 10, "id", begin=last), File())
    assert "To the part with the quoted words" in later and 'id="quote"' not in later
    assert stretch(text, (0, 0), last)[0] == last and text[first - 1] == text[last - 1] == "\n"


# --- the place on the picture -----------------------------------------------------------------------------------------

FONT, SIZE = "Helvetica", 11
Boxes = dict[str, list[tuple[int, float, float, float, float]]]


def write_pdf(path: Path) -> Boxes:
    """A PDF of two columns, repeated words, turned pages and shifted ones; the boxes of lines by their words, each with
    its page from 0 as (page, left, top, right, bottom) in shares of the page as it is shown."""
    canvas = Canvas(str(path), pagesize=(600, 800))
    boxes: Boxes = {}
    ascent, descent = getAscentDescent(FONT, SIZE)

    def draw(page: int, x: float, y: float, words: str, turn: int = 0) -> None:
        canvas.setFont(FONT, SIZE)
        canvas.drawString(x, y, words)
        box = (x / 600, 1 - (y + ascent) / 800, (x + stringWidth(words, FONT, SIZE)) / 600, 1 - (y + descent) / 800)
        for _ in range(turn // 90):
            left, top, right, bottom = box
            box = (1 - bottom, left, 1 - top, right)
        boxes.setdefault(words, []).append((page, *box))

    # Two columns, drawn line by line across: the order of the file is not that of reading.
    for line in range(20):
        for column, x in (("left", 60), ("right", 330)):
            draw(0, x, 740 - 16 * line, f"Line {line} of the {column} column goes")
    canvas.showPage()
    for line in range(9):
        draw(1, 60, 740 - 40 * line, "The very same words stand here")
        draw(1, 60, 724 - 40 * line, f"and number {line} follows them.")
    canvas.showPage()
    for page, turn in ((2, 90), (3, 180), (4, 270)):
        for line in range(5):
            draw(page, 60, 700 - 16 * line, f"Turned by {turn} stands line {line} of it,", turn)
        canvas.showPage()
    canvas.save()
    # subtle: reportlab would turn the sheet too.
    document = pypdfium2.PdfDocument(path.read_bytes())
    for page, turn in ((2, 90), (3, 180), (4, 270)):
        document[page].set_rotation(turn)
    document.save(path)
    return boxes


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Boxes]:
    path = tmp_path_factory.mktemp("pdf") / "pages.pdf"
    return path, write_pdf(path)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as worker:
        yield worker


@pytest.fixture(scope="module")
def viewer() -> Iterator[Viewer]:
    made = Viewer(60)
    yield made
    made.close()


def original_of(path: Path) -> Original:
    return Original(path.resolve(), stamp_of(path.stat()))


def assert_over(found: tuple[float, ...], wanted: tuple[float, ...]) -> None:
    """The box lies over the words, its edges at most 4 points from theirs."""
    assert all(abs(one - other) < 0.006 for one, other in zip(found, wanted, strict=True)), (found, wanted)


@pytest.mark.parametrize(
    ("words", "which"),
    [
        ("Line 7 of the left column goes", 0),
        ("Line 7 of the right column goes", 0),
        ("The very same words stand here", 4),
        ("Turned by 90 stands line 2 of it,", 0),
        ("Turned by 180 stands line 2 of it,", 0),
        ("Turned by 270 stands line 2 of it,", 0),
    ],
)
def test_the_marked_box_lies_over_the_words(
    made: tuple[Path, Boxes], worker: Worker, viewer: Viewer, words: str, which: int
) -> None:
    path, boxes = made
    article = article_of("pages.pdf", worker.read(path))
    start = [match.start() for match in re.finditer(re.escape(words), article.text)][which]
    sheets = viewer.sheets(article, original_of(path), start, start + len(words))
    page, *wanted = boxes[words][which]
    assert list(sheets.boxes) == [page] and len(sheets.boxes[page]) == 1
    assert_over(tuple(sheets.boxes[page][0]), tuple(wanted))


def test_a_quote_over_lines_has_a_box_for_each_in_its_own_column(
    made: tuple[Path, Boxes], worker: Worker, viewer: Viewer
) -> None:
    path, boxes = made
    article = article_of("pages.pdf", worker.read(path))
    start = article.text.index("Line 18 of the left")
    end = article.text.index("Line 1 of the right") + len("Line 1 of the right column goes")
    sheets = viewer.sheets(article, original_of(path), start, end)
    lines = ["Line 18 of the left", "Line 19 of the left", "Line 0 of the right", "Line 1 of the right"]
    assert len(sheets.boxes[0]) == 4
    for found, words in zip(sheets.boxes[0], lines, strict=True):
        assert_over(tuple(found), boxes[f"{words} column goes"][0][1:])
    assert [round(width) for width, _ in sheets.sizes] == [600, 600, 800, 600, 800]


def test_words_are_found_among_others_and_where_they_were_joined() -> None:
    assert matched("Headoftheriverhighandlow", "the river- high", 0, 15) == list(range(6, 18))
    found = matched("abcdefghijXXklmnopqrst", "abcdefghijklmnopqrst", 0, 20)
    assert found == [*range(10), *range(12, 22)]
    assert matched("something else", "quite another thing", 0, 19) == []


def test_a_picture_is_bounded_and_a_page_that_is_not_there_is_told(tmp_path: Path, viewer: Viewer) -> None:
    canvas = Canvas(str(tmp_path / "large.pdf"), pagesize=(14_400, 14_400))
    canvas.drawString(72, 72, "A page as large as pages may be.")
    canvas.save()
    picture = viewer.picture(original_of(tmp_path / "large.pdf"), 0)
    assert picture[:4] == b"RIFF" and picture[8:12] == b"WEBP"
    width, height = webp_size(picture)
    assert width <= WIDEST and height <= TALLEST
    with pytest.raises(UnreadableSource):
        viewer.picture(original_of(tmp_path / "large.pdf"), 1)
    (tmp_path / "damaged.pdf").write_bytes(b"%PDF-1.4\nnothing")
    with pytest.raises(UnreadableSource):
        viewer.picture(original_of(tmp_path / "damaged.pdf"), 0)


def webp_size(data: bytes) -> tuple[int, int]:
    assert data[12:16] == b"VP8 "
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF


def test_a_file_that_takes_too_long_is_given_up_and_not_tried_for_ever(made: tuple[Path, Boxes]) -> None:
    slow = Viewer(0.0)
    original = original_of(made[0])
    try:
        for page in range(4):
            with pytest.raises(UnreadableSource):
                slow.picture(original, page)
        assert slow._crashes[original] == 3 and slow.worker.process_id is None
    finally:
        slow.close()


def test_more_than_some_do_not_wait_for_pictures(viewer: Viewer) -> None:
    taken = 0
    while viewer._places.acquire(blocking=False):
        taken += 1
    try:
        with pytest.raises(_Busy):
            viewer.alone(lambda worker: worker)
    finally:
        for _ in range(taken):
            viewer._places.release()
    assert viewer.alone(lambda worker: worker) is viewer.worker


# --- the file and the routes ------------------------------------------------------------------------------------------


@pytest.fixture
def home(builder: Builder, tmp_path: Path) -> Path:
    """A home with a PDF and a text in a folder, indexed long enough ago."""
    docs = tmp_path / "docs"
    docs.mkdir()
    write_pdf(docs / "pages.pdf")
    (docs / "mill.md").write_text("# Mills\n\n## The wheel\n\nThe wheel of the mill turns all day.\n", "utf-8")
    register_roots(builder.home, [docs])
    sync(builder, [docs])
    return builder.home


def state(home: Path, source: str, worker: Worker) -> str:
    generation = open_current(home)
    article = generation.catalog.article(source)
    assert article is not None
    originals = Originals(home, lambda: [home.parent / "docs"], 20_000_000)
    found, said = originals.find(article, lambda step: step(worker))
    generation.close()
    assert (found is not None) is (said == "same")
    return said


def test_only_the_file_that_was_indexed_counts_as_the_original(home: Path, tmp_path: Path, worker: Worker) -> None:
    mill, pages, outside = tmp_path / "docs" / "mill.md", tmp_path / "docs" / "pages.pdf", tmp_path / "outside.pdf"
    assert state(home, "mill.md", worker) == state(home, "pages.pdf", worker) == "same"
    outside.write_bytes(pages.read_bytes())
    pages.write_bytes(pages.read_bytes())
    assert state(home, "pages.pdf", worker) == "same"  # touched, and says the same
    pages.unlink()
    assert state(home, "pages.pdf", worker) == "gone"
    pages.symlink_to(outside)
    assert state(home, "pages.pdf", worker) != "same"
    text = mill.read_text("utf-8")
    mill.write_text(text.replace("day", "night"), "utf-8")
    assert state(home, "mill.md", worker) == "changed"
    mill.rename(tmp_path / "docs" / "other.md")
    mill.symlink_to(tmp_path / "docs" / "other.md")
    assert state(home, "mill.md", worker) == "changed"


def test_a_file_swapped_for_a_link_to_the_outside_is_not_opened(home: Path, tmp_path: Path, worker: Worker) -> None:
    generation = open_current(home)
    article = generation.catalog.article("mill.md")
    assert article is not None
    originals, mill = Originals(home, lambda: [tmp_path / "docs"], 20_000_000), tmp_path / "docs" / "mill.md"
    assert originals.find(article, lambda step: step(worker))[1] == "same"  # it remembers the place
    mill.rename(tmp_path / "outside.md")
    mill.symlink_to(tmp_path / "outside.md")
    assert originals.find(article, lambda step: step(worker)) == (None, "changed")
    generation.close()


def test_a_file_that_is_swapped_after_it_was_found_is_not_opened(tmp_path: Path, viewer: Viewer) -> None:
    path, secret = tmp_path / "a.pdf", tmp_path / "secret.pdf"
    write_pdf(path)
    write_pdf(secret)
    found = original_of(path)
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(OSError):
        found.open()
    with pytest.raises(UnreadableSource):
        viewer.picture(found, 0)


@pytest.mark.slow
def test_the_routes_of_an_article(home: Path, tmp_path: Path) -> None:
    pdf = tmp_path / "docs" / "pages.pdf"
    with served(home, tmp_path / "serve.log") as address, httpx.Client(base_url=address, timeout=120) as http:
        while http.get("/ready").status_code != 200:
            time.sleep(0.1)
        page = http.get("/article", params={"source": "pages.pdf", "start": 20, "end": 60})
        policy = page.headers["content-security-policy"]
        assert "script-src" not in policy and "default-src 'none'" in policy and "img-src 'self'" in policy
        assert page.text.count("<img") == 5 and "<rect" in page.text and 'loading="lazy"' in page.text
        assert "<script" not in page.text and "style=" not in page.text
        assert http.get("/article.css").headers["content-type"].startswith("text/css")
        (id_,) = set(re.findall(r"page-picture\?source=pages\.pdf&id=([0-9a-f]+)", unescape(page.text)))
        parameters = {"source": "pages.pdf", "id": id_, "page": 1}
        picture = http.get("/page-picture", params=parameters)
        assert picture.headers["content-type"] == "image/webp" and picture.content[8:12] == b"WEBP"
        foreign = http.get("/page-picture", params=parameters, headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403
        for other in ({"page": 0}, {"page": 6}, {"id": "0" * 24}, {"source": "mill.md"}, {"source": "../outside.pdf"}):
            assert http.get("/page-picture", params={**parameters, **other}).status_code == 404
        file = http.get("/original", params={"source": "pages.pdf"})
        assert file.content == pdf.read_bytes() and file.headers["content-type"] == "application/octet-stream"
        assert file.headers["content-disposition"].startswith('attachment; filename="pages.pdf"')
        assert file.headers["x-content-type-options"] == "nosniff"
        for source in ("nowhere", "/etc/passwd", f"{pdf}"):
            assert http.get("/original", params={"source": source}).status_code == 404
        write_pdf_of_other_words(pdf)
        changed = http.get("/article", params={"source": "pages.pdf", "start": 20, "end": 60}).text
        assert "has changed since it was indexed; this is the text that was indexed" in unescape(changed)
        assert "<img" not in changed and 'id="quote"' in changed and "Open the file" not in changed
        assert http.get("/page-picture", params=parameters).status_code == 404
        assert http.get("/original", params={"source": "pages.pdf"}).status_code == 404


def write_pdf_of_other_words(path: Path) -> None:
    canvas = Canvas(str(path))
    canvas.drawString(72, 700, "Quite another text stands in this file by now.")
    canvas.save()
