"""Preferences of the page: stored in the home, overridden by flags, the environment and `.env`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.errors import FootnoteError
from index.sources.roots import registered_roots
from rag.access.users import UserStore
from rag.access.visitor import Role
from rag.engine import Engine
from rag.removed import Removed
from rag.settings import SAVED, make_settings, read_saved, save
from rag.source_changes import SourceChanges
from rag.ui.preferences import _Events, preferences_room
from rag.ui.sources import _Changes
from rag.uploads import Uploads
from rag.variables import list_settings
from tests.visitor import page_request


def test_a_preference_is_kept_for_the_next_start(tmp_path: Path) -> None:
    made = save(make_settings(home=tmp_path), {"passages": "5", "refuse_below": "0.6", "llm_model": ""})
    assert (made.passages, made.refuse_below, made.llm_model) == (5, 0.6, None)
    again = make_settings(home=tmp_path)
    assert (again.passages, again.refuse_below) == (5, 0.6)
    assert ("FOOTNOTE_PASSAGES", "5 (chosen on the page)") in [row[:2] for row in list_settings(again)]
    assert save(again, {"writer": "quote"}).passages == 5
    assert save(again, {"passages": "", "refuse_below": ""}).passages == 10
    assert make_settings(home=tmp_path).refuse_below is None


def test_flags_and_the_environment_override_a_preference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(make_settings(home=tmp_path), {"passages": "5", "writer": "llm", "llm_url": "http://127.0.0.1:9/v1"})
    monkeypatch.setenv("FOOTNOTE_PASSAGES", "7")
    settings = make_settings(home=tmp_path, writer="quote")
    assert (settings.passages, settings.writer, settings.llm_url) == (7, "quote", "http://127.0.0.1:9/v1")
    assert settings.is_fixed("passages") and settings.is_fixed("writer") and not settings.is_fixed("llm_url")
    with pytest.raises(FootnoteError, match="FOOTNOTE_PASSAGES can't be changed here"):
        save(settings, {"passages": "5"})
    assert "FOOTNOTE_PASSAGES is set in the environment" in preferences_room(settings)


@pytest.mark.parametrize(
    "chosen",
    [
        {"passages": "0"},
        {"passages": "many"},
        {"refuse_below": "2"},
        {"writer": "me"},
        {"llm_url": "ftp://x"},
        {"home": "/"},
    ],
)
def test_invalid_preferences_are_refused_and_not_stored(tmp_path: Path, chosen: dict[str, object]) -> None:
    settings = save(make_settings(home=tmp_path), {"passages": "5"})
    with pytest.raises(FootnoteError):
        save(settings, chosen)
    assert make_settings(home=tmp_path).passages == 5


def test_a_damaged_preferences_file_is_ignored(tmp_path: Path) -> None:
    save(make_settings(home=tmp_path), {"passages": "5"})
    path = tmp_path / SAVED
    path.write_text(path.read_text().replace("5", "6"))
    assert read_saved(tmp_path) == {} and make_settings(home=tmp_path).passages == 10


FOR_OTHERS = [
    {"host": "0.0.0.0"},
    {"allowed_hosts": "a.example"},
    {"proxies": "127.0.0.1"},
    {"proxies": "127.0.0.1", "login_header": "X-User"},
    {"root_path": "/notes"},
]


@pytest.mark.parametrize("flags", FOR_OTHERS)
def test_a_page_for_others_takes_no_folder_of_its_machine(tmp_path: Path, flags: dict[str, object]) -> None:
    engine = Engine(make_settings(home=tmp_path / "home", **flags))
    removed = Removed(engine)
    changes = _Changes(engine, Uploads(engine.home, engine.settings, removed), SourceChanges(engine, removed))
    *_, (said, _, _) = changes.obey(json.dumps({"do": "folder", "name": str(tmp_path)}), page_request())
    assert "Only a user of this machine" in said and registered_roots(engine.home) == []


def test_the_page_saves_preferences_only_if_it_is_served_to_this_machine_alone(tmp_path: Path) -> None:
    sent = json.dumps({"writer": "llm", "llm_url": "http://192.0.2.1/v1"})
    for flags in FOR_OTHERS:
        saved = _Events(Engine(make_settings(home=tmp_path, **flags))).save(sent, page_request())[0]
        assert "this machine alone" in str(saved) and not (tmp_path / SAVED).exists()
    own = _Events(Engine(make_settings(home=tmp_path)))
    assert "Give the address" in str(own.save(json.dumps({"writer": "llm"}), page_request())[0])
    assert (
        "Saved" in str(own.save(sent, page_request())[0]) and read_saved(tmp_path)["llm_url"] == "http://192.0.2.1/v1"
    )
    for odd in ("[1]", "{", None, '{"passages": {"a": 1}}'):
        assert "fn-problem" in str(own.save(odd, page_request())[0]) or odd is None


def test_a_change_of_preferences_is_in_the_audit_log_without_values(tmp_path: Path) -> None:
    users, events = UserStore(tmp_path), _Events(Engine(make_settings(home=tmp_path)))
    users.add("anna", "four plain words here", Role.ADMIN, "test")
    sent = {"llm_url": "http://192.0.2.1/v1", "llm_key": "a-secret-key", "passages": "5", "writer": "quote"}
    for one in (sent, {"passages": "5"}, {"passages": "none"}):
        events.save(json.dumps(one), page_request("anna"))
    (_, last) = users.audit(9)
    assert (last.who, last.what) == ("anna", "settings changed")
    assert last.about == "FOOTNOTE_LLM_URL, FOOTNOTE_PASSAGES, FOOTNOTE_LLM_KEY"
