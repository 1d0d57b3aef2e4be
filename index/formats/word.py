"""Reads Word documents (DOCX): headings, paragraphs, lists, tables and footnotes, as last saved."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from xml.parsers.expat import ExpatError

import mammoth
from lxml import etree

from index.errors import UnreadableSource
from index.formats.archive import find_text, open_archive, parse_xml
from index.formats.content import Content, normalized_title
from index.formats.markup import render
from index.formats.numbering import number_paragraphs
from index.formats.webpage import parse, with_title

_BODY = "word/document.xml"
_CORE = "docProps/core.xml"
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='heading 7'] => h6:fresh
p[style-name='heading 8'] => h6:fresh
p[style-name='heading 9'] => h6:fresh
"""
_LISTS = "\n".join(
    f"p[style-name='List {kind} {level}'] => {'ul|ol > li > ' * (level - 1)}{tag} > li:fresh"
    for level in range(2, 6)
    for kind, tag in (("Bullet", "ul"), ("Number", "ol"))
)
"""Styles that show a paragraph as a nested list item, though each is a separate list in the file."""


def read(path: Path) -> Content:
    """Return the text of a DOCX file.

    Raises:
        UnreadableSource: The file is not a DOCX, is damaged, has a password or has no text.
    """
    with open_archive(path, _BODY) as archive:
        title = author = language = ""
        if _CORE in archive.namelist():
            core = parse_xml(archive.read(_CORE))
            title, author, language = (find_text(core, name) for name in ("title", "creator", "language"))
        try:
            numbered = _with_numbers(archive)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
            raise UnreadableSource("is damaged: its text can't be extracted") from error
    try:
        # Drop pictures: by default mammoth embeds them in the HTML.
        made = mammoth.convert_to_html(
            numbered, style_map=_STYLES + _LISTS, convert_image=mammoth.images.img_element(lambda image: {})
        )
    except (ExpatError, zipfile.BadZipFile, KeyError, ValueError, AttributeError, RecursionError) as error:
        raise UnreadableSource("is damaged: its text can't be extracted") from error
    if not made.value.strip():
        raise UnreadableSource("holds no text")
    title = normalized_title(title)
    text = with_title(title, render(parse(made.value, numbered=True)))
    # No date: the file's creation date is not the publication date of its text.
    return Content(text, title, author, None, language)


def _with_numbers(archive: zipfile.ZipFile) -> io.BytesIO:
    """Return a copy of the document without pictures, with list and heading numbers as text."""
    names = set(archive.namelist())
    numbering, styles = (
        parse_xml(archive.read(name)) if name in names else None for name in ("word/numbering.xml", "word/styles.xml")
    )
    document = parse_xml(archive.read(_BODY))
    number_paragraphs(document, numbering, styles)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as copy:
        for name in names - {_BODY}:
            if name.endswith((".xml", ".rels")):
                copy.writestr(name, archive.read(name))
        copy.writestr(_BODY, etree.tostring(document, encoding="UTF-8", xml_declaration=True))
    made.seek(0)
    return made
