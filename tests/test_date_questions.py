"""Dated sources: the newest comes first, older ones are marked, `--as-of` and `--since` exclude sources and say so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from index.chunk import Chunk
from index.text.published import read_period
from index.text.words import content_terms
from rag.answer import answer
from rag.choice import Choice
from rag.disagreement import sources_differ
from rag.engine import Engine
from rag.reader import Evidence
from rag.retrieve import Hit
from rag.settings import SEEDS, Settings
from tests.conftest import Run

QUESTION = "Who supplies GM's cells?"
NEWS = """GM changes its supplier of cells

3 March 2026

General Motors said on Tuesday that it is now working with Northvolt Ohio on the battery cells of its electric vehicles.
They come from a plant in Dayton.
"""


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over the seeds and a newer article."""
    folder = tmp_path_factory.mktemp("dated")
    shutil.copytree(SEEDS, folder / "docs")
    (folder / "docs/news.txt").write_text(NEWS)
    engine = Engine(Settings(home=folder / "home"))
    engine.index([folder / "docs"])
    return engine


def test_the_newest_source_comes_first_and_older_or_undated_ones_are_marked(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name, line, keeper in (
        ("b", "4 May 2020", "Anna Brook"),
        ("c", "5 June 2025", "Tom Hale"),
        ("a", "", "Joan Pike"),
    ):
        text = f"News of the mill\n\n{line}\n\nThe keeper of the mill at Farley is {keeper}.\n"
        (tmp_path / f"docs/{name}.txt").write_text(text)
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([tmp_path / "docs"])
    found = answer(engine, "Who is the keeper of the mill at Farley?")
    assert found.text.split("\n")[0].startswith("Tom Hale")
    quotes = [one.text for one in found.sentences if not one.words]
    assert [text.partition(":")[0] for text in quotes] == ["5 Jun 2025", "4 May 2020, older", "undated"]
    assert [one.quote.split()[-1] for one in found.citations] == ["Hale.", "Brook.", "Pike."]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("news", "names"),
    [
        ("From this year on the cells for GM's cars are supplied by Halden Power, GM said.", "Halden Power"),
        ("Kestrel signed a contract with GM on Tuesday to supply cells for the Bolt.", "Kestrel"),
        ("Vexley Cells of Dayton will make the battery cells for GM's electric vehicles from March on.", "Vexley"),
    ],
)
def test_a_new_supplier_comes_first_then_the_older_then_the_undated_source(
    tmp_path: Path, news: str, names: str
) -> None:
    shutil.copytree(SEEDS, tmp_path / "docs")
    (tmp_path / "docs/news.txt").write_text(f"GM changes where its cells come from\n\n3 March 2026\n\n{news}\n")
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([tmp_path / "docs"])
    found = answer(engine, QUESTION)
    quotes = [one.text for one in found.sentences if not one.words]
    assert [text.partition(":")[0] for text in quotes] == ["3 Mar 2026", "12 Sep 2024, older", "undated"]
    for text, name in zip(quotes, (names, "TDK", "LG Chem"), strict=True):
        assert name in text
    before = answer(engine, QUESTION, choice=Choice(as_of=read_period("2024-12-31")))
    assert names not in before.text and "1 published after 31 Dec 2024 left out" in before.notes[0]


def _engine(folder: Path, *texts: str) -> Engine:
    (folder / "docs").mkdir()
    for number, text in enumerate(texts):
        (folder / f"docs/{number}.txt").write_text(text)
    engine = Engine(Settings(home=folder / "home"))
    engine.index([folder / "docs"])
    return engine


_OLD = """New boats for Farley

4 May 2024

The town of Farley is going to buy 14 electric boats for its canals, Mayor Joan Pike said on Friday. They are built in
Oxlund.
"""
_NEW = """Farley signs for its boats

5 June 2025

The contract was signed on Thursday. The order is for nine boats, and not for 14. The canals are closed in winter.
"""


def test_the_newest_comes_first_in_other_words_and_the_answer_says_that_sources_differ(tmp_path: Path) -> None:
    found = answer(_engine(tmp_path, _OLD, _NEW), "How many boats is Farley going to buy?")
    first, second, *_ = [one for one in found.sentences if not one.words]
    assert first.text.startswith("5 Jun 2025: ") and "nine boats" in first.text
    assert second.text.startswith("4 May 2024, older: ") and "14 electric boats" in second.text
    assert "The sources differ here" in found.notes[0]


def test_sources_that_agree_are_not_said_to_differ(tmp_path: Path) -> None:
    again = _NEW.replace("The order is for nine boats, and not for 14.", "The order is for 14 boats, as planned.")
    found = answer(_engine(tmp_path, _OLD, again), "How many boats is Farley going to buy?")
    assert "14" in found.text and not any("differ" in note for note in found.notes)


def test_amounts_of_different_things_do_not_differ() -> None:
    def make_evidence(article: str, text: str, words: str) -> Evidence:
        hit = Hit(Chunk(article, article, 0, "", "", 0, len(text), text, 1), 1, 0.5, 0.5, 0.5, 1, 1)
        place = text.index(words)
        return Evidence(hit, 0, len(text), 0.5, ((place, place + len(words)),), odds=1.0)

    guest = make_evidence("faq", "A guest costs 8 pounds an outing.", "8 pounds")
    for text, differ in (("A life jacket costs 58 pounds.", False), ("Guests pay 10 pounds.", True)):
        other = make_evidence("prices", text, "58 pounds" if "58" in text else "10 pounds")
        assert sources_differ([guest, other], content_terms("guest cost")) is differ


@pytest.mark.slow
def test_as_of_excludes_newer_sources_and_says_so(dated: Engine, run: Run) -> None:
    found = answer(dated, QUESTION, choice=Choice(as_of=read_period("2024-12-31")))
    assert "Northvolt" not in found.text and not found.refused
    assert "Only 2 of 3 sources were asked (1 published after 31 Dec 2024 left out)." in found.notes
    assert type(found).from_json(found.to_json()) == found
    done = run("ask", "--as-of", "2024", "--json", QUESTION, home=dated.home)
    value = json.loads(done.stdout)
    assert value["asked"]["dates"] == "1 published after 2024 left out" and "Northvolt" not in value["answer"]
    assert run("ask", "--as-of", "soon", QUESTION, home=dated.home).returncode == 2


def test_a_question_may_contain_as_of(dated: Engine) -> None:
    for question in ("As of December 2024, who supplies GM's cells?", "who supplies gm's cells as of 31 december 2024"):
        found = answer(dated, question)
        assert "Northvolt" not in found.text and not found.refused
        assert found.asked is not None and "1 published after" in found.asked.dates
        assert found.searched.casefold().rstrip("?") == "who supplies gm's cells"
    assert answer(dated, "as of now, who supplies GM's cells?").asked is None


def test_since_excludes_older_sources_and_keeps_undated_ones(dated: Engine) -> None:
    found = answer(dated, QUESTION, choice=Choice(since=read_period("Jan 2026")))
    assert found.asked is not None and found.asked.names == {"news.txt", "002_892b5bec6cb22725.txt"}
    assert found.asked.dates == "1 published before Jan 2026 left out"


def test_a_partial_date_covers_all_its_days() -> None:
    for when, first, last in (
        ("2024", "2024-01-01", "2024-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2024-12", "2024-12-01", "2024-12-31"),
        ("12/2024", "2024-12-01", "2024-12-31"),
        ("2024-12-31", "2024-12-31", "2024-12-31"),
    ):
        period = read_period(when)
        assert period and (period.first_day.isoformat(), period.last_day.isoformat()) == (first, last)
    assert read_period("31 December 2024") == read_period("2024-12-31") and read_period("last year") is None
    assert read_period("2019/20") is None and read_period("13/2024") is None


def test_a_dated_source_about_another_thing_does_not_lead_before_an_undated_answer(dated: Engine) -> None:
    found = answer(dated, "Which Chinese company is GM working with on batteries?")
    assert "Contemporary Amperex" in found.text and not found.text.startswith("TDK")
