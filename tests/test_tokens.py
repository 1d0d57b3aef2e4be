"""Token counts, offline, with the shipped table."""

from __future__ import annotations

import hashlib

import pytest

from index.errors import ModelError
from index.text.tokens import OWN_TABLE, OWN_TABLE_SHA256, token_counter
from tests.nasty import NASTY


def test_the_shipped_table_has_its_checksum_and_size() -> None:
    data = OWN_TABLE.read_bytes()
    assert hashlib.sha256(data).hexdigest() == OWN_TABLE_SHA256
    assert len(data) < 1_000_000
    assert len(data.splitlines()) == 32_768


def test_common_words_are_single_tokens_and_every_text_has_a_token() -> None:
    count = token_counter().count
    assert count("") == 0
    assert count("the battery") == 2
    assert count("<|endoftext|>") > 1
    assert all(count(text) > 0 for text in NASTY if text)


def test_encoding_and_decoding_returns_the_text() -> None:
    encoding = token_counter()._encoding
    for text in NASTY:
        assert encoding.decode(encoding.encode_ordinary(text)) == text


def test_an_unavailable_encoding_says_what_to_do() -> None:
    with pytest.raises(ModelError, match="FOOTNOTE_ENCODING"):
        token_counter("no-such-encoding")
