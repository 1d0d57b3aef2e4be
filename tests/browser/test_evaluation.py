"""Evaluation on the page: sets are uploaded, run, stopped and compared; a thumb down becomes a test question."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.served import ask, opened, served
from rag.engine import Engine
from rag.evaluation.feedback import feedback_file
from rag.evaluation.read import read_questions
from rag.evaluation.run import finished_runs, list_runs
from rag.settings import SEEDS, Settings
from rag.ui.evaluation import run_title
from tests.test_evaluation import run_it

pytestmark = pytest.mark.browser
JOBS: dict[str, object] = {
    "id": "jobs",
    "question": "How many jobs will the TDK deal create?",
    "answers": ["1,000"],
    "relevant": [{"source": "000_fee8f80bb4d154f2.txt", "quote": "predictions of creating 1,000 jobs"}],
    "tags": ["a number"],
}
HAMLET: dict[str, object] = {"id": "hamlet", "question": "Who wrote Hamlet?", "answerable": False, "tags": ["foreign"]}


@pytest.fixture(scope="module")
def home(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(seeds_home, tmp_path_factory.mktemp("evaluation") / "home"))


@pytest.fixture(scope="module")
def address(home: Path, tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[str]:
    with served(home, tmp_path_factory.mktemp("log") / "serve.log") as address:
        yield address


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as page:
        expect(page.locator(".fn-state-ready")).to_be_visible(timeout=60_000)
        page.get_by_role("link", name="Evaluation").click()
        expect(page.locator("#fn-set input")).not_to_have_value("")
        yield page


def upload(tab: Page, path: Path, rows: list[dict[str, object]], more: str = "") -> None:
    path.write_text("\n".join([*map(json.dumps, rows), more]))
    tab.locator("#fn-evaluation input[type=file]").first.set_input_files(path)
    expect(tab.locator("#fn-progress")).to_contain_text(f"{path.name}: {len(rows)} questions", timeout=30_000)


def run(tab: Page) -> None:
    tab.locator("#fn-run").click()
    expect(tab.locator("#fn-progress")).to_contain_text("Done", timeout=120_000)
    expect(tab.locator("#fn-results .fn-tile").first).to_be_visible(timeout=30_000)


def pick(tab: Page, box: str, option: str) -> None:
    tab.locator(f"{box} input").click()
    tab.get_by_role("option", name=option, exact=True).click()


def row(tab: Page, words: str) -> Locator:
    return tab.locator(".fn-questions .fn-row", has_text=words)


def test_a_set_can_be_uploaded_run_filtered_and_opened_in_the_chat(tab: Page, tmp_path: Path, home: Path) -> None:
    upload(tab, tmp_path / "mine.jsonl", [JOBS, HAMLET], "nonsense")
    expect(tab.locator("#fn-progress")).to_contain_text("mine.jsonl, line 3: is not JSON")
    run(tab)
    expect(tab.locator("#fn-results h1")).to_have_text("Evaluation: mine")
    expect(tab.locator("#fn-results")).to_contain_text("2 questions, 1 answerable")
    tab.get_by_text("All measures, with their names and intervals").click()
    expect(tab.locator(".fn-chart").first).to_be_visible()
    tab.get_by_label("Filter questions by words").fill("hamlet")
    expect(row(tab, "Who wrote Hamlet?")).to_be_visible()
    expect(row(tab, "How many jobs")).to_be_hidden()
    expect(tab.locator(".fn-filter output")).to_have_text("1 question")
    tab.get_by_label("Filter questions by words").fill("")
    tab.get_by_label("Tag", exact=True).select_option("a number")
    expect(row(tab, "Who wrote Hamlet?")).to_be_hidden()
    row(tab, "How many jobs").locator("summary").click()
    expect(row(tab, "How many jobs").locator("mark").first).to_contain_text("1,000 jobs")
    row(tab, "How many jobs").get_by_role("button", name="Ask in the chat").click()
    expect(tab.locator(".fn-turn.fn-answered")).to_contain_text("1,000 jobs", timeout=60_000)
    expect(tab.locator("#fn-evaluation")).to_be_hidden()
    assert (home / "sets" / "mine.jsonl").is_file()


def test_an_unreadable_set_is_refused_and_the_message_says_what_to_change(tab: Page, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("id,text\n1,what?\n")
    tab.locator("#fn-evaluation input[type=file]").first.set_input_files(tmp_path / "bad.csv")
    expect(tab.locator("#fn-progress [role=alert]")).to_contain_text("bad.csv has no column called question")


def test_two_runs_can_be_compared_and_the_report_downloaded(
    tab: Page, tmp_path: Path, home: Path, address: str
) -> None:
    upload(tab, tmp_path / "two.jsonl", [JOBS, HAMLET])
    run(tab)
    first = finished_runs(home)[0]
    title = run_title(list_runs(home)[0])
    tab.get_by_label("Never refuse").check()
    tab.locator("#fn-run").click()
    expect(tab.locator("#fn-results")).to_contain_text("never refusing", timeout=60_000)
    pick(tab, "#fn-against", title)
    expect(tab.locator("#fn-results")).to_contain_text(f"Against {first}", timeout=30_000)
    expect(tab.locator("#fn-results")).to_contain_text("options.never_refuse was False, is True")
    changed = tab.locator("#fn-results .fn-row", has_text="broke Who wrote Hamlet?")
    changed.locator("summary").click()
    expect(changed.locator(".fn-sides")).to_contain_text("Not in the sources")
    with tab.expect_download() as downloading:
        tab.get_by_role("link", name="Download it").click()
    report = Path(downloading.value.path()).read_text("utf-8")
    assert report.startswith("<!doctype html>") and f"Against {first}".replace("-", "&#45;") in report
    with tab.context.expect_page() as opening:
        tab.get_by_role("link", name="Open the report").click()
    opening.value.get_by_label("Outcome").select_option("failed")
    expect(opening.value.locator(".fn-filter output")).to_have_text("1 question")
    answers = opening.value.locator(".fn-questions .fn-answer")
    expect(answers.first).to_be_hidden()
    opening.value.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert sum(answer.is_visible() for answer in answers.all()) == 1  # Printing opens the rows that the filter leaves.


def test_buttons_are_enabled_only_when_usable_and_the_last_run_opens_after_a_reload(
    tab: Page, tmp_path: Path, home: Path
) -> None:
    expect(tab.locator("#fn-run")).to_be_enabled()
    expect(tab.locator("#fn-halt")).to_be_disabled()
    seeds = [json.loads(line) for line in (SEEDS / "questions.jsonl").read_text("utf-8").splitlines()]
    upload(tab, tmp_path / "some.jsonl", seeds[:20])
    tab.locator("#fn-run").click()
    expect(tab.locator("#fn-halt")).to_be_enabled()
    expect(tab.locator("#fn-run")).to_be_disabled()
    expect(tab.locator("#fn-progress")).to_contain_text("Done", timeout=300_000)
    expect(tab.locator("#fn-halt")).to_be_disabled()
    expect(tab.locator("#fn-run")).to_be_enabled()
    tab.reload()
    expect(tab.locator("#fn-results h1")).to_have_text("Evaluation: some")
    expect(tab.get_by_role("radio", name=run_title(list_runs(home)[0]))).to_be_checked()
    listed = [label.strip() for label in tab.locator("#fn-shown label").all_text_contents()]
    assert listed == [run_title(one) for one in list_runs(home)]


def test_plain_sentences_come_first_and_the_names_of_measures_are_folded(tab: Page, tmp_path: Path) -> None:
    upload(tab, tmp_path / "plain.jsonl", [JOBS, HAMLET])
    run(tab)
    tiles = tab.locator("#fn-results .fn-tile")
    expect(tiles).to_have_count(4)
    expect(tiles.nth(0)).to_contain_text("1 of 1 answerable questions are answered right, from the first words on.")
    expect(tiles.nth(1)).to_contain_text("0 of 1 answers open with words that mislead")
    expect(tiles.nth(2)).to_contain_text("1 of 1 questions that the sources do not answer are refused.")
    expect(tiles.nth(3)).to_contain_text("citations are word for word what their source says.")
    expect(tab.locator("#fn-results li", has_text="1 of 1 labelled places are cited.")).to_be_visible()
    name = tab.locator("#fn-results").get_by_text("contains_answer", exact=True)
    expect(name).to_be_hidden()
    tab.get_by_text("All measures, with their names and intervals").click()
    expect(name).to_be_visible()
    expect(tab.locator("#fn-results").get_by_text("misled", exact=True)).to_be_visible()


def test_keys_of_another_tool_are_reported_on_upload(tab: Page, tmp_path: Path) -> None:
    (tmp_path / "ragas.csv").write_text("question;ground_truth;answer\nWho wrote Hamlet?;Shakespeare;nobody\n")
    tab.locator("#fn-evaluation input[type=file]").first.set_input_files(tmp_path / "ragas.csv")
    expect(tab.locator("#fn-progress")).to_contain_text('"ground_truth" is read as "answers"')
    expect(tab.locator("#fn-progress")).to_contain_text('"answer" not read')


def test_a_run_can_be_stopped_and_resumed_and_chat_questions_go_first(tab: Page, tmp_path: Path) -> None:
    seeds = [json.loads(line) for line in (SEEDS / "questions.jsonl").read_text("utf-8").splitlines()]
    upload(tab, tmp_path / "long.jsonl", [{**seeds[n % 61], "id": f"q{n}"} for n in range(600)])
    tab.locator("#fn-run").click()
    expect(tab.get_by_role("progressbar")).to_be_visible(timeout=30_000)
    tab.get_by_role("link", name="Back to the chat").click()
    ask(tab, "Who is the CEO of GM?")
    expect(tab.locator(".fn-turn.fn-answered")).to_contain_text("Mary Barra", timeout=30_000)
    tab.get_by_role("link", name="Evaluation").click()
    expect(tab.locator("#fn-progress")).to_contain_text("of 600 questions")
    tab.locator("#fn-halt").click()
    stopped = tab.locator("#fn-progress", has_text=re.compile(r"Stopped at \d+ of 600"))
    expect(stopped).to_be_visible(timeout=30_000)
    count = int(re.findall(r"Stopped at (\d+)", stopped.text_content() or "")[0])
    tab.locator("#fn-run").click()  # enabled again after the run has ended
    expect(tab.get_by_role("progressbar")).to_be_visible(timeout=120_000)
    at = "Number(document.querySelector('[role=progressbar]')?.getAttribute('aria-valuenow'))"
    tab.wait_for_function(f"{at} > {count}")
    tab.locator("#fn-halt").click()
    expect(stopped).to_be_visible(timeout=30_000)


def test_a_thumb_down_becomes_a_labelled_question_of_the_next_evaluation(tab: Page, home: Path, tmp_path: Path) -> None:
    tab.get_by_role("link", name="Back to the chat").click()
    ask(tab, "How many jobs will the TDK deal create?")
    turn = tab.locator(".fn-turn.fn-answered")
    turn.get_by_role("button", name="Bad answer").click(timeout=60_000)
    dialog = tab.get_by_role("dialog", name="What was wrong?")
    dialog.get_by_label("The right passage, but the wrong words").check()
    dialog.get_by_role("button", name="Keep as a test question").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Write what the right answer is")
    dialog.get_by_label("The right answer").fill("1,000 jobs\na thousand jobs")
    dialog.get_by_role("button", name="Keep as a test question").click()
    expect(dialog).to_be_hidden()
    expect(turn).to_contain_text("Kept as a test question")
    expect(turn.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")
    kept = read_questions(feedback_file(home)).questions[-1]
    assert (
        kept.answers == ("1,000 jobs", "a thousand jobs") and kept.labels and kept.tags == ("feedback", "wrong_words")
    )
    made = run_it(Engine(Settings(home=home)), read_questions(feedback_file(home)), tmp_path / "run")
    assert made.rows[-1]["id"] == kept.id and made.rows[-1]["scores"]["contains_answer"] == 1
    tab.reload()
    expect(tab.locator(".fn-turn.fn-answered")).to_contain_text("Kept as a test question")
    tab.get_by_role("link", name="Evaluation").click()
    expect(tab.locator("#fn-set input")).not_to_have_value("")
    tab.locator("#fn-set input").click()
    expect(tab.get_by_role("option", name="Judged answers (thumbs)")).to_be_visible()


def test_a_thumb_up_stores_the_answer_with_its_places(tab: Page, home: Path) -> None:
    tab.get_by_role("link", name="Back to the chat").click()
    ask(tab, "Who is the CEO of GM?")
    tab.locator(".fn-turn.fn-answered").get_by_role("button", name="Good answer").click(timeout=60_000)
    expect(tab.locator(".fn-kept")).to_be_visible()
    kept = read_questions(feedback_file(home)).questions[-1]
    assert kept.answerable and "Mary Barra" in (kept.labels[0].quote or "") and kept.tags == ("feedback", "good")


def test_invalid_feedback_is_refused_with_a_message(tab: Page, address: str) -> None:
    for body in ("nonsense", "[]", '{"kind": 1}', '{"kind": "good", "question": "x?", "cited": [5]}', "x" * 1_100_000):
        reply = tab.request.post(f"{address}/feedback", data=body, headers={"Content-Type": "application/json"})
        assert reply.status == 422 and reply.json()["problem"]
    reply = tab.request.post(f"{address}/feedback", data="{}", headers={"Content-Type": "text/plain"})
    assert reply.status == 415


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_tab_is_accessible_and_fits_a_phone(tab: Page, tmp_path: Path, dark: bool) -> None:
    if dark:
        tab.get_by_role("button", name="Light or dark").click()
    upload(tab, tmp_path / "axe.jsonl", [JOBS, HAMLET])
    run(tab)
    row(tab, "How many jobs").locator("summary").click()
    tab.wait_for_timeout(1000)  # Axe cannot measure the contrast of fading colours.
    found = Axe().run(tab, context="#fn-progress, #fn-results, #fn-header").response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in serious] == []
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
