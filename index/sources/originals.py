"""The files that sources were read from, as long as they are what was indexed."""

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
from index.sources.web_pages import kept_pages, web_folder
from index.stamps import Stamp, open_at_once, open_stamped, stamp_of

_MOST_KNOWN = 1000
State = Literal["same", "changed", "gone"]
Using = Callable[[Callable[[Worker], bool]], bool]


@dataclass(frozen=True)
class Original:
    """A file that holds what was indexed of it, judged by its stamp."""

    path: Path
    stamp: Stamp

    def open(self) -> BinaryIO:
        """The file, to read. Raises OSError if another stands in its place by now."""
        return open_stamped(self.path, self.stamp)


class Originals:
    """Finds the file of a source. Only files that are sources now are looked at. Safe to share between threads."""

    def __init__(self, home: Path, roots: Callable[[], Sequence[Path]], max_bytes: int) -> None:
        """`roots` gives the registered files and folders of `home`; files larger than `max_bytes` are not read."""
        self._home, self._roots, self._max_bytes = home, roots, max_bytes
        self._lock = Lock()
        self._files: tuple[object, dict[str, Path]] = (None, {})
        self._known: dict[tuple[str, Stamp], bool] = {}

    def find(self, article: Article, using: Using) -> tuple[Original | None, State]:
        """The file that `article` was read from, and how it stands: only with "same" there is one.

        A file that was touched since the last sync is read again, once, and compared; `using` lends the worker for it.
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
        """Source -> file, looked up anew when the index or the roots change, or a file is not where it was."""
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
        pages, _ = kept_pages(self._home, registered_addresses(self._home))
        return [*find_sources(roots, forgotten(self._home)).files, *pages.files]
