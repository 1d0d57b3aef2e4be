"""Short runs of the robustness checks: random changes of files, killed syncs, a full disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import kills, sync_states
from index.encoder.embedder import Embedder
from tests.conftest import ROOT

pytestmark = pytest.mark.slow


def test_after_random_changes_the_index_equals_a_new_one(embedder: Embedder) -> None:
    sync_states.check(embedder, examples=2, steps=8)


def test_after_random_changes_an_index_changed_in_a_copy_equals_a_new_one(embedder: Embedder) -> None:
    sync_states.check(embedder, examples=2, steps=8, derived=True)


def test_a_killed_sync_loses_nothing(embedder: Embedder, tmp_path: Path) -> None:
    assert sum(kills.run(embedder, tmp_path, 3, 6, second=False).values()) == 3


def test_a_killed_sync_loses_nothing_while_a_copy_is_changed(embedder: Embedder, tmp_path: Path) -> None:
    assert sum(kills.run(embedder, tmp_path, 2, 6, second=False, derived=True, seed=2).values()) == 2


def test_two_killed_syncs_at_the_same_time_lose_nothing(embedder: Embedder, tmp_path: Path) -> None:
    assert sum(kills.run(embedder, tmp_path, 2, 6, second=True, seed=1).values()) == 2


_FULL_DISK = """
set -e
mount -t tmpfs -o size=12m none "$DISK"
cp -r "$DOCS" "$DISK/docs"
"$PYTHON" app.py index "$DISK/docs" --home "$DISK/home"
echo "Badgers live in the wood of Brill." > "$DISK/docs/b.txt"
head -c 100m /dev/zero > "$DISK/ballast" 2>/dev/null || true
"$PYTHON" app.py index --home "$DISK/home" 2> "$LOG" && exit 9
cat "$LOG"
"$PYTHON" app.py ask "Who counts the otters?" --home "$DISK/home"
rm "$DISK/ballast"
"$PYTHON" app.py index --home "$DISK/home"
"$PYTHON" app.py doctor --home "$DISK/home" | grep "all parts agree"
"""


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0,
    reason="a separate disk needs `unshare -rm` (Linux, user namespaces)",
)
def test_a_full_disk_leaves_the_index_in_use_and_says_what_to_do(tmp_path: Path) -> None:
    docs, disk = tmp_path / "docs", tmp_path / "disk"
    docs.mkdir()
    disk.mkdir()
    (docs / "a.txt").write_text("The otters of the river Alm are counted by Dr. Quillfeather in March.")
    env = {
        **os.environ,
        "DISK": str(disk),
        "DOCS": str(docs),
        "LOG": str(tmp_path / "log"),
        "PYTHON": sys.executable,
    }
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", _FULL_DISK], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Make room" in done.stdout and "Quillfeather" in done.stdout and "Traceback" not in done.stdout + done.stderr
