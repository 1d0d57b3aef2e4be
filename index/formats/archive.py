"""Opens the ZIP archives of DOCX, XLSX, PPTX, ODT and EPUB files, with a limit on the unpacked size."""

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
    """Open an archive that must have a member named `holds`.

    Raises:
        UnreadableSource: The archive is damaged, encrypted, of another format, or a ZIP bomb.
    """
    with path.open("rb") as stream:
        if stream.read(4) == _OLE:
            raise UnreadableSource("needs a password, or has an older format: save it again without a password")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise UnreadableSource(f"is damaged, or has another format than its name says ({error})") from error
    members = archive.infolist()
    # zipfile never unpacks more than the declared size.
    unpacked = sum(member.file_size for member in members)
    if unpacked > _MAX_UNPACKED or len(members) > _MAX_MEMBERS:
        raise UnreadableSource(
            f"unpacks to {unpacked / 1e6:,.0f} MB in {len(members):,} files, more than the limit of "
            f"{_MAX_UNPACKED / 1e6:g} MB in {_MAX_MEMBERS:,}"
        )
    if holds not in archive.namelist():
        raise UnreadableSource(f"has another format than its name says: it contains no {holds}")
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableSource("is encrypted: save it again without a password")
    return archive


def parse_xml(data: bytes) -> Any:
    """Return the root of an XML document. Resolves no entities and uses no network.

    Raises:
        UnreadableSource: The document is not XML, or exceeds the limits of the parser.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    root = etree.fromstring(data, parser)
    for error in parser.error_log:
        if error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
            # The parser drops the rest of the document.
            deep = "depth" in error.message
            raise UnreadableSource(
                "is nested too deeply" if deep else "is damaged or malicious: its entities expand without limit"
            )
    if root is None:
        raise UnreadableSource("is damaged: a part of it is not XML")
    return root


def read_part(archive: zipfile.ZipFile, name: str) -> Any:
    """Return the root of an XML member of an archive, without comments and entities.

    Raises:
        UnreadableSource: The member is missing or damaged.
    """
    try:
        data = archive.read(name)
    except KeyError as error:
        raise UnreadableSource(f"is damaged: it contains no {name}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise UnreadableSource(f"is damaged: {name} can't be unpacked") from error
    root = parse_xml(data)
    etree.strip_elements(root, etree.Comment, etree.ProcessingInstruction, etree.Entity, with_tail=False)
    return root


def attribute(element: Any, name: str) -> str:
    """Return the attribute with this local name in any namespace, or ""."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return ""


def find_text(root: Any, name: str) -> str:
    """Return the text of the first non-empty element with this local name, or "".

    White space is normalized.
    """
    for element in root.iter(f"{{*}}{name}"):
        if text := " ".join("".join(element.itertext()).split()):
            return text
    return ""
