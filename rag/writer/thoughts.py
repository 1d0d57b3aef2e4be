"""A model's stream -> the stream without what the model only thinks. Pure.

Many models think aloud before they answer: <think>...</think>, <thinking>, <reasoning>, [THINK] and the like. Where a
server's template opens the thought, only its end stands in the stream; where the model is cut off, only its start.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = r"(?:\w+:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflect(?:ion)?|analysis|scratchpad|antthinking)"
_TAG = re.compile(rf"[<\[◁]\s*(?P<end>/\s*)?{_NAME}(?:\s[^<>\[\]]{{0,80}})?\s*[>\]▷]", re.IGNORECASE)
_PERHAPS = re.compile(r"[<\[◁]\s*/?\s*[\w:]*(?:\s[^<>\[\]]*)?$")
"""What may become a tag when more comes."""
_LONGEST = 120
"""Characters of a tag at most."""


@dataclass(frozen=True)
class Spoken:
    """Text of the answer. `anew` tells that all text before it was a thought too."""

    text: str
    anew: bool = False


class ThoughtFilter:
    """Takes a stream piece by piece and leaves thoughts out, wherever the pieces are cut.

    >>> thoughts = ThoughtFilter()
    >>> [thoughts.feed(piece).text for piece in ("<th", "ink>Hm.</think>It", " rains.")] + [thoughts.end()]
    ['', 'It', ' rains.', '']
    """

    def __init__(self) -> None:
        self._held = ""
        self._inside = False

    def feed(self, piece: str) -> Spoken:
        """Take in more of the stream and return what it adds to the answer."""
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
        """The stream has ended: return what was held back. A thought that never ended is not in it."""
        held, self._held = self._held, ""
        return "" if self._inside else held
