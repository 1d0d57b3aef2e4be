"""Uploaded files that wait for the event that uses them, separated by browser."""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

import gradio as gr
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from filelock import FileLock, Timeout
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from index.home import folder_size
from index.sources.roots import uploads
from rag.access.middleware import PageSessions
from rag.access.visitor import Role, least_role, visitor_of
from rag.plain import plain_message
from rag.settings import Settings
from rag.ui.gate import VISIT
from rag.ui.removed import Removed

_PLACE = re.compile(r"(?P<folder>[0-9a-f]{32})/(?P<name>[^/\\\x00]{1,255})")
"""The name of an uploaded file on the page, relative to the folder of the browser that sent it; never a path."""
_KEPT_SECONDS = 3600
"""Seconds after which a file that no event has used is deleted."""
_MOST_FILES = 500
"""Most files in one upload."""


_NO_EFFECT: dict[str, Any] = {
    "is_generating": False,
    "iterator": None,
    "duration": 0.0,
    "average_duration": None,
    "render_config": None,
    "changed_state_ids": [],
}
"""What Gradio expects of an event besides its data."""


def question_sets_folder(home: Path) -> Path:
    """Return the folder of uploaded question sets."""
    return home / "sets"


class Uploads:
    """The uploaded files that no event has used yet.

    Path of a file: <home>/incoming/<server>/<visit>/<random>/<name>. A server deletes its folder when it ends; the next
    server deletes the folder of a killed one.
    """

    def __init__(self, home: Path, settings: Settings, removed: Removed) -> None:
        """Delete the files of killed servers; uploads may use the space of `removed`."""
        self._home = home
        self._removed = removed
        self._root = home / "incoming"
        self.folder = self._root / secrets.token_hex(8)
        self._held = FileLock(self.folder.with_suffix(".lock"), thread_local=False)
        self._most = int(settings.max_uploads_mb * 1_000_000)
        self._largest = int(settings.max_source_mb * 1_000_000)
        self._lock = Lock()
        self._coming = 0
        self._clear_leftovers()

    def close(self) -> None:
        """Delete all waiting files."""
        with self._lock:
            shutil.rmtree(self.folder, ignore_errors=True)
            if self._held.is_locked:
                self._held.release()
                Path(self._held.lock_file).unlink(missing_ok=True)

    async def receive(self, request: Request) -> Response:
        """Store the files of an upload; the response is a JSON list of their names.

        Any other response is a sentence that says why nothing was stored.
        """
        visit = _sender(request)
        if not visit:
            return PlainTextResponse("Open the page first, with cookies allowed for it, and add the file there.", 403)
        length = request.headers.get("content-length", "")
        if not length.isdecimal():
            return PlainTextResponse("An upload must state its length.", 411)
        if not await run_in_threadpool(self._reserve, int(length)):
            return PlainTextResponse(
                f"There is no room: all files added here may take {self._most / 1e6:g} MB together. Take some out, "
                "or raise FOOTNOTE_MAX_UPLOADS_MB.",
                413,
            )
        try:
            async with request.form(max_files=_MOST_FILES, max_fields=10) as form:
                files = [file for file in form.getlist("files") if isinstance(file, UploadFile)]
                if any((file.size or 0) > self._largest for file in files):
                    return PlainTextResponse(f"A file may have up to {self._largest / 1e6:g} MB.", 413)
                return JSONResponse(await run_in_threadpool(self._keep, files, visit))
        except HTTPException:
            return PlainTextResponse(f"This upload can't be read, or has more than {_MOST_FILES} files.", 400)
        except OSError as error:
            return PlainTextResponse(plain_message(error, self._home), 507)
        finally:
            with self._lock:
                self._coming -= int(length)

    def find(self, place: object, visit: str | None) -> Path:
        """Return the path of the file `place` that `visit` uploaded; else raise gr.Error."""
        found = _PLACE.fullmatch(place) if isinstance(place, str) and visit else None
        if found and visit:
            inside = Path(visit, found["folder"], found["name"])
            path = self.folder / inside
            with suppress(OSError):
                # lstat follows no link, and does not block on a pipe.
                if stat.S_ISREG(path.lstat().st_mode) and path.resolve() == self.folder.resolve() / inside:
                    return path
        words = "This file was not uploaded through this page, or waited too long. Add it again."
        raise gr.Error(words, print_exception=False)

    def has_room(self, length: int) -> bool:
        """True if there is space for `length` more bytes."""
        if fits := self._reserve(length):
            with self._lock:
                self._coming -= length
        return fits

    def discard(self, paths: Iterable[Path]) -> None:
        """Delete files that `find` returned; ignore all other paths."""
        for path in paths:
            if path.parent.parent.parent.resolve() == self.folder.resolve():
                shutil.rmtree(path.parent, ignore_errors=True)
        # Gradio leaves an empty temporary file for each file that an event uses.
        for left in self.folder.glob("tmp*"):
            left.unlink(missing_ok=True)

    def _reserve(self, length: int) -> bool:
        """Reserve `length` bytes; False if there is no space for them."""
        with self._lock:
            self._clear_old()
            used = sum(map(folder_size, (uploads(self._home), question_sets_folder(self._home), self._root)))
            room = self._most - used - self._coming - length
            if room < 0:
                return False
            self._removed.shrink(room)
            self._coming += length
            return True

    def _keep(self, files: Iterable[UploadFile], visit: str) -> list[str]:
        with self._lock:
            if not self._held.is_locked:
                self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._held.acquire(timeout=0)
                self.folder.mkdir(mode=0o700, exist_ok=True)
        kept = list[Path]()
        try:
            for file in files:
                path = self.folder / visit / secrets.token_hex(16) / file_name(file.filename or "")
                path.parent.mkdir(parents=True)
                kept.append(path)
                with path.open("xb") as stream:
                    shutil.copyfileobj(file.file, stream)
        except BaseException:
            self.discard(kept)
            raise
        return [f"{path.parent.name}/{path.name}" for path in kept]

    def _clear_old(self) -> None:
        for folder in self.folder.glob("*/*"):
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)

    def _clear_leftovers(self) -> None:
        for folder in {path.with_suffix("") for path in self._root.glob("*")}:
            # A running server holds its lock; the system releases that of a killed one.
            with suppress(OSError, Timeout):
                with FileLock(folder.with_suffix(".lock")).acquire(timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
                folder.with_suffix(".lock").unlink(missing_ok=True)


def file_name(given: str) -> str:
    """Return a browser's file name without folders and control characters.

    At most 200 bytes.
    """
    name = "".join(c for c in re.split(r"[/\\]", given)[-1] if c.isprintable()).strip()
    stem, dot, ending = name.rpartition(".")
    ending = (dot + ending).encode("utf-8", "replace")[-40:].decode("utf-8", "ignore")
    stem = (stem if dot else name).encode("utf-8", "replace")[: 200 - len(ending.encode())].decode("utf-8", "ignore")
    name = stem + (ending if dot else "")
    return "file" if name in ("", ".", "..") else name


def _sender(request: Request) -> str | None:
    """Return the id of the browser, and of its user if there are users; None without a cookie."""
    visit: str | None = request.scope.get(VISIT)
    name = visitor_of(request).name
    return hashlib.sha256(f"{visit} {name}".encode()).hexdigest()[:32] if visit and name else visit


class GuardedBlocks(gr.Blocks):  # type: ignore[misc]
    """A page whose events need a role, and can only read files that the same browser uploaded.

    subtle: Gradio checks paths only in an application that it launched itself, not in a mounted one. All events on all
    routes pass through `process_api`.
    """

    def __init__(self, files: Uploads, sessions: PageSessions, **options: Any) -> None:
        """Pass `options` to gr.Blocks."""
        super().__init__(**options)
        self.files = files
        self._sessions = sessions

    async def process_api(self, block_fn: Any, inputs: list[Any], *rest: Any, **options: Any) -> dict[str, Any]:
        """Check the visitor and the file values of an event, then run it.

        An event of the opening page that the visitor may not cause has no effect. Raises gr.Error for another one, for
        a session of another user, and for a file that the caller did not upload.
        """
        asked: Any = options.get("request")
        if options.get("iterator") is None and (request := getattr(asked, "request", None)):
            visitor = visitor_of(request)
            if visitor.name and not self._sessions.belongs(asked.session_hash or "", visitor):
                raise gr.Error("This session belongs to another user. Load the page again.", print_exception=False)
            if visitor.role < (least_role(block_fn.fn) or Role.ADMIN):
                if all(event == "load" for _, event in block_fn.targets):
                    return {"data": [gr.skip()] * len(block_fn.outputs), **_NO_EFFECT}
                raise gr.Error("Your role does not allow this. Ask an admin.", print_exception=False)
            inputs = self._checked(inputs, _sender(request))
        done: dict[str, Any] = await super().process_api(block_fn, inputs, *rest, **options)
        return done

    def _checked(self, value: Any, visit: str | None) -> Any:
        """Return `value` with the name of each file replaced by its path."""
        if isinstance(value, list | tuple):
            return [self._checked(one, visit) for one in value]
        if not isinstance(value, dict):
            return value
        if "path" in value or "url" in value:
            path = self.files.find(value.get("path"), visit)
            return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}
        return {key: self._checked(one, visit) for key, one in value.items()}
