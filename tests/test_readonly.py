"""A read-only home: questions are answered, and no message gives advice that cannot be followed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from benchmarks import crowd
from benchmarks.served import free_port
from tests.conftest import ROOT, Run

pytestmark = pytest.mark.slow

QUESTION = "Who counts the otters?"
# Root ignores permission bits, so the commands run with the home mounted read-only.
_READ_ONLY = 'mount --bind "$FOOTNOTE_HOME" "$FOOTNOTE_HOME" && mount -o remount,bind,ro "$FOOTNOTE_HOME" && exec "$@"'
_CAN_MOUNT = (
    shutil.which("unshare") is not None
    and subprocess.run(
        ["unshare", "-rm", "sh", "-c", _READ_ONLY, "sh", "true"],
        env={**os.environ, "FOOTNOTE_HOME": str(ROOT / "seeds")},
        capture_output=True,
        check=False,
    ).returncode
    == 0
)
read_only = pytest.mark.skipif(not _CAN_MOUNT, reason="a read-only mount needs `unshare -rm` (Linux, user namespaces)")


def command(*words: str) -> list[str]:
    """Return the command line that runs app.py with the home mounted read-only."""
    return ["unshare", "-rm", "sh", "-c", _READ_ONLY, "sh", sys.executable, "app.py", *words]


def call(home: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FOOTNOTE_HOME": str(home), **env}
    return subprocess.run(command(*words), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture
def home(run: Run, tmp_path: Path) -> Path:
    """Return a home with a complete index and sources that changed since."""
    docs, home = tmp_path / "docs", tmp_path / "home"
    docs.mkdir()
    (docs / "otters.txt").write_text("The otters of the river Alm are counted by Dr. Quillfeather in March.\n")
    assert run("index", str(docs), home=home).returncode == 0
    (docs / "badgers.txt").write_text("Badgers live in the wood of Brill.\n")
    return home


@read_only
def test_a_read_only_home_with_changed_sources_answers_and_gives_no_impossible_advice(home: Path) -> None:
    reply = call(home, "ask", QUESTION, "--json")
    assert reply.returncode == 0 and "Quillfeather" in json.loads(reply.stdout)["answer"]
    assert reply.stderr.startswith("1 source changed since the index was made; ")
    assert "can't be written (Read-only file system), so the index is not brought up to date" in reply.stderr
    assert "badgers.txt" in call(home, "sources").stdout
    assert "Quillfeather" in call(home, "show", "otters.txt").stdout
    for words in (["index"], ["index", "--watch"], ["forget", "otters.txt"]):
        refused = call(home, *words)
        assert refused.returncode == 1 and len(refused.stderr.splitlines()) == 1
        assert "Set FOOTNOTE_HOME to a folder that can be" in refused.stderr
    looked = call(home, "doctor")
    assert (
        "ok   index: 1 sources" in looked.stdout and "ok   writer: none: nothing can be written here" in looked.stdout
    )
    assert "BAD  up to date: 1 sources changed since (badgers.txt).\n" in looked.stdout
    assert "app.py index" not in reply.stderr + looked.stdout and "Errno" not in looked.stdout


@read_only
def test_an_index_that_a_read_only_home_lacks_is_reported_with_the_reason(home: Path) -> None:
    other = call(home, "ask", QUESTION, FOOTNOTE_CHUNK_TOKENS="120")
    assert other.returncode == 1 and len(other.stderr.splitlines()) == 1
    assert "chunk_tokens is 200, the settings say 120" in other.stderr and "stays in use" not in other.stderr
    assert "Set FOOTNOTE_HOME to a folder that can be" in other.stderr and "app.py index" not in other.stderr
    shutil.rmtree(home / "index")
    none = call(home, "ask", QUESTION)
    assert none.returncode == 1 and "There is no index in" in none.stderr and "app.py index" not in none.stderr


@read_only
def test_the_page_is_served_and_answers_with_a_read_only_home(home: Path, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "serve.log"
    with log.open("wb") as stream:
        environment = {**os.environ, "FOOTNOTE_HOME": str(home)}
        process = subprocess.Popen(command("serve", "--port", str(port)), cwd=ROOT, env=environment, stderr=stream)
    try:
        address = f"http://127.0.0.1:{port}"
        asyncio.run(crowd.started(address))

        async def one() -> str:
            async with crowd.client(address) as session:
                return (await crowd.ask_page(session, QUESTION)).outcome

        assert asyncio.run(one()) == "answered"
        body = json.dumps({"kind": "good", "question": QUESTION, "cited": [{"source": "otters.txt"}]}).encode()
        sent = urllib.request.Request(f"{address}/feedback", body, {"Content-Type": "application/json"})
        with pytest.raises(urllib.error.HTTPError) as kept:
            urllib.request.urlopen(sent, timeout=60)
        assert "can't be written" in json.loads(kept.value.read())["problem"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    said = log.read_text()
    assert "footnote.log can't be written (Read-only file system): warnings and errors are shown here" in said
    assert "Traceback" not in said


@pytest.mark.skipif(
    shutil.which("setpriv") is None or os.geteuid() != 0,
    reason="a file of another user needs root and setpriv (Linux)",
)
def test_a_home_of_another_user_answers_questions(home: Path) -> None:
    for path in (home, *home.rglob("*")):
        os.chown(path, 65534, 65534)
    # Without these capabilities, permissions bind root too.
    bound = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    reply = subprocess.run(
        [*bound, sys.executable, "app.py", "ask", QUESTION],
        cwd=ROOT,
        env={**os.environ, "FOOTNOTE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert reply.returncode == 0 and "Quillfeather" in reply.stdout, reply.stderr
    assert "can't be written (Permission denied), so the index is not brought up to date" in reply.stderr
