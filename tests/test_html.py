"""Whatever text comes in, it shows as that text and nothing else."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.hostile import HOSTILE, shown
from benchmarks.hostile import answer_of as make
from rag.cite import Citation, CitedSentence
from rag.types import Answer, Passage
from rag.ui import html

TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))


class _Reader(HTMLParser):
    """What a browser would make of markup: elements, attributes, text."""

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
def test_escaped_text_shows_as_it_is_in_elements_and_attributes(text: str) -> None:
    safe = html.escape(text)
    assert not set(safe) & set("<>\"'`${}=/\\[]()")
    read = _Reader(f'<p title="{safe}">{safe}</p>')
    assert [tag for tag, _ in read.elements] == ["p"]
    assert read.text == shown(text) == read.elements[0][1]["title"]


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_a_turn_of_hostile_text_has_only_our_own_elements_and_attributes(text: str) -> None:
    read = _Reader(
        html.turn("t1", make(text))
        + html.failure("t2", text, text)
        + html.welcome([(text, text, None)], [text], known=True)
    )
    ours = set("article h2 h3 div p a section span blockquote mark strong bdi details summary ul ol li button".split())
    ours |= {"svg", "path"}  # the thumbs
    allowed = set("class id dir href role tabindex type target rel title viewbox d aria-label aria-hidden".split())
    allowed |= {"data-turn", "data-do", "data-copy", "data-answer"}
    for tag, attributes in read.elements:
        assert tag in ours
        assert set(attributes) <= allowed
        assert not attributes.get("href") or str(attributes["href"]).startswith(("#source-t1-", "article?source="))


@pytest.mark.parametrize("state", [True, False])
def test_a_refusal_says_so_and_shows_the_nearest_passages(state: bool) -> None:
    passage = Passage(1, "id", "a.txt", "A", None, "", 0, 4, "Text", 0.5, False)
    markup = html.turn("t", Answer("q", "words", state, 0.1, passages=(passage,)))
    assert ("Not in the sources" in markup) is state
    assert ("Nearest passages" in markup) is state
    assert ("Also retrieved (1)" in _Reader(markup).text) is not state


def test_the_answering_words_stand_out_inside_the_quote() -> None:
    citation = Citation(1, "id", "a.txt", "A", None, "", None, 10, 27, "It made 1,000 jobs", ((18, 23),))
    passage = Passage(1, "id", "a.txt", "A", None, "", 0, 40, "0123456789It made 1,000 jobs and more.", 0.5, True)
    answer = Answer("q", "x [1]", False, 0.9, (CitedSentence("x", (1,)),), (citation,), (passage,))
    assert "<strong>1,000</strong>" in html.turn("t", answer)
