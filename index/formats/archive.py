"""Opens the ZIP archives that DOCX, XLSX, PPTX, ODT and EPUB files are, and only those that unpack to a sane size."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

from lxml import etree

from index.errors import UnreadableSource

_MAX_UNPACKED = 200_000_000
_MAX_MEMBERS = 20_000
_OLE = b"\xd0\xcf\x11\xe0"


def open_archive(path: Path, holds: str) -> zipfile.ZipFile:
    """The archive, which must have a member called `holds`. Raises UnreadableSource, also for a ZIP bomb."""
    with path.open("rb") as stream:
        if stream.read(4) == _OLE:
            raise UnreadableSource("needs a password, or is of an older format: save it anew without a password")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise UnreadableSource(f"is damaged or not what its name says ({error})") from error
    members = archive.infolist()
    # What is declared is also the most that zipfile unpacks.
    unpacked = sum(member.file_size for member in members)
    if unpacked > _MAX_UNPACKED or len(members) > _MAX_MEMBERS:
        raise UnreadableSource(
            f"unpacks to {unpacked / 1e6:,.0f} MB in {len(members):,} files, more than the limit of "
            f"{_MAX_UNPACKED / 1e6:g} MB in {_MAX_MEMBERS:,}"
        )
    if holds not in archive.namelist():
        raise UnreadableSource(f"is not what its name says: there is no {holds} in it")
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableSource("is encrypted: save it anew without a password")
    return archive


def parse_xml(data: bytes) -> Any:
    """The root of an XML document; entities and the network stay untouched. Raises UnreadableSource."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    root = etree.fromstring(data, parser)
    for error in parser.error_log:
        if error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
            # The parser leaves out what comes after.
            deep = "depth" in error.message
            raise UnreadableSource(
                "is nested too deeply" if deep else "is damaged, or made to harm: it unfolds without end"
            )
    if root is None:
        raise UnreadableSource("is damaged: a part of it is not XML")
    return root


def read_part(archive: zipfile.ZipFile, name: str) -> Any:
    """Parse a member of an archive, without comments and entities. Raises UnreadableSource if missing or damaged."""
    try:
        data = archive.read(name)
    except KeyError as error:
        raise UnreadableSource(f"is damaged: there is no {name} in it") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise UnreadableSource(f"is damaged: {name} can't be unpacked") from error
    root = parse_xml(data)
    etree.strip_elements(root, etree.Comment, etree.ProcessingInstruction, etree.Entity, with_tail=False)
    return root


def attribute(element: Any, name: str) -> str:
    """Return the attribute with this local name, in whatever namespace, or ""."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return ""


def find_text(root: Any, name: str) -> str:
    """The text of the first element with this local name, tidied, or ""."""
    for element in root.iter(f"{{*}}{name}"):
        if text := " ".join("".join(element.itertext()).split()):
            return text
    return ""
