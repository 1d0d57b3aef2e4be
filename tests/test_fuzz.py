"""Mutated files end in an article or a documented refusal, and the fuzzer reports whatever ends otherwise."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from benchmarks.fuzz import Plan, all_jobs, run
from benchmarks.fuzz_targets import CHECKS, Refused, write_seeds

TRIES = 2_000


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("valid")
    write_seeds(folder)
    return folder


@pytest.mark.slow
def test_every_target_reads_its_valid_files(valid: Path) -> None:
    assert {folder.name for folder in valid.iterdir()} == CHECKS.keys()
    for name, check in CHECKS.items():
        for path in sorted((valid / name).iterdir()):
            check(path)


@pytest.mark.slow
def test_mutated_files_are_read_or_refused_as_documented(valid: Path, tmp_path: Path) -> None:
    tallies = run(Plan(valid, 0, tmp_path), all_jobs(list(CHECKS), TRIES), 2)
    assert [failure for tally in tallies.values() for failure in tally.failures] == []
    assert sum(tally.read + tally.refused for tally in tallies.values()) == TRIES
    for name, tally in tallies.items():
        assert tally.read and (tally.refused or name == "webpage"), f"{name}: all tries end alike"


def misbehave(path: Path) -> None:
    """Fail in the way that the name of the file says."""
    match path.name:
        case "crash":
            os.abort()
        case "hang":
            time.sleep(600)
        case "refuse":
            raise Refused("is damaged")
        case "defect":
            raise IndexError("list index out of range")
        case "memory":
            bytearray(3_000_000_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [("crash", "crashed"), ("hang", "too slow"), ("defect", "IndexError"), ("memory", "MemoryError"), ("refuse", "")],
)
def test_the_fuzzer_keeps_the_input_of_a_failure_and_goes_on(tmp_path: Path, name: str, words: str) -> None:
    for target, file in (("bad", name), ("good", "fine")):
        (tmp_path / "valid" / target).mkdir(parents=True)
        (tmp_path / "valid" / target / file).write_text("The mill stands at Farley.")
    checks = dict.fromkeys(["bad", "good"], misbehave)
    plan = Plan(tmp_path / "valid", 7, tmp_path / "kept", 8, checks)
    tallies = run(plan, all_jobs(["bad", "good"], 4), 1)
    assert tallies["good"].read == 2
    if not words:
        assert tallies["bad"].refused == 2 and not tallies["bad"].failures
        return
    assert [words in said for _, said in tallies["bad"].failures] == [True, True]
    assert all(path.is_file() and path.name == name for path, _ in tallies["bad"].failures)
