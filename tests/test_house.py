"""The house keeps its rules: imports run one way, each library has one room, nothing calls home."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROOMS = {
    "chromadb": ("index/store/vectors.py", "index/store/chroma_server.py"),
    "tiktoken": ("index/text/tokens.py",),
    "sentence_transformers": ("index/encoder/embedder.py",),
    "tantivy": ("index/store/bm25.py", "index/text/words.py"),
    "openai": ("rag/writer/llm.py",),
    "gradio": ("rag/ui/",),
}

TRAINING = {"sklearn": "scikit_learn", "onnx": "onnx"}
"""What only training the reader and exporting networks import, and its names in requirements-dev.txt."""


PRODUCT = ("app.py", "index", "rag")
"""What runs when somebody uses the program."""

ORDER = (
    *"index.errors index.state index.stamps index.home index.report index.text index.formats index.article".split(),
    *"index.sources index.chunk index.duplicates index.mentions index.encoder index.store index.build".split(),
    "index.sync",
    *"rag.hosts rag.printable rag.queue rag.groups rag.settings rag.choice rag.check rag.retrieve rag.reader".split(),
    *"rag.cite rag.types rag.spelling rag.places rag.writer rag.disagreement rag.scope rag.forms".split(),
    *"rag.small_talk rag.conversation rag.candidates rag.suggestions rag.engine rag.made_by".split(),
    *"rag.answer_builder rag.answer rag.receipt rag.sources rag.watch rag.evaluation rag.ui rag.cli".split(),
    "app",
)
"""The rooms of the program. Each imports only itself and rooms to its left."""

ENTRIES = {"main": "", "read": "index.formats."}
"""Names that several modules define: the main() of a command, and read() of every format."""


def python_files(root: Path, *places: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield (path below `root`, syntax tree) of the Python files in the places."""
    for place in places:
        for path in sorted(root.glob(f"{place}/**/*.py")) or [root / place]:
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text("utf-8"))


def imports(*places: str, root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Yield (file, imported module) of the files in these folders, of the product's code when none is named."""
    for name, tree in python_files(root, *(places or PRODUCT)):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name} has a relative import"
                # `from rag import answer` imports the module rag.answer.
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                modules = [one for one in inner if (root / one.replace(".", "/")).with_suffix(".py").exists()]
                yield from ((name, module) for module in modules or [node.module or ""])


def test_imports_run_one_way() -> None:
    for name, module in imports():
        top = module.split(".")[0]
        if name.startswith("index/"):
            assert top not in ("rag", "app"), f"{name} imports {module}"
        if name.startswith("rag/"):
            assert top != "app", f"{name} imports {module}"
        assert top not in ("training", "benchmarks", "tests"), f"{name} imports {module}"
        if not name.startswith(("rag/ui/", "rag/cli/")):
            assert not module.startswith("rag.ui"), f"{name} imports {module}"


PACKAGES = {"yaml": "PyYAML"}
"""Modules whose package has another name."""


def test_each_library_has_one_room() -> None:
    for name, module in imports():
        allowed = ROOMS.get(module.split(".")[0])
        assert allowed is None or name.startswith(allowed), f"{name} imports {module}"


def test_what_is_imported_is_pinned() -> None:
    pins = (ROOT / "requirements.txt").read_text().replace("-", "_")
    training = (ROOT / "requirements-dev.txt").read_text().replace("-", "_")
    names = {
        module.split(".")[0]
        for _, module in imports(*PRODUCT, "training")
        if module.split(".")[0] not in sys.stdlib_module_names | {"index", "rag", "app", "training"}
    }
    names = {PACKAGES.get(name, name) for name in names}
    missing = {name for name in names if f"\n{name}==" not in pins and f"\n{name}[" not in pins}
    assert missing == TRAINING.keys()
    assert all(f"\n{name}==" in training for name in TRAINING.values())


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode != 0,
    reason="a process without a network needs `unshare -rn` (Linux, user namespaces)",
)
def test_the_whole_journey_runs_with_the_network_cut(tmp_path: Path) -> None:
    environment = {**os.environ, "FOOTNOTE_HOME": str(tmp_path / "home")}
    for words, code in ((["index"], 0), (["ask", "Who is the CEO of GM?"], 0), (["ask", "Who wrote Hamlet?"], 3)):
        done = subprocess.run(
            ["unshare", "-rn", sys.executable, "app.py", *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stderr
    assert "Shakespeare" not in done.stdout
