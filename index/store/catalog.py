"""The articles and their chunks in one SQLite file, from which vectors and word index are derived."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import cast

from index.article import Article
from index.chunk import Chunk
from index.duplicates import Record, content_digest
from index.errors import IndexDamaged
from index.formats.content import marks_from_json, marks_to_json
from index.program import command
from index.store.digests import damaged, failing_as_damage
from index.text.published import DateOrigin, Published
from index.text.titles import TitleOrigin

_SCHEMA = """
create table articles (
    id text primary key, source text not null unique, title text not null, title_origin text not null, published text,
    published_from text, author text not null, language text not null, chunks integer not null, content blob not null,
    sketch blob not null, text text not null, marks text not null
) without rowid;
create table copies (
    source text primary key, id text not null, title text not null, title_origin text not null, published text,
    published_from text, author text not null, language text not null,
    article_id text not null references articles(id)
) without rowid;
create view sources as
    select id, source, title, title_origin, published, published_from, author, language, chunks, content, sketch, text,
    marks, '' as copy_of, id as home from articles
    union all select c.id, c.source, c.title, c.title_origin, c.published, c.published_from, c.author, c.language,
    chunks, content, sketch, text, marks, a.source, a.id from copies c join articles a on a.id = c.article_id;
create table chunks (
    id text primary key, article_id text not null references articles(id), ordinal integer not null,
    heading text not null, context text not null, start integer not null, "end" integer not null,
    token_count integer not null, digest blob not null
) without rowid;
create table aliases (article_id text not null references articles(id), short text not null, long text not null);
create index chunks_by_digest on chunks (digest);
create index chunks_of_article on chunks (article_id, ordinal);
create index copies_of_article on copies (article_id);
"""
_PART = "catalog"
_PAGE = 500
_IDS = 10_000


@dataclass(frozen=True)
class Listed:
    """A source as a list shows it.

    `characters` and `words` are the length of its text; `pages` is 0 if it has none; `copy_of` is the source that is
    indexed in its place, "" if the source itself is indexed.
    """

    source: str
    title: str
    published: Published | None
    characters: int
    words: int
    pages: int
    chunks: int
    author: str
    language: str
    copy_of: str


class Catalog:
    """The catalog of a generation. Safe to share between threads.

    Once the generation is in use, its catalog never changes.
    """

    def __init__(self, path: Path, *, create: bool = False, change: bool = False) -> None:
        """Open the file, to `change` it if set, or `create` it.

        Raises IndexDamaged if it can't be opened.
        """
        self._lock = Lock()
        self._folder = path.parent
        try:
            if create:
                self._db = sqlite3.connect(path, check_same_thread=False)
                self._db.executescript(_SCHEMA)
            else:
                uri = f"{path.absolute().as_uri()}?{'mode=rw' if change else 'mode=ro&immutable=1'}"
                self._db = sqlite3.connect(uri, uri=True, check_same_thread=False)
                self._db.execute("select count(*) from articles").fetchone()
        except (sqlite3.Error, UnicodeError) as error:
            raise damaged(self._folder, "its catalog can't be opened") from error

    def add(
        self, article: Article, record: Record, chunks: Sequence[Chunk], aliases: Iterable[tuple[str, str]]
    ) -> None:
        """Add an article with its chunks and its (short form, long form) pairs."""
        self.keep(article, record, len(chunks))
        self._db.executemany(
            "insert into chunks values (?,?,?,?,?,?,?,?,?)",
            [
                (c.id, c.article_id, c.ordinal, c.heading, c.context, c.start, c.end, c.token_count, c.digest)
                for c in chunks
            ],
        )
        pairs = [(article.id, short, long) for short, long in aliases]
        self._db.executemany("insert into aliases values (?,?,?)", pairs)

    def keep(self, article: Article, record: Record, chunks: int = 0) -> None:
        """Add an article without chunks and short forms."""
        marks = json.dumps(marks_to_json(article.pages, article.rows, article.times))
        said = (article.id, article.source, *_metadata(article))
        row = (*said, chunks, record.content, record.sketch, article.text, marks)
        self._db.execute("insert into articles values (?,?,?,?,?,?,?,?,?,?,?,?,?)", row)

    def remove(self, article_ids: Iterable[str]) -> None:
        """Remove articles with their chunks and short forms."""
        self._db.execute("create temp table gone (id text primary key) without rowid")
        self._db.executemany("insert into gone values (?)", [(id_,) for id_ in article_ids])
        for table, column in (("chunks", "article_id"), ("aliases", "article_id"), ("articles", "id")):
            self._db.execute(f"delete from {table} where {column} in (select id from gone)")
        self._db.execute("drop table gone")

    def add_copy(self, article: Article, home: str) -> None:
        """Add a source with the same content as the indexed article with the id `home`."""
        row = (article.source, article.id, *_metadata(article), home)
        self._db.execute("insert into copies values (?,?,?,?,?,?,?,?,?)", row)

    def remove_copies(self, sources: Iterable[str]) -> None:
        """Remove copies, by their sources."""
        self._db.executemany("delete from copies where source = ?", ((source,) for source in sources))

    def commit(self) -> None:
        """Write the changes to disk."""
        self._db.commit()

    def article(self, source: str) -> Article | None:
        """Return the article of a source, or None.

        The article of a copy has its own id and no chunks: `home` returns the article that has. Raises
        IndexDamaged if it is not as it was indexed.
        """
        return self._article("sources", "source", source)

    def article_by_id(self, article_id: str) -> Article:
        """Return the indexed article with this id, with the names of its copies.

        Raises IndexDamaged if it is missing or not as it was indexed.
        """
        found = self._article("articles", "id", article_id)
        if found is None:
            raise damaged(self._folder, "an article is missing from its catalog")
        copies = self._rows("select source from copies where article_id = ? order by source", [article_id])
        return replace(found, copies=tuple(str(source) for (source,) in copies))

    def home(self, source: str) -> tuple[str, str] | None:
        """Return (source, article id) of what is indexed for a source, or None.

        That is the source itself, or the source it is a copy of.
        """
        rows = self._rows("select copy_of, home from sources where source = ?", [source])
        return next(((str(copy_of) or source, str(id_)) for copy_of, id_ in rows), None)

    def homes(self) -> dict[str, str]:
        """Return source -> id of the article that is indexed for it, sorted by source."""
        return {str(s): str(i) for s, i in self._rows("select source, home from sources order by source")}

    def _article(self, table: str, column: str, value: str) -> Article | None:
        columns = "id, source, title, title_origin, published, published_from, text, author, language, marks, content"
        for row in self._rows(f"select {columns} from {table} where {column} = ?", [value]):
            id_, source, title, title_origin, when, origin, text, author, language, marks, content = row
            with failing_as_damage(self._folder, _PART):
                named = (str(id_), str(source), str(title), cast(TitleOrigin, title_origin))
                said = (_published(when, origin), str(text), str(author), str(language))
                article = Article(*named, *said, *marks_from_json(json.loads(str(marks))))
            if content_digest(article) != content:
                raise damaged(self._folder, f"the stored text of {source} has changed since it was indexed")
            return article
        return None

    def years(self, article_ids: Sequence[str] | None = None) -> frozenset[str]:
        """Return the years in which these articles were published (None: all)."""
        rows = self._rows("select home, substr(published, 1, 4) from sources where published is not null")
        wanted = None if article_ids is None else set(article_ids)
        return frozenset(str(year) for home, year in rows if wanted is None or home in wanted)

    def dates(self, article_ids: Collection[str]) -> dict[str, Published]:
        """Return the publication dates of these articles, where they have one."""
        marks = ",".join("?" * len(article_ids))
        rows = self._rows(f"select id, published, published_from from articles where id in ({marks})", [*article_ids])
        with failing_as_damage(self._folder, _PART):
            found = ((str(id_), _published(when, origin)) for id_, when, origin in rows)
            return {id_: published for id_, published in found if published}

    def texts(self) -> Iterator[str]:
        """Yield the title and then the text of each indexed article, article by article."""
        for id_ in self.sizes():
            for title, text in self._rows("select title, text from articles where id = ?", [id_]):
                yield from (str(title), str(text))

    def titles(self) -> list[tuple[str, str, Published | None]]:
        """Return (source, title, published) for every source, sorted by source."""
        rows = self._rows("select source, title, published, published_from from sources order by source")
        with failing_as_damage(self._folder, _PART):
            return [(str(source), str(title), _published(when, origin)) for source, title, when, origin in rows]

    def listing(self) -> list[Listed]:
        """Return every source without its text, sorted by source."""
        pages = "json_array_length(marks, '$.pages')"
        columns = f"source, title, published, published_from, length(text), {pages}, chunks, home, author, language"
        rows = self._rows(f"select {columns}, copy_of from sources order by source")
        words = self._words
        with failing_as_damage(self._folder, _PART):
            return [
                Listed(
                    str(source),
                    str(title),
                    _published(when, origin),
                    int(str(length)),
                    words[str(home)],
                    int(str(pages)),
                    int(str(chunks)),
                    *map(str, rest),
                )
                for source, title, when, origin, length, pages, chunks, home, *rest in rows
            ]

    @cached_property
    def _words(self) -> dict[str, int]:
        """Return id of each indexed article -> number of words in its text."""
        found = {}
        for id_ in self.sizes():
            for (text,) in self._rows("select text from articles where id = ?", [id_]):
                found[id_] = len(str(text).split())
        return found

    def article_ids(self) -> dict[str, str]:
        """Return source -> id of its own article, for copies too."""
        return {str(s): str(i) for s, i in self._rows("select source, id from sources order by source")}

    def records(self) -> list[Record]:
        """Return the records of all sources, to find duplicates, sorted by source."""
        rows = self._rows("select source, id, content, sketch from sources order by source")
        with failing_as_damage(self._folder, _PART):
            return [Record(str(source), str(id_), _bytes(one), _bytes(sketch)) for source, id_, one, sketch in rows]

    def copies(self) -> dict[str, tuple[str, str]]:
        """Return source of each copy -> (its own id, id of the article indexed for it)."""
        rows = self._rows("select source, id, article_id from copies")
        return {str(source): (str(id_), str(home)) for source, id_, home in rows}

    def without_chunks(self) -> list[str]:
        """Return the indexed sources in which there is nothing to search."""
        return [str(s) for (s,) in self._rows("select source from articles where chunks = 0 order by source")]

    def sizes(self) -> dict[str, int]:
        """Return id of each indexed article -> number of its chunks."""
        return {str(id_): int(str(chunks)) for id_, chunks in self._rows("select id, chunks from articles")}

    def chunks(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """Return the chunks with these ids, text included.

        Raises IndexDamaged if one is missing or not as it was written.
        """
        found: dict[str, Chunk] = {}
        for at in range(0, len(ids), _PAGE):
            page = list(ids[at : at + _PAGE])
            marks = ",".join("?" * len(page))
            for row in self._rows(f"{_CHUNK} where c.id in ({marks})", page):
                with failing_as_damage(self._folder, _PART):
                    one = found[str(row[0])] = _chunk(row[:-1])
                if one.digest != row[-1]:
                    raise damaged(self._folder, "a passage has changed since it was written")
        if len(found) < len(set(ids)):
            # The vectors may be on a server, where no digest shows damage: only a rebuild is sure to help.
            raise IndexDamaged(
                f"The index is damaged: its parts do not hold the same passages. Run `{command('index --rebuild')}`."
            )
        return found

    def chunks_of(self, article_id: str) -> list[Chunk]:
        """Return the chunks of an article in order."""
        # Cut the text here: SQLite would read a long text again for each of its chunks.
        texts = self._rows("select text from articles where id = ?", [article_id])
        columns = 'id, article_id, ordinal, heading, context, start, "end", token_count'
        rows = self._rows(f"select {columns} from chunks where article_id = ? order by ordinal", [article_id])
        with failing_as_damage(self._folder, _PART):
            return [_chunk((*row, str(text)[int(str(row[5])) : int(str(row[6]))])) for (text,) in texts for row in rows]

    def chunk_ids(self) -> Iterator[str]:
        """Yield every chunk id in order, read page by page."""
        last = ""
        while page := self._rows(f"select id from chunks where id > ? order by id limit {_IDS}", [last]):
            yield from (str(id_) for (id_,) in page)
            last = str(page[-1][0])

    def chunk_ids_of(self, article_ids: Iterable[str]) -> Iterator[str]:
        """Yield the chunk ids of articles."""
        for article_id in article_ids:
            yield from (str(id_) for (id_,) in self._rows("select id from chunks where article_id = ?", [article_id]))

    def with_digests(self, digests: Sequence[bytes]) -> dict[bytes, str]:
        """Return digest -> id of a chunk with that text and context, where there is one."""
        found: dict[bytes, str] = {}
        for at in range(0, len(digests), _PAGE):
            page = list(digests[at : at + _PAGE])
            marks = ",".join("?" * len(page))
            for digest, id_ in self._rows(f"select digest, id from chunks where digest in ({marks})", page):
                found[_bytes(digest)] = str(id_)
        return found

    def digests(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return id -> digest of what was embedded, for the chunks with these ids."""
        found: dict[str, bytes] = {}
        for at in range(0, len(ids), _PAGE):
            page = list(ids[at : at + _PAGE])
            marks = ",".join("?" * len(page))
            rows = self._rows(f"select id, digest from chunks where id in ({marks})", page)
            found.update((str(id_), _bytes(digest)) for id_, digest in rows)
        return found

    def aliases(self) -> list[tuple[str, str]]:
        """Return every (short form, long form) pair that an article introduces."""
        return [
            (str(short), str(long))
            for short, long in self._rows("select distinct short, long from aliases order by 1, 2")
        ]

    def counts(self) -> tuple[int, int]:
        """Return the numbers of sources and of chunks."""
        ((sources, chunks),) = self._rows(
            "select (select count(*) from articles) + (select count(*) from copies), (select count(*) from chunks)"
        )
        return int(str(sources)), int(str(chunks))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _rows(self, statement: str, values: Sequence[str | bytes] = ()) -> list[tuple[object, ...]]:
        with self._lock:
            try:
                return self._db.execute(statement, values).fetchall()
            except (sqlite3.Error, UnicodeError) as error:
                raise damaged(self._folder, "its catalog can't be read") from error


# SQLite's substr counts code points, from 1: the same unit as every offset here.
_CHUNK = """select c.id, c.article_id, c.ordinal, c.heading, c.context, c.start, c."end", c.token_count,
substr(a.text, c.start + 1, c."end" - c.start), c.digest from chunks c join articles a on a.id = c.article_id"""


def _chunk(row: tuple[object, ...]) -> Chunk:
    id_, article_id, ordinal, heading, context, start, end, tokens, text = row
    return Chunk(
        id=str(id_),
        article_id=str(article_id),
        ordinal=int(str(ordinal)),
        heading=str(heading),
        context=str(context),
        start=int(str(start)),
        end=int(str(end)),
        text=str(text),
        token_count=int(str(tokens)),
    )


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} where bytes were written")
    return value


def _published(when: object, origin: object) -> Published | None:
    return Published(str(when), cast(DateOrigin, origin)) if when else None


def _metadata(article: Article) -> tuple[str | None, ...]:
    """Return what a source says about itself, in the order of the columns."""
    when, origin = (article.published.when, article.published.origin) if article.published else (None, None)
    return article.title, article.title_origin, when, origin, article.author, article.language
