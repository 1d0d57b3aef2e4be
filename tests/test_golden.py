"""Documents as people have them are read as they were before: `python -m tests.golden.make` renews what is expected."""

from __future__ import annotations

import pytest

from index.article import Article
from index.text.structure import structure
from tests.golden.make import NAMES, golden, listing, read_all, write_all


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Article]:
    folder = tmp_path_factory.mktemp("golden")
    write_all(folder)
    return read_all(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_read_as_its_listing_says(articles: dict[str, Article], name: str) -> None:
    article = articles[name]
    for block in structure(article.text).blocks:
        assert 0 <= block.start <= block.inner <= block.end <= len(article.text)
        assert block.start < block.end
    assert listing(article) == golden(name).read_text("utf-8")
