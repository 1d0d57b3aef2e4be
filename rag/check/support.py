"""The shipped support model: how likely a passage supports a sentence. No torch here."""

from __future__ import annotations

from pathlib import Path

from index.layout import Span
from rag.check.pieces import LONGEST, LONGEST_SENTENCE, around, encode, pad
from rag.onnx_model import open_session, open_tokenizer

MODEL = Path(__file__).parent / "model"
SMALL = "support.int8.onnx"
_ENDS = 3


class SupportScorer:
    """The model with its tokenizer. Safe to share between threads."""

    def __init__(self, folder: Path = MODEL, threads: int = 0) -> None:
        """`threads` caps the processor threads; 0 leaves the library's default."""
        self._session = open_session(folder / SMALL, threads)
        self._tokenizer = open_tokenizer(folder / "tokenizer.json")

    def warm_up(self) -> None:
        """Run the model once, so that the first sentence does not wait."""
        self.score("warm", "warm", (0, 4))

    def score(self, sentence: str, text: str, span: Span, title: str = "") -> float:
        """The log-odds that `text` supports the sentence, read around `span`, where most of it stands, and under its
        `title`."""
        above = f"{title}\n" if title else ""
        sizes = [len(self._tokenizer.encode(part, add_special_tokens=False).ids) for part in (sentence, above)]
        room = LONGEST - min(sizes[0], LONGEST_SENTENCE) - sizes[1] - _ENDS
        beside = above + around(self._tokenizer, text, span, room)
        ids, mask, types = pad([encode(self._tokenizer, sentence, beside)])
        (odds,) = self._session.run(None, {"ids": ids, "mask": mask, "types": types})
        return float(odds[0])
