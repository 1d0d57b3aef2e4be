"""Adding and removing sources, by the page and by programs: files, web pages, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

from index.errors import FootnoteError
from index.report import Progress, Report
from index.sources.fetch import is_address
from index.sources.roots import forget_addresses, left_out, registered_addresses, uploads
from rag.access.users import UserStore
from rag.engine import Engine
from rag.removed import Removed

_WAIT = 60
"""Seconds to wait for another process that changes the index."""
OutcomeState = Literal["added", "replaced", "unchanged", "failed"]


class BadAddress(FootnoteError):
    """A web address that is none, or whose page can't be read."""


@dataclass(frozen=True)
class SourceOutcome:
    """What became of a file: the name of its source (its own name if there is none), its state, and why it failed."""

    name: str
    source: str
    state: OutcomeState
    why: str = ""


class SourceChanges:
    """Changes the sources, one change after the other, and notes in the audit log who did."""

    def __init__(self, engine: Engine, removed: Removed) -> None:
        self._engine = engine
        self.removed = removed
        self._lock = Lock()

    def add_files(
        self, sent: Sequence[Path], by: str, progress: Progress | None = None
    ) -> tuple[Report, list[SourceOutcome]]:
        """Move files into the folder of uploads and index them; a file with the same name is replaced.

        If indexing raises, the folder is as it was before.
        """
        folder = uploads(self._engine.home)
        refused = {path.name: why for path in sent if (why := left_out(folder, path.name))}
        moved = [path for path in sent if path.name not in refused]
        report = Report()
        if moved:
            with self._lock:
                report = self._index_moved(moved, folder, progress)
        outcomes = file_outcomes(report, [path.name for path in sent], refused)
        self._note(by, "source added", [one.source for one in outcomes if one.state in ("added", "replaced")])
        return report, outcomes

    def _index_moved(self, moved: Sequence[Path], folder: Path, progress: Progress | None) -> Report:
        folder.mkdir(parents=True, exist_ok=True)
        before: dict[Path, Path | None] = {}
        try:
            for path in moved:
                place = folder / path.name
                if place not in before:
                    before[place] = place.replace(path.with_name(f"{path.name}.before")) if place.exists() else None
                path.replace(place)
            return self._engine.index([folder], progress=progress, wait=_WAIT)
        except BaseException:
            for place, kept in before.items():
                place.unlink(missing_ok=True)
                if kept:
                    kept.replace(place)
            raise

    def add_page(self, address: str, by: str, progress: Progress | None = None) -> Report:
        """Fetch a web page and index it.

        Raises BadAddress if it can't be read. After any error it is no source, unless it was one before.
        """
        address = address.strip()
        if not is_address(address):
            raise BadAddress("Type a full web address that begins with http:// or https://.")
        with self._lock:
            was_known = address in registered_addresses(self._engine.home)
            try:
                report = self._engine.index(addresses=[address], progress=progress, wait=_WAIT)
            except BaseException:
                if not was_known:
                    forget_addresses(self._engine.home, [address])
                raise
            if why := dict(report.failed).get(address):
                if not was_known:
                    self._engine.forget([address])
                raise BadAddress(f"{address} {why}")
        self._note(by, "source added", [address])
        return report

    def add_folder(self, folder: Path, by: str, progress: Progress | None = None) -> Report:
        """Add a folder of this machine as a source folder and index it."""
        with self._lock:
            report = self._engine.index([folder], progress=progress, wait=_WAIT)
        self._note(by, "source added", [str(folder)])
        return report

    def look(self, by: str, progress: Progress | None = None, *, anew: Sequence[str] = ()) -> Report:
        """Index what has changed in all source folders, and the sources `anew` even if they seem unchanged."""
        with self._lock:
            report = self._engine.index(anew=anew, progress=progress, wait=_WAIT)
        counts = f"{len(report.added)} added, {len(report.changed)} changed, {len(report.removed)} removed"
        self._note(by, "looked for changes", [counts])
        self._note(by, "source read again", anew)
        return report

    def remove(self, sources: Sequence[str], by: str, progress: Progress | None = None) -> tuple[Report, str]:
        """Remove sources; return the report and the token that undoes it. Raises FootnoteError for an unknown one."""
        with self._lock:
            report, token = self.removed.remove(sources, progress)
        self._note(by, "source removed", sources)
        return report, token

    def undo(self, token: str, by: str, progress: Progress | None = None) -> Report:
        """Restore the sources of a removal. Raises FootnoteError if it is too late."""
        with self._lock:
            report = self.removed.undo(token, progress)
        self._note(by, "source restored", [*report.added, *report.changed])
        return report

    def _note(self, by: str, what: str, about: Sequence[str]) -> None:
        users = UserStore(self._engine.home)
        for one in about:
            users.note(by, what, one)


def file_outcomes(report: Report, names: Sequence[str], refused: Mapping[str, str]) -> list[SourceOutcome]:
    """Return what became of each file.

    `refused` maps a file that was not stored to the reason.
    """
    failed = {**dict(report.failed), **refused}
    states: list[tuple[OutcomeState, list[str]]] = [
        ("added", report.added),
        ("replaced", report.changed),
        ("unchanged", report.unchanged),
    ]
    outcomes = []
    for name in dict.fromkeys(names):
        # The source's name has a folder before it if another root has a file of this name.
        source = next((one for one in [*failed, *(s for _, of in states for s in of)] if Path(one).name == name), name)
        state: OutcomeState = next((words for words, of in states if source in of), "failed")
        why = failed.get(source, "was not added") if state == "failed" else ""
        outcomes.append(SourceOutcome(name, source, state, why))
    return outcomes
