"""The command line as a process: output for people and scripts, exit codes, clear messages."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest

from index.encoder.embedder import find_float32
from rag.settings import SEEDS, Settings
from tests.conftest import Run

pytestmark = pytest.mark.slow


def test_ask_prints_an_answer_with_its_sources(run: Run) -> None:
    done = run("ask", "How many jobs will the TDK deal create?")
    assert done.returncode == 0
    assert (
        "1,000 jobs" in done.stdout and "[1]" in done.stdout and "000_fee8f80bb4d154f2.txt, 12 Sep 2024" in done.stdout
    )
    assert "Traceback" not in done.stderr


def test_ask_json_is_one_json_value_and_a_refusal_exits_with_3(run: Run) -> None:
    done = run("ask", "Who supplies Tesla's cells?", "--json")
    assert done.returncode == 3
    value = json.loads(done.stdout)
    assert value["refused"] and value["schema"] == 1 and value["passages"] and "Tesla" in value["answer"]


def test_a_question_can_be_asked_of_named_sources_only(run: Run) -> None:
    done = run("ask", "How many jobs will the TDK deal create?", "--source", "002_*", "--json")
    value = json.loads(done.stdout)
    assert value["asked"] == {"sources": ["002_892b5bec6cb22725.txt"], "of": 2}
    assert {one["source"] for one in value["passages"]} == {"002_892b5bec6cb22725.txt"}
    unknown = run("ask", "How many jobs will the TDK deal create?", "--source", "000_fee8.txt")
    assert unknown.returncode == 1 and "000_fee8f80bb4d154f2.txt" in unknown.stderr and unknown.stdout == ""


def test_a_question_that_cannot_be_asked_exits_with_2(run: Run) -> None:
    for question in ("", "why " * 200):
        done = run("ask", question)
        assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1


def test_small_talk_exits_with_0(run: Run) -> None:
    done = run("ask", "hi", "--json")
    assert done.returncode == 0 and not json.loads(done.stdout)["refused"]


def test_ask_builds_the_index_when_there_is_none_or_it_was_made_otherwise(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = run("ask", "Who is the CEO of GM?", home=home)
    assert first.returncode == 0 and "no index yet" in first.stderr
    other = run("ask", "Who is the CEO of GM?", home=home, FOOTNOTE_CHUNK_TOKENS="120")
    assert other.returncode == 0 and "chunk_tokens is 200, the settings say 120" in other.stderr


def test_another_embedding_model_is_a_setting_away(run: Run, tmp_path: Path) -> None:
    model = str(find_float32().folder)
    done = run("index", str(SEEDS), "--json", home=tmp_path, FOOTNOTE_EMBEDDING_MODEL=model)
    assert json.loads(done.stdout)["embedded"] > 0, done.stderr
    reply = run("ask", "Who is the CEO of GM?", home=tmp_path, FOOTNOTE_EMBEDDING_MODEL=model)
    assert reply.returncode == 0 and "Mary Barra" in reply.stdout
    # Vectors of different models are never compared: without the setting all is embedded again.
    again = run("index", "--json", home=tmp_path)
    assert json.loads(again.stdout)["embedded"] == json.loads(done.stdout)["embedded"]


def test_a_damaged_index_is_made_again(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    run("index", home=home)
    catalog = next((home / "index/generations").iterdir()) / "catalog.sqlite"
    catalog.write_bytes(b"not a database")
    done = run("ask", "Who is the CEO of GM?", home=home)
    assert done.returncode == 0 and "The index is damaged: catalog.sqlite changed" in done.stderr
    sqlite3.connect(next(p for p in (home / "index/generations").glob("*/catalog.sqlite") if p != catalog)).close()


def test_index_reports_what_it_did_and_stays_with_the_named_folder(run: Run, tmp_path: Path) -> None:
    home, docs = tmp_path / "home", tmp_path / "docs"
    docs.mkdir()
    (docs / "mill.txt").write_text("The mill\n\nThe old mill at Farley was built in 1823.\n")
    (docs / "empty.txt").write_text("")
    (docs / "sheet.ods").write_bytes(b"PK")
    done = run("index", str(docs), home=home)
    assert done.returncode == 0
    assert "1 added, 1 failed" in done.stdout and "'empty.txt' is empty" in done.stdout and ".ods" in done.stdout
    again = run("index", home=home)
    assert "Nothing to do" in again.stdout
    reply = run("ask", "When was the old mill at Farley built?", "--json", home=home)
    assert json.loads(reply.stdout)["citations"][0]["source"] == "mill.txt"
    (docs / "mill.txt").write_text("The mill\n\nThe old mill at Farley was built in 1824.\n")
    stale = run("ask", "When was the old mill at Farley built?", home=home)
    assert "1 source changed" in stale.stderr
    assert run("index", "--rebuild", home=home).returncode == 0
    assert "1824" in run("ask", "When was the old mill at Farley built?", home=home).stdout


def test_a_folder_that_is_not_there_is_said_in_one_line(run: Run, tmp_path: Path) -> None:
    done = run("index", str(tmp_path / "nowhere"), home=tmp_path / "home")
    assert done.returncode == 1 and "does not exist" in done.stderr and "Traceback" not in done.stderr


def test_show_prints_the_stored_text_and_slices_of_it(run: Run) -> None:
    source = "000_fee8f80bb4d154f2.txt"
    text = (SEEDS / source).read_bytes().decode()
    assert run("show", source).stdout.rstrip("\n") == text.rstrip("\n")
    assert run("show", source, "--from", "67", "--to", "101").stdout == text[67:101]
    wrong = run("show", "000_fee8.txt")
    assert wrong.returncode == 1 and source in wrong.stderr
    assert run("show", source, "--from", "9", "--to", "3").returncode == 1
    blocks = run("show", source, "--blocks").stdout.splitlines()
    assert blocks[0].split()[2:4] == ["heading", "1:"] and "GM's US-Made Battery Initiative" in blocks[0]
    starts = [int(line.split()[0]) for line in blocks]
    assert starts == sorted(starts) and any(line.split()[2] == "item:" for line in blocks)


def test_settings_are_listed_with_the_values_in_force(run: Run) -> None:
    done = run("settings", FOOTNOTE_PASSAGES="7")
    assert done.returncode == 0
    for name in Settings.model_fields:
        assert f"FOOTNOTE_{name.upper()}" in done.stdout
    assert "FOOTNOTE_PASSAGES              7" in done.stdout


def test_a_setting_that_makes_no_sense_is_named(run: Run) -> None:
    done = run("ask", "hello", FOOTNOTE_PASSAGES="many")
    assert done.returncode == 1 and "FOOTNOTE_PASSAGES is 'many'" in done.stderr and "Traceback" not in done.stderr
    done = run("index", FOOTNOTE_CHUNK_OVERLAP="190")
    assert done.returncode == 1 and "FOOTNOTE_CHUNK_OVERLAP" in done.stderr and "Traceback" not in done.stderr


def test_a_taken_port_is_said_and_the_next_free_one_offered(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port))
    assert done.returncode == 1 and f"Port {port}" in done.stderr and "--port" in done.stderr


def test_help_is_for_newcomers_and_wrong_use_exits_with_2(run: Run) -> None:
    text = run("--help").stdout
    assert all(command in text for command in ("serve", "ask", "index", "show", "settings"))
    assert "Exit codes" in run("ask", "--help").stdout
    assert run("dance").returncode == 2


_PRESS_TAB = """
source "$1"; cd "$2"; shift 2
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
"$(complete -p footnote | sed 's/.* -F \\([^ ]*\\).*/\\1/')"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash completes in this test")
def test_bash_completes_commands_options_and_paths(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(run("completion", "bash").stdout)
    (tmp_path / "articles").mkdir()
    for words, expected in {
        ("footnote", "ev"): {"evaluate"},
        ("footnote", "evaluate", "--fa"): {"--fail-if-worse"},
        ("footnote", "user", "ad"): {"add"},
        ("footnote", "ask", "--writer", "q"): {"quote"},
        ("footnote", "index", "art"): {"articles"},
        ("footnote", "ask", "--home", "art"): {"articles"},
    }.items():
        command = ["bash", "--norc", "-c", _PRESS_TAB, "bash", str(script), str(tmp_path), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert set(done.stdout.split()) == expected, (words, done.stdout, done.stderr)


def test_each_shell_gets_its_script_and_others_are_refused(run: Run) -> None:
    scripts = {shell: run("completion", shell).stdout for shell in ("bash", "zsh", "fish")}
    assert len(set(scripts.values())) == 3 and all("whatsnew" in script for script in scripts.values())
    assert scripts["zsh"].startswith("#compdef footnote\n")
    assert run("completion", "sh").returncode == 2
