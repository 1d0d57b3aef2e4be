"""The package: what it depends on, what the wheel holds, and the names that other programs import."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rag
from index.text.published import Published
from rag.choice import SourceScope
from rag.cite import Citation, CitedSentence
from rag.types import Answer, Passage, Refusal
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def pins(name: str) -> list[str]:
    """The lines of a requirements file that name a package."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def test_the_package_depends_on_what_the_requirements_say() -> None:
    assert PROJECT["dependencies"] == pins("requirements.txt")
    assert PROJECT["optional-dependencies"]["dev"] == pins("requirements-dev.txt")


def test_the_constraints_pin_the_same_versions_as_the_requirements() -> None:
    constraints = dict(line.split("==") for line in pins("constraints.txt"))
    pinned = dict(line.split("==") for line in pins("requirements.txt"))
    differ = {name: version for name, version in pinned.items() if constraints.get(name, version) != version}
    assert not differ


def test_the_version_is_that_of_the_answers() -> None:
    from rag.provenance import program_version

    assert program_version() == PROJECT["version"]


def test_the_command_is_there() -> None:
    module, name = PROJECT["scripts"]["footnote"].split(":")
    assert callable(getattr(import_module(module), name))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("hatchling") is None, reason="hatchling, the build backend, is not installed")
def test_the_wheel_holds_the_program_its_models_and_the_sample_articles_and_nothing_else() -> None:
    from hatchling.builders.wheel import WheelBuilder

    held = {one.distribution_path for one in WheelBuilder(str(ROOT)).recurse_included_files()}
    listed = subprocess.run(["git", "ls-files", "index", "rag", "seeds"], cwd=ROOT, capture_output=True, text=True)
    kept = {re.sub("^seeds/", "rag/seeds/", name) for name in listed.stdout.splitlines()}
    assert held >= kept
    assert {name.split("/")[0] for name in held} == {"index", "rag"}
    assert {"index/py.typed", "rag/py.typed", "rag/seeds/questions.jsonl", "rag/ui/static/page.css"} <= held


def test_the_public_names_are_there_and_say_what_they_are() -> None:
    assert sorted(rag.__all__) == rag.__all__ and len(rag.__all__) < 20
    for name in rag.__all__:
        assert getattr(rag, name).__doc__, name
    assert set(rag.__all__) <= set(dir(rag))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rag.nothing


def test_importing_the_package_loads_no_library() -> None:
    script = "import rag, sys; print([name for name in ('numpy', 'pydantic', 'chromadb') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_example_of_the_readme_runs(seeds_home: Path) -> None:
    example = re.search(r"## Use it from Python.*?```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    assert example
    environment = {**os.environ, "FOOTNOTE_HOME": str(seeds_home)}
    done = subprocess.run([sys.executable, "-c", example[1]], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1,000" in done.stdout and "[1] 000_fee8f80bb4d154f2.txt, characters 677 to 872" in done.stdout


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder of packages as a wheel unpacks to it, away from the checkout."""
    folder = tmp_path / "site"
    for name, place in (("index", "index"), ("rag", "rag"), ("seeds", "rag/seeds")):
        shutil.copytree(ROOT / name, folder / place, copy_function=link_or_copy)
    (folder / "footnote.dist-info").mkdir()
    (folder / "footnote.dist-info/METADATA").write_text("Metadata-Version: 2.4\nName: footnote\nVersion: 9.8.7\n")
    return folder


def link_or_copy(source: str, target: str) -> None:
    """Link a file, since the models are large; copy it where that can't be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.mark.slow
def test_the_installed_program_works_from_any_folder_and_names_its_own_command(installed: Path, tmp_path: Path) -> None:
    script = "import sys; from rag.cli.main import main; sys.exit(main())"
    variables = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
    variables |= {"PYTHONPATH": str(installed), "XDG_DATA_HOME": str(tmp_path / "data"), "HOME": str(tmp_path)}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-c", script, *words]
        return subprocess.run(command, cwd=elsewhere, env=variables, capture_output=True, text=True)

    refused = run("show", "nothing.txt", "--home", "empty")
    assert refused.returncode == 1 and (elsewhere / "empty").is_dir()
    reply = run("ask", "How many jobs will the TDK deal create?", "--json")
    assert reply.returncode == 0, reply.stderr
    answer = json.loads(reply.stdout)
    assert "1,000" in answer["answer"] and answer["made_by"]["footnote"] == "9.8.7"
    (elsewhere / "notes.txt").write_text("Otters live in the river Alm.")
    assert "1 added" in run("index", "notes.txt").stdout
    (elsewhere / "notes.txt").unlink()
    looked = run("doctor").stdout
    assert "remove it with `footnote forget" in looked and "app.py" not in looked
    assert run("--help").stdout.startswith("usage: footnote ")


# --- an answer comes back from its JSON form as it was ----------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text("abcdef./", min_size=1, max_size=12)
PUBLISHED = st.none() | st.builds(
    Published,
    st.sampled_from(["2024", "2024-09", "2024-09-12"]),
    st.sampled_from(["metadata", "front matter", "text", "file name"]),
)
NUMBERS = st.integers(0, 10_000)
SPANS = st.tuples(NUMBERS, NUMBERS)
FRACTIONS = st.floats(0, 1)
CITATIONS = st.builds(
    Citation,
    number=NUMBERS,
    article_id=NAMES,
    source=NAMES,
    title=WORDS,
    published=PUBLISHED,
    heading=WORDS,
    page=st.none() | NUMBERS,
    start=NUMBERS,
    end=NUMBERS,
    quote=WORDS,
    answers=st.lists(SPANS, max_size=2).map(tuple),
    also_in=st.lists(NAMES, max_size=2).map(tuple),
)
PASSAGES = st.builds(
    Passage,
    rank=NUMBERS,
    article_id=NAMES,
    source=NAMES,
    title=WORDS,
    published=PUBLISHED,
    heading=WORDS,
    start=NUMBERS,
    end=NUMBERS,
    text=WORDS,
    score=FRACTIONS,
    cited=st.booleans(),
    page=st.none() | NUMBERS,
    also_in=st.lists(NAMES, max_size=2).map(tuple),
)
SENTENCES = st.builds(
    CitedSentence,
    text=WORDS,
    citations=st.lists(NUMBERS, max_size=3).map(tuple),
    words=st.booleans(),
    verdict=st.sampled_from(["quoted", "supported", "weak", "unsupported"]),
    why=WORDS,
    block=st.sampled_from(["lead", "item", "step", "row", "quote"]),
)
REFUSALS = st.builds(
    Refusal,
    st.sampled_from(["not_in_sources", "not_understood", "language", "no_sources", "nothing_chosen"]),
    st.lists(WORDS, max_size=2).map(tuple),
    WORDS,
)
ASKED = st.builds(SourceScope, st.frozensets(NAMES, max_size=3), st.just(("id",)), NUMBERS, WORDS)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Any answer; `checked` are all sentences where some of them failed the check, else none."""
    written = draw(st.lists(SENTENCES, max_size=4, unique=True))
    shown = tuple(sentence for sentence in written if draw(st.booleans()))
    return Answer(
        question=draw(WORDS),
        text=draw(WORDS),
        refused=draw(st.booleans()),
        evidence_score=draw(st.none() | FRACTIONS),
        sentences=shown,
        citations=tuple(draw(st.lists(CITATIONS, max_size=2))),
        passages=tuple(draw(st.lists(PASSAGES, max_size=2))),
        notes=tuple(draw(st.lists(WORDS, max_size=2))),
        checked=tuple(written) if len(shown) < len(written) else (),
        writer=draw(st.sampled_from(["quote", "llm"])),
        asked=draw(st.none() | ASKED),
        refusal=draw(st.none() | REFUSALS),
        searched=draw(WORDS),
        suggestions=tuple(draw(st.lists(WORDS, max_size=2))),
        form=draw(st.sampled_from(["words", "list", "table", "refusal"])),
        timings=draw(st.dictionaries(NAMES, FRACTIONS, max_size=2)),
        tokens=draw(st.dictionaries(NAMES, NUMBERS, max_size=2)),
        made_by=draw(st.dictionaries(NAMES, WORDS, max_size=2)),
    )


@given(answer=answers())
def test_an_answer_comes_back_from_json_as_it_was(answer: Answer) -> None:
    assert Answer.from_json(answer.to_json()) == answer
