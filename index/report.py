"""The progress of a sync while it works, and its report at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total); the stages are "fetching", "reading", "cutting", "embedding" and "checking"."""


@dataclass
class Report:
    """The result of a sync.

    Lists hold source names; `failed` and `notes` pair each name with the reason. `read` counts the files that were
    read, `embedded` the texts that were embedded.
    """

    generation: str = ""
    built: bool = False
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    other_formats: list[str] = field(default_factory=list)
    read: int = 0
    articles: int = 0
    chunks: int = 0
    embedded: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the report for other programs, every failure and note with its source."""
        reasons = {
            name: [{"source": source, "why": why} for source, why in getattr(self, name)]
            for name in ("failed", "notes")
        }
        return {**asdict(self), **reasons, "seconds": round(self.seconds, 2)}
