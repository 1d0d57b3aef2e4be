"""Reads JSON and JSON Lines: articles, or records of any shape as rows with field names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from index.errors import UnreadableSource
from index.formats.content import Content, Row
from index.formats.markup import render
from index.formats.plain import decode
from index.formats.tables import row_text
from index.formats.webpage import parse, read_date, with_title

LINES = frozenset({".jsonl", ".ndjson"})
_TEXT = ("text", "content", "body", "articlebody", "fulltext", "article", "abstract", "description", "summary")
_TITLE = ("title", "headline", "subject", "name")
_PUBLISHED = ("published", "datepublished", "publishedat", "publicationdate", "pubdate", "publishdate", "date")
_AUTHOR = ("author", "authors", "byline", "creator")
_HTML = re.compile(r"</?(?:p|div|br|h[1-6]|li|a|b|i|em|strong)\b[^>]*>", re.IGNORECASE)
_TOLD = 5


def read(path: Path) -> Content:
    """Return the articles or records of a file.

    Raises:
        UnreadableSource: The file is not JSON, or is nested too deeply.
    """
    text, notes = decode(path.read_bytes())
    try:
        if path.suffix.lower() in LINES:
            records = list(_lines(text, notes))
        else:
            records = list(enumerate(_records(json.loads(text)), 1))
        flat = [(number, _flat(record)) for number, record in records]
    except ValueError as error:
        raise UnreadableSource(f"is not JSON: {error}") from error
    except RecursionError as error:
        raise UnreadableSource("is nested too deeply") from error
    articles = [_article(fields) for _, fields in flat]
    if len(articles) == 1 and articles[0]:
        title, body, rest, said = articles[0]
        author, published = said.get("author", ""), read_date(said.get("published", ""))
        return Content(with_title(title, _join(body, rest)), title, author, published, notes=tuple(notes))
    if any(articles):
        parts = [_section(number, fields) for number, fields in flat]
        return Content(f"# {path.stem}\n\n" + "\n\n".join(parts), several=True, notes=tuple(notes))
    return _rows(flat, notes)


def _lines(text: str, notes: list[str]) -> Iterator[tuple[int, Any]]:
    """Yield (line number, record) for each line that is JSON; add a note on the others."""
    bad = []
    count = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
            count += 1
        except ValueError:
            bad.append(number)
    if bad and not count:
        raise ValueError(f"none of its {len(bad):,} lines is")
    if bad:
        some = ", ".join(map(str, bad[:_TOLD])) + (" ..." if len(bad) > _TOLD else "")
        notes.append(f"{len(bad):,} of its lines are not JSON: {some}")


def _records(value: Any) -> list[Any]:
    """Return the records of a document: a list, a list in an object ({"articles": [...]}), or one record."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        lists = [inner for inner in value.values() if isinstance(inner, list) and inner]
        if len(lists) == 1 and all(isinstance(one, dict) for one in lists[0]) and not _article(_flat(value)):
            return lists[0]
    return [value]


def _flat(value: Any, name: str = "") -> dict[str, str]:
    """Map the path of each nested value ("address.city") to its text.

    A list of plain values becomes one value, separated by commas.
    """
    if isinstance(value, dict):
        made: dict[str, str] = {}
        for key, inner in value.items():
            made |= _flat(inner, f"{name}.{key}" if name else str(key))
        return made
    if isinstance(value, list):
        if not any(isinstance(one, dict | list) for one in value):
            return {name: ", ".join(map(_shown, value))} if value else {}
        made = {}
        for number, inner in enumerate(value, 1):
            made |= _flat(inner, f"{name} {number}".strip())
        return made
    shown = _shown(value)
    return {name: shown} if shown.strip() else {}


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    # JSON allows lone surrogates, but UTF-8 storage does not.
    return "" if value is None else str(value).encode("utf-8", "replace").decode()


def _article(fields: Mapping[str, str]) -> tuple[str, str, str, dict[str, str]] | None:
    """Return (title, body, other fields as a line, author and date), or None if the record is not an article."""
    by_name = {re.sub(r"[^a-z]", "", name.lower()): name for name in reversed(list(fields))}
    text = next((by_name[name] for name in _TEXT if name in by_name), None)
    if text is None:
        return None
    title = next((by_name[name] for name in _TITLE if name in by_name), None)
    author = next((by_name[name] for name in _AUTHOR if name in by_name), None)
    published = next((by_name[name] for name in _PUBLISHED if name in by_name), None)
    body = fields[text]
    body = render(parse(body)) if _HTML.search(body) else body.strip()
    others = {name: value for name, value in fields.items() if name not in (text, title)}
    said = {"author": fields[author] if author else "", "published": fields[published] if published else ""}
    heading = " ".join(fields[title].split()) if title else ""
    return heading, body, row_text(list(others), list(others.values())), said


def _section(number: int, fields: Mapping[str, str]) -> str:
    article = _article(fields)
    if article is None:
        return f"## Record {number}\n\n{row_text(list(fields), list(fields.values()))}"
    title, body, rest, _ = article
    return f"## {title or f'Record {number}'}\n\n{_join(body, rest)}"


def _join(body: str, rest: str) -> str:
    return "\n\n".join(part for part in (body, rest) if part)


def _rows(flat: list[tuple[int, dict[str, str]]], notes: list[str]) -> Content:
    lines, rows, at = [], [], 0
    for number, fields in flat:
        if line := row_text(list(fields), list(fields.values())):
            rows.append(Row(at, "", number))
            lines.append(line)
            at += len(line) + 2
    return Content("\n\n".join(lines), rows=tuple(rows), notes=tuple(notes))
