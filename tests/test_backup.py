"""A backup moves a home to another machine, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from index.build.lock import hold_lock
from index.errors import FootnoteError
from index.home import current_folder
from index.sources.roots import register_roots, registered_roots, uploads
from index.state import read_either, write_twice
from rag.access.users import USERS_FILE
from rag.backup.contents import FILES, FOLDERS, LIST, BadBackup, may_be_in_backup
from rag.backup.restore import restore_backup
from rag.backup.write import write_backup
from rag.cli.main import main
from rag.conversation.store import CONVERSATIONS_FILE, ConversationStore
from rag.engine import Engine
from rag.evaluation.feedback import feedback_file
from rag.evaluation.run import runs_folder
from rag.groups import GROUPS_FILE, groups, keep_group
from rag.receipt import KEPT
from rag.settings import SAVED, SEEDS, make_settings, save
from rag.suggestions import SUGGESTIONS_FILE
from rag.types import Answer
from rag.uploads import question_sets_folder

pytestmark = pytest.mark.slow
Out = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of a folder, an upload and the sample articles, with a conversation, a group and settings; no index."""
    made, docs = tmp_path / "home", tmp_path / "docs"
    docs.mkdir()
    (docs / "otters.txt").write_text("Otters live in the river Alm. They eat fish.")
    uploads(made).mkdir(parents=True)
    (uploads(made) / "badgers.txt").write_text("Badgers live in the wood of Brill.")
    register_roots(made, [docs, uploads(made), SEEDS])
    ConversationStore(made).add("one", "t1", Answer("Where do otters live?", "In the river Alm.", False))
    keep_group(made, "Animals", ["otters.txt"])
    save(make_settings(home=made), {"passages": 5})
    feedback_file(made).parent.mkdir()
    feedback_file(made).write_text('{"question": "Where do otters live?"}\n')
    (made / "web").mkdir()
    (made / "logs").mkdir()
    (made / "logs/footnote.log").write_text("nothing")
    (made / ".env").write_text("FOOTNOTE_LLM_KEY=secret\n")
    return made


@pytest.fixture
def backup(home: Path, tmp_path: Path) -> Path:
    """A backup of that home, without its index."""
    write_backup(home, tmp_path / "kept.zip")
    return tmp_path / "kept.zip"


def state(home: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_a_backup_names_what_the_program_keeps_in_its_home(tmp_path: Path) -> None:
    assert {SAVED, GROUPS_FILE, SUGGESTIONS_FILE, CONVERSATIONS_FILE, USERS_FILE} == set(FILES)
    folders = (uploads(tmp_path), question_sets_folder(tmp_path), feedback_file(tmp_path).parent, runs_folder(tmp_path))
    assert {*(one.name for one in folders), KEPT, "web"} == set(FOLDERS)


def test_a_home_comes_back_on_another_machine(home: Path, backup: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(backup) as archive:
        names = set(archive.namelist())
    assert LIST in names and "sources/badgers.txt" in names and not any("generations" in name for name in names)
    assert not {".env", "logs/footnote.log"} & names
    shutil.move(home, tmp_path / "away")
    other = tmp_path / "other" / "place"
    done = restore_backup(backup, other)
    assert done.missing == () and done.moved_to is None
    # The uploads and the sample articles are where they are on this machine.
    assert registered_roots(other) == [tmp_path / "docs", uploads(other), SEEDS]
    assert ConversationStore(other).get("one").turns[0].text == "In the river Alm."
    assert groups(other) == {"Animals": ["otters.txt"]} and make_settings(home=other).passages == 5
    engine = Engine(make_settings(home=other))
    report, why = engine.ensure_index()
    assert report and why == "There was no index yet"
    assert {"otters.txt", "badgers.txt"} <= set(report.added) and not report.failed
    assert [path for path in other.parent.iterdir() if path != other] == []


def test_an_index_in_a_backup_is_used_as_it_is(home: Path, tmp_path: Path) -> None:
    Engine(make_settings(home=home)).index()
    write_backup(home, tmp_path / "whole.zip", with_index=True)
    name = current_folder(home).name
    shutil.move(home, tmp_path / "away")
    restore_backup(tmp_path / "whole.zip", home)
    engine = Engine(make_settings(home=home))
    assert engine.ensure_index() == (None, "") and current_folder(home).name == name
    report = engine.index()
    assert not (report.added or report.changed or report.removed or report.failed)


def test_folders_of_another_machine_stay_registered_and_are_said(
    home: Path, backup: Path, tmp_path: Path, capsys: Out
) -> None:
    shutil.rmtree(tmp_path / "docs")
    other = tmp_path / "other"
    assert main(["restore", str(backup), "--home", str(other)]) == 0
    output = capsys.readouterr().out
    assert f"Missing here: {tmp_path / 'docs'}" in output and "python app.py index FOLDER" in output
    assert main(["index", "--home", str(other)]) == 0
    assert f"{tmp_path / 'docs'} is gone" in capsys.readouterr().out
    assert tmp_path / "docs" in registered_roots(other)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/otters.txt").write_text("Otters live in the river Alm. They eat fish.")
    report = Engine(make_settings(home=other)).index()
    assert report.added == ["otters.txt"] and not report.failed


def test_paths_of_another_system_are_read_by_its_rules(home: Path, backup: Path, tmp_path: Path) -> None:
    roots = home / "index/roots.json"
    windows = {"roots": [r"C:\Users\Ann\footnote\sources", r"C:\Users\Ann\seeds", r"D:\notes"], "addresses": []}
    write_twice(roots, windows)
    write_twice(home / "index/forgotten.json", {"list": [r"C:\Users\Ann\footnote\sources\old\a.txt"]})
    backup.unlink()
    write_backup(home, backup)
    change_list(backup, home=r"C:\Users\Ann\footnote", sample=r"C:\Users\Ann\seeds", separator="\\")
    other = tmp_path / "other"
    restore_backup(backup, other)
    assert read_either(other / "index/roots.json")["roots"] == [str(uploads(other)), str(SEEDS), r"D:\notes"]
    assert read_either(other / "index/forgotten.json")["list"] == [str(uploads(other) / "old/a.txt")]


def test_a_home_with_content_is_moved_aside_and_only_when_told(home: Path, backup: Path, capsys: Out) -> None:
    before = state(home)
    assert main(["restore", str(backup), "--home", str(home)]) == 1
    assert "Use --replace" in capsys.readouterr().err and state(home) == before
    assert main(["restore", str(backup), "--home", str(home), "--replace"]) == 0
    (aside,) = home.parent.glob("home.before-*")
    assert state(aside) == before and str(aside) in capsys.readouterr().out
    assert (home / ".env").read_text() == "FOOTNOTE_LLM_KEY=secret\n" and not (home / "logs").exists()


def test_a_home_with_nothing_but_its_settings_file_needs_no_replacing(backup: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "logs").mkdir(parents=True)
    (other / ".env").write_text("FOOTNOTE_PORT=7000\n")
    assert restore_backup(backup, other).moved_to is None
    assert (other / ".env").read_text() == "FOOTNOTE_PORT=7000\n" and not list(tmp_path.glob("other.before-*"))


def test_an_empty_home_keeps_its_folder(backup: Path, tmp_path: Path) -> None:
    """It may be a volume, or in a folder where its owner can't write."""
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    before, beside = other.stat(), set(tmp_path.iterdir())
    restore_backup(backup, other)
    after = other.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode) and set(tmp_path.iterdir()) == beside
    assert ConversationStore(other).get("one") and not list(other.glob("*restoring*"))


def test_an_empty_home_gets_all_files_or_none(backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    (other / "logs").mkdir(parents=True)
    rename = Path.rename

    def fails_once(path: Path, target: Path) -> Path:
        if target == other / "sources":
            raise OSError("no")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fails_once)
    with pytest.raises(OSError, match="no"):
        restore_backup(backup, other)
    assert [path.name for path in other.iterdir()] == ["logs"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_others_can_read_neither_a_backup_nor_the_users_in_it(home: Path, tmp_path: Path) -> None:
    (home / USERS_FILE).touch(0o600)
    write_backup(home, tmp_path / "private.zip")
    restore_backup(tmp_path / "private.zip", tmp_path / "other")
    for path in (tmp_path / "private.zip", tmp_path / "other" / USERS_FILE):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_is_backed_up_twice_or_from_nowhere(home: Path, backup: Path, tmp_path: Path, capsys: Out) -> None:
    kept = backup.read_bytes()
    assert main(["backup", str(backup), "--home", str(home)]) == 1
    assert "exists. Name another file" in capsys.readouterr().err and backup.read_bytes() == kept
    assert main(["backup", str(tmp_path / "new.zip"), "--home", str(tmp_path / "nowhere")]) == 1
    assert "nothing to back up" in capsys.readouterr().err and not (tmp_path / "new.zip").exists()


def test_a_restore_waits_for_no_writer(home: Path, backup: Path, capsys: Out) -> None:
    before = state(home).keys()
    with hold_lock(home):
        assert main(["restore", str(backup), "--home", str(home), "--replace"]) == 1
    assert "is writing the index" in capsys.readouterr().err and state(home).keys() == before


# --- what is no backup ------------------------------------------------------------------------------------------------

Spoil = Callable[[Path], None]


def change_list(backup: Path, **values: object) -> None:
    """Write a backup anew with other values in its list."""
    with zipfile.ZipFile(backup) as archive:
        held = {one: archive.read(one) for one in archive.namelist()}
    held[LIST] = json.dumps({**json.loads(held[LIST]), **values}).encode()
    with zipfile.ZipFile(backup, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)


def with_member(name: str, *, mode: int = 0o600, data: bytes = b"evil") -> Spoil:
    """Add a member, in the list too, of this name and mode."""

    def spoil(backup: Path) -> None:
        with zipfile.ZipFile(backup) as archive:
            files = json.loads(archive.read(LIST))["files"]
        digest = hashlib.sha256(data).hexdigest()
        change_list(backup, files={**files, name: {"size": len(data), "sha256": digest}})
        about = zipfile.ZipInfo(name)
        about.external_attr = mode << 16
        with zipfile.ZipFile(backup, "a") as archive:
            archive.writestr(about, data, zipfile.ZIP_DEFLATED)

    return spoil


def truncated(backup: Path) -> None:
    backup.write_bytes(backup.read_bytes()[:-200])


def flipped(backup: Path) -> None:
    with zipfile.ZipFile(backup) as archive:
        about = archive.getinfo("sources/badgers.txt")
    data = bytearray(backup.read_bytes())
    data[about.header_offset + 30 + len(about.filename) + 30] ^= 0xFF
    backup.write_bytes(data)


def foreign(backup: Path) -> None:
    with zipfile.ZipFile(backup, "w") as archive:
        archive.writestr("readme.txt", "Hello.")


def no_archive(backup: Path) -> None:
    backup.write_text("Hello.")


def unlisted(backup: Path) -> None:
    with zipfile.ZipFile(backup, "a") as archive:
        archive.writestr("sources/more.txt", "More.")


def wrong_digest(backup: Path) -> None:
    with zipfile.ZipFile(backup) as archive:
        files = json.loads(archive.read(LIST))["files"]
    files["sources/badgers.txt"]["sha256"] = "0" * 64
    change_list(backup, files=files)


SPOILED: dict[str, tuple[Spoil, str]] = {
    "a path that leads out": (with_member("sources/../../evil.txt"), "not a file of a home"),
    "an absolute path": (with_member("/tmp/evil.txt"), "not a file of a home"),
    "a drive": (with_member("sources/C:evil.txt"), "not a file of a home"),
    "a backslash": (with_member("sources/..\\evil.txt"), "not a file of a home"),
    "a file that no backup holds": (with_member(".env"), "not a file of a home"),
    "a link": (with_member("sources/link.txt", mode=stat.S_IFLNK | 0o777, data=b"/etc/passwd"), "a link"),
    "a bomb": (with_member("sources/bomb.txt", data=b"0" * 200_000_000), "unpack to far more"),
    "the half of a file": (truncated, "is damaged"),
    "a changed byte": (flipped, "damaged"),
    "another archive": (foreign, "Footnote did not make it"),
    "no archive": (no_archive, "is not a backup"),
    "a file that its list lacks": (unlisted, "do not match its list"),
    "a file that is another": (wrong_digest, "is damaged"),
    "a list of a newer program": (lambda backup: change_list(backup, footnote_backup=99), "newer than this version"),
    "a list that is none": (lambda backup: change_list(backup, files=7), "list of files can't be read"),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILED)
def test_what_is_no_whole_backup_changes_nothing(home: Path, backup: Path, tmp_path: Path, what: str) -> None:
    spoil, words = SPOILED[what]
    spoil(backup)
    before, around = state(home), sorted(tmp_path.iterdir())
    for target in (home, tmp_path / "other"):
        with pytest.raises(BadBackup, match=words) as raised:
            restore_backup(backup, target, replace=True)
        assert "Nothing was changed" in str(raised.value)
    assert state(home) == before and sorted(tmp_path.iterdir()) == around


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "sources", "sources//a", "sources/", "sources/a\n", "index/lock"),
        *("sources/..", "sources/../../a.txt", "sources/./a.txt", "/etc/passwd", "sources/..\\a", "C:/a"),
    ],
)
def test_names_that_are_no_files_of_a_home(name: str) -> None:
    assert not may_be_in_backup(name)


def test_a_backup_goes_to_no_place_inside_its_home(home: Path) -> None:
    with pytest.raises(FootnoteError, match="Name a file elsewhere"):
        write_backup(home, uploads(home) / "all.zip")
    assert [path.name for path in uploads(home).iterdir()] == ["badgers.txt"]


def test_a_file_with_a_date_that_no_zip_file_can_hold_is_kept(home: Path, tmp_path: Path) -> None:
    os.utime(uploads(home) / "badgers.txt", (5e9, 5e9))
    assert "sources/badgers.txt" in write_backup(home, tmp_path / "all.zip").files


def test_an_upload_whose_name_other_systems_cannot_have_is_named(home: Path, tmp_path: Path, capsys: Out) -> None:
    (uploads(home) / "Call 10:30.txt").write_text("Otters call at night.")
    assert main(["backup", str(tmp_path / "all.zip"), "--home", str(home)]) == 0
    assert "Left out: sources/Call 10:30.txt" in capsys.readouterr().err


def test_a_directory_that_points_outside_the_file_is_refused(backup: Path, tmp_path: Path) -> None:
    data = bytearray(backup.read_bytes())
    at = data.rfind(b"PK\x05\x06") + 16  # where the end of the archive says that its directory starts
    data[at : at + 4] = (int.from_bytes(data[at : at + 4], "little") + 100).to_bytes(4, "little")
    backup.write_bytes(data)
    with pytest.raises(BadBackup, match="points outside the file"):
        restore_backup(backup, tmp_path / "new")
    assert not (tmp_path / "new").exists()
