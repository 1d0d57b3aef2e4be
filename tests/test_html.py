"""The HTML of an answer: any text is shown as text, in our elements only."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.hostile import HOSTILE, shown
from benchmarks.hostile import answer_of as make
from index.text.published import Published
from rag.cite import Citation, CitedSentence
from rag.types import Answer, Passage
from rag.ui import html
from rag.ui.escape import escape
from rag.ui.markdown import as_markdown
from rag.writer.quote import as_text
from rag.writer.quote import shown as shown_slice

TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))


class _Reader(HTMLParser):
    """Read markup as a browser does: its elements, attributes and text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment came through: {data!r}")


@settings(max_examples=200, deadline=None)
@given(TEXTS)
@example("\ufdd0 \uffff \U0001fffe \U0010ffff")
def test_escaped_text_is_shown_unchanged_in_elements_and_attributes(text: str) -> None:
    safe = escape(text)
    assert not set(safe) & set("<>\"'`${}=/\\[]()")
    read = _Reader(f'<p title="{safe}">{safe}</p>')
    assert [tag for tag, _ in read.elements] == ["p"]
    assert read.text == shown(text) == read.elements[0][1]["title"]


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_hostile_text_adds_no_elements_or_attributes_to_a_turn(text: str) -> None:
    read = _Reader(
        html.turn("t1", make(text))
        + html.failure("t2", text, text)
        + html.welcome([(text, text, None)], [text], known=True)
    )
    ours = set("article h2 h3 div p a section span blockquote mark strong bdi details summary ul ol li button".split())
    ours |= {"br", "cite", "dl", "dt", "dd", "svg", "path", "code"}
    allowed = set("class id dir href role tabindex type target rel title viewbox d aria-label aria-hidden".split())
    allowed |= {"aria-pressed", "data-turn", "data-do", "data-copy", "data-answer", "data-quote", "download"}
    for tag, attributes in read.elements:
        assert tag in ours
        assert set(attributes) <= allowed
        assert not attributes.get("href") or str(attributes["href"]).startswith(("#source-t1-", "article?source="))


@pytest.mark.parametrize("state", [True, False])
def test_a_refusal_is_headed_as_such_and_shows_the_nearest_passages(state: bool) -> None:
    passage = Passage(1, "id", "a.txt", "A", None, "", 0, 4, "Text", 0.5, False)
    markup = html.turn("t", Answer("q", "words", state, 0.1, passages=(passage,)))
    assert ("Not in the sources" in markup) is state
    assert ("Nearest passages (1)" in _Reader(markup).text) is state
    assert ("Also found (1)" in _Reader(markup).text) is not state


def test_the_answering_words_are_highlighted_in_the_quote() -> None:
    citation = Citation(1, "id", "a.txt", "A", None, "", None, 10, 27, "It made 1,000 jobs", ((18, 23),))
    passage = Passage(1, "id", "a.txt", "A", None, "", 0, 40, "0123456789It made 1,000 jobs and more.", 0.5, True)
    answer = Answer("q", "x [1]", False, 0.9, (CitedSentence("x", (1,)),), (citation,), (passage,))
    assert "<strong>1,000</strong>" in html.turn("t", answer)


def test_quotes_of_one_passage_share_a_card_and_each_marker_links_to_it() -> None:
    text = "One is here. Two is there. Three is away."
    first, second, third = (text.index(word) for word in ("One", "Two", "Three"))
    spans = [(1, second, third - 1), (2, first, second - 1), (3, first + 4, second + 3)]
    cited = tuple(
        Citation(n, "id", "a.txt", "A", None, "", None, start, end, text[start:end], ()) for n, start, end in spans
    )
    passages = (
        Passage(1, "id", "a.txt", "A", None, "", 0, len(text), text, 0.5, True),
        Passage(2, "id", "a.txt", "A", None, "", third, len(text), text[third:], 0.4, False),
        Passage(3, "id", "b.txt", "B", None, "", 0, 4, "Else", 0.3, False),
    )
    sentences = tuple(CitedSentence(one.quote, (one.number,)) for one in cited)
    read = _Reader(html.turn("t", Answer("q", "x", False, 0.9, sentences, cited, passages)))
    cards = [attributes for tag, attributes in read.elements if (attributes.get("class") or "").startswith("fn-card")]
    assert len(cards) == 2  # The second passage is part of the first card.
    assert "1–3 A" in read.text and "Also found (1)" in read.text
    assert read.text.count(text) == 1
    targets = {attributes["href"] for _, attributes in read.elements if attributes.get("class") == "fn-marker"}
    assert targets == {
        f"#{attributes['id']}" for tag, attributes in read.elements if tag == "span" and "id" in attributes
    }


def test_milliseconds_and_scores_are_shown_in_the_details_only() -> None:
    answer = Answer("q", "words", False, 0.87, timings={"read": 812.0, "total": 1234.0})
    before, _, details = html.turn("t", answer).partition("<details")
    assert "ms" not in _Reader(before).text and "0.87" not in _Reader(before).text
    assert "1,234 ms" in _Reader(details).text and "0.87 of 1" in _Reader(details).text


def test_consecutive_quotes_of_a_source_name_it_once() -> None:
    def quote(number: int, source: str) -> Citation:
        return Citation(
            number, source, source, f"Title of {source}", None, "", None, number * 9, number * 9 + 4, "Text", ()
        )

    cited = (quote(1, "a"), quote(2, "a"), quote(3, "b"))
    sentences = tuple(CitedSentence("“Text”", (number,)) for number in (1, 2, 3))
    markup = html.answer_text("t", Answer("q", "x", False, 0.9, sentences, cited))
    assert markup.count('class="fn-quoted"') == 3
    assert [markup.count(f">Title of {source}</a>") for source in "ab"] == [1, 1]


def test_older_and_undated_quotes_are_marked_if_dates_matter() -> None:
    new, old = Published("2025-06-05", "text"), Published("2020-05-04", "text")
    quote = "Prices\n\nIt costs 3 pounds."
    cited = tuple(
        Citation(n, f"id{n}", f"{n}.txt", f"Title {n}", when, "", None, 0, len(quote), quote, ((17, 25),))
        for n, when in enumerate((new, old, None), 1)
    )
    dates = ("5 Jun 2025", "4 May 2020, older", "undated")
    sentences = tuple(CitedSentence(f"{when}: “{shown_slice(quote)}”", (n,)) for n, when in enumerate(dates, 1))
    markup = html.answer_text("t", Answer("q", "x", False, 0.9, sentences, cited))
    assert [f"</a> · <bdi>{escape(when)}</bdi></cite>" in markup for when in dates] == [True] * 3
    assert markup.count("“Prices<br>It costs <strong>3 pounds</strong>") == 3


def test_a_card_shows_bold_words_without_asterisks() -> None:
    text = "**Hotel:** up to **115 euros**. In C, 2 ** 3 is an error."
    passage = Passage(1, "id", "guide.md", "Guide", None, "", 0, len(text), text, 0.9, True)
    place = text.index("115")
    cited = Citation(1, "id", "guide.md", "Guide", None, "", None, 0, 32, text[:32], ((place, place + 9),))
    sentences = (CitedSentence("115 euros", (1,)),)
    markup = html.turn("t1", Answer("How much?", "115 euros", False, 0.9, sentences, (cited,), (passage,)))
    card = markup[markup.index("fn-card") :]
    assert "<strong>115 euros</strong>" in card
    assert "Hotel: up to 115 euros. In C, 2 ** 3 is an error." in _Reader(card).text


def test_a_card_shows_headings_and_code_without_markdown_signs() -> None:
    text = "## Starting\n\nRun it:\n```sh\nmake all\n```\n### Ending\n\nStop # it."
    passage = Passage(1, "id", "guide.md", "Guide", None, "Starting", 0, len(text), text, 0.9, False)
    read = _Reader(html.turn("t1", Answer("How?", "", True, 0.1, passages=(passage,))))
    assert read.text.rpartition("Guide")[2].count("Starting") == 1  # in the line above the passage
    assert "Run it:\nmake all\nEnding\n\nStop # it." in read.text


def test_a_card_joins_wrapped_lines_and_separates_cells() -> None:
    wrapped = (
        "Fires are forbidden on the islands, because the peat below\nthe grass burns for weeks.\n\n- a towel\n- a hat"
    )
    row = "Boat: Heron | Seats: 2"
    text = f"{wrapped}\n\n{row}"
    start, at = text.index("because"), text.index(row)
    cited = (
        Citation(1, "id", "a.md", "A", None, "", None, start, start + 30, text[start : start + 30], ()),
        Citation(2, "id", "a.md", "A", None, "", None, at, len(text), row, ()),
    )
    passage = Passage(1, "id", "a.md", "A", None, "", 0, len(text), text, 0.5, True)
    sentences = (CitedSentence("x", (1,), block="lead"), CitedSentence(f"“{row}”", (2,)))
    read = _Reader(html.turn("t", Answer("q", "x", False, 0.9, sentences, cited, (passage,))))
    assert "the peat below the grass burns" in read.text and "- a towel\n- a hat" in read.text
    assert read.text.count("Boat: Heron · Seats: 2") == 3 and row not in read.text


def test_a_row_of_a_bar_table_shows_column_names_and_marks_the_answer() -> None:
    table = "|  | Seats | Built |\n|---|---|---|\n| Heron | 2 | 2015 |\n| Teal | 1 | 2019 |"
    row, start = "| Teal | 1 | 2019 |", len(table) - 19
    answers = ((start + table[start:].index("2019"), start + table[start:].index("2019") + 4),)
    when = Published("2020-05-04", "text")
    cited = Citation(1, "id", "a.md", "A", when, "", None, start, len(table), row, answers)
    passage = Passage(1, "id", "a.md", "A", None, "", 0, len(table), table, 0.5, True)
    said = CitedSentence("4 May 2020, older: “Teal | Seats: 1 | Built: 2019”", (1,))
    markup = html.turn("t", Answer("q", "x", False, 0.9, (said,), (cited,), (passage,)))
    read = _Reader(markup)
    assert "“Teal · Seats: 1 · Built: 2019”" in read.text and "4 May 2020, older" in read.text
    assert "Heron · 2 · 2015" in read.text and "---" not in read.text and markup.count("<strong>2019</strong>") == 2


def test_figures_of_a_table_are_right_aligned_and_the_calculation_is_small_print() -> None:
    rows = ("Boat: Heron | Seats: 2 | Built: 2015", "Boat: Teal | Seats: 1 | Built: ")
    cited = tuple(Citation(n, "id", "b.csv", "Boats", None, "", None, n, n + 1, "x", ()) for n in (1, 2))
    sentences = (
        CitedSentence("3 (2 rows, Seats: 2 + 1 = 3)", (1, 2), block="lead"),
        *(CitedSentence(text, (n,), block="row") for n, text in enumerate(rows, 1)),
    )
    found = Answer("q", as_text(sentences), False, 0.9, sentences, cited, form="table")
    markup = html.answer_text("t", found)
    assert markup.count('<td class="fn-figure"') == 4 and markup.count('<th scope="col" class="fn-figure"') == 2
    assert '<p class="fn-answering" dir="auto">3 <span class="fn-meta">&#40;2 rows' in markup

    lines = as_markdown(found).split("\n")
    assert lines[3:7] == [
        "",
        "| Boat | Seats | Built |",
        "| --- | --- | --- |",
        "| Heron \\[1\\] | 2 | 2015 |",
    ]


def test_small_talk_has_questions_as_buttons_and_a_list_of_sources_has_titles() -> None:
    talk = html.answer_text("t", Answer("help", "You could ask:\n\n- Who is it?", False, form="talk"))
    assert 'class="fn-example" dir="auto">Who is it&#63;</button>' in talk
    about = html.answer_text("t", Answer("what is in here?", "There are 2 sources:\n\n- A\n- B", False, form="about"))
    assert "<button" not in about and about.count("<li") == 2
