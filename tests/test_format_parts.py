"""Parts of the readers by themselves: tables, markup, records, dates, and where pages and rows are, by properties."""

from __future__ import annotations

import csv
import html
import io
import json
import tempfile
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from index.article import article_of
from index.chunk import ChunkLimits, chunk
from index.errors import UnreadableSource
from index.formats import book, mail, records, sheet, webpage
from index.formats.content import Content, Row, checked, normalized_title
from index.formats.markup import render
from index.formats.numbering import number_paragraphs
from index.formats.pdf_layout import join_pages
from index.formats.pdf_pieces import Page, Piece
from index.formats.tables import is_header, names_of_both, row_text, table_lines, write_rows
from index.formats.webpage import parse, read_date
from tests.documents import write_epub
from tests.nasty import TEXTS

CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters=";|"), max_size=20)
ROWS = st.lists(st.lists(CELLS, min_size=2, max_size=5), max_size=12)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8", newline="")
    return path


@given(ROWS)
@settings(deadline=None)
def test_every_filled_cell_stands_in_its_row_or_names_a_column(rows: list[list[str]]) -> None:
    made = write_rows([("Sheet", enumerate(rows, 1))])
    ends = [*(row.start for row in made.rows[1:]), *[len(made.text)][: len(made.rows)]]
    lines = {row.number: made.text[row.start : end] for row, end in zip(made.rows, ends, strict=True)}
    for number, cells in enumerate(rows, 1):
        filled = [" ".join(cell.split()) for cell in cells if cell.strip()]
        if filled and number in lines:
            assert all(cell in lines[number] for cell in filled)
        elif filled:
            assert number + 1 in lines or number + 2 in lines
            assert is_header(cells) or names_of_both(rows[number - 2], cells)
    assert all(a.number < b.number and a.start < b.start for a, b in pairwise(made.rows))


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8), st.sampled_from(",;\t"))
@settings(max_examples=50, deadline=None)
def test_a_csv_file_says_the_same_with_any_separator(rows: list[list[str]], separator: str) -> None:
    named = [["red", "green", "blue"], *([*(cell.replace(",", " ") for cell in row)] for row in rows)]
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator).writerows(named)
    with tempfile.TemporaryDirectory() as folder:
        made = sheet.read(write(Path(folder), "a.csv", stream.getvalue()))
    assert made.text == write_rows([("", enumerate(named, 1))]).text


@given(
    st.lists(st.dictionaries(st.sampled_from(["id", "place", "age"]), CELLS.filter(str.strip), min_size=1), min_size=1)
)
@settings(max_examples=50, deadline=None)
def test_json_lines_and_a_json_list_of_records_say_the_same(values: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = records.read(write(Path(folder), "a.jsonl", "\n".join(map(json.dumps, values))))
        whole = records.read(write(Path(folder), "a.json", json.dumps(values)))
    assert lines == whole and [row.number for row in lines.rows] == [*range(1, len(values) + 1)]
    assert all(" ".join(cell.split()) in lines.text for value in values for cell in value.values())


@given(TEXTS)
@settings(max_examples=50, deadline=None)
def test_any_text_goes_through_markup_but_for_its_white_space(text: str) -> None:
    storable = "".join(letter for letter in text if letter >= " " and letter not in "\x7f\ufffe\uffff")
    made = render(parse(f"<html><body><p>{html.escape(storable)}</p></body></html>")) if storable.strip() else ""
    assert made.split() == storable.split()


@given(
    st.builds(
        Content,
        text=TEXTS,
        title=st.text(),
        published=st.none() | st.dates(),
        pages=st.lists(st.integers(0, 99)).map(tuple),
        rows=st.lists(st.builds(Row, st.integers(0, 99), st.text(), st.integers(1, 99))).map(tuple),
        notes=st.lists(st.text()).map(tuple),
    )
)
@settings(max_examples=50, deadline=None)
def test_content_comes_whole_out_of_the_readers_process(content: Content) -> None:
    assert Content.from_json(json.loads(json.dumps(content.to_json()))) == content


@given(ROWS)
@settings(max_examples=50, deadline=None)
def test_rows_stay_whole_in_their_chunks(rows: list[list[str]]) -> None:
    made = write_rows([("One", enumerate(rows, 1)), ("Two", enumerate(rows, 1))])
    if not made.rows:
        return
    article = article_of("a.xlsx", made)
    chunks = chunk(article, ChunkLimits(len, len, pieces=900, tokens=700))
    ends = [row.start - 2 for row in made.rows[1:]] + [len(made.text)]
    for row, end in zip(made.rows, ends, strict=True):
        assert any(one.start <= row.start and end <= one.end for one in chunks)
    for one in chunks:
        assert article.text[one.start : one.end] == one.text
        assert one.heading.startswith(("One, row", "Two, row"))


@pytest.mark.parametrize(("said", "author"), [("(anonymous)", ""), ("python-docx", ""), ("Ada User", "Ada User")])
def test_an_author_that_a_program_put_there_is_none(said: str, author: str) -> None:
    assert checked(Content("Text.", author=said)).author == author


def test_half_characters_and_nul_are_replaced_one_for_one() -> None:
    assert checked(Content("a\ud800b\0c", title="\udfff")).text == "a?b\ufffdc"
    with pytest.raises(UnreadableSource, match="no text"):
        checked(Content(" \n"))


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["product", "price"], True),
        (["product", "2021"], False),
        (["product", "product"], False),
        (["product", ""], False),
        (["1 Jan", "2 Feb"], True),
        (["12.5 %", "a"], False),
        (["Warden", "Mr Oakes, ground floor left, tel. 0555 8831, mornings"], False),
    ],
)
def test_a_row_of_column_names_is_told_from_data(cells: list[str], names: bool) -> None:
    assert is_header(cells) == names


def test_tables_in_documents_name_their_columns() -> None:
    assert table_lines([["span", "length"], ["north", "14 m"]]) == ["span: north | length: 14 m"]
    assert table_lines([["Founded", "1823"], ["Owner", "Tom"]]) == ["Founded | 1823", "Owner | Tom"]
    assert row_text(["a"], ["1", "two\nlines"]) == "a: 1 | two lines"


def test_a_second_table_after_an_empty_row_has_its_own_columns() -> None:
    rows = [["Prices"], ["item", "price"], ["bolt", "2"], ["", ""], ["city", "", "people"], ["Oslo", "", "700"]]
    made = write_rows([("", enumerate(rows, 1))])
    assert made.text.split("\n\n") == ["Prices", "item: bolt | price: 2", "city: Oslo | people: 700"]
    assert [row.number for row in made.rows] == [1, 3, 6]


def test_markup_keeps_headings_lists_tables_and_preformatted_lines() -> None:
    page = """<h1>A  <i>b</i></h1><p>One<br>two<script>no()</script></p><ul><li>x<ul><li>y</li></ul></li><li>z</li></ul>
      <table><tr><th>k</th><td>v</td></tr></table><table><tr><td><p>laid out</p></td></tr></table><pre>a
  b</pre><blockquote>said</blockquote>"""
    assert render(parse(page)) == ("# A b\n\nOne\ntwo\n\n- x\n  - y\n- z\n\nk | v\n\nlaid out\n\na\n  b\n\nsaid")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-09-12T23:30:00-05:00", date(2024, 9, 12)),
        ("20240912", date(2024, 9, 12)),
        ("12 September 2024", date(2024, 9, 12)),
        ("2024", None),
        ("2024-13-40", None),
        ("03/04/2024", None),
        ("", None),
    ],
)
def test_dates_of_metadata_are_read_and_never_guessed(written: str, read: date | None) -> None:
    assert read_date(written) == read


def test_titles_that_programs_make_up_are_none() -> None:
    for title in ("Untitled", "Microsoft Word - plan.docx", "report.pdf", "Document1", "  ", "12"):
        assert normalized_title(title) == ""
    assert normalized_title(" The  Mill ") == "The Mill"


def test_pages_say_when_they_were_published_in_several_ways(tmp_path: Path) -> None:
    body = f"<body><article><h1>Mill</h1><p>{'The mill grinds all day long. ' * 12}</p>%s</article></body>"
    linked = '<script type="application/ld+json">{"@graph": [{"datePublished": "2020-02-03"}]}</script>'
    for head, inside in (
        ('<meta name="DC.date" content="2020-02-03">', ""),
        (linked, ""),
        ("", '<time pubdate datetime="2020-02-03T10:00">then</time>'),
    ):
        page = f"<html><head><title>Mill</title>{head}</head>{body % inside}</html>"
        assert webpage.read(write(tmp_path, "a.html", page)).published == date(2020, 2, 3)
    assert webpage.read(write(tmp_path, "a.html", f"<html>{body % 'Copyright 2019'}</html>")).published is None


def test_a_page_in_another_encoding_is_read_by_what_it_names(tmp_path: Path) -> None:
    page = "<html><head><meta charset='iso-8859-2'></head><body><p>Łódź leży w środku kraju.</p></body></html>"
    path = tmp_path / "a.html"
    path.write_bytes(page.encode("iso-8859-2"))
    assert "Łódź leży" in webpage.read(path).text


def test_records_of_any_shape_become_rows_and_articles_sections(tmp_path: Path) -> None:
    nested = {"rows": [{"name": "Anna", "home": {"city": "Oslo"}, "tags": ["a", "b"], "ok": True, "none": None}]}
    made = records.read(write(tmp_path, "a.json", json.dumps(nested)))
    assert made.text == "name: Anna | home.city: Oslo | tags: a, b | ok: yes" and made.rows == (Row(0, "", 1),)
    lines = '{"title": "One", "text": "<p>First.</p>"}\nnonsense\n{"body": "Second."}\n'
    made = records.read(write(tmp_path, "b.jsonl", lines))
    assert made.text == "# b\n\n## One\n\nFirst.\n\n## Record 3\n\nSecond."
    assert made.notes == ("1 of its lines are not JSON: 2",) and made.published is None


@pytest.mark.parametrize("encoding", ["cp1252", "cp1251", "shift_jis"])
def test_a_page_that_names_no_encoding_is_read_as_browsers_do_or_by_its_letters(encoding: str) -> None:
    words = {
        "cp1252": "The señora recommends the piñata café. Crème brûlée costs 6 euros, très chaud.",
        "cp1251": "Мельница стоит у реки. Её построили в начале прошлого века и недавно обновили.",
        "shift_jis": "この水車小屋は川のほとりにあります。昨年、町の人々によって修理されました。",
    }[encoding]
    made = webpage.read_markup(f"<html><body><p>{words}</p></body></html>".encode(encoding))
    assert words in made.text and "names no encoding" in made.notes[0]


def test_short_cells_and_items_are_no_links_to_share() -> None:
    prose = "<p>In spring we asked our readers how they come to our pages and what they want to see in the paper.</p>"
    share = '<ul class="share"><li><a href="#">Facebook</a></li><li><a href="#">E-Mail</a></li></ul>'
    table = "<table><tr><th>Origin</th><th>Share</th></tr><tr><td>Google</td><td>41%</td></tr></table>"
    page = f"<article><h1>Survey</h1>{prose * 3}{table}<ul><li>Print</li><li>PDF</li></ul>{share}</article>"
    made = webpage.read_markup(f"<html><body><main>{page}</main></body></html>").text
    assert "Origin: Google | Share: 41%" in made and "- Print\n- PDF" in made
    assert "Facebook" not in made and "\u2060" not in made


def test_a_plain_page_without_an_article_element_keeps_lists_and_headings() -> None:
    """Where no article is found, trafilatura takes the paragraphs and tables alone."""
    rooms = "kitchen hall cellar attic bathroom study".split()
    parts = "".join(
        f"<h2>The {room}</h2><ul><li>Keep the heater three steps away from the curtains of the {room}.</li><li>Never "
        f"leave it on in the {room} over night, and never cover it with a towel.</li></ul><p>In the {room} it takes "
        "about four hours until the walls are dry, if the doors and the windows are shut, and the air is not too cold. "
        f"Open the {room} for ten minutes afterwards.</p>"
        for room in rooms
    )
    steps = "<h3>Hanging it up</h3><ol><li>Drill two holes for the bracket.</li><li>Screw it on.</li></ol>"
    body = f'<nav><a href="#a">Parts</a></nav><h1>Heater</h1>{parts}{steps}<footer>Imprint</footer>'
    made = webpage.read_markup(f"<html><body>{body}</body></html>")
    assert "## The study\n\n- Keep the heater three steps away from the curtains of the study.\n- Never" in made.text
    assert "### Hanging it up\n\n1. Drill two holes for the bracket.\n2. Screw it on." in made.text
    assert "Imprint" not in made.text


def test_a_page_without_links_is_all_article() -> None:
    """Trafilatura kept a fifth of it: neither the headings nor the list between its paragraphs."""
    prose = "".join(
        f"<p>Hut {n} stands above the lake, has room for ten people, and is open from May on.</p>" for n in range(30)
    )
    rules = "".join(f"<li>Rule {n}: leave the stove cold and the wood dry.</li>" for n in range(9))
    table = "<table><tr><th>Hut</th><th>Beds</th></tr><tr><td>Upper</td><td>10</td></tr></table>"
    body = f"<h2>Huts</h2>{table}{prose}<h4>What is new</h4><ul>{rules}</ul><p>Signed by the club.</p>"
    made = webpage.read_markup(f"<html><body>{body}</body></html>")
    assert (
        "#### What is new\n\n- Rule 0: leave" in made.text
        and "- Rule 8" in made.text
        and "Hut: Upper | Beds: 10" in made.text
    )
    links = "".join(
        f'<li><a href="/{n}">Another story of the many that we have, number {n}</a></li>' for n in range(40)
    )
    made = webpage.read_markup(
        f"<html><body><div><article>{body}</article></div><div><ul>{links}</ul></div></body></html>"
    )
    assert "Rule 8" in made.text and "Another story" not in made.text


def test_ordered_lists_definitions_and_boxes_of_a_page_are_written_out() -> None:
    made = render(
        parse(
            "<body><ol start=3><li>Weigh it.<ol type=a><li>Dry<li><p>Wet</ol><li value=9>Post it.</ol>"
            "<ol reversed><li>Two<li>One</ol><dl><dt>Phone<dd>555 0101<dt>Is it open?<dd>Yes.</dl>"
            "<p><input type=checkbox checked>paid</p><p><input type=checkbox>open</p></body>"
        )
    )
    assert made == (
        "3. Weigh it.\n  a. Dry\n  b. Wet\n9. Post it.\n2. Two\n1. One\n- Phone: 555 0101\n- Is it open? Yes.\n\n"
        "☒ paid\n\n☐ open"
    )


def test_word_documents_keep_the_numbers_that_are_not_typed() -> None:
    w = 'xmlns:w="http://w"'

    def paragraph(words: str, level: int | None = None, style: str = "", list_: int = 1) -> str:
        own = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_}"/></w:numPr>' if level is not None else ""
        styled = f'<w:pStyle w:val="{style}"/>' if style else ""
        return f"<w:p><w:pPr>{styled}{own}</w:pPr><w:r><w:t>{words}</w:t></w:r></w:p>"

    def level(at: int, kind: str, pattern: str, style: str = "") -> str:
        linked = f'<w:pStyle w:val="{style}"/>' if style else ""
        return (
            f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>{linked}'
            f'<w:lvlText w:val="{pattern}"/></w:lvl>'
        )

    numbering = etree.fromstring(
        f'<w:numbering {w}><w:abstractNum w:abstractNumId="0">{level(0, "decimal", "%1.", "Clause")}'
        f"{level(1, 'decimal', '%1.%2')}{level(2, 'lowerLetter', '(%3)')}</w:abstractNum>"
        f'<w:abstractNum w:abstractNumId="1">{level(0, "bullet", "o")}{level(1, "upperRoman", "%2)")}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
        '<w:num w:numId="3"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/>'
        "</w:lvlOverride></w:num></w:numbering>"
    )
    styles = etree.fromstring(
        f'<w:styles {w}><w:style w:styleId="Clause"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
        '<w:style w:styleId="Own"><w:basedOn w:val="Clause"/></w:style></w:styles>'
    )
    body = [
        paragraph("Term", style="Clause"),
        paragraph("six years", 1),
        paragraph("may end", 1),
        paragraph("in writing", 2),
        paragraph("by post", 2),
        paragraph("Rent", style="Own"),
        paragraph("310 pounds", 1),
        paragraph("plain"),
        paragraph("not numbered", 0, list_=0),
        paragraph("bullet", 0, list_=2),
        paragraph("roman", 1, list_=2),
        paragraph("anew", 0, list_=3),
    ]
    document = etree.fromstring(f"<w:document {w}><w:body>{''.join(body)}</w:body></w:document>")
    number_paragraphs(document, numbering, styles)
    assert ["".join(one.itertext()) for one in document.iter("{*}p")] == [
        "1. Term",
        "1.1 six years",
        "1.2 may end",
        "(a) in writing",
        "(b) by post",
        "2. Rent",
        "2.1 310 pounds",
        "plain",
        "not numbered",
        "bullet",
        "I) roman",
        "7. anew",
    ]


def test_the_title_of_a_message_is_its_subject_without_the_marks_of_replies(tmp_path: Path) -> None:
    for subject, title in (
        ("AW: Re[2]: Fwd: Keys", "Keys"),
        ("Wire: who has some?", "Wire: who has some?"),
        ("Re:", "Re:"),
    ):
        path = write(tmp_path, "a.eml", f"From: a@b.example\nSubject: {subject}\n\nWho has the keys?\n")
        assert mail.read(path).title == title


def test_a_message_of_unknown_encoding_or_only_html_is_read(tmp_path: Path) -> None:
    odd = "From: a@b.c\nSubject: Odd\nDate: yesterday\nContent-Type: text/plain; charset=klingon\n\nIt is here.\n"
    made = mail.read(write(tmp_path, "a.eml", odd))
    assert made.title == "Odd" and made.text.endswith("It is here.") and made.published is None
    page = "Subject: Page\nContent-Type: text/html\n\n<html><body><p>Only <b>HTML</b>.</p></body></html>"
    assert mail.read(write(tmp_path, "b.eml", page)).text == "# Page\n\nOnly HTML."


def test_a_book_with_a_missing_chapter_says_so(tmp_path: Path) -> None:
    import zipfile

    write_epub(tmp_path / "whole.epub")
    with zipfile.ZipFile(tmp_path / "whole.epub") as whole, zipfile.ZipFile(tmp_path / "a.epub", "w") as part:
        for name in whole.namelist():
            if not name.endswith("one.xhtml"):
                part.writestr(name, whole.read(name))
    made = book.read(tmp_path / "a.epub")
    assert "Nine keepers" in made.text and made.notes == ("1 of its chapters can't be read",)


def lines(*texts: str, left: float = 60, top: float = 700, size: float = 10) -> list[Piece]:
    """Lines below each other, as wide as their text."""
    return [
        Piece(text, left, left + 5 * len(text), top - number * 12 - size, top - number * 12)
        for number, text in enumerate(texts)
    ]


def test_words_cut_at_line_ends_are_made_whole_and_hyphens_of_their_own_stay() -> None:
    text = lines(
        "A well-known mill stood in the old har-", "bour of the town, a well-", "known sight for the anglo-", "Saxon."
    )
    made, _ = join_pages([Page(tuple(text), 600, 800)])
    assert made == "A well-known mill stood in the old harbour of the town, a well-known sight for the anglo-Saxon."


def test_columns_that_are_drawn_line_by_line_are_read_one_after_the_other() -> None:
    left = lines(*(f"left line {number} of the text" for number in range(8)))
    right = lines(*(f"right line {number} of the text" for number in range(8)), left=320)
    title = Piece("A title that reaches across both columns of the page", 60, 520, 720, 740)
    mixed = [piece for pair in zip(left, right, strict=True) for piece in pair]
    made, _ = join_pages([Page((title, *mixed), 600, 800)])
    assert made.index("left line 7") < made.index("right line 0") and made.startswith("# A title")


def test_a_sentence_goes_on_over_the_page_and_its_page_is_known() -> None:
    head = [Piece("The Review", 60, 110, 770, 780)]
    first = [*head, *lines("The mill was built in the summer of the"), Piece("1", 300, 305, 20, 30)]
    second = [*head, *lines("year 1823 and burnt down in 1901."), Piece("2", 300, 305, 20, 30)]
    made, pages = join_pages([Page(tuple(one), 600, 800) for one in (first, [], second)])
    assert made == "The mill was built in the summer of the year 1823 and burnt down in 1901."
    assert pages == [0, made.index("year"), made.index("year")]
    article = article_of("a.pdf", Content(made, pages=tuple(pages)))
    assert [article.page(0), article.page(made.index("1823"))] == [1, 3]


def test_boxes_that_are_drawn_last_are_read_where_they_stand() -> None:
    text = lines("The first paragraph says what is shown:", "", "", "and the second one goes on from there.")
    box = lines("a box that the browser draws last", top=688)
    made, _ = join_pages([Page((text[0], text[3], *box), 600, 800)])
    assert [made.index(word) for word in ("first", "box", "second")] == sorted(
        made.index(word) for word in ("first", "box", "second")
    )


def test_a_stretched_line_is_told_from_a_row_of_a_table() -> None:
    full = lines("a line of prose that is as wide as its column is and which sets its width", top=640)
    words = [
        Piece(word, 60 + at * 160, 105 + at * 160, 600, 610) for at, word in enumerate(("stretched", "line", "here"))
    ]
    words[-1] = Piece("here", 380, 425, 600, 610)
    cells = [Piece(word, left, left + 30, 560, 570) for word, left in (("Vik", 60), ("4 of them", 180), ("9 m", 240))]
    made, _ = join_pages([Page((*full, *words, *cells), 600, 800)])
    assert "stretched line here" in made and made.endswith("Vik | 4 of them | 9 m")


def test_an_item_goes_on_in_the_lines_that_hang_below_its_words() -> None:
    lines = [
        ("Rules:", 72),
        ("• Wear goggles at the saw and", 80),
        ("Kevlar gloves", 94),
        ("• Report broken tools to", 80),
    ]
    pieces = [
        Piece(text, left, left + 6.0 * len(text), 700.0 - 14 * n, 711.0 - 14 * n)
        for n, (text, left) in enumerate(lines)
    ]
    text, _ = join_pages([Page(tuple(pieces), 612, 792)])
    assert text == "Rules:\n\n• Wear goggles at the saw and Kevlar gloves\n\n• Report broken tools to"


def test_a_line_is_full_where_the_next_word_had_no_room() -> None:
    lines = [
        "The workshop is open to all members who have",
        "Introductory-course certificates with them.",
        "Tools stay.",
    ]
    pieces = [Piece(text, 72, 72 + 6.0 * len(text), 700.0 - 14 * n, 711.0 - 14 * n) for n, text in enumerate(lines)]
    wide = Piece("Nobody else may use the hall or the yard behind it at night.", 72, 432, 728, 739)
    text, _ = join_pages([Page((wide, *pieces), 612, 792)])
    assert "members who have Introductory-course certificates" in text


def test_a_table_that_is_drawn_column_by_column_is_read_row_by_row() -> None:
    names = [["Notice", "Company", "Event"], ["3 March", "Aldine", "Layoff"], ["4 March", "Corvin", "Closure"]]
    cells = [
        Piece(names[row][column], 40 + 90 * column**2, 90 + 90 * column**2, 700 - 14 * row, 711 - 14 * row)
        for column in range(3)
        for row in reversed(range(3))
    ]
    text, _ = join_pages([Page(tuple(cells), 612, 792)])
    assert text.split("\n\n") == ["Notice | Company | Event", "3 March | Aldine | Layoff", "4 March | Corvin | Closure"]
