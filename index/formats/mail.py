"""Reads e-mails (.eml): header, message, quoted messages and attachments."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from index.errors import UnreadableSource
from index.formats.attachments import Attachments
from index.formats.content import Content
from index.formats.plain import decode
from index.formats.quoting import split_quotes
from index.formats.tables import row_text
from index.formats.webpage import parse, whole_page, with_title

_SHOWN_HEADERS = ("From", "To", "Cc", "Date")
_REPLIES = re.compile(r"\A(?:(?:re|fwd?|aw|wg|antw|sv|tr)(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
"""Prefixes of the subject of a reply or forwarded message."""
_OPENS, _CLOSES = "\ue000", "\ue001"
"""Mark the beginning and end of a quote in an HTML message; private-use characters, not in any text."""


def read(path: Path) -> Content:
    """Return the message in a file, with each readable attachment as a section.

    Raises:
        UnreadableSource: The file is not an e-mail, has no text or is nested too deeply.
    """
    try:
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        if not any(name in message for name in ("From", "To", "Subject", "Date", "Message-ID")):
            raise UnreadableSource("is not an e-mail: it has no sender, receiver, subject or date")
        with Attachments() as attachments:
            content = _content(message, attachments, 0)
    except RecursionError as error:
        raise UnreadableSource("is nested too deeply") from error
    return replace(content, notes=attachments.notes())


def _content(message: EmailMessage, attachments: Attachments, depth: int) -> Content:
    body = _body(message)
    attached = attachments.sections(message, lambda inner, deep: _content(inner, attachments, deep), depth)
    title = _REPLIES.sub("", _header(message, "Subject")) or _header(message, "Subject")
    headers = row_text(_SHOWN_HEADERS, [_header(message, name) for name in _SHOWN_HEADERS])
    if not body.strip() and not attached:
        raise UnreadableSource("holds no text")
    sender = _header(message, "From")
    body = split_quotes(body, parseaddr(sender)[0] or sender)
    text = with_title(title, "\n\n".join(filter(None, (headers, body, attached))))
    return Content(text, title, sender, _sent(message))


def _body(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, ValueError, AttributeError):
        # The message names an unknown encoding.
        payload = part.get_payload(decode=True)
        text, _ = decode(payload if isinstance(payload, bytes) else b"")
    if part.get_content_subtype() == "html":
        return _marked(parse(text.replace(_OPENS, "").replace(_CLOSES, "")))
    return text.replace("\r\n", "\n").strip()


def _marked(tree: Any) -> str:
    """Return the text of an HTML message, with ">" before quoted lines as in plain text."""
    for quote in tree.iter("blockquote"):
        opens, closes = quote.makeelement("p", {}), quote.makeelement("p", {})
        opens.text, closes.text = _OPENS, _CLOSES
        opens.tail, quote.text = quote.text, None
        quote.insert(0, opens)
        quote.append(closes)
    lines, depth = list[str](), 0
    for line in whole_page(tree).splitlines():
        mark = line.strip()
        if mark in (_OPENS, _CLOSES):
            depth = max(0, depth + (1 if mark == _OPENS else -1))
        else:
            lines.append(f"{'>' * depth} {line}" if depth else line)
    return "\n".join(lines)


def _header(message: EmailMessage, name: str) -> str:
    try:
        value = str(message[name] or "")
    except (ValueError, IndexError, AttributeError, TypeError):
        # The library raises on some malformed addresses.
        return ""
    return " ".join(value.encode("utf-8", "replace").decode().split())


def _sent(message: EmailMessage) -> date | None:
    """Return the date on which the message was sent, in the sender's time zone, or None."""
    try:
        moment = message["Date"].datetime
    except (AttributeError, ValueError, TypeError, IndexError):
        return None
    return moment.date() if moment else None
