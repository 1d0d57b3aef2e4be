"""The layout of a plain text: its title, date, headings, paragraphs and boilerplate.

Pure functions over the stored text; every span counts code points in it. General rules recognise boilerplate
(newsletter and subscribe blocks, related posts, bylines, repeated titles, disclaimers). It is only left out of what is
searched: the text itself stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from index.text.dates import read_dateline
from index.text.front_matter import read_front_matter
from index.text.numbered import number_of, numbered_headings

Span = tuple[int, int]
LayoutKind = Literal["title", "heading", "text", "boilerplate"]

LINE_LEVEL = 3
"""Level of a heading that is a line without "#" signs."""
TOP_LINES = 12
"""How many non-empty lines at the top may hold the dateline or byline."""


@dataclass(frozen=True)
class LayoutBlock:
    """A run of lines of one kind.

    `text[start:end]` has no white space at its ends, and no blank line inside except in front matter and fenced code.
    """

    kind: LayoutKind
    start: int
    end: int


def blocks(text: str) -> list[LayoutBlock]:
    """Return the blocks of `text` in order.

    Together they cover every character that is not white space.
    """
    front = read_front_matter(text).end
    paragraphs = _paragraphs(list(_lines(text, front)))
    title = find_title(text)
    kinds = [_kinds(text, paragraph, position, paragraphs, title) for position, paragraph in enumerate(paragraphs)]
    for position in numbered_headings([[line.text for line in paragraph] for paragraph in paragraphs]):
        if kinds[position][0] == "text":
            kinds[position] = ["heading", *kinds[position][1:]]
    _spread_boilerplate(text, paragraphs, kinds)
    found = [LayoutBlock("boilerplate", 0, len(text[:front].rstrip()))] if front else []
    for paragraph, marks in zip(paragraphs, kinds, strict=True):
        fresh = True
        for line, kind in zip(paragraph, marks, strict=True):
            if not fresh and found[-1].kind == kind != "heading":
                found[-1] = LayoutBlock(kind, found[-1].start, line.end)
            else:
                found.append(LayoutBlock(kind, line.start, line.end))
            fresh = False
    return found


def find_title(text: str) -> Span | None:
    """Return the span of the title line at the top of a text, or None.

    A title is short, does not end like a sentence, and is set apart from the text below it.
    """
    lines = list(_top(text, 3))
    if len(lines) < 2:
        return None
    first, second = lines[0], lines[1]
    words = first.text.split()
    if not 1 <= len(words) <= 25 or len(first.text) > 200 or _SENTENCE_END.search(first.text) or is_item(first.text):
        return None
    if read_dateline(first.text) or _BOILERPLATE_LINE.match(first.text) or not re.search(r"\w", first.text):
        return None
    if is_row(first.text):
        return None
    apart = second.after_blank or len(second.text) >= max(80, 2 * len(first.text))
    return (first.start, first.end) if apart or read_dateline(second.text) else None


def top_lines(text: str, count: int) -> list[str]:
    """Return the first `count` non-blank lines after the front matter."""
    return [line.text for line in _top(text, count)]


# --- lines and paragraphs ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Line:
    start: int
    end: int
    text: str
    after_blank: bool


_LINE = re.compile(r"[^\r\n\v\f\x85\u2028\u2029]+")
_BREAKS = re.compile(r"\r\n|[\r\n\v\f\x85\u2028\u2029]")


def _lines(text: str, begin: int = 0) -> Iterator[_Line]:
    """Yield the non-blank lines from `begin` on, without the white space around them."""
    previous = begin
    for match in _LINE.finditer(text, begin):
        stripped = match.group().strip()
        if stripped:
            start = match.start() + match.group().index(stripped[0])
            # More than one line break since the last line means a blank line between.
            after_blank = len(_BREAKS.findall(text, previous, start)) > 1
            previous = start + len(stripped)
            yield _Line(start, previous, stripped, after_blank)


def _top(text: str, count: int) -> Iterator[_Line]:
    front = read_front_matter(text).end
    for number, line in enumerate(_lines(text[: front + 20_000], front)):
        if number == count:
            return
        yield line


def _paragraphs(lines: list[_Line]) -> list[list[_Line]]:
    """Group lines into paragraphs: blank lines separate them, and fenced code stays whole with its fences."""
    groups: list[list[_Line]] = []
    ends = fenced([line.text for line in lines])
    inside = -1
    for number, line in enumerate(lines):
        begins = line.after_blank or not groups or number in ends or number - 1 == inside
        if number > inside and begins:
            groups.append([line])
        else:
            groups[-1].append(line)
        inside = ends.get(number, inside)
    return groups


def fenced(lines: Sequence[str]) -> dict[int, int]:
    """Return the number of each line that opens fenced code -> that of its closer."""
    found: dict[int, int] = {}
    opened: tuple[int, str] | None = None
    for number, line in enumerate(lines):
        if opened is None:
            opened = (number, match[1]) if (match := _FENCE.match(line)) else None
        elif line.startswith(opened[1]) and not line.strip("`~"):
            found[opened[0]], opened = number, None
    return found


# --- kinds of lines ---------------------------------------------------------------------------------------------------

_SENTENCE_END = re.compile(r"[.!?…:;,。！？][\"'”’)\]]*$")
_ITEM = re.compile(r"(?:[•◦▪‣·*+–—-]|\d{1,3}[.)]|[a-z][.)])\s+\S")
_ROW = re.compile(r"[^|\n]+: [^|\n]+ \| |[^|:\n]+ \| [^|\n]+: [^|\n]+ \| [^|\n]+: \S")
"""In a comparison of several things, the first cell may have no column name."""
_SIGNS = re.compile(r"(#{1,6})\s+(?=\S)")
_FENCE = re.compile(r"(`{3,}|~{3,})[^`]*$")
_RULE = re.compile(r"([=_*~+#-])(?:[ \t]*\1){2,}")
"""A line that only separates what is above from what is below."""
_NUMBERED = re.compile(r"(?:\d{1,3}[.)]|[A-Z][.)])\s+")
_FEWEST_CAPITALS, _MOST_WORDS, _MOST_DIGITS = 4, 10, 3
_MARKDOWN_HEADING = re.compile(r"#{1,6}\s+\S")
_BOILERPLATE_LINE = re.compile(
    r"""(?:
      related\s+(?:posts?|articles?|stories|news|content|topics|reading|links)
    | (?:you\s+)?(?:may|might)\s+also\s+(?:like|enjoy|be\s+interested\s+in)
    | recommended(?:\s+(?:for\s+you|reading|articles?|stories|posts))?
    | read\s+(?:more|next|also) | more\s+(?:news|stories|articles|posts)
    | more\s+(?:from|on|in)\s+(?:this|our|the)\s+\S.{0,40}
    | (?:latest|popular|recent|trending|top)\s+(?:posts?|articles?|news|stories)
    | (?:our\s+|weekly\s+|daily\s+|e-?mail\s+)?newsletters?(?:\s+sign-?up)?
    | subscribe(?:\s+(?:now|here|today))? | sign\s+up(?:\s+(?:now|here|today))? | sign\s+in | log\s+in
    | share(?:\s+(?:this(?:\s+(?:article|post|story|page))?|on\s+\S+|via\s+\S+))?
    | follow\s+us(?:\s+on\s+.{1,40})? | leave\s+a\s+(?:reply|comment) | post\s+a\s+comment
    | advertisements?(?:\s+-\s+continue\s+reading.*)? | sponsored(?:\s+content)? | skip\s+to\s+(?:main\s+)?content
    | (?:previous|next)\s+(?:post|article) | back\s+to\s+top | print\s+this\s+page
    | cookie\s+(?:policy|settings|preferences)
    )\s*[:!→»>]*""",
    re.IGNORECASE | re.VERBOSE,
)
_BYLINE_LINE = re.compile(
    r"(?:(?i:by|written\s+by|author|posted\s+by|reported\s+by|source|photo|image|credit|photo\s+credit|image\s+credit)"
    r"\s*[:\s]\s*)(?:[A-Z][\w.'’-]*|and|&|,|/|of|the|via|for)(?:[\s,]+(?:[A-Z][\w.'’-]*|and|&|/|of|the|via|for)){0,9}"
)
_CALL = re.compile(
    r"""\b(?:
      subscribe\s+(?:now\s+|today\s+)?(?:to|for)\s+(?:our|the|my|this|free)\b.{0,60}
      (?:newsletter|updates|channel|mailing|list|podcast|alerts)
    | sign\s+up\s+(?:now\s+|today\s+)?(?:to|for)\s+(?:our|the|my|free)\b.{0,60}
      (?:newsletter|updates|mailing|list|alerts|e-?mails?)
    | (?:join|get)\s+our\b.{0,40}(?:newsletter|mailing\s+list|updates)
    | follow\s+us\s+on\b | like\s+us\s+on\s+facebook | all\s+rights\s+reserved
    | this\s+(?:website|site)\s+uses\s+cookies | we\s+use\s+cookies\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_STAMP = re.compile(
    r"(?:last |first )?(?:updated?|revised|modified|changed|reviewed|published|printed|issued|dated?|as of|valid"
    r"|effective)\b.*\b\d{4}\b",
    re.IGNORECASE,
)
"""A line that says when a text was written or changed ("Last updated: October 2023")."""
_DISCLAIMER = re.compile(
    r"""(?:
      \b(?:editorial\s+(?:team|board|staff)|editors?|publishers?|authors?|(?:web)?site)\b.{0,80}
      \b(?:(?:is|are)\s+not\s+(?:responsible|liable)
         |(?:accepts?|assumes?|bears?)\s+no\s+(?:responsibility|liability))
      \s+for\b.{0,60}\b
      (?:accuracy|contents?|errors|omissions|completeness|damages?|loss(?:es)?|views|opinions|information)
    | \b(?:views?|opinions?)\b.{0,120}\b(?:do|does)\s+not\s+(?:necessarily\s+)?(?:reflect|represent)\b
    | \bthis\s+(?:article|post|story|content|report|page|site|website)\b.{0,80}
      \bfor\s+(?:general\s+)?information(?:al)?\s+purposes\s+only
    | \b(?:does\s+not\s+constitute|is\s+not(?:\s+intended\s+as)?)
      \s+(?:financial|investment|legal|medical|professional)\s+advice
    | ^\s*(?:\(?c\)|©|copyright\s+(?:©|\(c\)|\d{4})).{0,100}$
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_CALL_WORDS = 80
"""The most words of a call to subscribe or a disclaimer; a longer paragraph that has one belongs to the article."""


def strip(text: str, start: int, end: int) -> Span:
    """Return the span without the white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def is_item(line: str) -> bool:
    """True for a line that opens a list item."""
    return bool(_ITEM.match(line))


def heading_level(text: str, start: int) -> int:
    """Return the level of the heading that begins at `start`.

    It is the number of "#" signs (1 to 6), else 3 plus 1 for each further part of its number ("3.1").
    """
    signs = _SIGNS.match(text, start)
    return len(signs[1]) if signs else LINE_LEVEL + max(0, len(number_of(text[start : start + 20])) - 1)


def is_row(line: str) -> bool:
    """True for a table row whose cells carry the names of their columns."""
    return bool(_ROW.match(line))


def _plain(line: str) -> str:
    return re.sub(r"\W+", " ", line).strip().casefold()


def _is_prose(lines: list[_Line]) -> bool:
    """True for a list item, a paragraph that ends like a sentence, or one that begins with a long line."""
    first = lines[0].text
    return len(first.split()) >= 12 or bool(_SENTENCE_END.search(lines[-1].text)) or is_item(first)


def _stands_as_heading(line: str) -> bool:
    words = line.split()
    bare = line.strip("*_ ")
    return (
        len(words) <= 14
        and len(line) <= 120
        and not re.search(r"[.!…:;,。！][\"'”’)\]]*$", line)
        and not is_item(line)
        and not re.search(r",\s*\d", line)
        and not line[:1].islower()
        and bool(re.search(r"[^\W\d_]", line))
        and "\t" not in line
        and "|" not in line
        and read_dateline(bare) is None
        and not _STAMP.match(bare)
        and not (bare != line and _BYLINE_LINE.fullmatch(bare))
    )


def _kinds(
    text: str, paragraph: list[_Line], position: int, paragraphs: list[list[_Line]], title: Span | None
) -> list[LayoutKind]:
    """Return the kind of each line of one paragraph."""
    if fenced([line.text for line in paragraph]):
        return ["text"] * len(paragraph)
    rules = [bool(_RULE.fullmatch(line.text)) for line in paragraph]
    words = text[paragraph[0].start : paragraph[-1].end]
    short = len(words) < 1500 and len(words.split()) <= _CALL_WORDS
    if short and (_CALL.search(words) or _DISCLAIMER.search(words)) and not (title and paragraph[0].start == title[0]):
        return ["boilerplate"] * len(paragraph)
    name = _plain(text[title[0] : title[1]]) if title else None
    near_top = position < TOP_LINES
    kinds: list[LayoutKind] = []
    for line in paragraph:
        if title and line.start == title[0]:
            kinds.append("title")
        elif rules[len(kinds)] or (name and _plain(line.text) == name) or _BOILERPLATE_LINE.fullmatch(line.text):
            kinds.append("boilerplate")
        elif _MARKDOWN_HEADING.match(line.text):
            kinds.append("heading")
        elif (near_top or len(paragraph) == 1) and len(line.text) < 150 and _BYLINE_LINE.fullmatch(line.text):
            kinds.append("boilerplate")
        else:
            kinds.append("text")
    for number, line in enumerate(paragraph):
        neighbours = [kinds[other] for other in (number - 1, number + 1) if 0 <= other < len(paragraph)]
        repeats = [
            _plain(paragraph[other].text) == name for other in (number - 1, number + 1) if 0 <= other < len(paragraph)
        ]
        if kinds[number] == "text" and any(repeats) and "boilerplate" in neighbours and _is_label(line.text):
            kinds[number] = "boilerplate"
    for number, line in enumerate(paragraph):
        opens = number == 0 or rules[number - 1]
        underlined = opens and rules[number + 1 : number + 2] == [True]
        if (
            kinds[number] == "text"
            and opens
            and (
                (underlined and _stands_as_heading(line.text))
                or _is_in_capitals(line.text, _next_line(paragraphs, position, number))
            )
        ):
            kinds[number] = "heading"
    alone = len(paragraph) == 1 and kinds == ["text"] and _stands_as_heading(paragraph[0].text)
    if alone and position + 1 < len(paragraphs) and _is_prose(paragraphs[position + 1]):
        return ["heading"]
    return kinds


def _next_line(paragraphs: Sequence[Sequence[_Line]], position: int, number: int) -> str:
    """Return the line below line `number` of a paragraph, or ""."""
    below = [*paragraphs[position][number + 1 :], *(paragraphs[position + 1] if position + 1 < len(paragraphs) else ())]
    return below[0].text if below else ""


def _is_in_capitals(line: str, below: str) -> bool:
    """True for a short line in capitals above a line that is not; its number and bracketed words don't count."""
    words = re.sub(r"\([^()]*\)", "", _NUMBERED.sub("", line, count=1)).strip()
    is_plain = len(words.split()) <= _MOST_WORDS and not re.search(r"[:|;,]|[.!?…]$", words)
    few_digits = sum(map(str.isdigit, words)) <= _MOST_DIGITS
    return is_plain and few_digits and _all_capitals(words) and bool(below) and not _all_capitals(below)


def _all_capitals(words: str) -> bool:
    return words.isupper() and sum(map(str.isalpha, words)) >= _FEWEST_CAPITALS


def _is_label(line: str) -> bool:
    """True for a publisher's or author's name alone: up to four words, each with a capital, no sentence."""
    words = line.split()
    return len(words) <= 4 and all(word[:1].isupper() for word in words) and not _SENTENCE_END.search(line)


def _spread_boilerplate(text: str, paragraphs: list[list[_Line]], kinds: list[list[LayoutKind]]) -> None:
    """Extend a boilerplate heading ("Related posts") over the short lines below it, up to the next prose."""
    inside = False
    for position, (paragraph, marks) in enumerate(zip(paragraphs, kinds, strict=True)):
        opens = all(mark == "boilerplate" for mark in marks)
        if opens and len(paragraph) == 1 and _BOILERPLATE_LINE.fullmatch(paragraph[0].text):
            inside = True
        elif inside and not opens:
            heading = marks == ["heading"] and not _is_boilerplate_next(position, kinds)
            if heading or "title" in marks or (marks != ["heading"] and _is_prose(paragraph)):
                inside = False
            else:
                kinds[position] = ["boilerplate"] * len(marks)


def _is_boilerplate_next(position: int, kinds: list[list[LayoutKind]]) -> bool:
    """True if the next paragraph is boilerplate: a heading above boilerplate is boilerplate too."""
    return position + 1 < len(kinds) and all(mark == "boilerplate" for mark in kinds[position + 1])
