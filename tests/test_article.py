"""Decoding: bytes become text, and a file that is not text is refused with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.article import article_of, read_article
from index.errors import UnreadableSource
from index.formats.content import Content
from index.formats.plain import decode
from index.formats.worker import Worker


def test_utf8_is_kept_except_for_its_byte_order_mark() -> None:
    assert decode("\ufeffline one\r\nline two\r".encode()) == ("line one\r\nline two\r", [])


def test_utf16_is_recognised_by_its_byte_order_mark() -> None:
    for encoding, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
        assert decode(mark + "Zoë\tGröße\r\n".encode(encoding)) == ("Zoë\tGröße\r\n", [])


def test_bytes_that_are_not_utf8_are_read_as_windows_1252_with_a_note() -> None:
    text, notes = decode(b"caf\xe9 \x93quoted\x94 \x81")
    assert text == "café “quoted” \ufffd"
    assert notes == ["is not UTF-8: read as Windows-1252"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\t\r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
        (bytes(range(1, 32)) * 20, "binary"),
        (b"\xff\xfeh\x00\x00\xd8", "UTF-16"),
    ],
)
def test_bytes_that_are_not_text_are_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableSource, match=reason):
        decode(data)


def test_the_reason_for_a_large_file_names_its_size_and_the_setting(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(b"x" * 3_000_000)
    with pytest.raises(UnreadableSource, match=r"3\.0 MB, more than the limit of 2 MB.*FOOTNOTE_MAX_SOURCE_MB"):
        read_article(path, "large.txt", max_bytes=2_000_000, worker=Worker())


def test_a_missing_file_is_reported_without_a_crash(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match="can't be read"):
        read_article(tmp_path / "gone.txt", "gone.txt", max_bytes=1, worker=Worker())


def test_ids_are_derived_from_source_and_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Some text that is here.")
    one, _ = read_article(path, "a.txt", max_bytes=1000, worker=Worker())
    again, _ = read_article(path, "a.txt", max_bytes=1000, worker=Worker())
    other, _ = read_article(path, "b.txt", max_bytes=1000, worker=Worker())
    assert one == again and one.id != other.id


def test_a_title_of_metadata_has_a_limit() -> None:
    assert len(article_of("a.pdf", Content("The mill stands.", title="mill " * 5_000)).title) in (999, 1000)
