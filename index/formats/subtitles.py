"""Reads subtitles (SRT, WebVTT): the spoken text in paragraphs, with times."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import UnreadableSource
from index.formats.content import Content, Time
from index.formats.plain import decode

_TIMING = re.compile(
    r"\s*(\d+:)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})\s*-->\s*(\d+:)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})(?!\d)"
)
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]{1,80})>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:b|c|em|font|i|lang|rt|ruby|s|span|strong|u|v)(?:[.\s][^<>]{0,200})?>|<\d[\d:.]{3,15}>|\{\\[^{}]{0,80}\}",
    re.IGNORECASE,
)
_TURN = re.compile(r"(?:>>+|[-–—])\s*(?=\S)")
_NAMED = re.compile(r"[A-Z][\w.'’-]*(?: [A-Z(][\w.'’)-]*){0,3}: ?(?=\S)")
_END = re.compile(r"[.!?…。！？][\"'”’)\]]*$")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff00-\uffef]")
_LANGUAGE = re.compile(r"\s*language:\s*([\w-]{2,35})\s*", re.IGNORECASE)
_NO_WORDS = frozenset("♪♫♩♬#*-–— ")
_PAUSE = 2.5
"""Seconds of silence after a sentence that end a paragraph, minimum."""
_LONG, _TOO_LONG = 500, 1_000
"""Characters after which a paragraph ends with the next sentence, or with the next caption line."""
_AT_ONCE = 0.05
"""Maximum seconds between captions of which the second repeats lines of the first (roll-up captions)."""


@dataclass(frozen=True)
class _Cue:
    """Text shown from `start` to `end`, in seconds. `speaker` is "" if the file names none."""

    start: float
    end: float
    lines: tuple[str, ...]
    speaker: str


def read(path: Path) -> Content:
    """Return the spoken text of a subtitle file.

    Raises:
        UnreadableSource: The file has no times, or is not text.
    """
    text, notes = decode(path.read_bytes())
    lines = text.splitlines()
    cues = list(_cues(lines))
    if not cues:
        raise UnreadableSource("is not a subtitle file, or is damaged: there are no times in it")
    head = lines[: next(number for number, line in enumerate(lines) if _TIMING.match(line))]
    language = next((match[1] for line in head[:20] if (match := _LANGUAGE.fullmatch(line))), "")
    words, times = _join(cues)
    return Content(words, language=language, several=True, notes=tuple(notes), times=tuple(times))


def _cues(lines: Sequence[str]) -> Iterator[_Cue]:
    """Yield the cues in order, without lines repeated from the cue before."""
    starts = [(number, match) for number, line in enumerate(lines) if (match := _TIMING.match(line))]
    before, ended = list[str](), 0.0
    for place, (number, match) in enumerate(starts):
        stop = starts[place + 1][0] if place + 1 < len(starts) else len(lines)
        start, end = _seconds(match.groups()[:4]), _seconds(match.groups()[4:])
        marked = list(_marked_lines(lines, number + 1, stop, is_last=place + 1 == len(starts)))
        voice = next((found[1] for line in marked if (found := _VOICE.search(line))), "")
        shown = [line for line in map(_plain, marked) if set(line) - _NO_WORDS]
        kept = shown
        if start - ended <= _AT_ONCE:
            again = max(n for n in range(min(len(before), len(shown)) + 1) if not n or before[-n:] == shown[:n])
            # A speaker may repeat a line, but then it is not above new words.
            kept = shown[again:] if again < len(shown) or end - start < 4 * _AT_ONCE else shown
        before, ended = shown, end
        if kept:
            yield _Cue(start, end, tuple(kept), " ".join(html.unescape(voice).split()))


def _marked_lines(lines: Sequence[str], first: int, stop: int, *, is_last: bool) -> Iterator[str]:
    """Yield the lines of a cue, without comments and without the next cue's number or name."""
    if not is_last and stop - 1 >= first and lines[stop - 1].strip():
        named = stop - 2 < first or not lines[stop - 2].strip() or lines[stop - 1].strip().isdecimal()
        stop -= named
    for number in range(first, stop):
        above = not lines[number - 1].strip()
        if above and re.match(r"(?:NOTE|STYLE|REGION)\b", lines[number]):
            return
        yield lines[number]


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, rest = parts
    whole = int((hours or "0:")[:-1][:5]) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return whole + int((rest or "0").ljust(3, "0")) / 1000


def _plain(line: str) -> str:
    return " ".join(html.unescape(_TAG.sub("", line)).split())


@dataclass
class _Paragraph:
    """A paragraph under construction: its text, and the offset and second of each cue."""

    speaker: str
    words: str = ""
    times: tuple[Time, ...] = ()

    def add(self, line: str, second: float) -> None:
        """Add a line shown from `second`."""
        spaced = self.words and not (_UNSPACED.match(self.words[-1]) and _UNSPACED.match(line[0]))
        self.words += " " if spaced else ""
        if not self.times or self.times[-1][1] != int(second):
            self.times += ((len(self.words), int(second)),)
        self.words += line


def _join(cues: Sequence[_Cue]) -> tuple[str, list[Time]]:
    """Return the text and its times.

    A new paragraph begins for each speaker, after a pause, and when a paragraph is long.
    """
    done = list[_Paragraph]()
    ended = 0.0
    for cue in cues:
        for number, line in enumerate(cue.lines):
            turn = _TURN.match(line)
            words = line[turn.end() :] if turn else line
            last = done[-1] if done else None
            if (
                last is None
                or turn
                or _NAMED.match(words)
                or (cue.speaker and cue.speaker != last.speaker)
                or _ends(last.words, 0 if number else cue.start - ended)
            ):
                last = _Paragraph(cue.speaker or ("" if turn or last is None else last.speaker))
                done.append(last)
                if cue.speaker and not words.startswith(f"{cue.speaker}:"):
                    words = f"{cue.speaker}: {words}"
            last.add(words, cue.start)
        ended = cue.end
    text, times = list[str](), list[Time]()
    at = 0
    for paragraph in done:
        times += [(at + start, second) for start, second in paragraph.times]
        text.append(paragraph.words)
        at += len(paragraph.words) + 2
    return "\n\n".join(text), times


def _ends(words: str, pause: float) -> bool:
    """True if a paragraph with this text ends before a pause of `pause` seconds."""
    is_sentence = bool(_END.search(words))
    return len(words) > (_LONG if is_sentence else _TOO_LONG) or (is_sentence and pause >= _PAUSE)
