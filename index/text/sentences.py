"""Split a text into the spans of its sentences, by rules. Pure; offsets count code points of the whole text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from index.text.aligned import aligned_tables
from index.text.bars import is_rule
from index.text.layout import Span, fenced, is_item, is_row, strip

_BREAK = re.compile(r"\r\n|[\r\n\v\f\x85\u2028\u2029]")
_STOP = re.compile(r"(?:[.!?…]+|[。！？]+)[\"'”’»)\]]*(?:\[\d{1,3}(?:[,–-] ?\d{1,3})*\])*")
"""What may end a sentence, with the numbers of notes that follow it right away: "as we know.[3]"."""
_ABBREVIATIONS = frozenset(
    """mr mrs ms dr prof sr jr st fr rev hon gen col lt capt sgt maj cmdr gov sen rep pres messrs mt ft
    vs etc al cf ca approx est dept univ assn bros no nos vol vols pp fig figs eq sec ch ed eds trans op resp
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thurs fri sat sun v
    inc ltd co corp llc plc gmbh e.g i.e u.s u.k u.n e.u d.c a.m p.m ph.d b.a m.a b.c a.d u.s.a""".split()
)
_MAY_END = frozenset(
    """inc ltd co corp llc plc gmbh etc jr sr al st u.s u.k u.n e.u d.c a.m p.m ph.d b.a m.a b.c a.d u.s.a
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thurs fri sat sun""".split()
)
"""Abbreviations that often end a sentence: they do if the next word usually begins one."""
_OPENERS = frozenset(
    """the a an this that these those it its he she they we you i in on at but and or for from with as after before
    by when while if although however there here his her their our my what who why how where many most some both
    since during under over according meanwhile also then now last next one two no not""".split()
)
_AFTER_A_LETTER = frozenset("the this that these those it its they there".split())
"""Openers that are no surnames: they end a sentence after "vitamin D.", while "K. He" is a name."""
_NUMBERED = ("no", "nos")
_LONGEST_ROW = 600
"""Up to this many characters, a table row is one sentence, whatever its cells hold."""
_SHORT_WORD = 4
"""Up to this many letters, a word before a full stop and a number is likely an abbreviation: "tel. 0555"."""
_OPEN_BRACKET = re.compile(r"\([^()]*\Z")
_IN_BRACKETS = 60
"""A bracket left open in this many characters before a full stop and a number shows that no sentence ends."""
_LED_TO = re.compile(
    r"(?:(?<!\.)\.{5,}+|(?<! \.)(?: \.){5,}+|(?<!…)…{2,}+)[ \t]*[^\s.][^\n]{0,40}$"
    r"|(?<=[ \t])\.{3,}+[ \t]*[^\w\s]?[ \t]?\d[\d.,]*(?: ?[^\s.]{1,12})?$"
)
"""A line of a price list or table of contents with dot leaders: "Deck chair ........ 4.00"."""
_LABEL = re.compile(r"[A-Z][\w ]{1,30}: \S")
_WRAP_WIDTH = 55
"""A line at least this long was wrapped: a sentence may go on in the next line."""


def sentences(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """Return the spans of the sentences in `text[start:end]`, in order.

    The spans do not overlap, have no white space at their ends, and cover every character that is not white space. A
    list item, a table row, a line of fenced code or a short line alone counts as a sentence.

    >>> [text[a:b] for text in ["He works at Foo Inc. in Ohio. It grew 2.5%."] for a, b in sentences(text)]
    ['He works at Foo Inc. in Ohio.', 'It grew 2.5%.']
    """
    stop = len(text) if end is None else end
    found: list[Span] = []
    for first, last in _aligned_rows(text, start, stop):
        found += _outside_tables(text, start, first)
        found.append((first, last))
        start = last
    return [*found, *_outside_tables(text, start, stop)]


def _outside_tables(text: str, start: int, end: int) -> list[Span]:
    """Return the sentences of a text without tables drawn with blanks."""
    found: list[Span] = []
    lines = list(_lines(text, start, end))
    done = 0
    for first, last in fenced([text[a:b] for a, b in lines]).items() if "```" in text or "~~~" in text else ():
        for a, b in _units(text, lines[done:first]):
            found += _split(text, a, b)
        found += _code(lines[first : last + 1])
        done = last + 1
    for a, b in _units(text, lines[done:]):
        found += _split(text, a, b)
    return found


def _aligned_rows(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the header and the rows of the tables drawn with blanks."""
    begin = text.rfind("\n", 0, start) + 1
    begin = start if text[begin:start].strip() else begin  # the indent of the first line counts
    for table in aligned_tables(text[begin:end]):
        if table.names:
            yield strip(text, begin + table.start, begin + table.rows[0].start)
        for row in table.rows:
            yield begin + row.start, begin + row.end


def _code(lines: Sequence[Span]) -> Iterator[Span]:
    """Yield the lines of fenced code; the fences belong to the first and the last line."""
    inner = lines[1:-1]
    for number, (start, end) in enumerate(inner):
        yield lines[0][0] if number == 0 else start, lines[-1][1] if number == len(inner) - 1 else end
    if not inner:
        yield lines[0][0], lines[-1][1]


def _units(text: str, lines: Sequence[Span]) -> Iterator[Span]:
    """Yield lines, joined where a line was only wrapped."""
    begin: int | None = None
    last = position = lines[0][0] if lines else 0
    for a, b in lines:
        blank_between = len(_BREAK.findall(text, last, a)) > 1 if begin is not None else False
        if begin is not None and (
            blank_between or not _wrapped(text[position:last], text[a:b]) or _leaves_the_item(text, begin, a)
        ):
            yield begin, last
            begin = None
        if begin is None:
            begin = a
        position, last = a, b
    if begin is not None:
        yield begin, last


def _leaves_the_item(text: str, item: int, line: int) -> bool:
    """True if a line returns to the margin, or to a label there ("DECISION: ..."), from the list item at `item`."""
    if not is_item(text[item : item + 10]):
        return False
    deep, own = (_indent(text, start) for start in (item, line))
    return own < deep or (own == deep and bool(_LABEL.match(text, line)))


def _indent(text: str, place: int) -> int:
    """Return the number of blanks before a place, counting at most 40."""
    before = text[max(0, place - 40) : place]
    return len(before) - len(before.rstrip(" \t"))


def unwrapped(text: str) -> str:
    """Replace line ends that only wrap a line by blanks, so that every offset stays.

    Fenced code and tables keep their lines.
    """
    made = list(text)
    lines = list(_lines(text, 0, len(text)))
    drawn = [(table.start, table.end) for table in aligned_tables(text)]
    code = {n for pair in fenced([text[a:b] for a, b in lines]).items() for n in range(pair[0], pair[1] + 1)}
    for number, ((start, end), (following, stop)) in enumerate(pairwise(lines)):
        if number in code or number + 1 in code or "|" in (text[start], text[following]):
            continue
        if any(first <= start < last or first <= following < last for first, last in drawn):
            continue
        if len(_BREAK.findall(text, end, following)) == 1 and _wrapped(text[start:end], text[following:stop]):
            made[end:following] = " " * (following - end)
    return "".join(made)


def _lines(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the non-blank lines, without the white space around them."""
    position = start
    while position < end:
        match = _BREAK.search(text, position, end)
        line_end = match.start() if match else end
        span = strip(text, position, line_end)
        if span[0] < span[1]:
            yield span
        position = match.end() if match else end


def _wrapped(line: str, following: str) -> bool:
    if is_rule(following):
        return "|" in line  # a header row, and the rule below it
    if _is_led_to(following) and not _is_row(line) and following[:1].islower():
        return True  # the name before the dot leaders spans two lines
    if any(map(_is_row, (line, following))) or is_rule(line):
        return False
    if is_item(following) or line.startswith("#"):
        return False
    ends = bool(re.search(r"[.!?…:;。！？][\"'”’»)\]]*$", line))
    return len(line) >= _WRAP_WIDTH or (not ends and following[:1].islower())


def _is_row(line: str) -> bool:
    """True for a table row: cells with names, cells between bars, or dot leaders."""
    return is_row(line) or line.startswith("|") or _is_led_to(line)


def _is_led_to(line: str) -> bool:
    if not ("..." in line or ". ." in line or "……" in line):
        return False
    found = _LED_TO.search(line)
    return found is not None and any(map(str.isalnum, line[: found.start()]))


def _split(text: str, start: int, end: int) -> Iterator[Span]:
    begin = start
    if end - start <= _LONGEST_ROW and _is_row(text[start:end]):
        yield start, end
        return
    for stop in _STOP.finditer(text, start, end):
        cut = stop.end()
        if cut < end and not _ends_sentence(text, begin, stop, end):
            continue
        span = strip(text, begin, cut)
        if span[0] < span[1]:
            yield span
        begin = cut
    span = strip(text, begin, end)
    if span[0] < span[1]:
        yield span


def _ends_sentence(text: str, begin: int, stop: re.Match[str], end: int) -> bool:
    if stop.group()[0] in "。！？":
        return True
    after = text[stop.end() : min(end, stop.end() + 80)]
    if not after[:1].isspace():
        return False
    following = after.lstrip()
    word = re.match(r"[\"'“‘«(\[]*(\w+)?", following)
    opener = word.group(1) if word and word.group(1) else ""
    if opener[:1].islower():
        return False
    if stop.group() != ".":
        return True
    if opener[:1].isdigit() and _OPEN_BRACKET.search(text, max(begin, stop.start() - _IN_BRACKETS), stop.start()):
        return False
    before = text[max(begin, stop.start() - 20) : stop.start()]
    last = re.search(r"[\w.]+$", before)
    if not last:
        return True
    token = last.group().lstrip(".").casefold()
    if len(token) == 1 and token.isalpha() and last.group().isupper():
        return stop.start() - begin > 1 and opener.casefold() in _AFTER_A_LETTER
    if token in _NUMBERED:
        # "Symphony No. Five" and "No. IV" are numbers; "No. I think so." are two sentences.
        if last.group().islower():
            return opener[1:].islower()
        return before.strip() == last.group() and (opener == "I" or opener.casefold() in _OPENERS)
    if token in _ABBREVIATIONS:
        return token in _MAY_END and opener.casefold() in _OPENERS
    if opener[:1].isdigit() and len(token) <= _SHORT_WORD and last.group().islower() and token.isalpha():
        return False
    # A number that opens the line ("3. Findings") is a list marker, not a sentence.
    return not (token.isdigit() and stop.start() - begin <= len(token))
