"""The stamps of files at the last sync: a file with the same stamp is not read again."""

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
"""Nanoseconds within which file times may not distinguish two changes (2 s, the resolution of FAT)."""


@dataclass(frozen=True)
class Remarks:
    """Remarks on the files that a sync read.

    `notes` are by source; `failed` gives the reason why a source failed and will fail until its file changes.
    """

    notes: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """A scan of files without reading them.

    `taken` is when it began, in ns; `stamps` are by source. `notes` are the remarks of reading them, `failed` the
    reasons why some can't be indexed.
    """

    taken: int = 0
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    notes: Mapping[str, list[str]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def look(files: Iterable[tuple[str, Path]]) -> Seen:
        """Scan (source, file) pairs now. Files deleted during the scan are left out."""
        taken, stamps = time.time_ns(), {}
        for source, path in files:
            with contextlib.suppress(OSError):
                stamps[source] = stamp_of(path.stat())
        return Seen(taken, stamps)

    @staticmethod
    def last(home: Path) -> Seen:
        """Return the scan of the last sync, empty if none fits the generation in use."""
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
        """Store this scan for the next sync, with the remarks on what was read."""
        value = {"generation": _in_use(home), "taken": self.taken, "stamps": dict(self.stamps), **asdict(remarks)}
        write_sealed(index_folder(home) / SEEN, value)

    @staticmethod
    def overlook(home: Path, sources: Iterable[str]) -> None:
        """Drop these sources from the last scan, so that the next sync reads them."""
        last, gone = Seen.last(home), set(sources)
        if gone & last.stamps.keys():
            stamps = {source: stamp for source, stamp in last.stamps.items() if source not in gone}
            notes = {source: note for source, note in last.notes.items() if source not in gone}
            failed = {source: why for source, why in last.failed.items() if source not in gone}
            Seen(last.taken, stamps).keep(home, Remarks(notes, failed))

    def unchanged(self, before: Seen) -> frozenset[str]:
        """Return the sources whose files have not changed since the scan `before`.

        A file must have been unchanged so long at that scan that a later change would have another time.
        """
        return frozenset(source for source, stamp in self.stamps.items() if before.shows(source, stamp))

    def shows(self, source: str, stamp: Stamp) -> bool:
        """True if this scan saw the file with this stamp.

        The file must have been unchanged so long by then that a later change would have another time.
        """
        return self.stamps.get(source) == stamp and max(stamp[1], stamp[2]) < self.taken - _GRAIN

    def differs(self, before: Seen) -> list[str]:
        """Return the sources that were added, removed or touched since the scan `before`.

        Only size and modification time are compared.
        """
        names = before.stamps.keys() | self.stamps.keys()
        now, then = self.stamps, before.stamps
        return sorted(one for one in names if one not in now or one not in then or now[one][:2] != then[one][:2])


def _in_use(home: Path) -> str:
    """Return the name of the generation in use. Raises BrokenIndexError if there is none."""
    return current_folder(home).name
