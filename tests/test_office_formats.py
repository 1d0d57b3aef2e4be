"""What slides, ODT and RTF files say by their structure alone comes into the text, and nothing that is not theirs."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml.ns import qn

from index.article import article_of
from index.chunk import ChunkLimits, chunk
from index.errors import UnreadableSource
from index.formats import opendocument, page_name, page_word, richtext, slides

ANYWHERE = (0, 0, 900_000, 900_000)


def test_the_parts_of_a_presentation_are_slides() -> None:
    assert (page_word("talks/Plan.PPTX"), page_word("plan.pdf")) == ("slide", "page")
    assert (page_name("plan.pptx", 3), page_name("plan.pdf", 3)) == ("slide 3", "p. 3")


# --- slides -----------------------------------------------------------------------------------------------------------


def test_numbers_and_signs_of_lists_are_those_that_the_slide_shows(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Steps"
    frame = slide.placeholders[1].text_frame
    kinds: list[tuple[str, int, str | None, dict[str, str]]] = [
        ("Signed by the master", 0, None, {}),
        ("One", 0, "a:buAutoNum", {"type": "arabicPeriod"}),
        ("Inner", 1, "a:buAutoNum", {"type": "alphaLcParenR"}),
        ("Inner too", 1, "a:buAutoNum", {"type": "alphaLcParenR"}),
        ("Two", 0, "a:buAutoNum", {"type": "arabicPeriod"}),
        ("Anew", 1, "a:buAutoNum", {"type": "alphaLcParenR"}),
        ("No item", 0, "a:buNone", {}),
        ("Seven", 0, "a:buAutoNum", {"type": "romanUcParenBoth", "startAt": "7"}),
    ]
    for number, (words, level, tag, attributes) in enumerate(kinds):
        paragraph = frame.add_paragraph() if number else frame.paragraphs[0]
        paragraph.text, paragraph.level = words, level
        if tag:
            properties = paragraph._p.get_or_add_pPr()
            properties.append(properties.makeelement(qn(tag), attributes))
    deck.save(str(tmp_path / "a.pptx"))
    assert slides.read(tmp_path / "a.pptx").text == (
        "# Steps\n\n- Signed by the master\n1. One\n  a) Inner\n  b) Inner too\n2. Two\n  a) Anew\n\n"
        "No item\n\n(VII) Seven"
    )


def test_slides_without_a_title_have_a_large_line_or_their_number_as_heading(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    for lines in ([("The mill", 40), ("It grinds.", 18)], [("42 %", 40), ("of the flour", 18)], [("Even", 18)] * 2):
        frame = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_textbox(*ANYWHERE).text_frame
        for number, (words, size) in enumerate(lines):
            paragraph = frame.add_paragraph() if number else frame.paragraphs[0]
            paragraph.text = words
            paragraph.runs[0].font.size = pptx.util.Pt(size)
    deck.save(str(tmp_path / "a.pptx"))
    made = slides.read(tmp_path / "a.pptx")
    assert made.text == "# The mill\n\nIt grinds.\n\n## Slide 2\n\n42 %\n\nof the flour\n\n## Slide 3\n\nEven\n\nEven"
    assert [made.text[start:].split("\n")[0] for start in made.pages] == ["# The mill", "## Slide 2", "## Slide 3"]


def test_charts_diagrams_and_groups_have_words_and_footers_are_left_out(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Sales"
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(*ANYWHERE).text_frame.text = "Grouped words."
    figures = CategoryChartData()
    figures.categories = ["North", "South"]
    figures.add_series("2023", (4.3, 2.5))
    figures.add_series("2024", (4, None))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *ANYWHERE, figures).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Boats sold"
    footer = slide.shapes.add_textbox(*ANYWHERE)
    footer.text_frame.text = "Company confidential"
    place = footer._element.nvSpPr.nvPr
    place.append(place.makeelement(qn("p:ph"), {"type": "ftr", "idx": "11"}))
    deck.save(str(tmp_path / "chart.pptx"))
    with zipfile.ZipFile(tmp_path / "chart.pptx") as chart_, zipfile.ZipFile(tmp_path / "a.pptx", "w") as made:
        for name in chart_.namelist():
            data = chart_.read(name)
            if name == "ppt/slides/slide1.xml":
                diagram = (
                    b'<p:graphicFrame><a:graphic><a:graphicData uri="d"><dgm:relIds xmlns:dgm="d" r:dm="rId77"/>'
                    b"</a:graphicData></a:graphic></p:graphicFrame></p:spTree>"
                )
                twice = b"<p:sp><p:txBody><a:p><a:r><a:t>Twice</a:t></a:r></a:p></p:txBody></p:sp>"
                old = b"<mc:Fallback xmlns:mc='m'>" + twice + b"</mc:Fallback>"
                data = data.replace(b"</p:spTree>", old + diagram)
            if name == "ppt/slides/_rels/slide1.xml.rels":
                one = (
                    b'<Relationship Id="rId77" Type="x/diagramData" Target="/ppt/diagrams/data1.xml"/></Relationships>'
                )
                data = data.replace(b"</Relationships>", one)
            made.writestr(name, data)
        points = [("doc", ""), ("node", "Plan"), ("pres", "Plan"), ("parTrans", ""), ("node", "Build")]
        made.writestr(
            "ppt/diagrams/data1.xml",
            "<m>"
            + "".join(f'<pt type="{kind}"><t><p><r><t>{text}</t></r></p></t></pt>' for kind, text in points)
            + "</m>",
        )
    assert slides.read(tmp_path / "a.pptx").text == (
        "# Sales\n\nGrouped words.\n\nBoats sold\n\nNorth | 2023: 4.3 | 2024: 4\n\nSouth | 2023: 2.5\n\n- Plan\n- Build"
    )


def test_notes_are_marked_and_stand_in_passages_of_their_own(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    deck.core_properties.title = "PowerPoint Presentation"
    for title, words, notes in (("Ropes", "They are of hemp.", "Pass one round."), ("Oars", "They are of ash.", "")):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = title, words
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    deck.save(str(tmp_path / "a.pptx"))
    made = slides.read(tmp_path / "a.pptx")
    assert made.title == "" and made.text == (
        "# Ropes\n\n- They are of hemp.\n\n### Speaker notes\n\nPass one round.\n\n## Oars\n\n- They are of ash."
    )
    chunks = chunk(article_of("a.pptx", made), ChunkLimits(len, len, pieces=900, tokens=400))
    assert ["hemp" in one.text and "round" in one.text for one in chunks] == [False] * len(chunks)
    assert next(one.heading for one in chunks if "round" in one.text) == "Speaker notes"


# --- ODT --------------------------------------------------------------------------------------------------------------

NAMES = 'xmlns:office="o" xmlns:style="s" xmlns:text="t" xmlns:table="b" xmlns:draw="d" xmlns:fo="f" xmlns:svg="g"'


def write_odt(path: Path, body: str, *, automatic: str = "", styles: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr(
            "content.xml",
            f"<office:document-content {NAMES}><office:automatic-styles>{automatic}</office:automatic-styles>"
            f"<office:body><office:text>{body}</office:text></office:body></office:document-content>",
        )
        archive.writestr("styles.xml", f"<office:document-styles {NAMES}>{styles}</office:document-styles>")
    return path


def level(number: int, kind: str, after: str, shown: int = 1, tag: str = "list-level-style-number") -> str:
    return (
        f'<text:{tag} text:level="{number}" style:num-format="{kind}" style:num-suffix="{after}" '
        f'text:display-levels="{shown}"/>'
    )


def item(words: str, inner: str = "", start: str = "") -> str:
    given = f' text:start-value="{start}"' if start else ""
    return f"<text:list-item{given}><text:p>{words}</text:p>{inner}</text:list-item>"


def test_numbers_of_lists_and_headings_are_written_as_the_document_shows_them(tmp_path: Path) -> None:
    levels = f"{level(1, '1', '.')}{level(2, '1', '', 2)}{level(3, 'a', ')')}"
    clauses = f'<text:list-style style:name="L">{levels}</text:list-style>'
    outline = (
        f"<text:outline-style>{level(1, 'I', '.', 1, 'outline-level-style')}"
        f"{level(2, '', '', 1, 'outline-level-style')}</text:outline-style>"
    )
    deep = f"<text:list>{item('in writing')}{item('by post')}</text:list>"
    month = f"<text:list>{item('a month')}</text:list>"
    inner = f"<text:list>{item('six years')}{item('may end', deep)}</text:list>"
    body = (
        '<text:h text:outline-level="1">Lease</text:h><text:h text:outline-level="2">Clauses</text:h>'
        f'<text:list xml:id="a" text:style-name="L">{item("Term", inner)}</text:list><text:p>Between them.</text:p>'
        f'<text:list text:continue-list="a" text:style-name="L">{item("Rent", month)}</text:list>'
        f'<text:list text:style-name="L">{item("Anew")}{item("Nine", start="9")}</text:list>'
        f'<text:list>{item("a sign")}</text:list><text:h text:outline-level="1">Annex</text:h>'
    )
    made = opendocument.read(write_odt(tmp_path / "a.odt", body, automatic=clauses, styles=outline)).text
    assert made == (
        "# I. Lease\n\n## Clauses\n\n1. Term\n  1.1 six years\n  1.2 may end\n    a) in writing\n    b) by post\n\n"
        "Between them.\n\n2. Rent\n  2.1 a month\n1. Anew\n9. Nine\n- a sign\n\n# II. Annex"
    )


def test_what_is_deleted_gathered_or_a_comment_is_no_text_and_notes_stand_at_the_end(tmp_path: Path) -> None:
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>Deleted.</text:p></text:deletion>"
        "</text:changed-region></text:tracked-changes><text:table-of-content><text:index-body><text:p>Mill 3</text:p>"
        "</text:index-body></text:table-of-content><text:section>"
        '<text:p text:style-name="P1">The mill</text:p></text:section>'
        "<text:p>It<text:s/>stands<office:annotation><text:p>Really?</text:p></office:annotation> at"
        "<text:tab/>Farley"
        "<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>In the north.</text:p></text:note-body>"
        "</text:note><draw:frame><draw:text-box><text:p>In the box.</text:p></draw:text-box><svg:title>A</svg:title>"
        "</draw:frame>"
        " today.<text:line-break/>Still.</text:p>"
        '<text:p text:style-name="Heading_20_2">By style</text:p><text:p>Words.</text:p>'
    )
    automatic = '<style:style style:name="P1" style:parent-style-name="Title"/>'
    assert opendocument.read(write_odt(tmp_path / "a.odt", body, automatic=automatic)).text == (
        "# The mill\n\nIt stands at Farley today.\nStill.\n\nIn the box.\n\n## By style\n\nWords.\n\n1. In the north."
    )


def test_merged_and_repeated_cells_of_a_table_stay_in_their_columns(tmp_path: Path) -> None:
    def cell(words: str, name: str = "name", value: int = 0) -> str:
        return f"<table:table-cell table:{name}='{value}'><text:p>{words}</text:p></table:table-cell>"

    covered = "<table:covered-table-cell/>"
    rows = (
        f"<table:table-header-rows><table:table-row>{cell('Boat')}{cell('Crew', 'number-columns-spanned', 2)}"
        f"{covered}</table:table-row></table:table-header-rows>"
        f"<table:table-row>{cell('Anna', 'number-rows-spanned', 2)}{cell('4')}{cell('5')}</table:table-row>"
        f"<table:table-row>{covered}{cell('6')}{cell('')}</table:table-row>"
        f"<table:table-row>{cell('Mary', 'number-columns-spanned', 2)}{covered}{cell('7')}</table:table-row>"
        f"<table:table-row>{cell('Zoe')}{cell('8', 'number-columns-repeated', 2)}</table:table-row>"
        f"<table:table-row>{cell('', 'number-columns-repeated', 16384)}</table:table-row>"
    )
    made = opendocument.read(write_odt(tmp_path / "a.odt", f"<table:table>{rows}</table:table>")).text
    assert made.split("\n\n") == [
        "Boat: Anna | Crew: 4 | Crew: 5",
        "Boat: Anna | Crew: 6",
        "Boat: Mary | Crew: 7",
        "Boat: Zoe | Crew: 8 | Crew: 8",
    ]


# --- RTF --------------------------------------------------------------------------------------------------------------


def read_rtf(folder: Path, text: str) -> str:
    path = folder / "a.rtf"
    path.write_text(text, "latin-1")
    return richtext.read(path).text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"caf\'e9 \u8211?\endash \lquote x\rquote \~y a\_b c\-d \{e\\f\}", "café ––‘x’ y a-b cd {e\\f}"),
        (r"\u-10179?\u-8704? and {\uc2\u233xx}{\uc0\u8226}", "😀 and é•"),
        (r"\f1\'cc\'e8\f2\'82\'a0\'82\'a2\f0 a", "Миあいa"),
        (r"seen {\v hidden}{\deleted gone}{\*\unknown never}{\header head\par}{\pict 00ff}here", "seen here"),
        (r'{\field{\*\fldinst HYPERLINK "x"}{\fldrslt a link}} on', "a link on"),
        (r"{\field{\*\fldinst TOC \\o}{\fldrslt Mill\tab 3\par Weir\tab 4}}\par The mill.", "The mill."),
        (r"one\line two", "one\ntwo"),
        ("one\\\ntwo\\\n", "one\n\ntwo"),
        (r"a\bin5 \}}{}b", "ab"),
    ],
)
def test_rich_text_is_decoded(tmp_path: Path, written: str, read: str) -> None:
    fonts = r"{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}{\f2\fcharset128 C;}}"
    assert read_rtf(tmp_path, r"{\rtf1\ansi\ansicpg1252\deff0" + fonts + r"\pard " + written + r"\par}") == read


def test_styles_lists_boxes_and_notes_of_rich_text(tmp_path: Path) -> None:
    made = read_rtf(
        tmp_path,
        r"{\rtf1{\stylesheet{Normal;}{\s1\outlinelevel0 Kop;}{\s2 heading 2;}{\s9 Title;}{\*\cs15 heading 3;}}"
        r"\pard\s9 The mill\par\pard\s1 Work{\footnote Since 1823.}\par\pard\outlinelevel2 Outlined\par"
        r"\pard\s2 Named\par"
        r"\pard{\listtext\'b7\tab}\ilvl0 a sign\par{\listtext o\tab}\ilvl1 another\par"
        r"\pard{\pntext 3)\tab}\li0 three\par"
        r"{\shp{\*\shpinst{\sp{\sn a}{\sv b}}{\shptxt In the box.\par}}}Around it.\par"
        r"\pard\li360 1.\tab by hand\par\pard\li720 (a)\tab deeper\par\pard\li360 2.\tab back\par}",
    )
    assert made == (
        "# The mill\n\n# Work\n\n### Outlined\n\n## Named\n\n- a sign\n  - another\n3) three\n\nAround it.\n\n"
        "In the box.\n\n1. by hand\n  (a) deeper\n2. back\n1. Since 1823."
    )


def test_tables_of_rich_text_keep_their_columns(tmp_path: Path) -> None:
    head = r"\trowd\trhdr\cellx1\clmgf\cellx2\clmrg\cellx3\pard\intbl Boat\cell Crew\cell\cell\row"
    first = r"\trowd\clvmgf\cellx1\cellx2\cellx3\pard\intbl Anna\cell 4\cell 5\par or 6\cell\row"
    second = r"\trowd\clvmrg\cellx1\cellx2\cellx3\pard\intbl\cell\cell 7\cell\row"
    made = read_rtf(tmp_path, r"{\rtf1 \pard Before.\par " + head + first + second + r"\pard After.\par}")
    assert made == "Before.\n\nBoat: Anna | Crew: 4 | Crew: 5 or 6\n\nBoat: Anna | Crew: 7\n\nAfter."


def test_rich_text_that_is_cut_off_is_read_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "a.rtf"
    path.write_text(r"{\rtf1{\info{\title The mill}{\author Ann}}\pard It stands {\b at Farl")
    made = richtext.read(path)
    assert (made.text, made.title, made.author) == ("# The mill\n\nIt stands at Farl", "The mill", "Ann")
    assert made.notes == ("is cut off: its end is missing",)
    path.write_text("plain")
    with pytest.raises(UnreadableSource, match="is not RTF"):
        richtext.read(path)


def test_an_item_outside_of_a_list_is_a_paragraph(tmp_path: Path) -> None:
    body = "<text:list-item><text:p>Fill the kettle.</text:p></text:list-item><text:p>Wait.</text:p>"
    made = opendocument.read(write_odt(tmp_path / "a.odt", body)).text
    assert "Fill the kettle." in made and "Wait." in made
