"""Settings: a message names each empty, unknown or invalid variable in one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from index.errors import FootnoteError
from index.program import PROJECT
from rag.settings import SEEDS, Settings, make_settings
from rag.variables import unknown_variables
from tests.conftest import Run

SECRET = "sk-0123456789abcdef"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FOOTNOTE_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("name", list(Settings.model_fields))
@pytest.mark.parametrize("nothing", ["", "   "])
def test_an_empty_setting_counts_as_not_set(name: str, nothing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default = getattr(make_settings(), name)
    monkeypatch.setenv(f"FOOTNOTE_{name.upper()}", nothing)
    assert getattr(make_settings(), name) == default


def test_an_empty_home_is_the_default_one_and_an_empty_variable_does_not_hide_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_HOME", "")
    assert make_settings().index_home() == PROJECT / ".footnote"
    (tmp_path / ".env").write_text(f"FOOTNOTE_HOME={tmp_path / 'home'}\nFOOTNOTE_PASSAGES=\n")
    settings = make_settings(_env_file=tmp_path / ".env")
    assert settings.index_home() == tmp_path / "home" and settings.passages == 10
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FOOTNOTE_HOME", "~/notes")
    assert make_settings().index_home() == tmp_path / "notes"


NUMBERS = [name for name, field in Settings.model_fields.items() if "int" in str(field.annotation)]
FLOATS = [name for name, field in Settings.model_fields.items() if "float" in str(field.annotation)]


@pytest.mark.parametrize("name", [*NUMBERS, *FLOATS])
@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e999", "-1", "9" * 40, "many", "true", "[1]", "0x10"])
def test_a_number_that_makes_no_sense_is_told_in_one_sentence(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"FOOTNOTE_{name.upper()}", value)
    with pytest.raises(FootnoteError) as raised:
        make_settings()
    words = str(raised.value)
    assert words.startswith(f"FOOTNOTE_{name.upper()} is '{value}': a ") and "\n" not in words
    assert " expected (" in words and any(limit in words for limit in ("from ", "above ", "at most half"))


def test_other_kinds_say_what_is_expected_too(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {}
    for name, value in {"writer": "poet", "show_unsupported": "perhaps", "passages": "x" * 500}.items():
        with monkeypatch.context() as patch, pytest.raises(FootnoteError) as raised:
            patch.setenv(f"FOOTNOTE_{name.upper()}", value)
            make_settings()
        said[name] = str(raised.value)
    assert "FOOTNOTE_WRITER is 'poet': quote or llm is expected" in said["writer"]
    assert "true or false is expected" in said["show_unsupported"]
    assert len(said["passages"]) < 250
    with pytest.raises(FootnoteError, match=r"^--port is 99999: a whole number from 1 to 65,535 is expected"):
        make_settings(port=99_999)


@pytest.mark.slow
@pytest.mark.parametrize("home", [str(SEEDS / "questions.jsonl"), str(SEEDS / "questions.jsonl" / "home"), "a" * 5000])
def test_a_home_that_can_be_no_folder_is_told_in_one_sentence(run: Run, home: str) -> None:
    for command in (["ask", "Who is the CEO of GM?"], ["settings"]):
        done = run(*command, FOOTNOTE_HOME=home)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and not done.stdout
        assert done.stderr.startswith("FOOTNOTE_HOME is ") and "a folder is expected" in done.stderr


@pytest.mark.slow
def test_an_unknown_variable_is_told_once_with_what_was_meant_and_stops_nothing(run: Run, tmp_path: Path) -> None:
    done = run("show", "000_fee8f80bb4d154f2.txt", FOOTNOTE_PASAGES="7", FOOTNOTE_ZZZZZZZZ="1")
    assert done.returncode == 0 and done.stdout
    assert done.stderr.splitlines() == [
        "FOOTNOTE_PASAGES in the environment is not a setting and has no effect: did you mean FOOTNOTE_PASSAGES?",
        "FOOTNOTE_ZZZZZZZZ in the environment is not a setting and has no effect: `python app.py settings` lists all.",
    ]
    listed = run("settings", FOOTNOTE_PASAGES="7", FOOTNOTE_LLM_KEY=SECRET, FOOTNOTE_CHROMA_TOKEN=SECRET)
    assert "did you mean FOOTNOTE_PASSAGES?" in listed.stdout and listed.stderr == "" and listed.returncode == 0
    assert SECRET not in listed.stdout and "FOOTNOTE_LLM_KEY               set" in listed.stdout
    looked = run("doctor", FOOTNOTE_PASAGES="7")
    assert looked.stdout.startswith("ok   settings: FOOTNOTE_PASAGES in the environment") and looked.returncode == 0
    (tmp_path / ".env").write_text("FOOTNOTE_HOEM=x\nOTHER=1\nfootnote_port=7000\n")
    warnings = unknown_variables(tmp_path / ".env")
    assert warnings == ["FOOTNOTE_HOEM in .env is not a setting and has no effect: did you mean FOOTNOTE_HOME?"]


def test_a_settings_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"FOOTNOTE_PORT=7000 # caf\xe9\n")
    for read in (lambda: make_settings(_env_file=tmp_path / ".env"), lambda: unknown_variables(tmp_path / ".env")):
        with pytest.raises(FootnoteError, match=r"\.env can't be read .* Save it as UTF-8 text"):
            read()


@pytest.mark.slow
def test_a_host_that_is_none_of_this_machine_and_an_empty_home_flag_are_told(run: Run) -> None:
    for host in ("no.such.host.invalid", "203.0.113.7", "a b"):
        done = run("serve", "--no-login", FOOTNOTE_HOST=host)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith(f"FOOTNOTE_HOST is '{host}': a name or address of this")
    done = run("settings", "--home", "")
    assert done.returncode == 2 and "expected a folder, got nothing" in done.stderr


@pytest.mark.parametrize("given", ["/footnote", "footnote", "/footnote/", " "])
def test_a_root_path_has_one_spelling(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_ROOT_PATH", given)
    assert make_settings().root_path == ("/footnote" if given.strip() else "")


@pytest.mark.parametrize(
    "given", ["https://example.org/footnote", "/foot note", "/a/../b", "/a?b", "//a//b", "/ä", "/a\r\nb"]
)
def test_a_root_path_that_is_none_is_told(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_ROOT_PATH", given)
    with pytest.raises(FootnoteError, match="a path like /footnote is expected"):
        make_settings()
