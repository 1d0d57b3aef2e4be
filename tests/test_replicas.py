"""Two replicas of the server over one home and one Chroma server answer alike while another process syncs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from benchmarks.chroma import Chroma
from benchmarks.served import served
from tests.conftest import Run

pytestmark = pytest.mark.slow

COUNTS, LIVES, HUNTS = "Who counts the otters of the river Alm?", "Where do badgers live?", "Where do owls hunt?"
OTTERS = "The otters of the river Alm are counted by {} in March.\n"
STATES = (
    {"otters.txt": OTTERS.format("Dr. Quillfeather"), "badgers.txt": "Badgers live in the wood of Brill.\n"},
    {"otters.txt": OTTERS.format("Mrs. Underhill"), "owls.txt": "Owls hunt at the mill of Thame.\n"},
    {"otters.txt": OTTERS.format("Prof. Sedgewick"), "badgers.txt": "Badgers live in the quarry of Wheatley.\n"},
)
"""The files of the folder at each sync: each changes a document, adds another, and deletes one."""
ANSWERS: tuple[dict[str, str], ...] = (
    {COUNTS: "Quillfeather", LIVES: "Brill", HUNTS: ""},
    {COUNTS: "Underhill", LIVES: "", HUNTS: "Thame"},
    {COUNTS: "Sedgewick", LIVES: "Wheatley", HUNTS: ""},
)
"""A word of each answer in each state; "" for a refusal."""


def write(folder: Path, files: dict[str, str]) -> None:
    """Make the folder hold these files and no others."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)


def core(answer: dict[str, Any]) -> str:
    """Return what two replicas must agree on: the words, their places, and the refusal."""
    return json.dumps([answer[key] for key in ("answer", "refused", "refusal", "citations")])


class Seen:
    """The answers of all replicas by generation and question."""

    def __init__(self) -> None:
        self.cores: dict[tuple[str, str], set[str]] = {}
        self.generations: dict[str, list[str]] = {}
        """Generations in the order in which each replica first used them."""

    def keep(self, replica: str, answer: dict[str, Any]) -> None:
        generation = answer["made_by"]["generation"]
        self.cores.setdefault((generation, answer["question"]), set()).add(core(answer))
        used = self.generations.setdefault(replica, [])
        if generation not in used[-1:]:
            used.append(generation)


def ask(client: httpx.Client, question: str, conversation: str | None = None) -> dict[str, Any]:
    reply = client.post("/api/ask", json={"question": question, "conversation": conversation})
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def is_of(answer: dict[str, Any], word: str) -> bool:
    return answer["refused"] if not word else word in answer["answer"]


@contextmanager
def replicas(home: Path, folder: Path, **env: str) -> Iterator[list[httpx.Client]]:
    """Run two servers over one home; yield a client of each."""
    with (
        served(home, folder / "one.log", **env) as one,
        served(home, folder / "two.log", **env) as two,
        httpx.Client(base_url=one, timeout=120, trust_env=False) as first,
        httpx.Client(base_url=two, timeout=120, trust_env=False) as second,
    ):
        for client in (first, second):
            while client.get("/ready").status_code != 200:
                time.sleep(0.2)
        yield [first, second]


def test_two_replicas_answer_alike_while_a_third_process_syncs(chroma: Chroma, tmp_path: Path, run: Run) -> None:
    home, docs = tmp_path / "home", tmp_path / "docs"
    env = {"FOOTNOTE_CHROMA_URL": chroma.url, "FOOTNOTE_LOOK_EVERY": "0"}
    write(docs, STATES[0])
    assert run("index", str(docs), home=home, **env).returncode == 0
    seen, ended = Seen(), Event()

    def ask_until_the_end(client: httpx.Client) -> None:
        while not ended.is_set():
            for question in ANSWERS[0]:
                seen.keep(str(client.base_url), ask(client, question))

    with replicas(home, tmp_path, **env) as clients, ThreadPoolExecutor(2) as threads:
        for client in clients:
            for question, word in ANSWERS[0].items():
                answer = ask(client, question)
                assert is_of(answer, word), answer["answer"]
                seen.keep(str(client.base_url), answer)
        asking = [threads.submit(ask_until_the_end, client) for client in clients]
        try:
            for state, expected in zip(STATES[1:], ANSWERS[1:], strict=True):
                write(docs, state)
                done = run("index", home=home, **env)
                assert done.returncode == 0, done.stderr
                for question, word in expected.items():
                    one, other = (ask(client, question) for client in clients)
                    assert core(one) == core(other) and is_of(one, word), (one["answer"], other["answer"])
        finally:
            ended.set()
        for each in asking:
            each.result()
        assert sum(len(client.get("/api/sources").json()["sources"]) for client in clients) == 4

    # Every answer is one that its generation gives, whichever replica gave it, and no replica goes back.
    assert {len(cores) for cores in seen.cores.values()} == {1}
    first, second = seen.generations.values()
    assert first == second == sorted(set(first)) and len(first) == len(STATES)
    for generation, expected in zip(first, ANSWERS, strict=True):
        for question, word in expected.items():
            (found,) = seen.cores[generation, question]
            assert is_of(dict(zip(("answer", "refused"), json.loads(found), strict=False)), word), found


def test_a_conversation_begun_at_one_replica_goes_on_at_the_other(tmp_path: Path, run: Run) -> None:
    home, docs = tmp_path / "home", tmp_path / "docs"
    write(
        docs, {"ferry.md": "# Ferries\n\nHeron Lines runs the ferry to Lundy. The CEO of Heron Lines is Ada Quill.\n"}
    )
    assert run("index", str(docs), home=home).returncode == 0
    with replicas(home, tmp_path) as (first, second):
        begun = ask(first, "Which company runs the ferry to Lundy?", "new")
        going_on = ask(second, "and who is its CEO?", begun["conversation"])
        assert "Ada Quill" in going_on["answer"]
        lists = [client.get("/conversations").json() for client in (first, second)]
        assert lists[0] == lists[1] and len(lists[0]) == 1

        # The replicas keep the index up to date themselves, and never both at once.
        (docs / "ferry.md").write_text("# Ferries\n\nOtter Rail runs the ferry to Lundy.\n")
        for client in (first, second):
            while "Otter Rail" not in ask(client, "Which company runs the ferry to Lundy?")["answer"]:
                time.sleep(0.2)
    assert "Traceback" not in (tmp_path / "one.log").read_text() + (tmp_path / "two.log").read_text()
