"""Answer questions from your own documents, in their own words, and show where.

>>> from rag import open_index, ask
>>> answer = ask(open_index("notes"), "When does the office open?")  # doctest: +SKIP
>>> answer.text, answer.citations[0].source  # doctest: +SKIP
('At nine. [1]', 'notes/office.md')

Everything is loaded at its first use, so that `import rag` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from index.errors import FootnoteError
    from index.report import Report
    from index.text.published import Published
    from rag.choice import Choice
    from rag.cite import Citation, CitedSentence
    from rag.engine import Engine
    from rag.library import ask, open_index
    from rag.settings import Settings
    from rag.types import Answer, Passage, Refusal

__all__ = [
    "Answer",
    "Choice",
    "Citation",
    "CitedSentence",
    "Engine",
    "FootnoteError",
    "Passage",
    "Published",
    "Refusal",
    "Report",
    "Settings",
    "ask",
    "open_index",
]

_HOMES = {
    "Answer": "rag.types",
    "Choice": "rag.choice",
    "Citation": "rag.cite",
    "CitedSentence": "rag.cite",
    "Engine": "rag.engine",
    "FootnoteError": "index.errors",
    "Passage": "rag.types",
    "Published": "index.text.published",
    "Refusal": "rag.types",
    "Report": "index.report",
    "Settings": "rag.settings",
    "ask": "rag.library",
    "open_index": "rag.library",
}
"""Public name -> the module that defines it."""


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'rag' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
