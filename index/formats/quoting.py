"""Splits the text of an e-mail into sections by author, so that quotes are not attributed to the sender. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.formats.tables import row_text

_MARKS = re.compile(r"[ \t]{0,3}((?:>[ \t]?)+)")
_PROMPT = re.compile(r">>> ?\S")
_WROTE = re.compile(
    r"\b(?:wrote|writes|a écrit|schrieb|escribió|ha scritto|scrisse|schreef|escreveu|skrev|napisała?|написала?)\b",
    re.IGNORECASE,
)
_OPENING = re.compile(r"(?:On|Am|Le|El|Il|Op|Em|Den|W dniu)\s+(?=\S)", re.IGNORECASE)
_ADDRESS = re.compile(r"[<\[(]\s*(?:mailto:)?[^\s<>\[\]()]+@[^\s<>\[\]()]+?\s*[>\])]|\b[\w.+-]+@[\w.-]+\w")
_DATED = re.compile(
    r"(?P<date>.*(?:\d{1,2}[:.h]\d{2}(?::\d{2})?(?:\s*[AaPp]\.?[Mm]\b\.?)?|\b(?:19|20)\d\d\b)"
    r"(?:\s+(?:UTC|GMT|CES?T|BST|[ECMP][SD]T|[+-]\d{4}|\([A-Z]{2,5}\)))*)[,;\s]+"
    r"(?P<name>(?![AaPp]\.?[Mm]\.?\s*\Z)(?!\s)\D+)",
    re.DOTALL,
)
_RULE = re.compile(
    r"_{10,}|[-*_ ]*(?:Original Message|Original Appointment|Forwarded message|Begin forwarded message|"
    r"Ursprüngliche Nachricht|Weitergeleitete Nachricht|Message d'origine|Message transféré|Mensaje original|"
    r"Mensaje reenviado|Messaggio originale|Oorspronkelijk bericht)[-*_: ]*",
    re.IGNORECASE,
)
_FIELD = re.compile(r"\*?(?P<name>[^\W\d_]{1,12}) ?:\*?\s*(?P<value>\S.*)")
_NAMES = {
    "From": "from von de da van från od",
    "Date": "date sent datum gesendet date envoyé fecha enviado data inviato verzonden skickat wysłano",
    "To": "to an à para a aan till do",
    "Cc": "cc kopie",
    "Subject": "subject betreff objet asunto oggetto onderwerp ämne temat",
}
_FIELDS = {word: field for field, words in _NAMES.items() for word in words.split()}
_DEEPEST = 50
_SHORT = 500
"""Maximum characters of a quote that stays in one section with the reply below it."""


@dataclass(frozen=True)
class Author:
    """The author and date of a message, as far as known; `fields` is its header as one line.

    `address` is set only if `fields` does not contain it.
    """

    name: str = ""
    date: str = ""
    fields: str = ""
    address: str = ""

    @property
    def full(self) -> str:
        """The name, with the address if set."""
        return f"{self.name} <{self.address}>" if self.address else self.name


@dataclass(frozen=True)
class _Run:
    """Consecutive lines by one author.

    `depth` is the level of quoting, 0 for none; `begins` is true at the start of a message.
    """

    depth: int
    author: Author
    begins: bool
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip("\n")


def split_quotes(body: str, sender: str) -> str:
    """Return a message without quote marks, in sections by author.

    The sender's text has no heading, quoted text has one. A short quote stays in one section with the reply below it;
    both then begin with the name of their author.

    >>> print(split_quotes("Yes.\\n\\nOn 4 May 2024, Tom Hale wrote:\\n> Is it open?", "Ann Bell"))
    Yes.
    <BLANKLINE>
    ## Tom Hale wrote on 4 May 2024
    <BLANKLINE>
    Is it open?
    """
    runs = [
        run
        for run in _runs(body.splitlines(), Author(sender))
        if run.text.strip() or (run.begins and run.author.fields)
    ]
    if len(runs) < 2 and all(run.depth == 0 and not run.begins for run in runs):
        return body
    made = list[str]()
    current: _Run | None = None
    named = False  # the section has quotes that begin with a name
    for run, after in pairwise([*runs, None]):
        assert run is not None
        answered = after is not None and 0 <= after.depth < run.depth and len(run.text) <= _SHORT
        holder = after if answered and after is not None else run
        if current is None or (current.depth, current.author) != (holder.depth, holder.author) or run.begins > answered:
            if current is not None or holder.depth or holder.author.fields:
                made += _heading(holder)
            current, named = holder, False
        text = run.text
        if answered:
            made += [run.author.fields] if run.begins and run.author.fields else []
            first = run.author.full if run.begins else run.author.name
            names = [first, *[run.author.name] * text.count("\n")]
            made += [f"{name or 'Quoted'}: {part}" for name, part in zip(names, _paragraphs(text), strict=False)]
            named = True
        elif text.strip():
            made.append(f"{run.author.name or 'Reply'}: {text.lstrip()}" if named else text)
    return "\n\n".join(made)


def _heading(run: _Run) -> list[str]:
    """Return the heading for a run, and the header of the message if it has one."""
    author = run.author
    who = f"{author.full} wrote" if author.name else "Quoted text" if run.depth else "Reply"
    when = f" on {author.date}" if author.date else ""
    return [f"## {who}{when}", *([author.fields] if author.fields else [])]


def _paragraphs(text: str) -> list[str]:
    return [part.strip("\n") for part in re.split(r"\n[ \t]*\n", text) if part.strip()]


# --- authors of lines -------------------------------------------------------------------------------------------------


def _runs(lines: Sequence[str], sender: Author) -> Iterator[_Run]:
    authors = [sender]  # by level of quoting
    held = list[str]()
    depth, begins = 0, False
    number = 0
    while number < len(lines):
        here, words = _unquoted(lines[number], depth)
        if not words.strip() and here < depth and not _is_marked(lines[number]):
            # A blank line does not end a quote.
            held.append("")
            number += 1
            continue
        if here > depth:
            held, found = _attribution(held)
            said = 0 if found else _says_who(lines, number, here)
            if said:
                found = _who(_words(lines, number, said, here))
            yield _Run(depth, authors[depth], begins, tuple(held))
            known = len(authors) > here and found is None
            authors = authors[: here + 1] if known else [*authors[: depth + 1], *[Author()] * (here - depth)]
            if found is not None:
                authors[here] = found
            held, depth, begins = [], here, not known
            if said:
                number += said
                continue
        elif here < depth:
            yield _Run(depth, authors[depth], begins, tuple(held))
            held, depth, begins = [], here, False
        header = _header(lines, number, depth)
        if header is not None:
            yield _Run(depth, authors[depth], begins, tuple(held))
            author, number = header
            authors[depth:] = [author]
            held, begins = [], True
            continue
        held.append(words)
        number += 1
    yield _Run(depth, authors[depth], begins, tuple(held))


def _is_marked(line: str) -> bool:
    return bool(_MARKS.match(line))


def _unquoted(line: str, depth: int) -> tuple[int, str]:
    """Return (level of quoting, text) of a line that follows a line at level `depth`."""
    marks = _MARKS.match(line)
    if not marks or (depth == 0 and _PROMPT.match(line)):
        return 0, line
    return min(marks[1].count(">"), _DEEPEST), line[marks.end() :]


def _says_who(lines: Sequence[str], number: int, depth: int) -> int:
    """Return the number of quoted lines from `number` that form an attribution, 0 to 2."""
    for count in (1, 2):
        here = [_unquoted(line, depth)[0] for line in lines[number : number + count]]
        words = _words(lines, number, count, depth)
        if here == [depth] * count and _OPENING.match(words) and _WROTE.search(words) and _who(words):
            return count
    return 0


def _words(lines: Sequence[str], number: int, count: int, depth: int) -> str:
    return " ".join(" ".join(_unquoted(line, depth)[1] for line in lines[number : number + count]).split())


def _attribution(held: list[str]) -> tuple[list[str], Author | None]:
    """Return the lines without the attribution at their end, and its author (None without one)."""
    stop = len(held)
    while stop and not held[stop - 1].strip():
        stop -= 1
    best: tuple[int, Author] | None = None
    for count in range(1, min(4, stop + 1)):
        if not held[stop - count].strip():
            break
        line = " ".join(" ".join(held[stop - count : stop]).split())
        author = _who(line)
        if author is not None and (best is None or _OPENING.match(line) or not best[1].name):
            best = stop - count, author
            if _OPENING.match(line):
                break
    return (held[: best[0]], best[1]) if best else (held, None)


def _who(line: str) -> Author | None:
    """Return the author in an attribution, or None.

    Example: "On 4 May 2024 at 10:15, Ann Bell <ann@example.org> wrote:"
    """
    if not line.endswith(":") or len(line) > 300:
        return None
    wrote = _WROTE.search(line)
    addresses = [found.group().strip("<>[]() ").removeprefix("mailto:") for found in _ADDRESS.finditer(line)]
    if wrote is None and not (addresses and re.search(r"\d", line)):
        return None
    bare = _ADDRESS.sub(" ", line[:-1])
    wrote = _WROTE.search(bare)
    before, after = (bare[: wrote.start()], bare[wrote.end() :]) if wrote else (bare, "")
    before = _OPENING.sub("", _tidy(before), count=1) if _OPENING.match(_tidy(before)) else _tidy(before)
    after = _tidy(after)
    if after and re.search(r"\d", before):
        date, name = before, after
    elif dated := _DATED.fullmatch(before):
        date, name = _tidy(dated["date"]), _tidy(dated["name"])
    else:
        date, name = ("", before) if not re.search(r"\d{2}", before) else (before, "")
        date = re.sub(r"^on ", "", after, flags=re.IGNORECASE) if after and not date else date
    name = name or (addresses[0] if addresses else "")
    if not name and not date:
        return None
    if not addresses or addresses[0] == name:
        return Author(name, date)
    if not date:
        # A header line with only one field would look like a heading.
        return Author(name, address=addresses[0])
    return Author(name, date, row_text(["From", "Date"], [f"{name} <{addresses[0]}>", date]))


def _tidy(words: str) -> str:
    return " ".join(words.split()).strip(" ,;:\"'*")


def _header(lines: Sequence[str], number: int, depth: int) -> tuple[Author, int] | None:
    """Return the author in the message header at line `number`, and the first line below; None without a header."""
    at = number
    while at < min(number + 3, len(lines)):
        here, words = _unquoted(lines[at], depth)
        if here != depth or not (_RULE.fullmatch(words.strip()) or (at > number and not words.strip())):
            break
        at += 1
    ruled = at > number
    fields = dict[str, str]()
    last = ""
    while at < len(lines):
        here, words = _unquoted(lines[at], depth)
        match = _FIELD.fullmatch(words.strip())
        field = _FIELDS.get(match["name"].lower(), "") if match else ""
        if here != depth or not words.strip() or (not field and not last):
            break
        if match and field and field not in fields:
            fields[field], last = " ".join(match["value"].split()), field
        elif last in ("To", "Cc", "Subject") and not field and words[:1].isspace():
            fields[last] += f" {words.strip()}"
        else:
            break
        at += 1
    is_sure = ruled or "Subject" in fields or "@" in fields.get("From", "")
    if "From" not in fields or len(fields) < 3 or not is_sure:
        return None
    name = _tidy(_ADDRESS.sub(" ", fields["From"])) or fields["From"]
    order = [field for field in _NAMES if field in fields]
    return Author(name, fields.get("Date", ""), row_text(order, [fields[field] for field in order])), at
