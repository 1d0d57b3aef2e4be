"""A folder with a document of every format is indexed; each fact is found, quoted as stored, and its place is named."""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from index.article import Article, read_article
from index.encoder.embedder import Embedder
from index.formats import READERS
from index.formats.worker import Worker
from rag.answer import answer
from rag.cli import codes
from rag.cli.main import main
from rag.cli.terminal import print_answer
from rag.engine import Engine
from rag.settings import Settings
from rag.ui.html import turn
from tests.documents import FACTS, write_corpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("documents"))


@pytest.fixture(scope="module")
def read_all(folder: Path) -> dict[str, Article]:
    """Every document as an article, read by one worker."""
    with Worker() as worker:
        return {
            path.name: read_article(path, path.name, max_bytes=1_000_000, worker=worker)[0]
            for path in sorted(folder.iterdir())
        }


@pytest.fixture(scope="module")
def library(folder: Path, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine over the documents."""
    made = Engine(Settings(home=tmp_path_factory.mktemp("home")))
    report = made.index([folder])
    assert sorted(report.added) == sorted(FACTS) and not report.failed and not report.other_formats
    assert report.notes == [
        (
            "letter.eml",
            "its attachment plan.pdf is left out: it is not a PDF, despite its name: rename it, or save it as PDF",
        )
    ]
    return made


def test_the_corpus_has_every_format() -> None:
    kinds = {READERS[Path(name).suffix] for name in FACTS if Path(name).suffix in READERS}
    assert kinds == set(READERS.values())


@pytest.mark.parametrize("source", FACTS)
def test_a_fact_of_each_format_is_found_and_its_place_is_named(library: Engine, source: str) -> None:
    fact = FACTS[source]
    found = answer(library, fact.question, never_refuse=True)
    cited = [one for one in found.citations if one.source == source and fact.words in one.quote]
    assert cited, f"{source} is not cited: {[(one.source, one.quote) for one in found.citations]}"
    one = cited[0]
    article = library.parts()[0].catalog.article(source)
    assert article is not None and article.text[one.start : one.end] == one.quote
    published = one.published.when if one.published else ""
    assert (one.heading, one.page, published) == (fact.heading, fact.page, fact.published)
    assert one.title == (fact.title or article.title)
    value = found.to_json()["citations"][one.number - 1]
    assert value["page"] == fact.page and value["heading"] == (fact.heading or None)


def test_every_chunk_is_a_slice_and_an_article_comes_back_from_the_index_as_it_was(
    library: Engine, read_all: dict[str, Article]
) -> None:
    catalog = library.parts()[0].catalog
    for source, article in read_all.items():
        assert catalog.article(source) == article
        for one in catalog.chunks_of(article.id):
            assert article.text[one.start : one.end] == one.text


def test_a_second_sync_changes_nothing(library: Engine) -> None:
    assert not library.index().built


def test_the_command_line_shows_the_stored_text_and_names_the_page(
    library: Engine, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    found = answer(library, FACTS["mill.pdf"].question)
    one = found.citations[0]
    place = ["--from", str(one.start), "--to", str(one.end)]
    assert main(["show", "mill.pdf", "--home", str(library.home), *place]) == codes.ANSWERED
    sys.stdout.flush()
    assert capfdbinary.readouterr().out.decode() == one.quote
    print_answer(found)
    sys.stdout.flush()
    assert "(mill.pdf, p. 2)" in capfdbinary.readouterr().out.decode()
    assert "page 2</p>" in turn("1", found)


def test_a_pdf_is_read_column_by_column_without_its_running_heads(read_all: dict[str, Article]) -> None:
    article = read_all["mill.pdf"]
    assert "Yearbook" not in article.text and not re.search(r"^\d+$", article.text, re.MULTILINE)
    numbers = [int(number) for number in re.findall(r"Part (\d+) of it", article.text)]
    assert numbers == [*range(8), *range(6), *range(3)]
    assert len(article.pages) == 3 and all(a < b for a, b in pairwise(article.pages))
    assert article.text[article.pages[2] :].startswith("Part 0 of it.")
    assert article.author == "Ann Bell" and article.text.startswith("# On Farley Mill\n")


def test_a_page_is_read_without_menus_advertisements_and_cookie_notices(read_all: dict[str, Article]) -> None:
    article = read_all["lamps.html"]
    for words in ("Home", "Sport", "cookies", "boots", "Copyright"):
        assert words not in article.text
    assert (
        "\n\n## The first evening\n\nThe street lamps" in article.text and "on a wet evening in March" in article.text
    )
    assert "Street: Mill Lane | Lamps: 7" in article.text
    assert (article.author, article.language) == ("Tom Hale", "en")


def test_headings_lists_and_tables_of_documents_are_kept(read_all: dict[str, Article]) -> None:
    text = read_all["bridge.docx"].text
    assert text.count("Tarn footbridge\n") == 1
    assert "\n\n# Design\n\n" in text and "\n- Its deck is of oak." in text and "span: south | length: 9 m" in text
    assert "Contents" not in read_all["island.epub"].text


def test_rows_of_a_workbook_are_shown_as_people_read_them(read_all: dict[str, Article]) -> None:
    article = read_all["ferries.xlsx"]
    assert "ferry: Marta | passengers: 312 | since: 2009-06-30 | full: 25%" in article.text
    assert "\n\nFerries in service\n\n" in article.text
    assert article.row_names(0, 5) == "Ports, row 2" and article.row_names(0, 30) == "Ports, rows 2 to 3"
