"""A model's stream -> the stream without the model's reasoning and tool calls. Pure.

Many models reason before they answer: <think>...</think>, <thinking>, <reasoning>, [THINK] and the like. If a server's
template opens the thought, the stream has only its end; if the model is cut off, only its start. Calls of tools that
are written as text, <tool_call>...</tool_call>, are left out in the same way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = r"(?:\w+:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflect(?:ion)?|analysis|scratchpad|antthinking"
_NAME += r"|tool_?calls?|function_?calls?|tool_use|invoke)"
_TAG = re.compile(rf"[<\[◁]\s*(?P<end>/\s*)?{_NAME}(?:\s[^<>\[\]]{{0,80}})?\s*[>\]▷]", re.IGNORECASE)
_PERHAPS = re.compile(r"[<\[◁]\s*/?\s*[\w:]*(?:\s[^<>\[\]]*)?$")
"""A possible beginning of a tag."""
_LONGEST = 120
"""Longest tag, in characters."""


@dataclass(frozen=True)
class Spoken:
    """Text of the answer.

    `anew` is True if all text before it was a thought.
    """

    text: str
    anew: bool = False


class ThoughtFilter:
    """Takes a stream in pieces and removes thoughts, wherever the pieces are cut.

    >>> thoughts = ThoughtFilter()
    >>> [thoughts.feed(piece).text for piece in ("<th", "ink>Hm.</think>It", " rains.")] + [thoughts.end()]
    ['', 'It', ' rains.', '']
    """

    def __init__(self) -> None:
        self._held = ""
        self._inside = False

    def feed(self, piece: str) -> Spoken:
        """Add a piece of the stream and return the answer's text in it."""
        self._held += piece
        spoken, anew, at = list[str](), False, 0
        for tag in _TAG.finditer(self._held):
            if not self._inside:
                spoken.append(self._held[at : tag.start()])
            at = tag.end()
            if tag["end"] and not self._inside:
                spoken, anew = [], True
            self._inside = not tag["end"]
        rest = self._held[at:]
        perhaps = _PERHAPS.search(rest, max(0, len(rest) - _LONGEST))
        sure = perhaps.start() if perhaps else len(rest)
        if not self._inside:
            spoken.append(rest[:sure])
        self._held = rest[sure:]
        return Spoken("".join(spoken), anew)

    def end(self) -> str:
        """Return the text held back at the end of the stream.

        A thought that never ended is left out.
        """
        held, self._held = self._held, ""
        return "" if self._inside else held
