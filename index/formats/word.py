"""DOCX: headings, paragraphs, lists, tables and footnotes of a Word document, as its last saved state shows them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.parsers.expat import ExpatError

import mammoth

from index.errors import UnreadableSource
from index.formats.archive import find_text, open_archive, parse_xml
from index.formats.content import Content, said_title
from index.formats.markup import render
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


def read(path: Path) -> Content:
    """The text of a DOCX file. Raises UnreadableSource when it is none, is damaged or has a password."""
    with open_archive(path, _BODY) as archive:
        title = author = language = ""
        if _CORE in archive.namelist():
            core = parse_xml(archive.read(_CORE))
            title, author, language = (find_text(core, name) for name in ("title", "creator", "language"))
    try:
        with path.open("rb") as stream:
            # Pictures are not looked at; by default they would be in the HTML, byte for byte.
            made = mammoth.convert_to_html(
                stream, style_map=_STYLES, convert_image=mammoth.images.img_element(lambda image: {})
            )
    except (ExpatError, zipfile.BadZipFile, KeyError, ValueError, AttributeError, RecursionError) as error:
        raise UnreadableSource("is damaged: its text can't be taken out") from error
    if not made.value.strip():
        raise UnreadableSource("holds no text")
    title = said_title(title)
    text = with_title(title, render(parse(made.value)))
    # When the file was made says nothing about when its text was published.
    return Content(text, title, author, None, language)
