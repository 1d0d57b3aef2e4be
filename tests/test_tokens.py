"""Tokens are counted offline, with the shipped table."""

from __future__ import annotations

import hashlib

import pytest

from index.errors import ModelError
from index.text.tokens import OWN_TABLE, OWN_TABLE_SHA256, token_counter
from tests.nasty import NASTY


def test_the_table_is_the_one_that_was_trained() -> None:
    data = OWN_TABLE.read_bytes()
    assert hashlib.sha256(data).hexdigest() == OWN_TABLE_SHA256
    assert len(data) < 1_000_000
    assert len(data.splitlines()) == 32_768


def test_common_words_are_single_tokens_and_nothing_is_free() -> None:
    count = token_counter().count
    assert count("") == 0
    assert count("the battery") == 2
    assert count("<|endoftext|>") > 1
    assert all(count(text) > 0 for text in NASTY if text)


def test_every_text_is_whole_again_from_its_tokens() -> None:
    encoding = token_counter()._encoding
    for text in NASTY:
        assert encoding.decode(encoding.encode_ordinary(text)) == text


def test_an_encoding_that_cannot_be_had_says_what_to_do() -> None:
    with pytest.raises(ModelError, match="FOOTNOTE_ENCODING"):
        token_counter("no-such-encoding")
