"""The house keeps its rules: imports run one way, each library has one room, nothing calls home."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
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
    "mcp": ("rag/api/tools.py",),
}

TRAINING = {"sklearn": "scikit_learn", "onnx": "onnx"}
"""What only training the reader and exporting networks import, and its names in requirements-dev.txt."""


PRODUCT = ("app.py", "index", "rag")
"""What runs when somebody uses the program."""

ORDER = (
    "index.program",
    *"index.errors index.state index.stamps index.home index.report index.text index.formats index.article".split(),
    *"index.sources index.chunk index.duplicates index.mentions index.encoder index.store index.build".split(),
    "index.sync",
    *"rag.environment rag.hosts".split(),
    *"rag.printable rag.queue rag.groups rag.settings rag.variables rag.choice rag.check rag.retrieve".split(),
    *"rag.reader rag.cite rag.types rag.spelling rag.places rag.writer rag.disagreement rag.scope rag.forms".split(),
    *"rag.small_talk rag.conversation rag.candidates rag.suggestions rag.engine rag.provenance".split(),
    *"rag.answer_builder rag.answer rag.library rag.receipt rag.sources rag.watch rag.plain rag.evaluation".split(),
    *"rag.access rag.server_folder rag.removed rag.uploads rag.source_changes rag.evaluation_runs".split(),
    *"rag.api rag.ui rag.backup rag.cli".split(),
    "app",
)
"""The rooms of the program. Each imports only itself and rooms to its left."""

ENTRIES = {"main": "", "read": "index.formats."}
"""Names that several modules define: the main() of a command, and read() of every format."""


def python_files(root: Path, *places: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield (path below `root`, syntax tree) of the Python files in the places."""
    for place in places:
        for path in sorted(root.glob(f"{place}/**/*.py")) or [root / place]:
            yield path.relative_to(root).as_posix(), parse(path.read_text("utf-8"))


@cache
def parse(text: str) -> ast.Module:
    """Parse a module once, wherever its copies are."""
    return ast.parse(text)


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


def room(module: str) -> str | None:
    """Return the room of a module; None for a library, or a module that has no room yet."""
    held = [one for one in ORDER if module == one or module.startswith(f"{one}.")]
    return max(held, key=len, default=None)


def wrong_imports(root: Path = ROOT) -> list[str]:
    """Return every import of the program that does not run from a room to itself or to one on its left."""
    wrong = []
    for name, module in imports(root=root):
        importer = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if module.split(".")[0] in ("training", "benchmarks", "tests"):
            wrong.append(f"{name} imports {module}")
        elif module.split(".")[0] in ("index", "rag", "app") and "." in importer + module:
            here, there = room(importer), room(module)
            if importer in ("index", "rag") or module in ("index", "rag"):
                continue
            if here is None or there is None or ORDER.index(there) > ORDER.index(here):
                wrong.append(f"{name} imports {module}")
    return wrong


def defined_twice(root: Path = ROOT) -> dict[str, list[str]]:
    """Return every public name that more than one module of the program or of training defines, with the modules."""
    places = defaultdict(list)
    for path, tree in python_files(root, "index", "rag", "training"):
        module = path.removesuffix(".py").replace("/", ".")
        for name in top_level_names(tree):
            if not name.startswith("_") and not (name in ENTRIES and module.startswith(ENTRIES[name])):
                places[name].append(module)
    return {name: modules for name, modules in places.items() if len(modules) > 1}


def top_level_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names of the functions, classes, constants and types that a module defines."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


@pytest.fixture
def copy_of_house(tmp_path: Path) -> Path:
    """The Python files of the program, to be spoiled."""
    for place in ("index", "rag", "training"):
        shutil.copytree(
            ROOT / place,
            tmp_path / place,
            ignore=lambda at, names: [
                name for name in names if not (Path(at) / name).is_dir() and not name.endswith(".py")
            ],
        )
    shutil.copy(ROOT / "app.py", tmp_path)
    return tmp_path


def test_every_import_runs_in_the_order_of_the_rooms() -> None:
    assert wrong_imports() == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("index/text/words.py", "from index.store.bm25 import LexicalIndex"),
        ("index/sync.py", "from rag.settings import Settings"),
        ("rag/reader/spans.py", "from rag import answer"),
        ("rag/check/wording.py", "import rag.writer.llm"),
        ("rag/engine.py", "from rag.ui import chat"),
        ("rag/answer.py", "from training.int8 import write_int8"),
        ("index/no_room.py", "from index.home import index_folder"),
    ],
)
def test_an_import_against_the_order_is_noticed(copy_of_house: Path, path: str, line: str) -> None:
    assert wrong_imports(copy_of_house) == []
    with (copy_of_house / path).open("a", encoding="utf-8") as stream:
        stream.write(f"\n{line}\n")
    assert [one.split(" imports ")[0] for one in wrong_imports(copy_of_house)] == [path]


def test_every_public_name_is_defined_once() -> None:
    assert defined_twice() == {}


@pytest.mark.parametrize("line", ["class Catalog: ...", "def terms() -> None: ...", "FORMAT = 1", "Vectors: int = 1"])
def test_a_second_definition_is_noticed(copy_of_house: Path, line: str) -> None:
    with (copy_of_house / "rag/scope.py").open("a", encoding="utf-8") as stream:
        stream.write(f"\n{line}\n")
    assert ["rag.scope" in modules for modules in defined_twice(copy_of_house).values()] == [True]


MOST_PARAMETERS = 6


def long_parameter_lists(root: Path = ROOT) -> list[str]:
    """Return the functions of index and rag with too many parameters, self and cls not counted."""
    found = []
    for path, tree in python_files(root, "index", "rag"):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                if len([one for one in given if one.arg not in ("self", "cls")]) > MOST_PARAMETERS:
                    found.append(f"{path}: {node.name}")
    return found


def test_no_function_has_more_than_six_parameters(copy_of_house: Path) -> None:
    assert long_parameter_lists() == []
    with (copy_of_house / "rag/scope.py").open("a", encoding="utf-8") as stream:
        stream.write("\ndef many(a, b, c, d, *, e, f, g): ...\n")
    assert "rag/scope.py: many" in long_parameter_lists(copy_of_house)


PACKAGES = {"yaml": "PyYAML", "argon2": "argon2_cffi"}
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


@pytest.mark.slow
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
