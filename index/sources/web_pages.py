"""Web pages as sources: each sync fetches every address and keeps its last good copy in FOOTNOTE_HOME/web/."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

from index.report import Progress
from index.sources.fetch import Fetched, FetchLimits, Unfetched, fetch
from index.state import read_sealed, write_sealed

MEDIA_TYPES = {
    "text/html": ".html",
    "application/xhtml+xml": ".xhtml",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "application/pdf": ".pdf",
    "text/csv": ".csv",
    "application/json": ".json",
}
"""Content type -> suffix of the kept copy, which selects its reader."""
_CANONICAL = re.compile(rb"<link\b[^>]{0,300}?\brel\s*=\s*[\"']?canonical\b[^>]{0,2000}?>", re.IGNORECASE)
_HREF = re.compile(rb"\bhref\s*=\s*[\"']?([^\"'\s>]{1,2000})", re.IGNORECASE)


@dataclass(frozen=True)
class Pages:
    """The kept copies of web pages, as sources.

    `files` holds (source name, copy); `failed` and `notes` give the reason why a page was not fetched or is an older
    copy.
    """

    files: list[tuple[str, Path]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


def web_folder(home: Path) -> Path:
    """Return the folder of the copies, which has a folder for each address."""
    return home / "web"


def refresh(home: Path, addresses: Sequence[str], limits: FetchLimits, tell: Progress) -> Pages:
    """Fetch every address again; if that fails, use the last copy, with a note."""
    pages, taken = Pages(), set[str]()
    for number, address in enumerate(addresses):
        tell("fetching", number, len(addresses))
        folder = copy_folder(home, address)
        try:
            _keep(folder, address, fetch(address, limits))
        except Unfetched as error:
            if copy := _saved_copy(folder):
                pages.notes.append((copy[0], f"{error}: the copy of {copy[2][:10]} is used"))
            else:
                pages.failed.append((address, str(error)))
        if (copy := _saved_copy(folder)) and copy[0] not in taken:
            taken.add(copy[0])
            pages.files.append(copy[:2])
    return pages


def saved_pages(home: Path, addresses: Sequence[str]) -> tuple[Pages, list[str]]:
    """Return the kept copies, and the addresses without a copy.

    Nothing is fetched; a note on each says so.
    """
    pages, unknown, taken = Pages(), list[str](), set[str]()
    for address in dict.fromkeys(addresses):
        copy = _saved_copy(copy_folder(home, address))
        if copy is None:
            unknown.append(address)
            pages.notes.append((address, "would be fetched"))
        elif copy[0] not in taken:
            taken.add(copy[0])
            pages.files.append(copy[:2])
            pages.notes.append((copy[0], f"would be fetched again; this report is based on the copy of {copy[2][:10]}"))
    return pages, unknown


def addresses_of(home: Path, source: str, addresses: Sequence[str]) -> Iterator[str]:
    """Yield the registered addresses that are `source`, or whose page is called so."""
    for address in addresses:
        copy = _saved_copy(copy_folder(home, address))
        if address == source or (copy and copy[0] == source):
            yield address


def copy_folder(home: Path, address: str) -> Path:
    """Return the folder of the copy of an address."""
    return web_folder(home) / hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:24]


def _keep(folder: Path, address: str, found: Fetched) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    data = found.data
    if found.charset and found.charset.lower() not in ("utf-8", "utf8") and found.kind.startswith("text/"):
        # A file can't record the encoding that the server declares.
        with contextlib.suppress(LookupError, UnicodeDecodeError):
            data = data.decode(found.charset).encode("utf-8")
    name = f"page{MEDIA_TYPES[found.kind]}"
    partial = folder / f".{name}"
    partial.write_bytes(data)
    partial.replace(folder / name)
    about = {
        "address": address,
        "source": canonical(found),
        "file": name,
        "fetched": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    write_sealed(folder / "about.json", about)


def _saved_copy(folder: Path) -> tuple[str, Path, str] | None:
    """Return (source name, copy, when it was fetched) of an address, or None without an undamaged copy."""
    try:
        about = read_sealed(folder / "about.json")
        path = folder / about["file"]
        # Copies of earlier versions have no digest.
        if "sha256" in about and hashlib.sha256(path.read_bytes()).hexdigest() != about["sha256"]:
            return None
        return (str(about["source"]), path, str(about["fetched"])) if path.is_file() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def canonical(found: Fetched) -> str:
    """Return the canonical address of a page, without a fragment.

    It is the address that the page itself declares, if that is on the same site; else the address it was fetched from.
    """
    link = _CANONICAL.search(found.data[:200_000]) if "html" in found.kind else None
    href = _HREF.search(link.group()) if link else None
    if href:
        named = href.group(1).decode("utf-8", "replace").replace("&amp;", "&")
        # The declared address may be malformed.
        with contextlib.suppress(ValueError):
            named = str(urldefrag(urljoin(found.address, named)).url)
            if _site(named) == _site(found.address) and urlsplit(named).scheme in ("http", "https"):
                return named
    return found.address


def _site(address: str) -> str:
    return (urlsplit(address).netloc or "").lower().removeprefix("www.")
