"""Uploaded files that wait for the event that uses them, separated by browser."""

from __future__ import annotations

import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from index.errors import FootnoteError
from index.home import folder_size
from index.sources.roots import uploads
from rag.plain import plain_message
from rag.removed import Removed
from rag.server_folder import ServerFolder
from rag.settings import Settings

_PLACE = re.compile(r"(?P<folder>[0-9a-f]{32})/(?P<name>[^/\\\x00]{1,255})")
"""The name of an uploaded file on the page, relative to the folder of the browser that sent it; never a path."""
_KEPT_SECONDS = 3600
"""Seconds after which a file that no event has used is deleted."""
_MOST_FILES = 500
"""Most files in one upload."""


def question_sets_folder(home: Path) -> Path:
    """Return the folder of uploaded question sets."""
    return home / "sets"


class UploadRefused(FootnoteError):
    """An upload of which nothing was stored; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class UnknownUpload(FootnoteError):
    """A file that was not uploaded by the one who names it."""


class Uploads:
    """The uploaded files that no event has used yet.

    Path of a file: <home>/incoming/<server>/<visit>/<random>/<name>.
    """

    def __init__(self, home: Path, settings: Settings, removed: Removed) -> None:
        """Delete the files of killed servers; uploads may use the space of `removed`."""
        self._home = home
        self._removed = removed
        self._own = ServerFolder(home / "incoming")
        self.folder = self._own.path
        self._most = int(settings.max_uploads_mb * 1_000_000)
        self._largest = int(settings.max_source_mb * 1_000_000)
        self._lock = Lock()
        self._coming = 0

    def close(self) -> None:
        """Delete all waiting files."""
        self._own.close()

    async def receive(self, request: Request, sender: str) -> list[Path]:
        """Store the files of an upload and return their paths, which `sender` may use.

        Raises UploadRefused, with the HTTP status, if nothing was stored.
        """
        length = request.headers.get("content-length", "")
        if not length.isdecimal():
            raise UploadRefused(411, "An upload must state its length.")
        if not await run_in_threadpool(self._reserve, int(length)):
            raise UploadRefused(
                413,
                f"There is no room: all files added here may take {self._most / 1e6:g} MB together. Take some out, "
                "or raise FOOTNOTE_MAX_UPLOADS_MB.",
            )
        try:
            async with request.form(max_files=_MOST_FILES, max_fields=10) as form:
                files = [file for file in form.getlist("files") if isinstance(file, UploadFile)]
                if any((file.size or 0) > self._largest for file in files):
                    raise UploadRefused(413, f"A file may have up to {self._largest / 1e6:g} MB.")
                return await run_in_threadpool(self._keep, files, sender)
        except HTTPException as error:
            words = f"This upload can't be read, or has more than {_MOST_FILES} files."
            raise UploadRefused(400, words) from error
        except OSError as error:
            raise UploadRefused(507, plain_message(error, self._home)) from error
        finally:
            with self._lock:
                self._coming -= int(length)

    def find(self, place: object, visit: str | None) -> Path:
        """Return the path of the file `place` that `visit` uploaded. Raises UnknownUpload."""
        found = _PLACE.fullmatch(place) if isinstance(place, str) and visit else None
        if found and visit:
            inside = Path(visit, found["folder"], found["name"])
            path = self.folder / inside
            with suppress(OSError):
                # lstat follows no link, and does not block on a pipe.
                if stat.S_ISREG(path.lstat().st_mode) and path.resolve() == self.folder.resolve() / inside:
                    return path
        raise UnknownUpload("This file was not uploaded through this page, or waited too long. Add it again.")

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
            used = sum(map(folder_size, (uploads(self._home), question_sets_folder(self._home), self._own.root)))
            room = self._most - used - self._coming - length
            if room < 0:
                return False
            self._removed.shrink(room)
            self._coming += length
            return True

    def _keep(self, files: Iterable[UploadFile], visit: str) -> list[Path]:
        folder, kept = self._own.make(), list[Path]()
        try:
            for file in files:
                path = folder / visit / secrets.token_hex(16) / file_name(file.filename or "")
                path.parent.mkdir(parents=True)
                kept.append(path)
                with path.open("xb") as stream:
                    shutil.copyfileobj(file.file, stream)
        except BaseException:
            self.discard(kept)
            raise
        return kept

    def _clear_old(self) -> None:
        for folder in self.folder.glob("*/*"):
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)


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
