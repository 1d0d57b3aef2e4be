"""A downloaded conversation: whatever stands in questions, titles and quotes stays text in Markdown and HTML."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st
from lxml import html
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.cite import AnswerBlockKind, Citation, CitedSentence
from rag.conversation.store import Conversation, Turn
from rag.types import Answer, Passage
from rag.ui.export import conversation_html, conversation_json, conversation_markdown
from tests.nasty import TEXTS

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "<http://evil.example>",
    "[x]: http://evil.example",
    "\\<b>\\![x](y)",
    "&lt;script&gt;",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)}",
    "</blockquote></section><script>",
    '\'" onmouseover=alert(1) x="',
    "a|b\n|---|---|\n|<b>|c|",
    "```\n<script>\n```",
    "\n    <script>",
)
WORDS = st.lists(st.one_of(st.sampled_from(HOSTILE), TEXTS.map(lambda text: text[:400])), min_size=1, max_size=3).map(
    " ".join
)
HARMLESS = frozenset(
    """html head meta title style body main article section h1 h2 h3 h4 p ul ol li a span div mark strong blockquote
    cite bdi br hr table thead tbody caption tr th td small em button code pre figure figcaption details
    summary""".split()
)


def conversation(words: str, kind: AnswerBlockKind) -> Conversation:
    """Return a conversation in which every text that somebody else wrote is these words."""
    quote = words or "x"
    sentences = (CitedSentence(words, (1,), words=True), CitedSentence(f"“{quote}”", (1,), block=kind))
    citation = Citation(1, "id", words, words, None, words, None, 0, len(quote), quote, ((0, 1),))
    passage = Passage(1, "id", words, words, None, words, 0, len(quote), quote, 0.9, True)
    text = "\n\n".join(f"{one.text} [1]" for one in sentences)
    answer = Answer(words, text, False, 0.9, sentences, (citation,), (passage,))
    return Conversation("conversation1", words, False, (), (Turn("turn1", words, text, answer, False, ""),))


def walk(tokens: list[Token]) -> list[Token]:
    return [one for token in tokens for one in (token, *walk(token.children or []))]


@given(WORDS, st.sampled_from(["quote", "item", "step", "row"]))
@example(" ".join(HOSTILE), "quote")
def test_no_text_becomes_a_link_a_picture_or_markup_in_markdown(words: str, kind: AnswerBlockKind) -> None:
    found = conversation(words, kind)
    for whole in (found, replace(found, turns=(replace(found.turns[0], answer=None),))):
        for reader in (MarkdownIt("commonmark"), MarkdownIt("gfm-like", {"linkify": False, "html": True})):
            kinds = {token.type for token in walk(reader.parse(conversation_markdown(whole)))}
            assert not kinds & {"html_block", "html_inline", "image", "link_open"}, conversation_markdown(whole)


@given(WORDS, st.sampled_from(["quote", "item", "step", "row"]))
@example(" ".join(HOSTILE), "quote")
def test_no_text_becomes_an_element_or_a_script_in_html(words: str, kind: AnswerBlockKind) -> None:
    tree = html.fromstring(conversation_html(conversation(words, kind)))
    for element in tree.iter():
        assert element.tag in HARMLESS, element.tag
        assert not any(name.startswith("on") or name in ("src", "srcset") for name in element.attrib)
        assert element.get("href", "#").startswith("#")


@given(WORDS)
def test_json_gives_the_texts_back(words: str) -> None:
    (turn,) = json.loads(conversation_json(conversation(words, "quote")))["turns"]
    assert turn["question"] == turn["answer"]["question"] == turn["answer"]["citations"][0]["title"] == words
