"""Hostile strings as title, text, file name and question, in Chromium: `python -m benchmarks.hostile`.

There are two tests. The first *renders* every string: as a question on the page; as title, file name, heading, quote,
passage and note of an answer that the page's script receives like an answer of the server; on the start page; and on
the page of an article. The second takes some strings on the whole *journey*: it writes them to files, indexes these and
asks about them. No script may run, no foreign element or attribute may appear, and every text must be shown unchanged.
The test suite runs a few strings of each test.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from benchmarks.served import ask, chromium, opened, served
from index.article import Article
from rag.cite import Citation, CitedSentence
from rag.engine import Engine
from rag.settings import Settings
from rag.types import Answer, Passage
from rag.ui import html
from rag.ui.article import File, MarkedPlace, article_page
from rag.ui.markdown import as_markdown
from rag.ui.typeset import typeset

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>window.ran = 1; alert(1)</script>",
    "${alert(1)}",
    "{{constructor.constructor('alert(1)')()}}",
    "{{{value}}} {{#each this}}<b>{{this}}</b>{{/each}}",
    "</template><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)' x='",
    '"></i><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "<!-- --><svg/onload=alert(1)>",
    "--><script>alert(1)</script><!--",
    "]]></title></textarea></style><script>alert(1)</script>",
    "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
    "<form action=http://evil.example><button>Send</button></form>",
    "<base href=http://evil.example/><link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=http://evil.example'>",
    "<a href=javascript:alert(1) id=fn-panel>x</a>",
    "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
    "<details open ontoggle=alert(1)><summary>x",
    "`${alert(1)}`",
    "[x](javascript:alert(1)) ![x](http://evil.example/x.png)",
    "<style>*{display:none}</style>",
    "\u202egnp.exe\u202c \u2066isolated\u2069",
    "ab\u0000cd\u0008ef\u007fgh\u2028ij",
    "<|endoftext|> \\u003cscript\\u003ealert(1)",
    "\ufeff%3Cscript%3Ealert(1)%3C/script%3E",
]
_PIECES = st.one_of(
    st.sampled_from(HOSTILE),
    st.sampled_from(
        [*"<>\"'`&=/\\{}()[]$#;: \n\t", "<", "</", "/>", "-->", "<!--", "{{", "}}", "${", "&#", "&lt;", "on"]
    ),
    st.sampled_from(
        ["script", "img", "svg", "style", "a", "onerror", "onload", "src", "href", "javascript:", "alert(1)"]
    ),
    st.text(max_size=12),
)
_STRINGS = st.one_of(st.text(min_size=1, max_size=60), st.lists(_PIECES, min_size=1, max_size=8).map("".join))
_OURS = (
    "main article h1 h2 h3 div p a section span blockquote cite mark strong bdi details summary dl dt dd ul ol li "
    "button i code",
    "class id dir href role tabindex type target rel hidden aria-label aria-hidden aria-pressed data-turn data-do "
    "data-copy data-quote data-parcel data-answer title viewBox d download",
)
_TEXT = '<div class="fn-text"'
_BEGIN = "(texts) => texts.map((text) => window.footnote.begin(text)[1].split(' ')[0])"
# Puts parcels where Gradio puts the server's answers, so that the page's script handles them in the same way.
_ARRIVE = """(parcels) => {
  const held = document.createElement("div");
  held.innerHTML = parcels;
  document.getElementById("fn-arriving").append(held);
  setTimeout(() => held.remove(), 1000);
  return window.foreign(held);
}"""
_READ = """(ids) => ids.map((id) => {
  const turn = document.getElementById("turn-" + id);
  const sources = document.querySelector(`.fn-sources[data-turn="${id}"]`);
  const text = (within, what) => within.querySelector(what)?.textContent;
  const marker = turn.querySelector(".fn-marker");
  marker.dispatchEvent(new Event("mouseover", { bubbles: true }));
  const tip = text(document, "#fn-tip");
  marker.dispatchEvent(new Event("mouseout", { bubbles: true }));
  return {
    question: text(turn, ".fn-question"), said: text(turn, ".fn-answer p"), note: text(turn, ".fn-note"),
    label: marker.getAttribute("aria-label"), copied: turn.querySelector("[data-copy]").dataset.copy, tip,
    title: text(sources, "h3"), source: text(sources, ".fn-file bdi"), heading: text(sources, ".fn-heading"),
    quote: text(sources, "mark"), passage: text(sources, ".fn-more blockquote"),
  };
})"""
# Puts our markup on the page for a moment; returns the text of each part that the selector `what` matches.
_SHOW = """([markup, what]) => {
  const held = document.createElement("div");
  held.innerHTML = markup;
  document.getElementById("fn-conversation").append(held);
  const texts = [...held.querySelectorAll(what)].map((one) => one.textContent);
  const foreign = window.foreign(held);
  held.remove();
  return [texts, foreign];
}"""
# Elements, attributes and link targets that our markup never has.
_FOREIGN = """([elements, attributes]) => {
  window.foreign = (within) => [...within.querySelectorAll("*")].flatMap((one) => [
    ...(elements.includes(one.localName) || one.closest(".fn-action > svg") ? [] : [one.localName]),
    ...one.getAttributeNames().filter((name) => !attributes.includes(name)),
    ...(/^(#source-|article[?]source=|conversations[/]receipts[/]|$)/.test(one.getAttribute("href") ?? "")
      ? [] : [one.getAttribute("href")]),
  ]);
}"""
_SURVEY = """() => [
  ...["fn-conversation", "fn-panel"].flatMap((id) => window.foreign(document.getElementById(id))),
  ...("ran" in window ? ["a script that ran"] : []),
]"""


def strings(count: int) -> list[str]:
    """Return `count` different hostile strings, the same on each call.

    HOSTILE comes first, then strings that hypothesis generates from similar pieces.
    """
    found = dict.fromkeys(HOSTILE)
    number = 0
    while len(found) < count:
        number += 1

        @seed(number)
        @settings(
            max_examples=200,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(_STRINGS, min_size=1, max_size=20))
        def collect(drawn: list[str]) -> None:
            found.update(dict.fromkeys(filter(None, drawn)))

        collect()
    return list(found)[:count]


def shown(text: str) -> str:
    """Return the text with U+FFFD for characters that HTML can't contain."""
    return "".join(
        "\ufffd"
        if "\ud800" <= c <= "\udfff" or (c < " " and c not in "\t\n\r") or "\x7f" <= c <= "\x9f" or _is_noncharacter(c)
        else c
        for c in text
    )


def _is_noncharacter(character: str) -> bool:
    return "\ufdd0" <= character <= "\ufdef" or ord(character) % 0x10000 >= 0xFFFE


def answer_of(text: str) -> Answer:
    """Return an answer with `text` wherever text of sources or users can occur."""
    citation = Citation(1, "id", text, text, None, text, None, 1, 1 + len(text), text, ((1, 1 + len(text)),))
    passage = Passage(1, "id", text, text, None, text, 0, len(text) + 2, f"x{text}x", 0.5, True)
    behind = len(text) + 2
    other = Passage(2, "id", text, text, None, text, behind, behind + len(text), text, 0.5, False)
    return Answer(text, text, False, 0.5, (CitedSentence(text, (1,)),), (citation,), (passage, other), {}, (text,))


def rendered(page: Page, texts: Sequence[str]) -> list[str]:
    """Render the texts in a new conversation; return the faults, one line each."""
    page.get_by_role("button", name="New conversation").click()
    page.evaluate(_FOREIGN, [part.split() for part in _OURS])
    ids = page.evaluate(_BEGIN, list(texts))
    answers = [answer_of(text) for text in texts]
    turns = [html.turn(id_, found) for id_, found in zip(ids, answers, strict=True)]
    arrived = page.evaluate(_ARRIVE, "".join(map(html.parcel, turns)))
    expect(page.locator(".fn-working")).to_have_count(0)
    wrong = [f"{fault} is on the page" for fault in arrived + page.evaluate(_SURVEY)]
    for text, found, read in zip(texts, answers, page.evaluate(_READ, ids), strict=True):
        plain = shown(text)
        wanted = {
            **dict.fromkeys(("question", "note", "source", "heading"), plain),
            "label": f"source 1, {plain}",
            "copied": shown(as_markdown(found)),
            "title": f"1 {plain}",
        }
        marked = {"quote": "", "passage": "", "said": "1"} | (
            {"tip": ""} if len(plain.encode("utf-16-le")) <= 560 else {}
        )
        wrong += [
            f"{text!r} as {name} reads {read[name]!r}"
            for name, end in marked.items()
            if not re.fullmatch(f"{_flowing(text)}{end}", read[name])
        ]
        wrong += [f"{text!r} as {name} reads {read[name]!r}" for name in wanted if read[name] != wanted[name]]
    wrong += _shown_alone(page, texts)
    return wrong


def _flowing(text: str) -> str:
    """Return a pattern of the text in which each line break may be a space."""
    return "".join(f"[ {re.escape(shown(c))}]" if len(f"a{c}b".splitlines()) > 1 else re.escape(shown(c)) for c in text)


def _shown_alone(page: Page, texts: Sequence[str]) -> list[str]:
    """Return the faults of the texts in failed and pending turns, on the start page and on an article's page."""
    turns = [html.failure(f"f{n}", text, text) + html.pending_turn(f"p{n}", text, text) for n, text in enumerate(texts)]
    welcome = html.welcome([(text, text, None) for text in texts[:5]], texts[:5], known=True)
    plain = [shown(text) for text in texts]
    wrong = []
    for markup, what, wanted in (
        ("".join(turns), ".fn-question, .fn-problem, .fn-status", [text for text in plain for _ in range(4)]),
        (welcome, "li bdi, li button", plain[:5] * 2),
        ("".join(map(_article_body, texts)), "h1, .fn-words", [line for text in texts for line in _expected(text)]),
    ):
        read, foreign = page.evaluate(_SHOW, [markup, what])
        wrong += [f"{fault} is on the page" for fault in foreign]
        wrong += [f"{w!r} reads {r!r}" for w, r in zip(wanted, read, strict=True) if w != r]
    return wrong


def _article_body(text: str) -> str:
    """Return the heading and the text of the page of an article whose title and text are `text`."""
    markup = article_page(
        Article("id", text, text, "text", None, _below_title(text)), MarkedPlace(1, 2 + len(text) // 2), File()
    )
    markup = markup[markup.index("<h1") : markup.index("</main>")]
    return f'{markup[: markup.index("</h1>")]}</h1><div class="fn-words">{markup[markup.index(_TEXT) :]}</div>'


def _expected(text: str) -> list[str]:
    """Return the expected heading, and the expected text below it."""
    below = _below_title(text)
    runs = [
        run for part in typeset(below) for cell in (part.runs, *(c for row in part.rows for c in row)) for run in cell
    ]
    return [shown(text), shown("".join(below[run.start : run.end] for run in runs))]


def _below_title(text: str) -> str:
    """Return `text` as one paragraph that is not a title."""
    return f"x {' '.join(text.split())}."


def write_hostile(root: Path, texts: Sequence[str]) -> None:
    """Write articles with these texts as file name, title and text.

    Control characters are removed, because files with them count as binary and are rejected.
    """
    root.mkdir()
    for number, text in enumerate(texts):
        name = f"{number} {text.replace('/', '')}".encode()[:200].decode(errors="ignore").replace("\0", "")
        (root / f"{name}.txt").write_text(f"{_printing(text)}\n\n{_secret(number, text)}\n", "utf-8", newline="")


def _secret(number: int, text: str) -> str:
    return f"The secret word of vault {number} is marmalade {' '.join(_printing(text).split())} indeed."


def _printing(text: str) -> str:
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", text)


def journey(page: Page, texts: Sequence[str]) -> list[str]:
    """Ask about the texts of `write_hostile` on a page; return the faults."""
    expect(page.locator(".fn-state-ready")).to_be_visible(timeout=60_000)
    page.evaluate(_FOREIGN, [part.split() for part in _OURS])
    wrong = []
    for number, text in enumerate(texts):
        page.get_by_role("button", name="New conversation").click()
        question = f"What is the secret word of vault {number}? {' '.join(shown(text).split())}"
        ask(page, question)
        expect(page.locator(".fn-turn:not(.fn-working)")).to_have_count(1, timeout=60_000)
        wrong += [f"{fault} is on the page" for fault in page.evaluate(_SURVEY)]
        actual = page.locator(".fn-question").text_content() or ""
        if actual != question:
            wrong.append(f"the question {question!r} reads {actual!r}")
        # The passage has rare words, so the retriever always returns it.
        if shown(_secret(number, text)) not in (page.locator("#fn-panel").text_content() or ""):
            wrong.append(f"the text of {text!r} does not show as it is")
    return wrong


def main() -> None:
    """Run both tests and print the faults; exit with 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strings", type=int, default=10_000, help="rendered strings")
    parser.add_argument("--journeys", type=int, default=200, help="strings for the journey")
    parser.add_argument("--batch", type=int, default=100, help="strings that are on the page at once")
    arguments = parser.parse_args()
    started = time.monotonic()
    texts = strings(arguments.strings)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        home, root = Path(folder) / "home", Path(folder) / "docs"
        chosen = texts[: arguments.journeys]
        write_hostile(root, chosen)
        Engine(Settings(home=home)).index([root])
        with served(home, Path(folder) / "serve.log") as address:
            with opened(browser, address) as page:
                wrong += journey(page, chosen)
            print(f"{len(chosen)} strings taken on the journey, {len(wrong)} faults", flush=True)
            with opened(browser, address) as page:
                expect(page.locator(".fn-state-ready")).to_be_visible(timeout=60_000)
                for first in range(0, len(texts), arguments.batch):
                    wrong += rendered(page, texts[first : first + arguments.batch])
    print(f"{len(texts)} strings rendered, {len(wrong)} faults in all, {time.monotonic() - started:.0f} s")
    for fault in wrong[:20]:
        print(f"  {fault}")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
