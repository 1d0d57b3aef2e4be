"""Export of a conversation: Markdown, JSON, or one HTML page that contains the quotes its markers link to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from index.formats import page_name
from rag.cite import Citation
from rag.conversation.store import Conversation, Turn
from rag.ui import cards, html
from rag.ui.escape import escape
from rag.ui.markdown import as_markdown, escape_markdown
from rag.ui.passage import flowing

_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1c2430, #e8ebf0); --quiet: light-dark(#515c6d, #aab3c1);
  --line: light-dark(#d5dae2, #3a4352); --paper: light-dark(#fff, #11151c); --accent: light-dark(#1a4fc4, #8ab4ff);
  --evidence: light-dark(#fff0b3, #4a3f12); --strong: light-dark(#ffd54a, #7a6413); }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.06rem/1.55 system-ui, sans-serif; }
main { max-width: 44rem; margin: 2rem auto; padding-inline: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
a { color: var(--accent); }
.fn-marker { font-size: .78em; vertical-align: super; text-decoration: none; margin-inline-start: .2em; }
.fn-answering { font-size: 1.25rem; }
.fn-quoted { border-inline-start: 2px solid var(--line); padding-inline-start: 1rem; }
.fn-quoted p { margin: 0; } .fn-quoted strong { background: var(--strong); }
cite { color: var(--quiet); font-size: .88rem; font-style: normal; }
.fn-cited { border-inline-start: 3px solid var(--line); padding-inline-start: .9rem; margin: 1rem 0; }
.fn-cited:target { border-color: var(--accent); }
.fn-cited h3 { font-size: 1rem; margin: 0; } .fn-meta, .fn-note { color: var(--quiet); font-size: .88rem; margin: 0; }
blockquote { margin: .4rem 0; white-space: pre-line; } mark { background: var(--evidence); color: inherit; }
mark strong { background: var(--strong); }
.fn-rows { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: start; vertical-align: baseline; padding: .25rem 1rem .25rem 0;
  border-bottom: 1px solid var(--line); }
th, .fn-none { font-weight: 400; color: var(--quiet); } .fn-figure { text-align: end; } .fn-from { margin-top: .3rem; }
.fn-next, .fn-searched button { display: none; } button { all: unset; } .fn-verdict { font-weight: 600; }
"""


def conversation_json(conversation: Conversation) -> str:
    """Return the conversation as JSON, with answers as in docs/answer.md.

    An answer is null if only its text was kept.
    """
    turns: list[dict[str, Any]] = [
        {
            "id": turn.id,
            "question": turn.question,
            "text": turn.text,
            "asked": turn.asked,
            "starred": turn.starred,
            "answer": turn.answer.to_json() if turn.answer else None,
        }
        for turn in conversation.turns
    ]
    whole = {"schema": 1, "title": conversation.title, "left_out": list(conversation.left_out), "turns": turns}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def conversation_markdown(conversation: Conversation) -> str:
    """Return the conversation as Markdown, with the citations below each answer."""
    parts = [f"# {escape_markdown(conversation.title)}\n"]
    for turn in conversation.turns:
        words = f"**{escape_markdown(turn.question)}**\n\n{escape_markdown(turn.text)}\n"
        parts.append(as_markdown(turn.answer) if turn.answer else words)
    return "\n".join(parts)


def conversation_html(conversation: Conversation) -> str:
    """Return the conversation as one HTML page without scripts or external files.

    The markers link to the quotes in the page.
    """
    turns = "".join(map(_turn, conversation.turns))
    title = escape(conversation.title)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f'<body><main><h1 dir="auto">{title}</h1>{turns}</main></body></html>'
    )


def _turn(turn: Turn) -> str:
    question = f'<h2 dir="auto">{escape(turn.question)}</h2>'
    if turn.answer is None:
        return f"<article>{question}{html.plain_words(turn.text)}</article>"
    cited = "".join(_cited(turn.id, one) for one in turn.answer.citations)
    return f"<article>{question}{html.answer_text(turn.id, turn.answer)}{cited}</article>"


def _cited(turn_id: str, one: Citation) -> str:
    page = page_name(one.source, one.page) if one.page else ""
    place = [one.source, str(one.published or ""), page, one.heading]
    quoted = cards.highlighted(replace(one, quote=flowing(one.quote)))
    return (
        f'<section class="fn-cited" id="source-{escape(turn_id)}-{one.number}">'
        f'<h3 dir="auto">{one.number} {escape(one.title)}</h3>'
        f'<p class="fn-meta" dir="auto">{escape(" · ".join(filter(None, place)))}</p>'
        f'<blockquote dir="auto"><mark>{quoted}</mark></blockquote></section>'
    )
