"""Reads the attachments of an e-mail, each as a section of the mail, within limits of number, depth and time."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import groupby
from pathlib import Path, PurePosixPath
from types import TracebackType

from index.errors import UnreadableSource
from index.formats import READERS
from index.formats.content import MAX_CHARACTERS, Content
from index.formats.plain import decode
from index.formats.worker import Worker

MOST, DEEPEST = 30, 3
"""Maximum attachments, nested mails included; maximum depth of mails attached to mails."""
_SECONDS, _SECONDS_EACH = 30.0, 15.0
"""Time limits for all attachments and for each; less than the limit for the mail, so that it stays readable."""
_TEXTS = frozenset({".txt", ".text", ".md", ".markdown", ".log", ".rst"})
_MESSAGE = "message/rfc822"
_LONGEST_NAME = 120
_HEADING = re.compile(r"^(#{1,6})(?=\s+\S)", re.MULTILINE)
_BELOW = 2
"""Levels by which headings of an attachment are lowered: below the mail and the attachment's name."""


class Attachments:
    """Reads the attachments of one mail; `notes` lists those left out, with reasons.

    >>> with Attachments() as attachments:
    ...     sections = attachments.sections(message, read_mail, 0)  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._notes = list[str]()
        self._unread = list[str]()
        self._count = self._characters = 0
        self._ends = time.monotonic() + _SECONDS
        self._worker = Worker(_SECONDS_EACH)

    def sections(self, message: EmailMessage, read_mail: Callable[[EmailMessage, int], Content], depth: int) -> str:
        """Return the attachments of a message as sections of text, or "".

        `read_mail(message, depth)` reads an attached mail.
        """
        made = []
        for part in message.iter_attachments():
            name = _name(part)
            try:
                text = self._text(part, name, read_mail, depth + 1)
            except UnreadableSource as error:
                self._notes.append(f"its attachment {name} is left out: it {error}")
                continue
            if text is None:
                self._unread.append(name)
            else:
                made.append(f"## Attachment: {name}\n\n{text}")
        return "\n\n".join(made)

    def notes(self) -> tuple[str, ...]:
        """Return the notes, and one more on attachments of unsupported formats."""
        unread = (f"its attachments are not read: {', '.join(self._unread)}",) if self._unread else ()
        return (*self._notes, *unread)

    def _text(
        self, part: EmailMessage, name: str, read_mail: Callable[[EmailMessage, int], Content], depth: int
    ) -> str | None:
        """Return the text of an attachment, or None if its format is not supported."""
        suffix = PurePosixPath(name).suffix.lower()
        # A file of a mail is read here too, so that its own attachments count within the same limits.
        is_mail = part.get_content_type() == _MESSAGE or suffix == ".eml"
        if not (is_mail or suffix in READERS or suffix in _TEXTS):
            return None
        self._count += 1
        if self._count > MOST:
            raise UnreadableSource(f"exceeds the limit of {MOST} attachments")
        if time.monotonic() > self._ends:
            raise UnreadableSource(f"was not reached: the attachments before it took more than {_SECONDS:g} s")
        if is_mail:
            if depth > DEEPEST:
                raise UnreadableSource(f"is nested in more than {DEEPEST} mails")
            inner = _inner_mail(part)
            text = read_mail(inner, depth).text if inner else ""
        else:
            data = part.get_payload(decode=True)
            text = self._read(data if isinstance(data, bytes) else b"", suffix)
        text = _lowered(text.strip())
        self._characters += len(text)
        if not text:
            raise UnreadableSource("holds no text")
        if self._characters > MAX_CHARACTERS // 2:
            raise UnreadableSource(f"exceeds, with the others, the limit of {MAX_CHARACTERS // 2:,} characters")
        return text

    def _read(self, data: bytes, suffix: str) -> str:
        if suffix in _TEXTS:
            return decode(data)[0]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"attachment{suffix}")
            path.write_bytes(data)
            return _with_sheets(self._worker.read(path))

    def __enter__(self) -> Attachments:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.close()


def _inner_mail(part: EmailMessage) -> EmailMessage | None:
    """Return the mail that an attachment is; None if it can't be parsed."""
    inner = part.get_content() if part.get_content_type() == _MESSAGE else part.get_payload(decode=True)
    if isinstance(inner, bytes):
        inner = message_from_bytes(inner, policy=policy.default)
    return inner if isinstance(inner, EmailMessage) else None


def _name(part: EmailMessage) -> str:
    """Return the name of an attachment on one line, without folders."""
    try:
        name = part.get_filename() or ""
        if not name and part.get_content_type() == _MESSAGE:
            inner = _inner_mail(part)
            name = str(inner["Subject"] or "message") if inner else "message"
            name = f"{' '.join(name.split())[:_LONGEST_NAME].strip()}.eml"
    except (AttributeError, IndexError, LookupError, TypeError, ValueError):
        return "unnamed"  # the standard library fails on some malformed headers
    tidy = " ".join((name or part.get_content_type()).replace("\\", "/").split())
    tidy = tidy if tidy == part.get_content_type() else tidy.rpartition("/")[2]
    return tidy[-_LONGEST_NAME:] or "unnamed"


def _with_sheets(content: Content) -> str:
    """Return the text; if there are several sheets, with a heading for each."""
    sheets = [(sheet, next(rows).start) for sheet, rows in groupby(content.rows, key=lambda row: row.sheet)]
    if not any(sheet for sheet, _ in sheets):
        return content.text
    starts = [start for _, start in sheets]
    parts = [content.text[a:b].strip() for a, b in zip(starts, [*starts[1:], len(content.text)], strict=True)]
    return "\n\n".join(f"# {sheet}\n\n{part}" for (sheet, _), part in zip(sheets, parts, strict=True))


def _lowered(text: str) -> str:
    """Lower the headings of a text by `_BELOW` levels."""
    return _HEADING.sub(lambda signs: "#" * min(len(signs[1]) + _BELOW, 6), text)
