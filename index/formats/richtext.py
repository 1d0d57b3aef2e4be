"""Reads RTF files: headings by style, paragraphs, numbered lists, tables and footnotes."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from pathlib import Path

from index.errors import UnreadableSource
from index.formats.content import MAX_CHARACTERS, Content, normalized_title
from index.formats.outline import Outline
from index.formats.tables import repeated_cell
from index.formats.webpage import with_title

_TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<byte>[0-9a-fA-F]{2})|\\(?P<sign>[^a-zA-Z])"
    rb"|(?P<brace>[{}])|[\r\n\0]+|(?P<plain>[^\\{}\r\n\0]+)|\\?",
    re.DOTALL,
)
_DEEPEST = 5_000
_SKIPPED = frozenset(
    """colortbl header headerl headerr headerf footer footerl footerr footerf ftnsep ftnsepc ftncn aftnsep aftnsepc
    aftncn pict objdata objclass objname nonshppict shprslt sp xe tc private template pntxta pntxtb atnid atnauthor
    atnicn annotation buptim creatim printim revtim comment doccomm keywords operator company manager category subject
    hlinkbase listname listlevel nonesttables revtbl ud""".split()
)
"""Groups without document text: data for programs, headers, footers and comments."""
_KNOWN = frozenset("do dptxbxtext fldinst footnote shpinst shptxt".split())
"""Groups marked as optional that contain document text."""
_SIGNS = {
    "tab": "\t", "line": "\n", "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“",
    "rdblquote": "”", "bullet": "•", "emspace": " ", "enspace": " ", "qmspace": " ", "zwnj": "\u200c",
    "zwj": "\u200d", "~": "\u00a0", "_": "-", "\\": "\\", "{": "{", "}": "}", "\t": "\t",
}  # fmt: skip
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "cp950", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
    255: "cp437",
}  # fmt: skip
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_LABEL = re.compile(r"(?P<label>[•◦▪‣·–—-]|\(?(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z]|[ivxIVX]{1,5})[.)])\t\s*(?=\S)")
_TITLE_STYLE = "title"


def read(path: Path) -> Content:
    """Return the text of an RTF file. Raises UnreadableSource if it is not RTF or has no text."""
    data = path.read_bytes()
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{\\rtf"):
        raise UnreadableSource("is not RTF, or is damaged: it does not begin with {\\rtf")
    reader = _Reader()
    whole = reader.read(data)
    text = reader.text()
    if not text:
        raise UnreadableSource("holds no text")
    title = normalized_title(reader.said.get("title", ""))
    notes = () if whole else ("is cut off: its end is missing",)
    # No date: the file's creation date is not the publication date of its text.
    return Content(with_title(title, text), title, reader.said.get("author", "").strip(), notes=notes)


@dataclass(frozen=True)
class _Paragraph:
    """The properties of a paragraph: style, outline level and list level (from 0), indent in twips, is in a table."""

    style: int = 0
    outline: int | None = None
    depth: int | None = None
    indent: int = 0
    in_table: bool = False


@dataclass(frozen=True)
class _State:
    """The state of a group: the destination of its text, its font and its paragraph properties."""

    sink: str = "text"
    paragraph: _Paragraph = _Paragraph()
    font: int = 0
    hidden: bool = False
    after_unicode: int = 1


class _Reader:
    """Reads RTF token by token, without recursion."""

    def __init__(self) -> None:
        self.said = dict[str, str]()
        self._outline = Outline()
        self._state = _State()
        self._above = list[_State]()
        self._words = dict[str, list[str]]()  # text by destination
        self._length = 0
        self._bytes = bytearray()
        self._encoding = "cp1252"
        self._encodings = dict[int, str]()
        self._styles = dict[int, tuple[str, int | None]]()
        self._optional = False
        self._passed = 0  # number of fallback characters after a Unicode character still to skip
        self._field = list[str]()  # instructions of the open fields
        self._indents = list[int]()
        self._notes = list[str]()
        self._boxes = list[str]()  # paragraphs in text boxes
        self._rows, self._row, self._cell = list[list[str]](), list[str](), list[str]()
        self._merged, self._covered = list[str](), ""
        self._header = False

    # --- tokens -------------------------------------------------------------------------------------------------------

    def read(self, data: bytes) -> bool:
        """Read a file; return False if its end is missing."""
        at = 0
        while at < len(data):
            match = _TOKEN.match(data, at)
            assert match is not None
            at = max(match.end(), at + 1)
            if byte := match["byte"]:
                self._raw(bytes([int(byte, 16)]))
            elif plain := match["plain"]:
                self._raw(plain)
            elif word := match["word"]:
                number = int(match["number"]) if match["number"] else None
                if word == b"bin":
                    at += max(0, number or 0)
                self._control(word.decode(), number)
            elif sign := match["sign"]:
                self._sign(sign.decode("latin-1"))
            elif brace := match["brace"]:
                self._decode()
                self._optional = False
                self._passed = 0
                if brace == b"}" and not self._above:
                    break
                if brace == b"{":
                    self._above.append(self._state)
                    if len(self._above) > _DEEPEST:
                        raise UnreadableSource("is nested too deeply")
                else:
                    self._close()
                    if not self._above:
                        break
        self._decode()
        whole = not self._above
        while self._above:
            self._close()
        self._end_paragraph(self._state.paragraph)
        self._end_table()
        return whole

    def _raw(self, data: bytes) -> None:
        """Add bytes of text in the code page of the font."""
        if self._passed:
            gone = min(self._passed, len(data))
            self._passed -= gone
            data = data[gone:]
        if self._state.sink:
            self._bytes += data

    def _decode(self) -> None:
        if self._bytes:
            encoding = self._encodings.get(self._state.font, self._encoding)
            self._write(self._bytes.decode(encoding, "replace"))
            self._bytes.clear()

    def _write(self, words: str) -> None:
        if not self._state.sink or self._state.hidden:
            return
        self._length += len(words)
        if self._length > MAX_CHARACTERS:
            raise UnreadableSource(f"holds more than {MAX_CHARACTERS:,} characters of text: split it")
        self._words.setdefault(self._state.sink, []).append(words)

    def _taken(self, sink: str) -> str:
        """Remove and return the text of a destination."""
        words = "".join(self._words.pop(sink, []))
        # Characters beyond U+FFFF are written as surrogate pairs.
        return words.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _sign(self, sign: str) -> None:
        if self._passed:
            self._passed -= 1
            return
        self._decode()
        if sign == "*":
            self._optional = True
        elif sign in "\r\n":
            self._control("par", None)
        elif sign in _SIGNS:
            self._write(_SIGNS[sign])

    def _control(self, word: str, number: int | None) -> None:
        if self._passed and word in _SIGNS:
            self._passed -= 1
            return
        self._decode()
        self._passed = 0
        optional, self._optional = self._optional, False
        state = self._state
        if word == "u" and number is not None:
            self._write(chr(number % 65536))
            self._passed = state.after_unicode
        elif word in _SIGNS:
            self._write(_SIGNS[word])
        elif word in _SKIPPED or (optional and word not in _KNOWN):
            self._state = replace(state, sink="")
        elif not state.sink:
            return
        elif word == "uc":
            self._state = replace(state, after_unicode=max(0, number or 0))
        elif word == "f":
            self._state = replace(state, font=number or 0)
        elif word in ("v", "deleted"):
            self._state = replace(state, hidden=number != 0)
        elif word == "plain":
            self._state = replace(state, hidden=False)
        elif word == "ansicpg":
            self._encoding = _known(f"cp{number}") or self._encoding
        elif word in ("mac", "pc", "pca"):
            self._encoding = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}[word]
        elif state.sink == "fonts" and word in ("fcharset", "cpg"):
            encoding = _CHARSETS.get(number or 0, "") if word == "fcharset" else _known(f"cp{number}")
            if encoding:
                self._encodings[state.font] = encoding
        elif word in _GROUPS:
            self._group(word)
        else:
            self._look(word, number)

    def _group(self, word: str) -> None:
        """Process a control word that sets the destination of its group."""
        sink = _GROUPS[word]
        if word == "fldrslt":
            # Drop tables of contents: they answer no question.
            sink = "" if "".join(self._words.get("field", [])).split()[:1] == ["TOC"] else self._state.sink
        elif word == "fldinst":
            self._words.pop("field", None)
        elif word in ("title", "author") and self._state.sink != "info":
            return
        self._state = replace(self._state, sink=sink)

    def _close(self) -> None:
        """End a group: restore the outer state and store the text of the group."""
        inner, self._state = self._state, self._above.pop()
        if inner.sink == self._state.sink and inner.sink != "styles":
            return
        if inner.sink in ("title", "author"):
            self.said.setdefault(inner.sink, " ".join(self._taken(inner.sink).split()))
        elif inner.sink == "note":
            self._notes.append(" ".join(self._taken("note").split()))
        elif inner.sink == "box":
            self._boxes += filter(None, map(str.strip, self._taken("box").split("\n")))
        elif inner.sink == "styles":
            name = " ".join(self._taken("styles").split()).rstrip(";").strip()
            if name:
                self._styles[inner.paragraph.style] = (name, inner.paragraph.outline)

    # --- paragraphs ---------------------------------------------------------------------------------------------------

    def _look(self, word: str, number: int | None) -> None:
        """Process a control word for paragraph properties, tables, or the end of a paragraph."""
        paragraph = self._state.paragraph
        if word == "pard":
            paragraph = _Paragraph()
        elif word == "s":
            paragraph = replace(paragraph, style=number or 0)
        elif word == "outlinelevel":
            paragraph = replace(paragraph, outline=number)
        elif word == "ilvl":
            paragraph = replace(paragraph, depth=min(max(number or 0, 0), 8))
        elif word == "li":
            paragraph = replace(paragraph, indent=number or 0)
        elif word == "intbl":
            paragraph = replace(paragraph, in_table=True)
        elif word in ("par", "sect", "nestcell", "nestrow"):
            if self._state.sink == "text":
                self._end_paragraph(paragraph)
            else:
                self._write("\n")
        elif self._state.sink == "text":
            self._tabulate(word)
        if paragraph is not self._state.paragraph:
            self._state = replace(self._state, paragraph=paragraph)

    def _end_paragraph(self, paragraph: _Paragraph) -> None:
        words, label = self._taken("text").strip(" \r\n"), self._taken("label").strip()
        is_item = bool(label)
        boxes, self._boxes = self._boxes, []
        if not is_item and (match := _LABEL.match(words)):
            label, words, is_item = match["label"], words[match.end() :], True
        words = words.strip()
        if paragraph.in_table:
            self._cell += [f"{label} {words}" if _is_number(label) else words, *boxes] if words else boxes
            return
        if words:
            self._end_table()
            self._add(words, label if is_item else None, paragraph)
        for box in boxes:
            self._outline.paragraph(box)

    def _add(self, words: str, label: str | None, paragraph: _Paragraph) -> None:
        """Add a paragraph outside tables; `label` is None unless it is a list item."""
        if level := self._level(paragraph):
            self._outline.heading(level, f"{label} {words}" if label and _is_number(label) else words)
        elif label is not None:
            self._outline.item(self._depth(paragraph), label if _is_number(label) else "", words)
        else:
            self._indents.clear()
            self._outline.paragraph(words)

    def _level(self, paragraph: _Paragraph) -> int:
        """Return the heading level from 1 to 9, or 0 for other paragraphs."""
        name, outline = self._styles.get(paragraph.style, ("", None))
        if paragraph.outline is not None:
            outline = paragraph.outline
        if outline is not None:
            return outline + 1 if 0 <= outline < 9 else 0
        if name.lower() == _TITLE_STYLE:
            return 1
        match = _HEADING.fullmatch(name)
        return int(match[1]) if match else 0

    def _depth(self, paragraph: _Paragraph) -> int:
        """Return the depth of a list item: its list level, else its rank among the indents above it."""
        if paragraph.depth is not None:
            return paragraph.depth
        while self._indents and self._indents[-1] > paragraph.indent:
            self._indents.pop()
        if not self._indents or self._indents[-1] < paragraph.indent:
            self._indents.append(paragraph.indent)
        return len(self._indents) - 1

    # --- tables -------------------------------------------------------------------------------------------------------

    def _tabulate(self, word: str) -> None:
        if word == "trowd":
            self._merged.clear()
            self._covered = ""
        elif word in ("clvmrg", "clmrg"):
            self._covered = word
        elif word == "cellx":
            self._merged.append(self._covered)
            self._covered = ""
        elif word == "trhdr":
            self._header = self._header or not self._rows
        elif word == "cell":
            self._end_paragraph(replace(self._state.paragraph, in_table=True))
            self._row.append("\n".join(self._cell))
            self._cell.clear()
        elif word == "row" and self._row:
            self._end_row()

    def _end_row(self) -> None:
        """End a row; repeat the text of merged cells downwards, in the header also to the right."""
        above = self._rows[-1] if self._rows else []
        for at, how in enumerate(self._merged[: len(self._row)]):
            if how == "clvmrg" and at < len(above):
                self._row[at] = repeated_cell(above[at])
            elif how == "clmrg" and at and self._header and not above:
                self._row[at] = self._row[at - 1]
        self._rows.append(self._row)
        self._row = []

    def _end_table(self) -> None:
        if self._cell:
            self._row.append("\n".join(self._cell))
            self._cell.clear()
        if self._row:
            self._end_row()
        if self._rows:
            self._outline.table(self._rows, True if self._header and len(self._rows) > 1 else None)
        self._rows, self._header = [], False

    def text(self) -> str:
        """Return the text read so far, with the footnotes at the end."""
        for number, words in enumerate(filter(None, self._notes), 1):
            self._outline.item(0, f"{number}.", words)
        return self._outline.text()


_GROUPS = {
    "author": "author", "fldinst": "field", "fldrslt": "text", "fonttbl": "fonts", "footnote": "note", "info": "info",
    "listtext": "label", "pntext": "label", "stylesheet": "styles", "title": "title", "dptxbxtext": "box",
    "shptxt": "box",
}  # fmt: skip
"""Control word of a group -> destination of its text."""


def _is_number(label: str) -> bool:
    """True if a label is a number; a single letter is a bullet in a symbol font."""
    return bool(re.search(r"\w", label)) and not re.fullmatch(r"[^\W\d]", label)


def _known(encoding: str) -> str:
    """Return the name of an encoding, or "" if Python does not support it."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return ""
