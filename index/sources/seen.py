"""What the last sync saw of each file without reading it: what looks the same since is not read again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from index.errors import BrokenIndexError
from index.home import current_folder, index_folder
from index.stamps import Stamp, stamp_of
from index.state import read_sealed, write_sealed

SEEN = "seen.json"
_GRAIN = 2_000_000_000
"""Nanoseconds within which a clock of files may not tell two changes apart (2 s: FAT has no finer one)."""


@dataclass(frozen=True)
class Remarks:
    """What a sync has to say of the files it read: notes by source, and why some failed and will until they change."""

    notes: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """A look at files: when it began (ns), the stamp of each by source, what reading them had to remark, and why some
    of them can't be indexed."""

    taken: int = 0
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    notes: Mapping[str, list[str]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def look(files: Iterable[tuple[str, Path]]) -> Seen:
        """A look now at (source, file) pairs; those that are gone meanwhile are not in it."""
        taken, stamps = time.time_ns(), {}
        for source, path in files:
            with contextlib.suppress(OSError):
                stamps[source] = stamp_of(path.stat())
        return Seen(taken, stamps)

    @staticmethod
    def last(home: Path) -> Seen:
        """The look that the last sync took; an empty one when none is kept for the generation in use."""
        try:
            value = read_sealed(index_folder(home) / SEEN)
            if value["generation"] != _in_use(home):
                return Seen()
            stamps = {str(source): (int(a), int(b), int(c), int(d)) for source, (a, b, c, d) in value["stamps"].items()}
            notes = {str(s): list(map(str, n)) for s, n in value["notes"].items()}
            failed = {str(source): str(why) for source, why in value.get("failed", {}).items()}
            return Seen(int(value["taken"]), stamps, notes, failed)
        except (BrokenIndexError, OSError, ValueError, TypeError, KeyError, AttributeError):
            return Seen()

    def keep(self, home: Path, remarks: Remarks) -> None:
        """Keep this look for the next sync, with the remarks on what was read."""
        value = {"generation": _in_use(home), "taken": self.taken, "stamps": dict(self.stamps), **asdict(remarks)}
        write_sealed(index_folder(home) / SEEN, value)

    @staticmethod
    def overlook(home: Path, sources: Iterable[str]) -> None:
        """Forget how these sources looked at the last sync, so that the next one reads them whatever they look like."""
        last, gone = Seen.last(home), set(sources)
        if gone & last.stamps.keys():
            stamps = {source: stamp for source, stamp in last.stamps.items() if source not in gone}
            notes = {source: note for source, note in last.notes.items() if source not in gone}
            failed = {source: why for source, why in last.failed.items() if source not in gone}
            Seen(last.taken, stamps).keep(home, Remarks(notes, failed))

    def unchanged(self, before: Seen) -> frozenset[str]:
        """The files that are as they were `before`, and changed last so long before that look that a change after it
        would have another time."""
        return frozenset(source for source, stamp in self.stamps.items() if before.shows(source, stamp))

    def shows(self, source: str, stamp: Stamp) -> bool:
        """True if a file with this stamp is the one that this look saw, so long unchanged by then that a change after
        it would show."""
        return self.stamps.get(source) == stamp and max(stamp[1], stamp[2]) < self.taken - _GRAIN

    def differs(self, before: Seen) -> list[str]:
        """Sources that were added, removed or touched since the look `before`, judged by size and time of change."""
        names = before.stamps.keys() | self.stamps.keys()
        now, then = self.stamps, before.stamps
        return sorted(one for one in names if one not in now or one not in then or now[one][:2] != then[one][:2])


def _in_use(home: Path) -> str:
    """The name of the generation in use. Raises BrokenIndexError when there is none."""
    return current_folder(home).name
