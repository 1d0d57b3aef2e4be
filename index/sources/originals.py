"""Find the file that a source was read from, if it still holds what was indexed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Literal

from index.article import Article, read_article
from index.errors import FootnoteError, UnreadableSource
from index.formats.worker import Worker
from index.home import current_folder
from index.sources.roots import find_sources, forgotten, registered_addresses
from index.sources.seen import Seen
from index.sources.web_pages import saved_pages, web_folder
from index.stamps import Stamp, open_at_once, open_stamped, stamp_of

_MOST_KNOWN = 1000
State = Literal["same", "changed", "gone"]
Using = Callable[[Callable[[Worker], bool]], bool]


@dataclass(frozen=True)
class Original:
    """A file that still holds what was indexed, judged by its stamp."""

    path: Path
    stamp: Stamp

    def open(self) -> BinaryIO:
        """Open the file to read. Raises OSError if it was changed or replaced."""
        return open_stamped(self.path, self.stamp)


class Originals:
    """The files of sources. Safe to share between threads.

    Only files that are sources now are opened.
    """

    def __init__(self, home: Path, roots: Callable[[], Sequence[Path]], max_bytes: int) -> None:
        """Find the sources of `home`.

        `roots` returns its registered files and folders; files larger than `max_bytes` are not read.
        """
        self._home, self._roots, self._max_bytes = home, roots, max_bytes
        self._lock = Lock()
        self._files: tuple[object, dict[str, Path]] = (None, {})
        self._known: dict[tuple[str, Stamp], bool] = {}

    def find(self, article: Article, using: Using) -> tuple[Original | None, State]:
        """Return the file that `article` was read from, and its state.

        There is a file only in the state "same". A file that was touched since the last sync is read again, once, and
        compared; `using` lends the worker for that.
        """
        try:
            path = self._paths(article.source).get(article.source)
            if path is None:
                return None, "gone"
            real = path.resolve(strict=True)
            if not self._may_open(real):
                return None, "changed"
            with open_at_once(real, follow=False) as stream:
                stamp = stamp_of(os.fstat(stream.fileno()))
        except (OSError, FootnoteError):
            return None, "gone"
        original = Original(real, stamp)
        return (original, "same") if self._is_same(article, path, original, using) else (None, "changed")

    def _is_same(self, article: Article, path: Path, original: Original, using: Using) -> bool:
        key = (article.id, original.stamp)
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = Seen.last(self._home).shows(article.source, original.stamp) or using(
                lambda worker: self._says_the_same(article, path, original, worker)
            )
            with self._lock:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[key] = known
        return known

    def _says_the_same(self, article: Article, path: Path, original: Original, worker: Worker) -> bool:
        try:
            found, _ = read_article(path, article.source, max_bytes=self._max_bytes, worker=worker)
            original.open().close()
        except (UnreadableSource, OSError):
            return False
        return found.id == article.id

    def _may_open(self, real: Path) -> bool:
        inside = [root.resolve() for root in (*self._roots(), web_folder(self._home))]
        return any(root == real or root in real.parents for root in inside)

    def _paths(self, source: str) -> dict[str, Path]:
        """Return source -> file, searched again if the index or the roots changed or the file is missing."""
        roots = tuple(self._roots())
        key = (current_folder(self._home).name, roots)
        with self._lock:
            at, files = self._files
        if at != key or source not in files or not files[source].exists():
            files = dict(self._look(roots))
            with self._lock:
                self._files = (key, files)
        return files

    def _look(self, roots: Iterable[Path]) -> list[tuple[str, Path]]:
        pages, _ = saved_pages(self._home, registered_addresses(self._home))
        return [*find_sources(roots, forgotten(self._home)).files, *pages.files]
