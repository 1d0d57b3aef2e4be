"""Evaluation runs: asked, judged, resumed, compared and reported; also by the command line as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from index.build.generation import Generation
from rag.answer import answer
from rag.engine import Engine
from rag.evaluation import feedback
from rag.evaluation.compare import compare
from rag.evaluation.judge import judge_answer
from rag.evaluation.labels import Corpus, find_labels, missing_labels
from rag.evaluation.questions import Label, Question, QuestionSet
from rag.evaluation.read import read_questions
from rag.evaluation.run import (
    BadRun,
    Options,
    Run,
    ask_all,
    choose_folder,
    describe_run,
    finish,
    read_run,
    runs_folder,
)
from rag.evaluation.statistics import MEANS, NAMES
from rag.evaluation_runs import UnknownSet, read_set
from rag.settings import SEEDS, Settings
from rag.ui import report
from tests.conftest import ROOT
from tests.conftest import Run as Call
from tests.test_questions import squad

pytestmark = pytest.mark.slow

FIRST, SECOND = "000_fee8f80bb4d154f2.txt", "002_892b5bec6cb22725.txt"


@pytest.fixture(scope="session")
def seed_questions() -> QuestionSet:
    return read_questions(SEEDS / "questions.jsonl")


def run_it(
    engine: Engine, questions: QuestionSet, folder: Path, *, never_refuse: bool = False, workers: int = 1
) -> Run:
    making = describe_run(engine, questions, Options(never_refuse))
    for _ in ask_all(engine, questions, folder, making, workers):
        pass
    finish(folder)
    return read_run(folder)


@pytest.fixture(scope="session")
def seed_run(engine: Engine, seed_questions: QuestionSet, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_it(engine, seed_questions, tmp_path_factory.mktemp("run") / "seeds")


def without_times(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    del summary["timings_ms"]
    return summary


# --- causes -----------------------------------------------------------------------------------------------------------

JOBS = "with predictions of creating 1,000 jobs"


@pytest.mark.parametrize(
    ("question", "answers", "labels", "answerable", "cause"),
    [
        ("How many jobs will the TDK deal create?", ("1,000 jobs",), (Label(FIRST, JOBS),), True, None),
        ("How many jobs will the TDK deal create?", ("1,000 jobs",), (), True, None),
        ("How many jobs will the TDK deal create?", ("1,000 jobs",), (Label(SECOND, "Detroit"),), True, "wrong_place"),
        ("How many jobs will the TDK deal create?", ("1,000 jobs",), (Label("gone.txt"),), True, "not_in_corpus"),
        ("How many jobs will the TDK deal create?", ("2,000",), (Label("gone.txt"),), True, "not_in_corpus"),
        (
            "How many jobs will the TDK deal create?",
            ("2,000",),
            (Label(FIRST, "no such words"),),
            True,
            "not_in_corpus",
        ),
        ("How many jobs will the TDK deal create?", ("no such words",), (), True, "not_in_corpus"),
        ("How many jobs will the TDK deal create?", ("2,000",), (Label(FIRST, JOBS),), True, "wrong_words"),
        ("How many jobs will the TDK deal create?", ("x",), (Label(SECOND, "the Chevy Bolt"),), True, "not_chosen"),
        ("How many jobs will the TDK deal create?", (), (), False, "answered_unanswerable"),
        ("Who wrote Hamlet?", (), (), False, None),
        ("Who wrote Hamlet?", ("Mary Barra",), (Label(SECOND, "CEO Mary Barra"),), True, "wrongly_refused"),
        ("Who wrote Hamlet?", ("x",), (Label(FIRST, spans=((0, 2000),)),), True, "not_in_a_chunk"),
        ("How many jobs will the TDK deal create?", (), (), None, None),
    ],
)
def test_a_failed_question_gets_the_cause_of_the_failure(
    engine: Engine,
    question: str,
    answers: tuple[str, ...],
    labels: tuple[Label, ...],
    answerable: bool | None,
    cause: str | None,
) -> None:
    case = Question("q", question, answers, answerable, labels)
    judged = judge_answer(case, answer(engine, question), Corpus(engine.parts()[0]))
    assert judged["cause"] == cause


REFERENCE = "The deal between General Motors and TDK is expected to create around 1,000 new jobs at a local production."


@pytest.mark.parametrize(
    ("reference", "cause"),
    [
        (REFERENCE, None),  # The answer has 4 of its 9 words that the question lacks: 1, 000, local, product.
        ("General Motors has not said yet in which year the foreign suppliers of cells would stop deliveries.", "x"),
        (
            "Hamlet, prince of Denmark, talks to the skull of a jester whom he knew when he was a child.",
            "not_in_corpus",
        ),
    ],
)
def test_a_long_reference_in_other_words_counts_as_in_the_corpus(
    engine: Engine, reference: str, cause: str | None
) -> None:
    question = "How many jobs will the TDK deal create?"
    case = Question("q", question, (reference,), True)
    found = judge_answer(case, answer(engine, question), Corpus(engine.parts()[0]))
    assert found["cause"] == cause if cause != "x" else found["cause"] not in (None, "not_in_corpus")
    assert found["scores"]["wrong"] == float(cause is not None)


def test_a_right_quote_below_a_wrong_opening_counts_as_misled(engine: Engine) -> None:
    question = "Who supplies GM's cells?"
    found = answer(engine, question)
    quoted = found.citations[0].quote
    case = Question("q", question, (quoted,), True)
    opening = replace(found.sentences[0], text="Elon Musk", words=True)
    wrong = replace(found, text=f"Elon Musk [1]\n\n{found.text}", sentences=(opening, *found.sentences[1:]))
    judged = judge_answer(case, wrong, Corpus(engine.parts()[0]))
    assert judged["scores"]["wrong"] == 0 and judged["scores"]["misled"] == 1 and judged["cause"] == "misled"


def test_a_row_has_no_cause_only_if_it_is_neither_wrong_nor_misled(seed_run: Run) -> None:
    sound = [row["scores"] for row in seed_run.rows if row["cause"] is None]
    assert sound and not any(one["wrong"] or one["misled"] for one in sound)
    answered = [row["scores"] for row in seed_run.rows if not row["scores"]["refused"]]
    measured = json.loads((seed_run.folder / "summary.json").read_text())["measures"]["misled"]
    assert measured["mean"] == pytest.approx(sum(one["misled"] for one in answered) / len(answered))
    assert all(row["scores"]["misled"] is None for row in seed_run.rows if row["scores"]["refused"])


def test_contexts_of_other_tools_are_labels_if_a_source_holds_them(engine: Engine, tmp_path: Path) -> None:
    quote = "with predictions of creating 1,000 jobs and substantially enhancing local production capabilities"
    rows = [
        {"user_input": "How many jobs will the TDK deal create?", "reference": "1,000", "reference_contexts": [quote]},
        {"user_input": "How many jobs will TDK create?", "reference": "1,000", "reference_contexts": ["1,000 of them"]},
        {"user_input": "What will the TDK deal enhance?", "reference_contexts": [quote.replace(" and ", "\nand ")]},
    ]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found, corpus = read_questions(tmp_path / "q.jsonl"), Corpus(engine.parts()[0])
    text = str(getattr(corpus.article(FIRST), "text", ""))
    first, second, third = (find_labels(one, corpus) for one in found.questions)
    assert [text[a:b] for a, b in first[0].spans] == ["1,000"] and first[0].label.source == FIRST
    assert second == [] and [text[a:b] for a, b in third[0].spans] == [quote]
    at = text.index(quote)
    assert first[0].lies_in(FIRST, at, at + 40) and not first[0].lies_in(FIRST, 0, 20)
    assert third[0].lies_in(FIRST, at, at + 60) and not third[0].lies_in(FIRST, at - 90, at + 5)
    message = [str(one) for one in missing_labels(found, corpus)]
    assert message == ["q, contexts: 1 of 3 are in no source word for word: these are judged by their answers alone"]


def test_a_source_that_was_not_retrieved_has_a_cause_of_its_kind(seeds_home: Path) -> None:
    engine = Engine(Settings(home=seeds_home, candidates=1, passages=1))
    case = Question("q", "How many jobs will the TDK deal create?", ("x",), True, (Label(SECOND, "the Chevy Bolt"),))
    assert judge_answer(case, answer(engine, case.text), Corpus(engine.parts()[0]))["cause"] == "not_retrieved"


# --- a run ------------------------------------------------------------------------------------------------------------


def test_a_run_is_a_folder_with_every_answer_its_scores_and_a_summary(
    seed_run: Run, seed_questions: QuestionSet
) -> None:
    summary = json.loads((seed_run.folder / "summary.json").read_text())
    assert [row["id"] for row in seed_run.rows] == [one.id for one in seed_questions.questions]
    assert summary["questions"] == 61 and summary["answerable"] == 34
    assert set(NAMES) <= set(summary["measures"]) and "refusal_recall:foreign" in summary["measures"]
    for name, one in summary["measures"].items():
        assert one["mean"] is None or one["low"] <= one["mean"] <= one["high"], name
    assert summary["measures"]["verbatim"]["mean"] == 1 and summary["measures"]["ece"]["mean"] is None
    assert sum(summary["causes"].values()) == sum(row["cause"] is not None for row in seed_run.rows) > 0
    assert summary["timings_ms"]["total"]["p50"] <= summary["timings_ms"]["total"]["p95"]
    made = summary["made_by"]
    assert made["corpus_sha256"] and made["question_set"]["sha256"] and made["versions"]["chromadb"]
    assert made["settings"]["FOOTNOTE_PASSAGES"] == "10" and "FOOTNOTE_HOME" not in made["settings"]
    first = seed_run.rows[0]
    assert first["answer"]["schema"] == 1 and set(MEANS) <= set(first["scores"])


def test_an_identical_rerun_shows_no_difference(
    engine: Engine, seed_run: Run, seed_questions: QuestionSet, tmp_path: Path
) -> None:
    again = compare(seed_run, run_it(engine, seed_questions, tmp_path / "again", workers=2))
    assert {one.verdict for one in again.measures if one.change is not None} == {"no difference shown"}
    assert not again.changes and not again.makes and not again.worse
    assert without_times(seed_run.folder) == without_times(tmp_path / "again")


def test_never_refusing_is_worse_where_refusing_is_right(
    engine: Engine, seed_run: Run, seed_questions: QuestionSet, tmp_path: Path
) -> None:
    rash = run_it(engine, seed_questions, tmp_path / "rash", never_refuse=True)
    compared = compare(seed_run, rash)
    verdicts = {one.name: one.verdict for one in compared.measures}
    assert verdicts["refusal_recall"] == verdicts["refusal_f1"] == verdicts["risk"] == "worse"
    assert verdicts["coverage"] == "higher" and verdicts["verbatim"] == verdicts["success@5"] == "no difference shown"
    assert compared.makes == ("options.never_refuse was False, is True",)
    causes = json.loads((rash.folder / "summary.json").read_text())["causes"]
    assert causes["answered_unanswerable"] == 27 and "wrongly_refused" not in causes
    measures = json.loads((rash.folder / "summary.json").read_text())["measures"]
    assert all(measures[name]["mean"] is not None for name in ("ece", "brier", "aurc", "coverage@10%risk"))


def test_fewer_passages_lower_the_retrieval_measures(
    seeds_home: Path, seed_run: Run, seed_questions: QuestionSet, tmp_path: Path
) -> None:
    narrow = Engine(Settings(home=seeds_home, candidates=1, passages=1))
    compared = compare(seed_run, run_it(narrow, seed_questions, tmp_path / "narrow"))
    assert {"success@5", "success@10", "recall@5", "recall@10"} <= set(compared.worse)
    assert "not_retrieved" in {change.new["cause"] for change in compared.changes}
    assert "settings.FOOTNOTE_PASSAGES was '10', is '1'" in compared.makes


def test_one_question_is_not_enough_to_call_a_measure_worse(seed_run: Run) -> None:
    old, new = ([dict(row, scores=dict(row["scores"])) for row in seed_run.rows] for _ in range(2))
    place = next(place for place, row in enumerate(old) if row["scores"]["answerable"] is False)
    old[place]["scores"] |= {"tags": ["rare"], "refused": True}
    new[place]["scores"] |= {"tags": ["rare"], "refused": False}
    compared = compare(Run(seed_run.folder, seed_run.made_by, old), Run(seed_run.folder, seed_run.made_by, new))
    rare = next(one for one in compared.measures if one.name == "refusal_recall:rare")
    assert rare.change == -1 and rare.verdict == "no difference shown"


def test_a_damaged_run_is_reported_when_named_and_skipped_otherwise(
    engine: Engine, seed_questions: QuestionSet, tmp_path: Path
) -> None:
    making = describe_run(engine, seed_questions, Options())
    asking = ask_all(engine, seed_questions, tmp_path / "run", making)
    next(asking)
    asking.close()
    (tmp_path / "run" / "results.jsonl").write_text("garbage\n")
    with pytest.raises(BadRun, match="an invalid line"):
        next(ask_all(engine, seed_questions, tmp_path / "run", making))
    (runs_folder(tmp_path) / "broken").mkdir(parents=True)
    (runs_folder(tmp_path) / "broken" / "run.json").write_text("")
    assert choose_folder(tmp_path, seed_questions, making).name.startswith("questions-")


def test_a_question_with_half_a_character_is_answered(engine: Engine) -> None:
    assert not answer(engine, "Who is the \ud800 CEO of GM?").refused


def test_a_set_without_labels_gives_only_coverage_and_verbatim(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("question\nWho is the CEO of GM?\nWho wrote Hamlet?\n")
    run_it(engine, read_questions(tmp_path / "q.csv"), tmp_path / "run")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    known = {name for name, one in summary["measures"].items() if one["mean"] is not None}
    assert known == {"coverage", "verbatim"} and summary["answerable"] == 0 and not summary["causes"]


def test_a_stopped_run_keeps_its_rows_and_refuses_other_options(
    engine: Engine, seed_questions: QuestionSet, tmp_path: Path
) -> None:
    making = describe_run(engine, seed_questions, Options())
    asking = ask_all(engine, seed_questions, tmp_path / "run", making)
    assert [next(asking) for _ in range(4)] == [(0, 61), (1, 61), (2, 61), (3, 61)]
    with pytest.raises(BadRun, match="Another process is working on the run"):
        next(ask_all(engine, seed_questions, tmp_path / "run", making))
    asking.close()
    kept = (tmp_path / "run" / "results.jsonl").read_text()
    (tmp_path / "run" / "results.jsonl").write_text(kept + '{"n": 3, "torn')
    with pytest.raises(BadRun, match=r"holds another run: options.never_refuse was False, is True"):
        next(ask_all(engine, seed_questions, tmp_path / "run", describe_run(engine, seed_questions, Options(True))))
    assert next(ask_all(engine, seed_questions, tmp_path / "run", making)) == (3, 61)
    assert (tmp_path / "run" / "results.jsonl").read_text() == kept
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(BadRun, match="not empty and has no run"):
        next(ask_all(engine, seed_questions, tmp_path / "other", making))


def test_an_evaluation_without_a_set_says_what_to_do(engine: Engine) -> None:
    with pytest.raises(UnknownSet, match="Choose one, or upload one on the page"):
        read_set(engine, "")


# --- the command line -------------------------------------------------------------------------------------------------


@pytest.fixture
def two_hundred(tmp_path: Path) -> Path:
    rows = [json.loads(line) for line in (SEEDS / "questions.jsonl").read_text("utf-8").splitlines()]
    path = tmp_path / "two hundred.jsonl"
    path.write_text("".join(f"{json.dumps({**rows[n % len(rows)], 'id': f'q{n}'})}\n" for n in range(200)))
    return path


def test_a_killed_run_resumes_and_ends_like_an_unbroken_run(
    run: Call, two_hundred: Path, seeds_home: Path, tmp_path: Path
) -> None:
    engine = Engine(Settings(home=seeds_home, reader="small"))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run_it(engine, read_questions(two_hundred), whole)
    environment = {**os.environ, "FOOTNOTE_HOME": str(seeds_home), "FOOTNOTE_READER": "small"}
    command = [sys.executable, "app.py", "evaluate", str(two_hundred), "--out", str(killed)]
    results = killed / "results.jsonl"
    for count, how, code in ((50, signal.SIGINT, 130), (100, signal.SIGKILL, -9)):
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Background processes ignore Ctrl-C, and their children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while process.poll() is None and (not results.exists() or results.read_bytes().count(b"\n") < count):
            time.sleep(0.005)
        process.send_signal(how)
        message = process.communicate(timeout=30)[1].decode()
        assert process.returncode == code and "Traceback" not in message
        assert ("Run the same command to continue" in message) is (how == signal.SIGINT)
        assert count <= results.read_bytes().count(b"\n") < 200 and not (killed / "summary.json").exists()
    again = run("evaluate", str(two_hundred), "--out", str(killed), FOOTNOTE_READER="small")
    assert again.returncode == 0, again.stderr
    assert results.read_bytes().count(b"\n") == 200
    assert without_times(killed) == without_times(whole)


def test_evaluate_prints_a_table_writes_a_run_and_compares_it_with_a_baseline(run: Call, tmp_path: Path) -> None:
    questions = tmp_path / "few.jsonl"
    rows = (SEEDS / "questions.jsonl").read_text("utf-8").splitlines()
    questions.write_text("\n".join([*rows[4:10], *rows[-20:-14], "nonsense"]))
    first = run("evaluate", str(questions), "--out", str(tmp_path / "a"))
    assert first.returncode == 0 and "contains_answer" in first.stdout and "Traceback" not in first.stderr
    assert "few.jsonl, line 13: is not JSON" in first.stderr and "1,000 resamples" in first.stdout
    assert {p.name for p in (tmp_path / "a").iterdir()} >= {"run.json", "results.jsonl", "summary.json", "report.html"}
    judged = run(
        "evaluate", str(questions), "--never-refuse", "--out", str(tmp_path / "b"),
        "--baseline", str(tmp_path / "a"), "--fail-if-worse",
    )  # fmt: skip
    assert judged.returncode == 1 and "worse" in judged.stdout and "options.never_refuse" in judged.stdout
    same = run("compare", str(tmp_path / "a"), str(tmp_path / "a"), "--json", "--fail-if-worse")
    value = json.loads(same.stdout)
    assert same.returncode == 0 and value["changes"] == []
    assert {one["verdict"] for one in value["measures"].values()} <= {"no difference shown", None}
    lost = run("evaluate", str(questions), "--fail-if-worse")
    assert lost.returncode == 2 and "needs a --baseline" in lost.stderr
    strict = run("evaluate", str(questions), "--strict")
    assert strict.returncode == 1 and "--strict" in strict.stderr and "line 13" in strict.stderr


def test_a_question_set_is_not_a_source_of_the_folder_that_it_tests(run: Call, tmp_path: Path) -> None:
    folder, home = tmp_path / "folder", tmp_path / "home"
    folder.mkdir()
    (folder / "a.txt").write_text("The mill at Farley was built in 1823.\n")
    (folder / "my set.jsonl").write_text('{"question": "When was the mill built?", "answer": "Farley, in 1823"}\n')
    command = ["evaluate", str(folder / "my set.jsonl"), "--corpus", str(folder), "--out", str(tmp_path / "run")]
    done = run(*command, home=home)
    assert done.returncode == 0 and 'my set.jsonl: "answer" is read as "answers".' in done.stderr
    (line,) = (tmp_path / "run" / "results.jsonl").read_text().splitlines()
    assert {one["source"] for one in json.loads(line)["answer"]["passages"]} == {"a.txt"}
    indexed = run("index", str(folder), home=home)
    copied = tmp_path / "copy.jsonl"
    copied.write_bytes((folder / "my set.jsonl").read_bytes())
    again = run("evaluate", str(copied), "--out", str(tmp_path / "own"), home=home)
    assert indexed.returncode == again.returncode == 0, again.stderr
    (line,) = (tmp_path / "own" / "results.jsonl").read_text().splitlines()
    assert {one["source"] for one in json.loads(line)["answer"]["passages"]} == {"a.txt"}
    assert "my set.jsonl" in run("sources", home=home).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "none.jsonl"], "No such file"),
        (["evaluate", "seeds/questions.jsonl", "--tag", "none"], "its tags: close"),
        (["evaluate", "seeds/questions.jsonl", "--corpus", "same"], "Only SQuAD JSON and sets with contexts do"),
        (["evaluate", "seeds/questions.jsonl", "--corpus", "nowhere"], "does not exist"),
        (["evaluate", "seeds/questions.jsonl", "--baseline", "nothing"], "There is no run called 'nothing'"),
        (["evaluate", "seeds/questions.jsonl", "--out", "README.md"], "README.md can't be used as a run folder"),
        (["compare", "x" * 300, "y"], "File name too long"),
        (["compare", "seeds", "seeds"], "There is no run called 'seeds'"),
    ],
)
def test_an_evaluation_that_cannot_start_is_explained_in_one_line(run: Call, words: list[str], message: str) -> None:
    done = run(*words)
    assert done.returncode == 1 and message in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_a_squad_file_is_evaluated_on_its_articles_without_touching_the_users_index(run: Call, tmp_path: Path) -> None:
    path, home = tmp_path / "squad.json", tmp_path / "home"
    path.write_text(json.dumps(squad()))
    options = ["--corpus", "same", "--never-refuse", "--out", str(tmp_path / "run")]
    done = run("evaluate", str(path), *options, home=home)
    assert done.returncode == 0, done.stderr
    first = json.loads((tmp_path / "run" / "results.jsonl").read_text().splitlines()[0])
    assert first["answer"]["citations"][0]["source"] == "A_Mill.txt" and first["scores"]["success@1"] == 1
    assert not (home / "index").exists() and list((home / "evaluation").glob("*/index/current"))


# --- the report -------------------------------------------------------------------------------------------------------


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset")]


def test_the_report_is_a_single_file_without_external_resources(seed_run: Run) -> None:
    text = report.write_report(seed_run.folder, compare(seed_run, seed_run)).read_text("utf-8")
    page = _Page(text)
    assert page.links == [] and "@import" not in text and "url(" not in text
    assert page.tags.count("script") == 1 and page.tags.count("svg") == 2 and page.tags.count("mark") > 20
    assert text.count('class="fn-row"') == 61 and "no difference shown" in text


def test_hostile_text_is_escaped_in_a_report(engine: Engine, tmp_path: Path) -> None:
    hostile = "What is <img src=x onerror=alert(1)> {{7*7}} </script><script>alert(1)</script>?"
    (tmp_path / "q.jsonl").write_text(json.dumps({"question": hostile, "answers": [hostile], "tags": [hostile]}))
    run_it(engine, read_questions(tmp_path / "q.jsonl"), tmp_path / "run")
    page = _Page(report.write_report(tmp_path / "run").read_text("utf-8"))
    assert page.tags.count("script") == 1 and "img" not in page.tags and page.links == []


# --- from chat to test ------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


PLACE = {"source": FIRST, "quote": "1,000 jobs", "start": 10, "end": 20}


def test_a_judged_answer_becomes_a_labelled_question(home: Path, seeds: Generation) -> None:
    corpus = Corpus(seeds)
    feedback.keep(
        home,
        feedback.Judgement("should_have_refused", "Who wrote\nHamlet?", ["the sources do not say"], [PLACE]),
        corpus,
    )
    feedback.keep(
        home, feedback.Judgement("wrong_passage", "How many jobs?", ["1,000", " ", "a thousand"], [PLACE]), corpus
    )
    feedback.keep(home, feedback.Judgement("wrong_words", "How many jobs?", ["1,000"], [PLACE]), corpus)
    feedback.keep(home, feedback.Judgement(feedback.GOOD, "How many jobs?", [], [PLACE]), corpus)
    feedback.keep(home, feedback.Judgement(feedback.GOOD, "Who wrote Hamlet?", refused=True), corpus)
    kept = read_questions(feedback.feedback_file(home))
    label = (Label(FIRST, "1,000 jobs", ((10, 20),)),)
    assert not kept.problems
    assert [(q.text, q.answerable, q.answers, q.labels, q.tags[1]) for q in kept.questions] == [
        ("Who wrote Hamlet?", False, (), (), "should_have_refused"),
        ("How many jobs?", True, ("1,000", "a thousand"), (), "wrong_passage"),
        ("How many jobs?", True, ("1,000",), label, "wrong_words"),
        ("How many jobs?", True, (), label, "good"),
        ("Who wrote Hamlet?", False, (), (), "good"),
    ]


@pytest.mark.parametrize(
    ("kind", "question", "answers", "cited", "message"),
    [
        ("wrong_words", "How many jobs?", [], [], "Write what the right answer is"),
        ("nonsense", "How many jobs?", ["x"], [], "Choose what was wrong"),
        ("other", "", ["x"], [], "empty"),
        ("other", "How many jobs?", ["x" * 30_000], [], "too long to keep"),
        ("good", "How many jobs?", [], [{"source": 5}], "the name of a source"),
        ("good", "Hello there!", [], [], "cites nothing"),
        ("good", "How many jobs?", [], [{**PLACE, "source": "no-such.txt"}], "is not in the corpus"),
        ("good", "How many jobs?", [], [{**PLACE, "quote": "9,999 jobs"}], "is not in"),
    ],
)
def test_unusable_feedback_is_not_kept(
    home: Path,
    seeds: Generation,
    kind: str,
    question: str,
    answers: list[str],
    cited: list[dict[str, Any]],
    message: str,
) -> None:
    with pytest.raises(feedback.BadFeedback, match=message):
        feedback.keep(home, feedback.Judgement(kind, question, answers, cited), Corpus(seeds))
    assert not feedback.feedback_file(home).exists()
