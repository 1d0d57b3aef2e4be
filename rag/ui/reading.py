"""Routes for the page of an article, the images of a PDF's pages, and the original file of a source."""

from __future__ import annotations

import base64
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Annotated, Any, BinaryIO, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, Response, StreamingResponse
from pydantic import BaseModel

from index.article import Article
from index.errors import FootnoteError, UnreadableSource
from index.formats.worker import Worker
from index.sources.originals import Original, Originals
from rag.engine import Engine
from rag.plain import plain_message
from rag.ui.article import File, MarkedPlace, Sheets, article_page, cited_pages, page_span
from rag.ui.escape import escape
from rag.ui.gate import NOT_FRAMED

_STYLE = Path(__file__).parent / "static" / "article.css"
_POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; " + NOT_FRAMED
}
_SECONDS = 15.0
"""Most seconds for locating quotes in a PDF, or for drawing a page."""
_MOST_WAITING = 12
_MOST_KEPT = 24_000_000
"""Most bytes of images in the cache."""
_MOST_FAILED = 500
_MOST_CRASHES = 3
_ALL = -1
_CHUNK_BYTES = 1 << 16
_ANSWER = re.compile(r"(\d{1,9})-(\d{1,9})")
_CONVERSATION = re.compile(r"[\w-]{0,64}")
_GONE = "This source is not in the index any more."


_Result = TypeVar("_Result")


class _ArticleQuery(BaseModel):
    """The query of the page of an article: its source, the cited slice, and the conversation to go back to."""

    source: str
    id: str = ""
    start: int = 0
    end: int = 0
    answers: str = ""
    begin: int | None = None
    conversation: str = ""


class _Busy(Exception):
    """Too many requests are waiting for the PDF worker."""


class Viewer:
    """Renders PDFs in a separate process, one request at a time. Thread-safe.

    Caches the latest images. Does not retry a page that could not be drawn, or a file that crashed the process three
    times.
    """

    def __init__(self, seconds: float = _SECONDS) -> None:
        self.worker = Worker(seconds)
        self._lock = Lock()
        self._places = BoundedSemaphore(_MOST_WAITING)
        self._pictures: OrderedDict[tuple[Original, int], bytes] = OrderedDict()
        self._failed: set[tuple[Original, int]] = set()
        self._crashes: Counter[Original] = Counter()

    def alone(self, step: Callable[[Worker], _Result]) -> _Result:
        """Return step(worker) after all earlier steps; raise _Busy if too many wait."""
        if not self._places.acquire(blocking=False):
            raise _Busy
        try:
            with self._lock:
                return step(self.worker)
        finally:
            self._places.release()

    def sheets(self, article: Article, original: Original, start: int, end: int) -> Sheets:
        """Return the pages of a PDF, with the boxes of `text[start:end]`.

        Raises UnreadableSource, and _Busy.
        """
        wanted = list[dict[str, Any]]()
        for page in cited_pages(article, (start, end)):
            first, last = page_span(article, page)
            inside = {"start": max(start, first) - first, "end": min(end, last) - first}
            wanted.append({"page": page, "text": article.text[first:last], **inside})
        found = self._view(original, _ALL, "look", {"wanted": wanted})
        boxes = {int(one["page"]): found_boxes for one, found_boxes in zip(wanted, found["boxes"], strict=True)}
        return Sheets([(width, height) for width, height in found["sizes"]], boxes)

    def picture(self, original: Original, page: int) -> bytes:
        """Return the image of a page, from 0, as WebP.

        Raises UnreadableSource, and _Busy.
        """
        key = (original, page)
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
                return self._pictures[key]
        picture = base64.b64decode(self._view(original, page, "picture", {"page": page}))
        with self._lock:
            self._pictures[key] = picture
            while sum(map(len, self._pictures.values())) > _MOST_KEPT:
                self._pictures.popitem(last=False)
        return picture

    def _view(self, original: Original, page: int, function: str, given: dict[str, Any]) -> Any:
        stamped = {**given, "stamp": original.stamp}
        return self.alone(lambda worker: self._view_in_worker(worker, original, page, function, stamped))

    def _view_in_worker(
        self, worker: Worker, original: Original, page: int, function: str, given: dict[str, Any]
    ) -> Any:
        if (original, page) in self._failed or self._crashes[original] >= _MOST_CRASHES:
            raise UnreadableSource("could not be drawn")
        try:
            return worker.view(original.path, "pdf_view", function, **given)
        except UnreadableSource:
            if len(self._failed) >= _MOST_FAILED:
                self._failed.clear()
                self._crashes.clear()
            self._failed.add((original, page))
            self._crashes[original] += worker.process_id is None
            raise

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self.worker.close()


class ArticleReader:
    """The articles of an index, their files and a PDF viewer, for the routes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.viewer = Viewer()
        self._originals = Originals(engine.home, engine.roots, int(engine.settings.max_source_mb * 1_000_000))

    def article(self, source: str) -> tuple[Article, str] | None:
        """Return a source's article and its id in citations; None if it is not indexed."""
        catalog = self._engine.parts()[0].catalog
        found, home = catalog.article(source), catalog.home(source)
        return (found, home[1]) if found and home else None

    def original(self, article: Article) -> tuple[Original | None, str]:
        """Return an article's file and its state: "same", "changed" or "gone"."""
        return self._originals.find(article, self.viewer.alone)

    def page(self, source: str, place: MarkedPlace) -> HTMLResponse:
        """Return the page of an article."""
        known = self.article(source)
        if known is None:
            return _error_page(_GONE, 404)
        article, home = known
        size = len(article.text)
        start = min(max(0, place.start), size)
        end = min(max(start, place.end), size)
        changed = bool(place.id) and place.id != home
        place = MarkedPlace(start, end, place.id, place.answers, place.begin, place.conversation)
        return HTMLResponse(
            article_page(article, place, self._file(article, place, changed), changed=changed), 200, _POLICY
        )

    def _file(self, article: Article, place: MarkedPlace, changed: bool) -> File:
        try:
            original, state = self.original(article)
        except _Busy:
            return File("unknown")
        if original is None or not _is_pdf(original) or not article.pages:
            return File(state)
        try:
            start, end = (0, 0) if changed else (place.start, place.end)
            return File(state, self.viewer.sheets(article, original, start, end))
        except (UnreadableSource, _Busy):
            return File(state, drawn=False)

    def picture(self, source: str, id_: str, page: int) -> Response:
        """Return the image of a page, from 1."""
        known = self.article(source)
        if known is None or known[0].id != id_ or not 1 <= page <= len(known[0].pages):
            return _error_page("There is no such page.", 404)
        original, _ = self.original(known[0])
        if original is None or not _is_pdf(original):
            return _error_page("The file has changed since it was indexed.", 404)
        try:
            picture = self.viewer.picture(original, page - 1)
        except UnreadableSource:
            return _error_page("This page can't be drawn.", 404)
        return Response(picture, 200, {"Cache-Control": "private, max-age=3600"}, "image/webp")

    def file(self, source: str) -> Response:
        """Return a source's file as a download, which the browser must never display."""
        known = self.article(source)
        original = self.original(known[0])[0] if known else None
        try:
            stream = original.open() if original else None
        except OSError:
            stream = None
        if original is None or stream is None:
            return _error_page("The file has changed since it was indexed, or it no longer exists.", 404)
        name = original.path.name
        plain_name = re.sub(r"[^A-Za-z0-9._-]", "_", name)
        headers = {
            "Content-Disposition": f"attachment; filename=\"{plain_name}\"; filename*=UTF-8''{quote(name, safe='')}",
            "Content-Length": str(original.stamp[0]),
        }
        return StreamingResponse(_pieces(stream), 200, headers, "application/octet-stream")


def _is_pdf(original: Original) -> bool:
    return original.path.suffix.lower() == ".pdf"


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(_CHUNK_BYTES):
            yield piece


def _error_page(words: str, status: int) -> HTMLResponse:
    return HTMLResponse(escape(words), status, _POLICY)


def _answers(spans: str) -> tuple[tuple[int, int], ...]:
    """Parse the spans of answering words in a URL: "120-131,140-152"."""
    return tuple((int(start), int(end)) for start, end in _ANSWER.findall(spans[:2000]))


def make_article_router(engine: Engine, reading: ArticleReader) -> APIRouter:
    """Return the routes of articles."""
    router = APIRouter()

    def answered(step: Callable[[], Response]) -> Response:
        try:
            return step()
        except _Busy:
            busy = PlainTextResponse("Many pages are being drawn. Load this again in a moment.", 503)
            busy.headers["Retry-After"] = "3"
            return busy
        except FootnoteError as error:
            return _error_page(plain_message(error, engine.home), 503)

    @router.get("/article.css")
    def style() -> FileResponse:
        return FileResponse(_STYLE, media_type="text/css")

    @router.get("/article", response_model=None)
    def article(query: Annotated[_ArticleQuery, Query()]) -> Response:
        back = query.conversation if _CONVERSATION.fullmatch(query.conversation) else ""
        place = MarkedPlace(query.start, query.end, query.id, _answers(query.answers), query.begin, back)
        return answered(lambda: reading.page(query.source, place))

    @router.get("/page-picture", response_model=None)
    def page_picture(source: str, id: str, page: int) -> Response:
        return answered(lambda: reading.picture(source, id, page))

    @router.get("/original", response_model=None)
    def original(source: str) -> Response:
        return answered(lambda: reading.file(source))

    return router
