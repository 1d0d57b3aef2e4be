"""Terminal output: no title, name or text of a source can send control sequences to the terminal."""

from __future__ import annotations

import ast
import json
import os
import pty
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rag.cli.main import COMMANDS
from rag.printable import one_line, safe
from rag.types import Answer
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

OBEYED = "\x1b]0;owned\x07\x1b[31m\x1b]8;;http://evil.example\x1b\\\x9b2J\r\x08\x7f\u202e\u2066\u200f\u061c\ufeff\u2028"
"""A title, a colour, a link, a C1 control, a return, a backspace, and marks that change the writing direction."""
NAME = "otter\x1b[31m\u202e\x9b\n.txt"
TEXT = f"The otters {OBEYED}of Alm\n\nThe otters of the river Alm {OBEYED} are counted by Dr. Quillfeather in March.\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a home, hostile sources and a question set."""
    folder = tmp_path_factory.mktemp("hostile")
    docs = folder / "docs"
    docs.mkdir()
    (docs / NAME).write_text(TEXT, "utf-8")
    (docs / f"empty{NAME}").write_text("")
    (docs / f"photo\x1b[31m{NAME}.j\x1bpg").write_bytes(b"\xff")
    question = {"question": f"Who counts the otters {OBEYED}?", "id": f"1{OBEYED}", "answers": ["Dr. Quillfeather"]}
    unfound = {"question": "Where?", "relevant": [{"source": f"gone{OBEYED}.txt", "quote": "x"}]}
    (folder / "questions.jsonl").write_text("\n".join(json.dumps(row) for row in (question, unfound)))
    text, _ = run(folder, ("index", str(docs)))
    assert "1 added" in text
    return folder


_WALK = """
import json, sys
from rag.cli.main import main
for words in json.loads(sys.argv[1]):
    print("\\n==", ascii(words), flush=True)
    try:
        main(words)
    except SystemExit:
        pass
"""
"""A program that runs many commands in one process, because each start takes seconds."""


def run(folder: Path, *commands_: Sequence[str], terminal: bool = False) -> tuple[str, str]:
    """Run commands, on a terminal or in a pipe; return (output, error output)."""
    environment = {**os.environ, "FOOTNOTE_HOME": str(folder / "home"), "FOOTNOTE_LLM_MODEL": f"model{OBEYED}"}
    words = [sys.executable, "-c", _WALK, json.dumps(commands_)]
    ours, theirs = pty.openpty() if terminal else os.pipe()
    with subprocess.Popen(words, cwd=ROOT, env=environment, stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        # A thread, because both streams must be read at the same time.
        with ThreadPoolExecutor(1) as reader:
            text = reader.submit(lambda: b"".join(iter(lambda: read(ours), b"")))
            assert process.stderr is not None
            trouble = process.stderr.read()
    os.close(ours)
    return text.result().decode().replace("\r\n", "\n") if terminal else text.result().decode(), trouble.decode()


def outputs(text: str) -> list[str]:
    """Return the output of each command, without the line that names it."""
    return [part.partition("\n")[2] for part in text.split("\n== ")[1:]]


def read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # The other end is closed.
        return b""


def control_characters(text: str) -> set[str]:
    """Return the characters of an output that control a terminal."""
    return {c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}


def commands(folder: Path) -> Iterator[tuple[str, ...]]:
    """Yield every command that ends by itself, used rightly and wrongly, with bad names."""
    yield ("ask", "Who counts the otters of the river Alm?")
    yield ("ask", "Who counts the otters of the river Alm?", "--source", NAME)
    yield ("ask", "Who wrote Hamlet?")
    yield ("ask", "Who?", "--source", f"gone{OBEYED}")
    yield ("show", NAME)
    yield ("show", NAME, "--from", "0", "--to", "40")
    yield ("show", NAME, "--blocks")
    yield ("show", f"gone{OBEYED}")
    receipt = Answer(f"Who counts the otters{OBEYED}?", f"Nobody{OBEYED}.", False)
    (folder / "receipt.json").write_text(json.dumps(receipt.to_json()))
    yield ("replay", str(folder / "receipt.json"))
    yield ("replay", str(folder / f"gone{OBEYED}.json"))
    yield ("whatsnew", str(folder / "questions.jsonl"))
    yield ("whatsnew", str(folder / f"gone{OBEYED}.jsonl"))
    yield ("sources",)
    yield ("doctor",)
    yield ("doctor", "--url", "http://127.0.0.1:9")
    yield ("doctor", "--url", f"http://127.0.0.1:9/{OBEYED}")
    yield ("settings",)
    yield ("completion", "bash")
    yield ("completion", f"gone{OBEYED}")
    yield ("models", "--quote")
    yield ("models", "--use", f"gone{OBEYED}", "--at", "http://127.0.0.1:9/v1")
    yield ("user", "list")
    yield ("user", "add", f"gone{OBEYED}", "--no-password")
    yield ("user", "disable", f"gone{OBEYED}")
    yield ("user", "dance")
    yield ("token", "list", f"gone{OBEYED}")
    yield ("token", "new", f"gone{OBEYED}")
    yield ("token", "revoke", f"gone{OBEYED}")
    yield ("audit",)
    yield ("index", "--dry-run")
    yield ("index", str(folder / f"gone{OBEYED}"))
    yield ("index", f"ftp://{OBEYED}")
    yield ("index", f"--{OBEYED}")
    yield (f"dance{OBEYED}",)
    yield ("evaluate", str(folder / "questions.jsonl"), "--out", str(folder / "run\x1b[31m"))
    yield ("evaluate", str(folder / f"gone{OBEYED}.jsonl"))
    yield ("evaluate", str(folder / "questions.jsonl"), "--baseline", f"gone{OBEYED}")
    yield ("compare", str(folder / "run\x1b[31m"), str(folder / "run\x1b[31m"))
    yield ("compare", f"gone{OBEYED}", "b")
    yield ("backup", str(folder / "backup\x1b[31m.zip"))
    yield ("backup", str(folder / "backup\x1b[31m.zip"))
    yield ("restore", str(folder / "backup\x1b[31m.zip"))
    yield ("restore", str(folder / "backup\x1b[31m.zip"), "--home", str(folder / "other\x1b[31m"))
    yield ("restore", str(folder / f"gone{OBEYED[2:]}.zip"), "--home", str(folder / "third"))
    yield ("forget", f"gone{OBEYED}")
    yield ("forget", NAME)
    yield ("index",)
    yield ("index", str(folder / "docs" / NAME))


def test_no_command_prints_control_characters(home: Path) -> None:
    walked = list(commands(home))
    text, trouble = run(home, *walked, terminal=True)
    assert len(outputs(text)) == len(walked) and "Traceback" not in text + trouble
    for words, output in zip(walked, outputs(text), strict=True):
        assert not control_characters(output), (words, output)
    assert not control_characters(trouble), trouble
    assert "\\x1b[31m" in text and "\\u202e" in text and "\\x1b" in trouble


def test_every_command_of_the_program_is_tested(home: Path) -> None:
    """Except the page, the chat, which prints answers as `ask` does, and MCP, which prints its protocol alone."""
    assert {words[0] for words in commands(home)} >= COMMANDS.keys() - {"serve", "chat", "mcp"}


def test_json_and_piped_text_are_exact(home: Path) -> None:
    question = ("ask", "Who counts the otters of the river Alm?", "--json")
    read_by_programs = (("show", NAME), ("show", NAME, "--from", "4", "--to", "20"), ("sources", "--json"), question)
    piped, _ = run(home, *read_by_programs)
    shown, _ = run(home, *read_by_programs, terminal=True)
    whole, part, sources, answered = outputs(piped)
    assert (whole, part) == (f"{TEXT}\n", TEXT[4:20])
    assert not control_characters(shown)
    source, answer = json.loads(sources), json.loads(answered)
    assert source[0]["source"] == NAME and answer["citations"][0]["source"] == NAME
    assert answer["passages"][0]["text"] in TEXT
    again = [json.loads(text) for text in outputs(shown)[2:]]
    assert again[0] == source and again[1]["citations"] == answer["citations"]


def test_characters_without_control_effect_are_kept() -> None:
    kept = "Ça va? 日本 שלום 👩\u200d👧 tab\tline\nnbsp\u00a0soft\u00adhyphen \ue000"
    assert safe(kept) == kept and one_line("a\nb\tc\rd") == "a\\nb\\tc\\rd"
    assert safe("\ud83d\x00\x1b\x9b\u2067") == "\\ud83d\\x00\\x1b\\x9b\\u2067"


def test_only_the_terminal_module_prints() -> None:
    for path in [ROOT / "app.py", *(ROOT / "rag").rglob("*.py")]:
        # MCP's protocol goes to standard output; tests/test_api.py shows that nothing else does.
        if path.relative_to(ROOT).as_posix() in ("rag/cli/terminal.py", "rag/api/tools.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", f"{path}:{node.lineno}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys":
                assert node.attr not in ("stdout", "stderr") or path.name == "main.py", f"{path}:{node.lineno}"
