"""Uploads through the page: who may use them, what is refused, where they are stored. On a real server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.served import server
from rag.plain import plain_message
from rag.suggestions import SUGGESTIONS_FILE as SUGGESTIONS
from rag.ui.gate import VISIT
from rag.uploads import file_name
from tests.visitor import Visitor, file_value

pytestmark = pytest.mark.slow

OTTERS = b"The otters of the river Alm are counted by Dr. Quillfeather in March.\n"
REFUSED = "was not uploaded through this page"


@pytest.fixture(scope="module")
def home(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(seeds_home, tmp_path_factory.mktemp("uploads") / "home"))


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with server(home, home.parent / "serve.log") as (_, address):
        yield address


def waiting(home: Path) -> list[Path]:
    """Return the uploaded files that no event has used yet."""
    return [path for path in (home / "incoming").rglob("*") if not path.is_dir() and path.suffix != ".lock"]


def output_of(message: dict[str, Any]) -> str:
    """Return everything that an event returned, as text."""
    return unescape(json.dumps(message))


def test_no_event_accepts_a_file_that_was_not_uploaded(home: Path, address: str, tmp_path: Path) -> None:
    (key := tmp_path / "id_ed25519").write_text("-----BEGIN OPENSSH PRIVATE KEY-----")
    (link := tmp_path / "link.txt").symlink_to("/etc/passwd")
    os.mkfifo(pipe := tmp_path / "pipe.txt")
    index = home / "index" / "roots.json"
    paths = ["/etc/passwd", str(key), str(index), str(link), str(pipe), "/dev/zero", "http://127.0.0.1:9/", "", "."]
    paths += [f"{'0' * 32}/../../../../index/roots.json", f"{'0' * 32}/roots.json", f"{'0' * 32}/.."]
    while httpx.get(f"{address}/ready").status_code != 200:  # The index is opened first.
        time.sleep(0.1)
    visitor, before = Visitor(address), uploads_in(home)
    events = [event for event in visitor.config["dependencies"] if event["inputs"]]
    assert len(events) >= 7
    for event in events:
        for at in range(len(event["inputs"])):
            # All paths for events that take files, one path for every other input.
            for path in paths if takes_a_file(visitor, event) else paths[:1]:
                for value in (file_value(path), [file_value(path)], {"files": [{"url": path}]}):
                    data: list[Any] = [None] * len(event["inputs"])
                    data[at] = value
                    done = visitor.call(event, data)
                    assert not done["success"] and REFUSED in done["output"]["error"], (event["api_name"], path)
    assert httpx.get(f"{address}/health").status_code == 200
    assert uploads_in(home) == before
    assert httpx.get(f"{address}/article", params={"source": "passwd"}).status_code == 404


def uploads_in(home: Path) -> list[Path]:
    """Return all files in a home except logs and suggestions (written at any time)."""
    return sorted(
        path for path in home.rglob("*") if "logs" not in path.parts and not path.name.startswith(SUGGESTIONS)
    )


def takes_a_file(visitor: Visitor, event: dict[str, Any]) -> bool:
    kinds = {one["id"]: one["type"] for one in visitor.config["components"]}
    return any(kinds[one] not in ("textbox", "dropdown", "checkbox", "radio", "html") for one in event["inputs"])


def test_exactly_two_events_take_files(address: str) -> None:
    visitor = Visitor(address)
    taking = [event["api_name"] for event in visitor.config["dependencies"] if takes_a_file(visitor, event)]
    assert sorted(taking) == ["add", "upload"]


def test_an_upload_is_accepted_from_its_visitor_only_and_leaves_no_copy(home: Path, address: str) -> None:
    owner, other = Visitor(address), Visitor(address)
    (place,) = owner.upload(("otters.txt", OTTERS)).json()
    assert place.endswith("/otters.txt") and not place.startswith("/") and len(waiting(home)) == 1
    for elem_id in ("fn-files", "fn-upload"):
        assert REFUSED in output_of(other.call(other.event(elem_id), [[file_value(place)]]))
    done = owner.call(owner.event("fn-files"), [[file_value(place)]])
    assert "otters.txt: added" in output_of(done) and waiting(home) == []
    assert (home / "sources/otters.txt").read_bytes() == OTTERS
    assert REFUSED in output_of(owner.call(owner.event("fn-files"), [[file_value(place)]]))
    (place,) = owner.upload(("mine.jsonl", b'{"question": "Who?", "answers": ["Quill"]}\n')).json()
    assert "mine.jsonl: 1 questions" in output_of(owner.call(owner.event("fn-upload"), [file_value(place)]))
    assert (home / "sets/mine.jsonl").is_file() and waiting(home) == []


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "gone"])
def test_an_upload_replaced_by_a_link_pipe_or_folder_is_not_opened(home: Path, address: str, kind: str) -> None:
    visitor = Visitor(address)
    (place,) = visitor.upload(("swapped.txt", OTTERS)).json()
    (path,) = waiting(home)
    path.unlink()
    if kind == "link":
        path.symlink_to("/etc/passwd")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    assert REFUSED in output_of(visitor.call(visitor.event("fn-files"), [[file_value(place)]]))
    assert httpx.get(f"{address}/health").status_code == 200
    shutil.rmtree(path.parent)


def test_a_file_that_cannot_be_a_source_is_refused_with_its_reason(home: Path, address: str) -> None:
    visitor = Visitor(address)
    sources = [row["source"] for row in catalog(address)]
    names = {
        ".footnoteignore": "is hidden",
        ".notes.txt": "is hidden",
        "questions.jsonl": "has the name of a question set",
        "program.exe": "has an unsupported format",
        "page.css": "has an unsupported format",
    }
    places = visitor.upload(*((name, b"*\n") for name in names)).json()
    done = output_of(visitor.call(visitor.event("fn-files"), [[file_value(place) for place in places]]))
    assert all(f"{name}: {why}" in done for name, why in names.items())
    assert waiting(home) == [] and not {path.name for path in (home / "sources").glob("*")} & names.keys()
    (place,) = visitor.upload((".set.jsonl", b'{"question": "Who?"}\n')).json()
    assert ".set.jsonl is hidden" in output_of(visitor.call(visitor.event("fn-upload"), [file_value(place)]))
    assert waiting(home) == [] and not (home / "sets/.set.jsonl").exists()
    assert [row["source"] for row in catalog(address)] == sources


def catalog(address: str) -> list[dict[str, str]]:
    """Return the sources that the page lists."""
    visitor = Visitor(address)
    show = next(event for event in visitor.config["dependencies"] if event["api_name"] == "show")
    found = output_of(visitor.call(show, []))
    return [{"source": part.split('\\"')[0]} for part in found.split('data-source=\\"')[1:]]


def test_an_upload_without_a_visit_or_a_length_is_refused_with_a_message(home: Path, address: str) -> None:
    files = {"files": ("otters.txt", OTTERS)}
    assert "Open the page first" in httpx.post(f"{address}/gradio_api/upload", files=files).text
    forged = httpx.post(f"{address}/gradio_api/upload", files=files, headers={"Cookie": f"{VISIT}=../../x"})
    assert forged.status_code == 403
    visitor = Visitor(address)
    endless = visitor.http.post("/gradio_api/upload", content=iter([OTTERS]))
    assert endless.status_code == 411
    torn = visitor.http.post("/gradio_api/upload", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert torn.status_code == 400 and "can't be read" in torn.text
    large = visitor.upload(("otters.txt", OTTERS), ("large.txt", b"x" * 21_000_000))
    assert large.status_code == 413 and large.text == "A file may have up to 20 MB."
    assert waiting(home) == []


def test_uploads_over_the_total_are_refused_until_there_is_space(seeds_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(seeds_home, tmp_path / "home"))
    with server(home, tmp_path / "log", FOOTNOTE_MAX_UPLOADS_MB="0.02") as (_, address):
        visitor = Visitor(address)
        text = "".join(f"Otter {n} was seen at pool {7 * n} of the river Alm.\n" for n in range(250)).encode()
        (place,) = visitor.upload(("first.txt", text)).json()
        full = visitor.upload(("second.txt", text))
        assert full.status_code == 413 and "FOOTNOTE_MAX_UPLOADS_MB" in full.text and len(waiting(home)) == 1
        assert "first.txt: added" in output_of(visitor.call(visitor.event("fn-files"), [[file_value(place)]]))
        assert visitor.upload(("second.txt", text)).status_code == 413
        assert [path.name for path in (home / "sources").iterdir()] == ["first.txt"] and waiting(home) == []
        (home / "sources/first.txt").unlink()
        assert visitor.upload(("second.txt", text)).status_code == 200


def test_an_upload_is_deleted_if_no_event_uses_it_for_an_hour(seeds_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(seeds_home, tmp_path / "home"))
    with server(home, tmp_path / "log") as (_, address):
        visitor = Visitor(address)
        visitor.upload(("old.txt", OTTERS))
        (old,) = waiting(home)
        os.utime(old.parent, (time.time() - 3700, time.time() - 3700))
        (place,) = visitor.upload(("new.txt", OTTERS)).json()
        assert [path.name for path in waiting(home)] == ["new.txt"]
        assert "new.txt: added" in output_of(visitor.call(visitor.event("fn-files"), [[file_value(place)]]))


def test_unused_uploads_are_deleted_on_exit_and_after_a_kill_at_the_next_start(
    seeds_home: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(seeds_home, tmp_path / "home"))
    with server(home, tmp_path / "first.log") as (process, address):
        Visitor(address).upload(("otters.txt", OTTERS))
        with server(home, tmp_path / "second.log") as (_, other):
            Visitor(other).upload(("otters.txt", OTTERS))
            assert len(waiting(home)) == 2
        assert len(waiting(home)) == 1
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(waiting(home)) == 1
    with server(home, tmp_path / "third.log"):
        assert waiting(home) == []
    assert list((home / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("notes.txt", "notes.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\notes\\a.txt", "a.txt"),
        ("..", "file"),
        ("", "file"),
        ("a\x00\x1b[31m\n.txt", "a[31m.txt"),
        ("ü" * 300 + ".txt", "ü" * 98 + ".txt"),
        (".footnoteignore", ".footnoteignore"),
        ("Ein Brief an die Enkel.md", "Ein Brief an die Enkel.md"),
    ],
)
def test_a_file_name_loses_folders_and_control_characters(given: str, kept: str) -> None:
    assert file_name(given) == kept and len(file_name(given).encode()) <= 255


def test_errors_are_explained_without_numbers_and_paths_of_the_machine(tmp_path: Path) -> None:
    home = tmp_path / "my home"
    for error in (OSError(28, "No space left on device", str(home)), PermissionError(13, "x", "/a/b"), OSError("x")):
        words = plain_message(error, home)
        assert words.endswith(("again.", "here.")) and "rrno" not in words and "/a/" not in words
    assert "disk is full" in plain_message(OSError(28, "No space left on device"), home)
    assert plain_message(f"{home}/index/roots.json is not readable ([Errno 5] Input/output error).", home) == (
        "FOOTNOTE_HOME/index/roots.json is not readable (Input/output error)."
    )
    assert plain_message("/srv/notes/deep/a.txt is gone", home) == "a.txt is gone"
    for untouched in ("See http://127.0.0.1:8000/api/v2 there.", "and/or 3/4", "notes/a.txt can't be read"):
        assert plain_message(untouched, home) == untouched
