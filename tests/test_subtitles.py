"""Subtitles: cues become sentences by speaker, and every quote has the time when it is spoken."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.article import article_of
from index.chunk import ChunkLimits, chunk
from index.errors import UnreadableSource
from index.formats import subtitles
from index.formats.content import Content
from tests.nasty import TEXTS


def read(text: str, name: str = "a.srt") -> Content:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_text(text, "utf-8", newline="")
        return subtitles.read(path)


def test_cues_are_joined_into_sentences_without_markup() -> None:
    made = read(
        "\ufeff1\r\n00:00:01,000 --> 00:00:03,200\r\n<i>Good morning</i>, and welcome\r\nto the harbour\r\n\r\n"
        "2\r\n00:00:03,300 --> 00:00:06,000\r\n{\\an8}museum of Tarn &amp; Sons. It opened\r\n\r\n"
        "3\r\n00:00:06,100 --> 00:00:08,000\r\nin 1887.\r\n\r\n"
        "4\r\n00:01:12,100 --> 00:01:14,000\r\n- Who built it?\r\n- Edda Holm did.\r\n\r\n"
        "5\r\n01:02:12,100 --> 01:02:14,000\r\n♪ ♪\r\nANN: The end.\r\n"
    )
    assert made.text.split("\n\n") == [
        "Good morning, and welcome to the harbour museum of Tarn & Sons. It opened in 1887.",
        "Who built it?",
        "Edda Holm did.",
        "ANN: The end.",
    ]
    assert [(made.text[start:][:8], second) for start, second in made.times] == [
        ("Good mor", 1), ("museum o", 3), ("in 1887.", 6), ("Who buil", 72), ("Edda Hol", 72), ("ANN: The", 3732),
    ]  # fmt: skip


def test_speakers_in_webvtt_are_named_and_comments_are_dropped() -> None:
    made = read(
        "WEBVTT - Talk\nKind: captions\nLanguage: en-GB\n\nSTYLE\n::cue { color: red }\n\nNOTE a comment\n"
        "over two lines\n\n"
        "intro\n00:01.000 --> 00:03.000 align:start\n<v Ann Bell>The ferry leaves\n\n"
        "00:03.000 --> 00:05.000\n<v.loud Ann Bell>at <c.yellow>nine</c>.\n\nNOTE between\n\n"
        "00:05.000 --> 00:06.000\n<v Tom Hale>Which pier?</v>\n",
        "a.vtt",
    )
    assert made.text == "Ann Bell: The ferry leaves at nine.\n\nTom Hale: Which pier?"
    assert made.language == "en-GB"


def test_repeated_lines_of_rolling_captions_are_dropped() -> None:
    made = read(
        "WEBVTT\n\n00:00:00.640 --> 00:00:02.629 align:start position:0%\n \nso<00:00:00.880><c> today</c>\n\n"
        "00:00:02.629 --> 00:00:02.639 align:start position:0%\nso today\n \n\n"
        "00:00:02.639 --> 00:00:04.500 align:start position:0%\nso today\nwe talk<00:00:02.879><c> about</c>\n\n"
        "00:00:04.500 --> 00:00:04.510 align:start position:0%\nwe talk about\n \n\n"
        "00:00:04.510 --> 00:00:06.500 align:start position:0%\nwe talk about\nropes\n\n"
        "00:00:07.000 --> 00:00:08.000\nNo.\n\n00:00:08.000 --> 00:00:09.000\nNo.\n",
        "a.vtt",
    )
    assert made.text == "so today we talk about ropes No. No."


def test_passages_and_quotes_have_times_and_the_file_name_gives_title_and_date() -> None:
    cues = [f"{n}\n00:{n:02}:05,000 --> 00:{n:02}:09,000\nStation {n} stands on a hill.\n" for n in range(1, 40)]
    article = article_of("talks/2024-05-03-stations-of-the-line.srt", read("\n".join(cues)))
    assert (article.title, article.published and article.published.when) == ("Stations of the line", "2024-05-03")
    at = article.text.index("Station 30")
    assert article.place(at, at + 10) == "at 30:05" and article.place(0, 3) == "at 1:05"
    for one in chunk(article, ChunkLimits(len, len, pieces=900, tokens=400)):
        number = int(one.text.split()[1])
        assert one.heading == f"at {number}:05" and "30:05" not in one.searchable


def test_a_file_without_times_is_refused() -> None:
    with pytest.raises(UnreadableSource, match="no times"):
        read("1\nSome words.\n")


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_times_point_to_their_lines(texts: list[str]) -> None:
    lines = [f"line {number} {' '.join(text.split())}" for number, text in enumerate(texts)]
    cues = [f"{n}\n00:00:{n:02},000 --> 00:00:{n:02},900\n{line}\n" for n, line in enumerate(lines)]
    made = read("\n".join(cues).replace("\0", ""))
    starts = [start for start, _ in made.times]
    assert starts == sorted(starts) and all(made.text[start : start + 5].strip() for start in starts)
    assert made.text.strip() == made.text and "-->" not in "".join(made.text.split("line 0")[:1])
