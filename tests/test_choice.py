"""Questions to some of the sources: retrieval reads only those, and the answer says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from index.errors import FootnoteError
from rag.answer import answer
from rag.choice import Choice, NothingChosen, resolve_scope
from rag.engine import Engine
from rag.settings import Settings

QUESTION = "When was the old mill at Farley built?"
CROWD = 60
"""More passages than a retriever returns (FOOTNOTE_CANDIDATES, 50), all nearer to the question than notes.md."""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    docs = tmp_path_factory.mktemp("crowd") / "docs"
    (docs / "crowd").mkdir(parents=True)
    for number in range(CROWD):
        text = f"The old mill at Farley was built in {1700 + number}, says witness {number}.\n"
        (docs / f"crowd/{number:02d}.txt").write_text(text)
    (docs / "notes.md").write_text("Mills need water. Ducks live on the pond of Dunn, and Tom Hale feeds them.\n")
    (docs / "[odd].txt").write_text("The bridge of Brill is of oak.\n")
    made = Engine(Settings(home=docs.parent / "home"))
    made.index([docs])
    yield made


def test_without_a_choice_the_many_near_passages_take_every_rank(crowded: Engine) -> None:
    sources = {one.source for one in answer(crowded, QUESTION).passages}
    assert len(sources) == 10 and all(source.startswith("crowd/") for source in sources)


def test_passages_of_other_sources_take_no_rank(crowded: Engine) -> None:
    generation, retriever, _ = crowded.parts()
    source_scope = resolve_scope(generation.catalog, Choice(only=("notes.md",)))
    assert source_scope is not None
    hits = retriever.retrieve(retriever.query(QUESTION, source_scope.article_ids), 10)
    assert [generation.catalog.article_by_id(hit.chunk.article_id).source for hit in hits] == ["notes.md"]
    assert (hits[0].dense_rank, hits[0].lexical_rank) == (1, 1)
    whole = retriever.retrieve(retriever.query(QUESTION), CROWD + 2)
    scores = {hit.chunk.id: hit.coverage for hit in whole}
    narrow = resolve_scope(generation.catalog, Choice(only=("crowd/0*",)))
    assert narrow is not None
    for hit in retriever.retrieve(retriever.query(QUESTION, narrow.article_ids), 10):
        assert hit.coverage == pytest.approx(scores[hit.chunk.id])  # A narrower search must not change a score.


def test_an_answer_says_how_many_sources_were_searched(crowded: Engine) -> None:
    found = answer(crowded, "Who feeds the ducks on the pond of Dunn?", choice=Choice(only=("*.md", "[[]odd].txt")))
    assert "Tom Hale" in found.text and "Only 2 of 62 sources were asked." in found.notes
    assert found.to_json()["asked"] == {"sources": ["[odd].txt", "notes.md"], "of": 62}
    everything = answer(crowded, QUESTION, choice=Choice(only=("*",)))
    assert everything.to_json()["asked"] is None and everything.notes == ("The sources differ here.",)


def test_a_refusal_says_how_many_sources_were_searched_and_what_they_lack(crowded: Engine) -> None:
    found = answer(crowded, QUESTION, choice=Choice(only=("notes.md",)))
    assert found.refused and found.text.startswith("Only 1 of 62 sources was asked, and nothing there answers this.")
    assert "Nothing there mentions “Farley”" in found.text
    assert {one.source for one in found.passages} == {"notes.md"}


def test_sources_are_chosen_by_name_by_pattern_or_by_exclusion(crowded: Engine) -> None:
    catalog = crowded.parts()[0].catalog
    assert resolve_scope(catalog, Choice()) is None

    def names(**choice: object) -> frozenset[str]:
        source_scope = resolve_scope(catalog, Choice(**choice))  # type: ignore[arg-type]
        assert source_scope is not None
        return source_scope.names

    assert names(only=("[odd].txt",)) == {"[odd].txt"}  # An exact name is not read as a pattern.
    assert names(only=("crowd/0?.txt", "notes.md")) == {"notes.md", *(f"crowd/{n:02d}.txt" for n in range(10))}
    assert len(names(left_out=frozenset({"notes.md", "not there"}))) == CROWD + 1
    with pytest.raises(FootnoteError, match=r"no source called 'note.md'.*\n  notes.md"):
        resolve_scope(catalog, Choice(only=("notes.md", "note.md")))
    with pytest.raises(NothingChosen, match="Tick at least one"):
        resolve_scope(catalog, Choice(left_out=frozenset(catalog.homes())))
