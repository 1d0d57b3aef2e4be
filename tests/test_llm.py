"""Language models: whatever a scripted or a real server writes, every statement shown as fact is in the sources."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from benchmarks import written
from benchmarks.scripted import KEY, Server, serving
from benchmarks.served import free_port
from index.errors import FootnoteError
from rag.answer import answer, stream
from rag.engine import Engine
from rag.settings import Settings, make_settings
from rag.types import Answer
from rag.variables import list_settings
from rag.writer import prompt
from rag.writer.llm import LanguageModel, ModelServerError
from tests.conftest import ROOT, Run

SUPPLIERS = "who supplies GM's cells?"
FIRMS = "Which firms does GM work with on batteries?"
JOBS = "How many jobs will the TDK deal create?"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def ask(server: Server, engine: Engine) -> Ask:
    """Return ask(part, question, **settings), which uses the scripted model `part`."""

    def call(part: str, question: str = SUPPLIERS, never_refuse: bool = False, **settings: Any) -> Answer:
        return answer(engine_for(engine, server, part, **settings), question, never_refuse=never_refuse)

    return call


def engine_for(engine: Engine, server: Server, part: str, **settings: Any) -> Engine:
    given = {"home": engine.home, "writer": "llm", "llm_url": server.url, "llm_model": part, **settings}
    made = copy(engine)
    made.settings = Settings(**given)
    return made


def verdicts(found: Answer) -> list[str]:
    return [one["verdict"] for one in found.to_json()["sentences"]]


# --- usable models ----------------------------------------------------------------------------------------------------


def test_a_good_model_writes_the_answer_and_every_sentence_links_to_its_source(ask: Ask, engine: Engine) -> None:
    found = ask("perfect")
    assert found.writer == "llm" and verdicts(found) == ["supported", "supported"] and not found.notes
    assert found.text == (
        "General Motors is already working with LG Chem, Samsung SDI and CATL on batteries. [1] "
        "GM plans to launch twenty new electric vehicles by 2023. [1]"
    )
    for one in found.citations:
        article = engine.parts()[0].catalog.article(one.source)
        assert article is not None and article.text[one.start : one.end] == one.quote
    assert "Samsung SDI Co Ltd" in found.citations[0].quote and len(found.citations) == 1
    assert found.tokens["prompt"] == 1000 and found.tokens["completion"] > 5
    assert {"first_sentence", "generate", "check"} <= found.timings.keys()
    assert not found.refused and any(passage.cited for passage in found.passages)


@pytest.mark.parametrize(
    ("part", "question", "wrong", "why"),
    [
        ("wrong-number", JOBS, "7,777", "“7,777” is not in passage"),
        ("wrong-number", SUPPLIERS, "7,777", "“7,777” is not in passage"),
        ("wrong-name", SUPPLIERS, "Panasonic", "“Panasonic” is not in passage"),
        ("wrong-name", JOBS, "Panasonic", "“Panasonic” is not in passage"),
        ("wrong-date", SUPPLIERS, "2019", "“3 March 2019” is not in passage"),
        ("wrong-date", JOBS, "2019", "“3 March 2019” is not in passage"),
        ("no-citation", SUPPLIERS, "$3 billion", "it cites no passage, and no passage supports it"),
        ("wrong-citation", SUPPLIERS, "General Motors is already", "not in passage"),
    ],
)
def test_a_statement_that_no_source_has_is_never_in_the_answer(
    ask: Ask, part: str, question: str, wrong: str, why: str
) -> None:
    found = ask(part, question)
    value = found.to_json()
    assert wrong not in value["answer"] and not found.refused and found.citations
    failed = [one for one in value["sentences"] if one["verdict"] == "unsupported"]
    assert failed and any(wrong in one["text"] for one in failed) and all(not one["citations"] for one in failed)
    assert any(why in one["why"] for one in failed)
    assert any("did not pass the check" in note and failed[0]["why"] in note for note in found.notes)


def test_the_answer_is_quoted_if_no_sentence_passes_the_check(ask: Ask, engine: Engine) -> None:
    found = ask("wrong-name", JOBS)
    quoted = answer(engine, JOBS)
    assert found.writer == "quote" and found.text == quoted.text and found.citations == quoted.citations
    assert verdicts(found) == ["unsupported", *["quoted"] * len(quoted.sentences)]
    assert "None is left, so the answer is quoted." in found.notes


def test_failed_sentences_are_struck_through_if_the_setting_says_so(ask: Ask) -> None:
    found = ask("wrong-name", FIRMS, show_unsupported=True)
    struck = re.findall(r"~~(.*?)~~ \(not supported: (.*?)\)", found.text)
    assert len(struck) == 1 and "Panasonic" in struck[0][0] and "is not in passage" in struck[0][1]
    assert verdicts(found) == ["unsupported", "supported"]


@pytest.mark.parametrize(
    ("part", "why"), [("beyond", "its wording goes beyond passage"), ("denying", "either it or passage")]
)
def test_a_sentence_that_contradicts_or_exceeds_its_source_is_marked_with_the_reason(
    ask: Ask, part: str, why: str
) -> None:
    found = ask(part)
    assert verdicts(found)[:2] == ["weak", "quoted"] and found.to_json()["sentences"][0]["why"].startswith(why)
    assert "No sentence is supported in what the language model wrote, so the answer is quoted." in found.notes


def test_a_written_answer_to_another_question_gives_way_to_quotes(ask: Ask, engine: Engine) -> None:
    found = ask("wrong-number")  # what passes the check says how many vehicles GM will launch
    assert verdicts(found)[:3] == ["unsupported", "supported", "quoted"]
    assert found.writer == "quote" and found.text == answer(engine, SUPPLIERS).text
    assert any("The reading model finds no answer" in note and "quoted" in note for note in found.notes)
    assert ask("wrong-name", FIRMS).writer == "llm"


def test_unknown_ids_are_dropped_and_each_number_is_given_once(ask: Ask) -> None:
    found = ask("unknown-id")
    assert set(re.findall(r"\[(.*?)\]", found.text)) == {"1"} and verdicts(found) == ["supported", "supported"]


def test_a_true_sentence_without_an_id_gets_a_citation_from_the_check(ask: Ask) -> None:
    found = ask("uncited-true")
    assert verdicts(found) == ["supported", "supported"] and found.text.count("[1]") == 2
    assert found.sentences[0].why == "it cites no passage; the check found a supporting one"


@pytest.mark.slow
def test_a_true_sentence_that_joins_two_passages_without_an_id_is_weak(ask: Ask) -> None:
    found = ask(
        "uncited-joined", "how many electric vehicles will GM launch, and how many jobs will TDK's deal create?"
    )
    (joined, *_) = found.checked
    assert joined.verdict == "weak" and joined.why == "it joins two passages, and cites none"
    assert "No sentence is supported in what the language model wrote, so the answer is quoted." in found.notes


def test_a_figure_computed_from_rows_is_not_written_by_the_model(server: Server, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/plants.csv").write_text("Plant,Price EUR,Kind\nRowan,40,tree\nLime,60,tree\nSedge,5,grass\n")
    made = Engine(Settings(home=tmp_path / "home", writer="llm", llm_url=server.url, llm_model="five"))
    made.index([tmp_path / "docs"])
    before = len(server.requests)
    found = answer(made, "what do all trees cost together?")
    assert found.writer == "quote" and "100" in found.text and len(server.requests) == before
    answer(made, "what does the lime cost?")
    assert len(server.requests) == before + 1
    assert "Rowan | Price EUR: 40 | Kind: tree\nPlant: Lime" in server.requests[-1]["messages"][-1]["content"]


def test_chatter_around_the_answer_is_dropped(ask: Ask) -> None:
    found = ask("chatty")
    assert "Sure" not in found.text and "hope" not in found.text and verdicts(found).count("supported") == 2


def test_a_model_that_declines_gives_a_refusal_with_the_nearest_passages(ask: Ask) -> None:
    found = ask("refusing")
    assert found.refused and found.passages and not found.citations and prompt.REFUSAL not in found.text
    assert "The language model found no answer in the passages." in found.notes
    assert not ask("refusing", never_refuse=True).refused


def test_a_refusal_next_to_an_answer_is_left_out(ask: Ask) -> None:
    found = ask("refusing-too")
    assert verdicts(found) == ["supported", "supported"] and not found.refused and prompt.REFUSAL not in found.text


def test_if_quotes_would_not_answer_the_model_answers_alone_or_the_question_is_refused(
    engine: Engine, server: Server
) -> None:
    states = list(stream(engine_for(engine, server, "perfect", refuse_below=1.0), SUPPLIERS))
    assert {one.writer for one in states} == {"llm"} and states[-1].citations
    (refused,) = stream(engine_for(engine, server, "wrong-name", refuse_below=1.0), JOBS)
    assert refused.refused and not refused.citations


def test_a_thought_is_no_part_of_the_answer_even_if_only_its_end_is_marked(ask: Ask) -> None:
    found = ask("thinking-unopened")
    assert verdicts(found) == ["supported", "supported"] and "Panasonic" not in found.text


def test_a_model_that_writes_only_thoughts_is_replaced_by_quotes_with_a_note(ask: Ask) -> None:
    found = ask("thinking-only")
    assert set(verdicts(found)) == {"quoted"}
    assert found.notes == ("The language model wrote no whole sentence, so the answer is quoted.",)


@pytest.mark.parametrize(
    ("part", "question", "kinds"),
    [("cut", SUPPLIERS, ["supported"]), ("unfinished", JOBS, ["weak"]), ("ends", SUPPLIERS, ["quoted"])],
)
def test_no_unfinished_sentence_counts_as_supported(ask: Ask, part: str, question: str, kinds: list[str]) -> None:
    found = ask(part, question)
    assert not found.refused and verdicts(found)[: len(kinds)] == kinds


def test_without_evidence_the_model_is_not_called(ask: Ask, server: Server) -> None:
    before = len(server.requests)
    assert ask("perfect", "Who supplies Tesla's cells?").refused
    assert ask("perfect", "Wer liefert die Zellen von GM?").refused
    assert not ask("perfect", "hello").refused
    assert len(server.requests) == before


def test_quotes_come_first_and_the_last_answer_alone_is_no_draft(engine: Engine, server: Server) -> None:
    first, *drafts, last = stream(engine_for(engine, server, "perfect"), SUPPLIERS)
    assert first.writer == "quote" and first.text == answer(engine, SUPPLIERS).text
    assert drafts and {one.writer for one in (*drafts, last)} == {"llm"}
    assert [one.is_draft for one in (first, *drafts, last)] == [True] * (len(drafts) + 1) + [False]


@pytest.mark.parametrize("question", ["Summarise the article about GM", "Compare TDK and LG Chem"])
def test_summaries_and_comparisons_reach_the_model_and_are_cited(ask: Ask, server: Server, question: str) -> None:
    before = len(server.requests)
    found = ask("five", question)
    assert len(server.requests) == before + 1 and found.writer == "llm" and found.citations and not found.refused


def test_a_question_without_any_relation_does_not_reach_the_model(ask: Ask, server: Server) -> None:
    before = len(server.requests)
    assert ask("perfect", "What is the capital of France?").refused and len(server.requests) == before


@pytest.mark.slow
def test_warming_up_imports_the_client_only_if_a_model_is_set(seeds_home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rag.engine import Engine; from rag.settings import Settings\n"
        "for more in {}, {'llm_url': 'http://127.0.0.1:9/v1', 'llm_model': 'm'}:\n"
        "    made = Engine(Settings(home=Path(sys.argv[1]), **more)); made.warm_up()\n"
        "    print(made.state, 'openai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(seeds_home)], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "ready False\nready True\n", done.stderr


def test_by_default_no_server_is_called(engine: Engine, server: Server) -> None:
    before = len(server.requests)
    found = answer(engine_for(engine, server, "perfect", writer="quote"), SUPPLIERS)
    assert found.writer == "quote" and set(verdicts(found)) == {"quoted"} and len(server.requests) == before
    assert found.to_json()["tokens"] is None


# --- failing servers --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "output"),
    [
        ("locked", "does not accept the key in FOOTNOTE_LLM_KEY (401)"),
        ("missing-model", "has no model called 'missing-model' (404). Set FOOTNOTE_LLM_MODEL"),
        ("busy", "accepts no more requests for now (429; 3 attempts)"),
        ("later", "accepts no more requests for now (429). Ask again in 90 seconds"),
        ("tools", "asked for a tool instead of answering"),
        ("long", "Lower FOOTNOTE_LLM_PROMPT_TOKENS"),
        ("slow", "sent nothing for 0.5 seconds"),
        ("stalls", "sent nothing for 0.5 seconds"),
        ("breaks", "was cut off"),
        ("ends", "was cut off"),
        ("fails", "was cut off"),
        ("html", "is not a language model server. Check FOOTNOTE_LLM_URL"),
    ],
)
def test_the_answer_is_quoted_and_a_note_says_what_to_do_if_the_server_fails(
    ask: Ask, engine: Engine, part: str, output: str
) -> None:
    found = ask(part, llm_key=SecretStr("sk-wrong"), llm_timeout=0.5 if part in ("slow", "stalls") else 20)
    quoted = answer(engine, SUPPLIERS)
    assert (found.writer, found.text, found.citations) == ("quote", quoted.text, quoted.citations)
    assert len(found.notes) == 1 and output in found.notes[0] and "quoted, because" in found.notes[0]


def test_an_answer_without_choices_is_quoted(ask: Ask) -> None:
    found = ask("nothing")
    assert found.writer == "quote" and found.notes == (
        "The language model wrote no whole sentence, so the answer is quoted.",
    )


@pytest.mark.slow
def test_a_server_that_is_down_and_missing_settings_have_different_notes(ask: Ask) -> None:
    off = f"http://127.0.0.1:{free_port()}/v1"
    assert f"Nothing answers at {off}. Start" in ask("perfect", llm_url=off).notes[0]
    assert "FOOTNOTE_LLM_URL is empty" in ask("perfect", llm_url=None).notes[0]
    assert "FOOTNOTE_LLM_MODEL is empty" in ask("", llm_model=None).notes[0]


@pytest.mark.slow
def test_a_server_that_rejects_extra_parameters_is_called_without_them(ask: Ask) -> None:
    assert verdicts(ask("picky")) == ["supported", "supported"]


@pytest.mark.slow
def test_the_right_key_is_accepted(ask: Ask) -> None:
    assert ask("locked", llm_key=SecretStr(KEY)).writer == "llm"


def test_stopping_ends_the_request_at_once(engine: Engine, server: Server) -> None:
    server.let_go.clear()
    stop = threading.Event()
    states = []
    for state in stream(engine_for(engine, server, "endless"), SUPPLIERS, stop=stop):
        if state.writer == "llm":
            states.append(state)
        if len(states) == 3:
            stop.set()
    assert server.let_go.wait(60), "the server still writes"
    assert len(states) <= 6 and [len(state.sentences) for state in states[:3]] == [1, 2, 3]


def test_closing_the_stream_ends_the_request_too(engine: Engine, server: Server) -> None:
    server.let_go.clear()
    states = stream(engine_for(engine, server, "endless"), SUPPLIERS)
    assert next(state for state in states if state.writer == "llm").sentences
    states.close()
    assert server.let_go.wait(60), "the server still writes"


def test_an_endless_answer_is_cut_off(ask: Ask) -> None:
    found = ask("endless", FIRMS, llm_answer_tokens=100)
    assert found.writer == "llm" and 2 <= len(found.sentences) < 30


# --- the key ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_evaluate_counts_verdicts_and_the_key_is_in_no_message_log_or_file(
    run: Run, server: Server, seeds_home: Path, tmp_path: Path
) -> None:
    home = shutil.copytree(seeds_home, tmp_path / "home")
    questions = tmp_path / "questions.jsonl"
    rows = [{"question": JOBS, "answers": ["1,000"]}, {"question": SUPPLIERS, "answers": ["LG Chem"]}]
    questions.write_text("\n".join(map(json.dumps, rows)))
    environment = {"FOOTNOTE_LLM_URL": server.url, "FOOTNOTE_LLM_KEY": KEY, "OPENAI_LOG": "debug"}
    done = run(
        "evaluate", str(questions), "--writer", "llm", "--out", str(tmp_path / "run"),
        home=home, FOOTNOTE_LLM_MODEL="wrong-number", **environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["sentences"]["unsupported"]["n"] == 2 and 0 < summary["sentences"]["unsupported"]["share"] < 1
    assert summary["tokens"]["prompt"] == 2000 and summary["tokens"]["completion"] > 10
    assert summary["made_by"]["settings"]["FOOTNOTE_LLM_KEY"] == "set"
    assert "unsupported" in done.stdout and "Tokens of the language model: 2,000 in the prompts" in done.stdout
    reply = run("ask", JOBS, "--writer", "llm", home=home, FOOTNOTE_LLM_MODEL="leaky", **environment)
    assert reply.returncode == 0 and "answered with an error (500)" in reply.stdout
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    output = [done.stdout, done.stderr, reply.stdout, reply.stderr]
    assert len(files) > 5 and not [path for path in files if KEY[:12].encode() in path.read_bytes()]
    assert "DEBUG" in reply.stderr and not [text for text in output if KEY[:12] in text]
    assert ("FOOTNOTE_LLM_KEY", "set") in [row[:2] for row in list_settings(Settings(llm_key=SecretStr(KEY)))]


@pytest.mark.slow
def test_debug_logs_never_contain_the_key(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for part in ("locked", "leaky", "missing-model"):
            ask(part, llm_key=SecretStr(KEY + "x"))
    assert any(record.name.startswith("openai") for record in caplog.records)
    assert not [record for record in caplog.records if KEY[:12] in f"{record.getMessage()} {record.args}"]


def test_messages_about_an_invalid_key_or_url_do_not_contain_the_key(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    note = ask("perfect", llm_key=SecretStr("sk-abc\ndef–geh")).notes[0]
    assert "FOOTNOTE_LLM_KEY contains characters" in note and "abc" not in note
    monkeypatch.setenv("FOOTNOTE_LLM_URL", "http://me:hunter2@127.0.0.1/v1")
    with pytest.raises(FootnoteError, match="a key goes into FOOTNOTE_LLM_KEY") as caught:
        make_settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.slow
def test_the_key_of_another_service_is_not_sent(
    engine: Engine, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    found = answer(engine_for(engine, server, "locked", llm_key=None), SUPPLIERS)
    assert "wants a key (401)" in found.notes[0]


# --- a real server ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nonsense(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Yield (url, model) of `transformers serve` with a tiny model of random weights."""
    folder = tmp_path_factory.mktemp("nonsense") / "model"
    make_model(folder)
    port = free_port()
    command = [sys.executable, "-c", "import sys; from transformers.cli.transformers import main; sys.exit(main())"]
    log = (folder.parent / "log").open("wb")
    process = subprocess.Popen(
        [*command, "serve", "--port", str(port), "--device", "cpu", str(folder)],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        for _ in range(1200):
            assert process.poll() is None, (folder.parent / "log").read_text()[-2000:]
            try:
                with urllib.request.urlopen(f"http://localhost:{port}/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.5)
        yield f"http://localhost:{port}/v1", str(folder)
    finally:
        process.terminate()
        process.wait(120)
        log.close()


def make_model(folder: Path) -> None:
    """Write an untrained llama of 32 dimensions with a tokenizer trained on the seeds."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    texts = [path.read_text("utf-8") for path in (ROOT / "seeds").glob("*.txt")]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet)
    pieces.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=pieces, bos_token="<s>", eos_token="</s>", pad_token="</s>")
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    ids = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=8192, **size, **ids))
    model.generation_config.do_sample = True
    model.save_pretrained(folder)


@pytest.mark.slow
def test_nonsense_of_a_real_server_is_never_shown_as_fact(
    nonsense: tuple[str, str], engine: Engine, server: Server
) -> None:
    url, model = nonsense
    made = engine_for(engine, server, model, llm_url=url, llm_answer_tokens=300)
    for question in (SUPPLIERS, JOBS):
        found = answer(made, question)
        assert found.tokens["completion"] > 50, found.notes
        shown = [one for one in found.to_json()["sentences"] if one["verdict"] in ("supported", "weak")]
        assert not shown and found.writer == "quote" and found.text == answer(engine, question).text
        assert any(re.search("did not pass the check|no whole sentence", note) for note in found.notes)


def test_the_times_of_a_written_answer_are_in_order(server: Server, engine: Engine) -> None:
    server.pace = 200
    try:
        timed = written.ask(engine_for(engine, server, "five"), server, SUPPLIERS)
    finally:
        server.pace = 0
    assert timed and timed.checked == 5 and min(timed.quoted, timed.check) > 0
    assert 0 < timed.sent < timed.shown < timed.whole and timed.sent < timed.last < timed.whole
    lines = list(written.table([timed, timed], 200))
    assert lines[0].startswith("2 answers of 10 sentences") and len(lines) == 12


def test_a_completion_is_text_followed_by_its_usage(server: Server) -> None:
    model = LanguageModel(Settings(llm_url=server.url, llm_model="refusing"))
    message = {"role": "user", "content": '<passage id="2">It rains.</passage>\n\nQuestion: Why?'}
    *pieces, usage = model.complete([message])
    assert "".join(map(str, pieces)) == prompt.REFUSAL and getattr(usage, "prompt", None) == 1000
    with pytest.raises(ModelServerError, match="404"):
        list(LanguageModel(Settings(llm_url=server.url, llm_model="gone")).complete([message]))
