"""Files on their way from a browser to the event that takes them: where they wait, and whose they are."""

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
from rag.settings import Settings
from rag.ui.gate import VISIT
from rag.ui.plain import plain_message
from rag.ui.removed import Removed

_PLACE = re.compile(r"(?P<folder>[0-9a-f]{32})/(?P<name>[^/\\\x00]{1,255})")
"""What the page knows an uploaded file by. It is no path: it leads only into the folder of the browser that sent it."""
_KEPT_SECONDS = 3600
"""How long a file waits for its event."""
_MOST_FILES = 500
"""Files in one upload."""


def question_sets_folder(home: Path) -> Path:
    """The folder of question sets that were uploaded."""
    return home / "sets"


class Uploads:
    """The files that browsers have sent to this server and no event has taken yet.

    Each lies at <home>/incoming/<server>/<visit>/<random>/<name>. The folder of a server goes with it; what a killed
    one leaves is cleared by the next.
    """

    def __init__(self, home: Path, settings: Settings, removed: Removed) -> None:
        """Clear what killed servers have left in `home`; uploads may take the room of what was `removed`."""
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
        """Delete the files that still wait."""
        with self._lock:
            shutil.rmtree(self.folder, ignore_errors=True)
            if self._held.is_locked:
                self._held.release()
                Path(self._held.lock_file).unlink(missing_ok=True)

    async def receive(self, request: Request) -> Response:
        """Keep the files of an upload until their event; the reply names their places as a JSON list.

        Any other reply says in a sentence why nothing was kept.
        """
        visit = request.scope.get(VISIT)
        if not visit:
            return PlainTextResponse("Open the page first, with cookies allowed for it, and add the file there.", 403)
        length = request.headers.get("content-length", "")
        if not length.isdecimal():
            return PlainTextResponse("An upload has to say its length.", 411)
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
        """Return the file that `visit` uploaded to `place`. Raises gr.Error for anything else, wherever it lies."""
        found = _PLACE.fullmatch(place) if isinstance(place, str) and visit else None
        if found and visit:
            inside = Path(visit, found["folder"], found["name"])
            path = self.folder / inside
            with suppress(OSError):
                # A look at the entry itself: no link is followed, and a pipe is not waited for.
                if stat.S_ISREG(path.lstat().st_mode) and path.resolve() == self.folder.resolve() / inside:
                    return path
        words = "This file did not come through this page, or waited too long. Add it again."
        raise gr.Error(words, print_exception=False)

    def has_room(self, length: int) -> bool:
        """Whether `length` more bytes may be kept."""
        if fits := self._reserve(length):
            with self._lock:
                self._coming -= length
        return fits

    def discard(self, paths: Iterable[Path]) -> None:
        """Delete files that `find` returned, as far as they are still there; no others."""
        for path in paths:
            if path.parent.parent.parent.resolve() == self.folder.resolve():
                shutil.rmtree(path.parent, ignore_errors=True)
        # Gradio makes an empty file for each that an event takes, and leaves it.
        for left in self.folder.glob("tmp*"):
            left.unlink(missing_ok=True)

    def _reserve(self, length: int) -> bool:
        """Count `length` bytes as used if there is room for them."""
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
            # Whoever holds the lock is alive; the system lets go of a killed server's.
            with suppress(OSError, Timeout):
                with FileLock(folder.with_suffix(".lock")).acquire(timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
                folder.with_suffix(".lock").unlink(missing_ok=True)


def file_name(given: str) -> str:
    """Return the name of a file as a browser gives it, without folders and control characters, 200 bytes at most."""
    name = "".join(c for c in re.split(r"[/\\]", given)[-1] if c.isprintable()).strip()
    stem, dot, ending = name.rpartition(".")
    ending = (dot + ending).encode("utf-8", "replace")[-40:].decode("utf-8", "ignore")
    stem = (stem if dot else name).encode("utf-8", "replace")[: 200 - len(ending.encode())].decode("utf-8", "ignore")
    name = stem + (ending if dot else "")
    return "file" if name in ("", ".", "..") else name


class GuardedBlocks(gr.Blocks):  # type: ignore[misc]
    """A page whose events get no file but those that the same browser uploaded.

    subtle: Gradio checks paths only in an application that it launched itself, not in one that is mounted.
    Every event passes here, whatever its components are and by whichever route it is called.
    """

    def __init__(self, files: Uploads, **options: Any) -> None:
        """`options` are those of gr.Blocks."""
        super().__init__(**options)
        self.files = files

    async def process_api(self, block_fn: Any, inputs: list[Any], *rest: Any, **options: Any) -> dict[str, Any]:
        """Run an event after its file values are checked. Raises gr.Error for a file that is not the caller's."""
        if options.get("iterator") is None:
            request = getattr(options.get("request"), "request", None)
            inputs = self._checked(inputs, request.scope.get(VISIT) if request else None)
        done: dict[str, Any] = await super().process_api(block_fn, inputs, *rest, **options)
        return done

    def _checked(self, value: Any, visit: str | None) -> Any:
        """Return `value` with the place of each file in it replaced by its path."""
        if isinstance(value, list | tuple):
            return [self._checked(one, visit) for one in value]
        if not isinstance(value, dict):
            return value
        if "path" in value or "url" in value:
            path = self.files.find(value.get("path"), visit)
            return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}
        return {key: self._checked(one, visit) for key, one in value.items()}
