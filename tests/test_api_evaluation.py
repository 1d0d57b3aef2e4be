"""Running question sets over the API, and reading the runs."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from rag.access.users import UserStore
from rag.access.visitor import Role
from rag.api.request_log import RequestLog
from rag.api.routes import make_api_router
from rag.api.service import AnswerService
from rag.engine import Engine
from rag.evaluation.read import read_rows
from rag.evaluation.run import finished_runs, runs_folder
from rag.evaluation_runs import EvaluationOrder, EvaluationRuns
from rag.removed import Removed
from rag.settings import Settings
from rag.source_changes import SourceChanges
from rag.ui.report import write_report
from rag.uploads import Uploads, question_sets_folder
from tests.programs import JOBS, ready_server
from tests.visitor import Visitor

ROWS: list[dict[str, Any]] = [
    {"id": "jobs", "question": JOBS, "answers": ["1,000"]},
    {"id": "hamlet", "question": "Who wrote Hamlet?", "answerable": False},
]
MANY = [{**ROWS[n % 2], "id": f"q{n}"} for n in range(400)]


@pytest.fixture(scope="module")
def engine(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home = Path(shutil.copytree(seeds_home, tmp_path_factory.mktemp("evaluate") / "secret-folder"))
    engine = Engine(Settings(home=home, reader="small"))
    engine.warm_up()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def service(engine: Engine) -> AnswerService:
    return AnswerService(engine)


@pytest.fixture(scope="module")
def runs(engine: Engine, service: AnswerService) -> EvaluationRuns:
    return EvaluationRuns(engine, service.queue, write_report)


@pytest.fixture(scope="module")
def client(engine: Engine, service: AnswerService, runs: EvaluationRuns) -> TestClient:
    app = FastAPI()
    app.add_middleware(RequestLog)
    removed = Removed(engine)
    files = Uploads(engine.home, engine.settings, removed)
    app.include_router(make_api_router(service, files, SourceChanges(engine, removed), runs))
    return TestClient(app, raise_server_exceptions=False)


def keep_set(home: Path) -> None:
    """Store the set mine.jsonl, as an upload does."""
    question_sets_folder(home).mkdir(exist_ok=True)
    (question_sets_folder(home) / "mine.jsonl").write_text("\n".join(map(json.dumps, ROWS)))


def events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of each event of a stream."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_rows_are_asked_and_the_run_is_listed_and_read(client: TestClient, engine: Engine) -> None:
    made = client.post("/api/evaluate", json={"questions": [*ROWS, {"question": 5}]}).json()
    measures = made["summary"]["measures"]
    assert made["summary"]["questions"] == 2 and made["summary"]["answerable"] == 1
    assert (measures["contains_answer"]["mean"], measures["contains_answer"]["n"]) == (1.0, 1)
    (problem,) = made["problems"]
    assert "row 3" in problem and "question" in problem
    newest = client.get("/api/runs").json()["runs"][0]
    assert (newest["name"], newest["question_set"], newest["questions"]) == (made["run"], "API", 2)
    read = client.get(f"/api/runs/{made['run']}")
    assert read.json() == {"run": made["run"], "summary": made["summary"]} and "secret-folder" not in read.text
    assert (runs_folder(engine.home) / made["run"] / "report.html").is_file()


def test_never_refusing_is_passed_on(client: TestClient) -> None:
    made = client.post("/api/evaluate", json={"questions": ROWS, "never_refuse": True}).json()
    assert made["summary"]["made_by"]["options"]["never_refuse"] is True
    assert client.get("/api/runs").json()["runs"][0]["never_refuse"] is True


def test_a_set_is_run_by_its_label_and_the_stream_ends_with_its_run(client: TestClient, engine: Engine) -> None:
    keep_set(engine.home)
    with client.stream("POST", "/api/evaluate", json={"set": "mine.jsonl", "stream": True}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        *progress, (name, last) = events(stream.iter_lines())
    assert {one for one, _ in progress} == {"progress"} and {value["total"] for _, value in progress} == {2}
    counts = [value["done"] for _, value in progress]
    assert counts == sorted(counts) and counts[-1] == 2
    assert name == "done" and last["run"].startswith("mine-") and last["summary"]["questions"] == 2
    assert last["run"] == finished_runs(engine.home)[0]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, 'either "questions"'),
        ({"questions": ROWS, "set": "mine.jsonl"}, 400, 'either "questions"'),
        ({"questions": []}, 400, "questions"),
        ({"questions": ["Who?"]}, 400, "questions.0"),
        ({"questions": [{"question": " "}]}, 400, "row 1"),
        ({"questions": [{"question": "Who?", "answers": "Ada"}]}, 400, "row 1"),
        ({"questions": [{"question": "\ud800?"}]}, 400, "surrogate"),
        ({"questions": ROWS, "corpus": "/etc"}, 400, "corpus"),
        ({"set": "unknown.jsonl"}, 404, "Choose one"),
        ({"set": "/etc/passwd"}, 404, "Choose one"),
        ({"set": "../roots.json"}, 404, "Choose one"),
    ],
)
def test_a_set_that_cannot_be_asked_is_refused_with_the_reason(
    client: TestClient, engine: Engine, body: dict[str, Any], status: int, words: str, stream: bool
) -> None:
    before = sorted(runs_folder(engine.home).glob("*"))
    sent = json.dumps(body | {"stream": stream})
    reply = client.post("/api/evaluate", content=sent, headers={"Content-Type": "application/json"})
    assert reply.status_code == status and words in reply.json()["error"], reply.text
    assert "secret-folder" not in reply.text and sorted(runs_folder(engine.home).glob("*")) == before


def test_a_deeply_nested_row_is_a_problem_of_that_row(client: TestClient) -> None:
    for depth in (300, 900, 5_000):
        rows = f'{json.dumps(ROWS[0])}, {{"question": "Who?", "relevant": {"[" * depth}{"]" * depth}}}'
        sent = f'{{"questions": [{rows}]}}'
        reply = client.post("/api/evaluate", content=sent, headers={"Content-Type": "application/json"})
        assert reply.status_code in (200, 400) and "Traceback" not in reply.text, depth
        if reply.status_code == 200:
            assert len(reply.json()["problems"]) == 1


@pytest.mark.parametrize("name", ["unknown", "%2e%2e", "%2e%2e%2fsets", "..%2f..%2findex"])
def test_an_unknown_run_is_no_path(client: TestClient, name: str) -> None:
    assert client.get(f"/api/runs/{name}").status_code == 404


def test_an_unfinished_run_is_neither_listed_nor_read(client: TestClient, runs: EvaluationRuns, engine: Engine) -> None:
    order = EvaluationOrder("", lambda: read_rows(MANY, "unfinished"), "", "test")
    for state in runs.run(order):
        if state.done == 3:
            runs.stop(order)
    assert (state.stage, state.done) == ("stopped", 3)
    assert state.name not in [one["name"] for one in client.get("/api/runs").json()["runs"]]
    assert client.get(f"/api/runs/{state.name}").status_code == 404


def test_two_evaluations_do_not_run_at_once(client: TestClient, runs: EvaluationRuns, engine: Engine) -> None:
    running = runs.run(EvaluationOrder("", lambda: read_rows(MANY, "first"), "", "test"))
    next(running)
    for stream in (False, True):
        reply = client.post("/api/evaluate", json={"questions": ROWS, "stream": stream})
        assert reply.status_code == 409 and "Another evaluation is running" in reply.json()["error"]
    running.close()
    assert client.post("/api/evaluate", json={"questions": ROWS}).status_code == 200


def test_a_run_that_another_server_works_on_is_not_begun_twice(
    client: TestClient, engine: Engine, service: AnswerService
) -> None:
    others = EvaluationRuns(engine, service.queue, write_report)
    rows = [{**row, "id": f"twice-{row['id']}"} for row in ROWS]
    theirs = others.run(EvaluationOrder("", lambda: read_rows(rows, "API"), "", "test"))
    assert [next(theirs).stage for _ in range(2)] == ["reading", "asking"]
    reply = client.post("/api/evaluate", json={"questions": rows})
    assert reply.status_code == 409 and "Another program" in reply.json()["error"]
    assert [*theirs][-1].stage == "done"
    assert client.post("/api/evaluate", json={"questions": rows}).status_code == 200


def test_after_an_error_the_next_evaluation_runs(client: TestClient) -> None:
    assert client.post("/api/evaluate", json={"questions": [{"question": ""}]}).status_code == 400
    assert client.post("/api/evaluate", json={"questions": ROWS}).status_code == 200


def test_while_the_models_load_an_evaluation_has_to_wait(tmp_path: Path) -> None:
    engine = Engine(Settings(home=tmp_path))
    service, removed = AnswerService(engine), Removed(engine)
    files = Uploads(engine.home, engine.settings, removed)
    app = FastAPI()
    app.add_middleware(RequestLog)
    runs = EvaluationRuns(engine, service.queue, write_report)
    app.include_router(make_api_router(service, files, SourceChanges(engine, removed), runs))
    reply = TestClient(app).post("/api/evaluate", json={"questions": ROWS})
    assert reply.status_code == 503 and int(reply.headers["retry-after"]) > 0


# --- a real server ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Path(shutil.copytree(seeds_home, tmp_path_factory.mktemp("served") / "home"))
    users = UserStore(home)
    for name, role in (("anna", Role.ADMIN), ("edda", Role.EDITOR), ("rita", Role.READER)):
        users.add(name, "four plain words here", role, "test")
    keep_set(home)
    return home


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with ready_server(home, FOOTNOTE_READER="small", FOOTNOTE_MAX_REQUESTS_A_MINUTE="0") as address:
        yield address


def visit(address: str, home: Path, name: str) -> httpx.Client:
    """Return a client with a token of the user."""
    token = UserStore(home).new_token(name, Role.ADMIN, "", None, "test")
    return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=120)


def run_on_page(address: str, home: Path, name: str) -> dict[str, Any]:
    """Open the page as the user, run the set mine.jsonl, and return the final message."""
    page = Visitor(address, footnote_session=UserStore(home).begin_session(name, 1))
    run = page.event("fn-never")
    sets = run["inputs"][0]
    opening = next(one for one in page.config["dependencies"] if not one["inputs"] and sets in one["outputs"])
    page.call(opening, [], "evaluates")  # lists the sets
    return page.call(run, ["mine.jsonl", False], "evaluates")


@pytest.mark.slow
def test_only_editors_evaluate_and_the_audit_log_says_who_did(address: str, home: Path) -> None:
    with visit(address, home, "rita") as reader:
        assert reader.post("/api/evaluate", json={"questions": ROWS}).status_code == 403
        assert reader.get("/api/runs").status_code == 403 and reader.get("/api/runs/x").status_code == 403
    with visit(address, home, "edda") as editor:
        assert editor.post("/api/evaluate", json={"questions": ROWS}).json()["summary"]["questions"] == 2
        assert len(editor.get("/api/runs").json()["runs"]) == 1
        assert run_on_page(address, home, "anna")["success"]
        assert editor.get("/api/runs").json()["runs"][0]["question_set"] == "mine"
    noted = [(one.who, one.about) for one in UserStore(home).audit(20) if one.what == "evaluation run"]
    assert noted == [("edda", "2 rows of a request"), ("anna", "mine.jsonl")]


@pytest.mark.slow
def test_the_page_waits_for_a_program_and_who_leaves_can_continue(address: str, home: Path) -> None:
    body = {"questions": MANY, "stream": True}
    with visit(address, home, "edda") as editor:
        with editor.stream("POST", "/api/evaluate", json=body) as stream:
            come = events(stream.iter_lines())
            while (event := next(come))[1]["done"] < 3:
                assert event[0] == "progress"
            refused = run_on_page(address, home, "anna")
            assert "Another evaluation is running" in json.dumps(refused)
        while editor.post("/api/evaluate", json={"questions": ROWS[:1]}).status_code == 409:
            time.sleep(0.1)
        with editor.stream("POST", "/api/evaluate", json=body) as stream:
            assert next(events(stream.iter_lines()))[1]["done"] >= 3
    (folder,) = [
        path.parent for path in runs_folder(home).glob("*/run.json") if not (path.parent / "summary.json").exists()
    ]
    assert folder.name not in finished_runs(home)
