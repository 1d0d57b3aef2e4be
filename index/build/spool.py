"""The articles that a sync has read, stored on disk until a generation holds them, to save memory."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType

from index.article import Article
from index.duplicates import Record
from index.errors import IndexDamaged
from index.program import command
from index.store.catalog import Catalog


class Spool:
    """Articles by source: the added ones, and all others from the catalog of the generation in use.

    The folder is created with the first article and removed at the end.
    """

    def __init__(self, folder: Path, catalog: Catalog | None = None) -> None:
        self._folder = folder
        self._catalog = catalog
        self._read: Catalog | None = None

    def add(self, article: Article, record: Record) -> None:
        """Store an article that was read."""
        if self._read is None:
            self._folder.mkdir(parents=True)
            # Never committed: no other process reads it, and it need not outlive this one.
            self._read = Catalog(self._folder / "articles.sqlite", create=True)
        self._read.keep(article, record)

    def article(self, source: str) -> Article:
        """Return the article of a source. Raises IndexDamaged when it is missing."""
        for catalog in (self._read, self._catalog):
            if catalog and (found := catalog.article(source)):
                return found
        raise IndexDamaged(f"The text of {source} is not in the index. Run `{command('index --rebuild')}`.")

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._read:
            self._read.close()
            shutil.rmtree(self._folder, ignore_errors=True)
