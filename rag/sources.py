"""The list of sources: in the index, waiting for a sync, or unreadable."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from index.article import Article
from index.sources.removal import unknown_source
from index.store.catalog import Listed
from index.sync import last_failures
from index.text.published import Published
from rag.choice import UnknownSource
from rag.engine import Engine
from rag.settings import SEEDS


@dataclass(frozen=True)
class Source:
    """A source in the list.

    `characters`, `words`, `pages` and `chunks` are None for a source that is not in the index. If the source could not
    be read (`failed`), `state` says why. `pages` is 0 for a source without pages. A `sample` comes with the software.
    """

    source: str
    title: str
    published: Published | None
    characters: int | None
    chunks: int | None
    state: str
    failed: bool = False
    author: str = ""
    language: str = ""
    words: int | None = None
    pages: int | None = None
    sample: bool = False

    @property
    def format(self) -> str:
        """The file format, by the extension of the name."""
        return PurePosixPath(self.source).suffix.lstrip(".").lower() or "text"

    def to_json(self) -> dict[str, object]:
        """Return the source as JSON values, for other programs."""
        return {
            **asdict(self),
            "published": self.published.when if self.published else None,
            "published_from": self.published.origin if self.published else None,
            "format": self.format,
        }


def _state(one: Listed) -> str:
    if one.copy_of:
        return f"the same as {one.copy_of}"
    return "indexed" if one.chunks else "nothing to search"


def list_sources(engine: Engine) -> list[Source]:
    """Return all sources by name, unreadable ones last.

    Raises BrokenIndexError if there is no usable index.
    """
    stale = set(engine.stale())
    sample = {source for source, path in engine.files().items() if SEEDS in path.parents}
    made = [
        Source(
            one.source,
            one.title,
            one.published,
            one.characters,
            one.chunks,
            "changed since" if one.source in stale else _state(one),
            author=one.author,
            language=one.language,
            words=one.words,
            pages=one.pages,
            sample=one.source in sample,
        )
        for one in engine.parts()[0].catalog.listing()
    ]
    known = {one.source for one in made}
    waiting = [Source(name, name, None, None, None, "not indexed yet") for name in sorted(stale - known)]
    failed = [Source(name, name, None, None, None, why, True) for name, why in last_failures(engine.home)]
    return made + [one for one in waiting if one.source not in {f.source for f in failed}] + failed


def stored_article(engine: Engine, source: str) -> Article:
    """Return the article of a source as it was indexed.

    Raises UnknownSource, and BrokenIndexError if there is no usable index.
    """
    catalog = engine.parts()[0].catalog
    article = catalog.article(source)
    if article is None:
        raise UnknownSource(unknown_source(source, [name for name, _, _ in catalog.titles()]))
    return article
