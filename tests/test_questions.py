"""Question sets: every format gives the same questions, and a message explains every bad row."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.build.generation import Generation
from rag.evaluation.keys import SYNONYMS
from rag.evaluation.labels import Corpus, missing_labels
from rag.evaluation.questions import BadQuestionSet, Label, QuestionSet
from rag.evaluation.read import read_questions
from rag.settings import SEEDS

ROW = {
    "id": "a",
    "question": "How many jobs?",
    "answers": ["1,000", "a | b"],
    "relevant": [{"source": "x.txt", "quote": "1,000 jobs"}],
    "tags": ["number"],
    "forbidden": ["2,000"],
}


def read(folder: Path, name: str, text: str | bytes) -> QuestionSet:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_questions(path)


def messages(found: QuestionSet) -> str:
    return "\n".join(map(str, found.problems))


def test_the_same_questions_are_read_from_every_format(tmp_path: Path) -> None:
    second = {"question": "Who wrote Hamlet?", "answerable": False, "id": "b"}
    lines = f"{json.dumps(ROW)}\n\n{json.dumps(second)}\n"
    table = (
        "\ufeffid,question,answers,answerable,source,quote,tags,forbidden\r\n"
        'a,How many jobs?,"[""1,000"", ""a | b""]",,x.txt,"1,000 jobs",number,"2,000"\r\n'
        "b,Who wrote Hamlet?,,no,,,,\r\n"
    )
    expected = read(tmp_path, "a.jsonl", lines)
    assert [one.id for one in expected.questions] == ["a", "b"] and not expected.problems
    assert expected.questions[0].labels == (Label("x.txt", "1,000 jobs"),)
    assert [one.answerable for one in expected.questions] == [True, False]
    for found in (
        read(tmp_path, "a.json", json.dumps([ROW, second], indent=1)),
        read(tmp_path, "b.json", json.dumps({"questions": [ROW, second]})),
        read(tmp_path, "a.csv", table),
        read(tmp_path, "a.jsonl.gz", gzip.compress(lines.encode())),
    ):
        assert not found.problems
        assert [replace(q, where="") for q in found.questions] == [replace(q, where="") for q in expected.questions]


def test_trec_topics_are_read_with_the_qrels_in_their_folder(tmp_path: Path) -> None:
    (tmp_path / "topics.qrels").write_text("1 0 a b.txt 1\n1 0 c.txt 0\n2 0 c.txt 0\n9 0 c.txt 1\nnonsense\n")
    found = read(tmp_path, "topics.tsv", "1\twhat is a?\n2\twhat is b?\n3\twhat is c?\nno tab\n")
    assert [(q.id, q.answerable, q.labels) for q in found.questions] == [
        ("1", True, (Label("a b.txt"),)),
        ("2", False, ()),
        ("3", False, ()),
    ]
    message = messages(found)
    assert "topics.tsv, line 4: is 'no tab'; expected an id, a tab and the question" in message
    assert "topics.qrels, line 5" in message and "topics.qrels, topic 9" in message


def test_qrels_may_have_three_columns_and_a_header(tmp_path: Path) -> None:
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\ta b.txt\t1\nq1\tc.txt\t0\n")
    found = read(tmp_path, "queries.txt", "q1\twhat is a?\n")
    assert not found.problems and found.questions[0].labels == (Label("a b.txt"),)


def test_topics_without_qrels_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadQuestionSet, match=r"topics\.qrels or qrels\.txt in the same folder, and neither"):
        read(tmp_path, "topics.tsv", "1\twhat is a?\n")


SYNONYMOUS = [
    ('question,answer\nHow many?,"1,000"\n', "csv"),
    ("Question;Expected answer\nHow many?;1,000\n", "csv"),
    ("\ufeffquestion;answers\r\nHow many?;1,000\r\n", "csv"),
    ("query\tgroundTruth\nHow many?\t1,000\n", "csv"),
    ("question|expected_output\nHow many?|1,000\n", "txt"),
    ('user_input,reference,reference_contexts,response\nHow many?,"1,000","[\'Some 1,000 jobs.\']",lots\n', "csv"),
    ("question,ground_truths,contexts,answer\nHow many?,\"['1,000']\",\"['ctx']\",lots\n", "csv"),
    ("question,answers\nHow many?,\"{'text': array(['1,000'], dtype=object), 'answer_start': array([5])}\"\n", "csv"),
    ('{"question": "How many?", "answer": "1,000"}', "jsonl"),
    ('{"question": "How many?", "ground_truth": "1,000", "answer": "lots", "contexts": ["lots"]}', "jsonl"),
    ('{"question": "How many?", "truth": "1,000 [jobs.pdf#page=3][b.txt]"}', "jsonl"),
    ('{"user_input": [{"content": "How many?", "type": "human"}], "reference": "1,000"}', "jsonl"),
    ('{"inputs": {"question": "How many?"}, "outputs": {"answer": "1,000"}, "metadata": {}}', "jsonl"),
    ('{"inputs": {"messages": [{"role": "user", "content": "How many?"}]}, "outputs": {"x": "1,000"}}', "jsonl"),
    ('{"input": "How many?", "expectedOutput": "1,000", "actual_output": null}', "jsonl"),
    ('{"item": {"input": [{"role": "user", "content": "How many?"}], "ideal": ["1,000"]}}', "jsonl"),
    (
        '{"question": "How many?", "context": "Some 1,000", "answers": {"text": ["1,000"], "answer_start": [5]}}',
        "jsonl",
    ),
    ('{"examples": [{"query": "How many?", "reference_answer": "1,000", "reference_answer_by": {}}]}', "json"),
    ('{"rows": [{"row_idx": 0, "row": {"question": "How many?", "answer": "1,000"}}]}', "json"),
    ('{"version": "1", "data": [{"question": "How many?", "answers": {"text": ["1,000"]}}]}', "json"),
    ('{"question": ["How many?"], "ground_truth": [["1,000"]]}', "json"),
    ('{"question": {"0": "How many?"}, "answer": {"0": "1,000"}}', "json"),
]


@pytest.mark.parametrize(("text", "ending"), SYNONYMOUS, ids=[text[:50] for text, _ in SYNONYMOUS])
def test_the_rows_of_other_tools_are_read_with_their_answers(tmp_path: Path, text: str, ending: str) -> None:
    found = read(tmp_path, f"q.{ending}", text)
    assert [(one.text, one.answers, one.answerable) for one in found.questions] == [("How many?", ("1,000",), True)]
    assert not found.problems
    if "lots" in text:
        assert re.search(r'"(?:answer|response)".* not read: a system wrote it', " ".join(found.notes))


def test_a_systems_answer_counts_only_without_a_reference_answer(tmp_path: Path) -> None:
    rows = [{"question": "a?", "ground_truth": "", "answer": "said"}, {"question": "b?", "answer": "right"}]
    found = read(tmp_path, "q.jsonl", "\n".join(map(json.dumps, rows)))
    assert [one.answers for one in found.questions] == [(), ("right",)]
    assert any('"answer" not read' in note for note in found.notes)


def test_a_key_that_may_hold_answers_is_never_dropped_silently(tmp_path: Path) -> None:
    found = read(tmp_path, "a.csv", "question,Model response\nWhat is it?,a mill\n")
    assert messages(found) == (
        'a.csv, keys: "Model response" not read, and no answers were: rename the key of the right answers to "answers"'
    )
    found = read(tmp_path, "b.jsonl", '{"question": "x?", "answers": ["y"], "gold_standard": "z"}')
    assert not found.problems and found.notes == (
        'b.jsonl: "gold_standard" not read: the answers are in another key; join them there if they count.',
    )


def test_sources_cited_in_an_answer_become_its_labels(tmp_path: Path) -> None:
    found = read(tmp_path, "q.jsonl", '{"question": "x?", "truth": "1,000 [a b.txt], not 2 [3] [c.pdf#page=2]"}')
    assert found.questions[0].answers == ("1,000, not 2 [3]",)
    assert found.questions[0].labels == (Label("a b.txt"), Label("c.pdf"))


def test_a_beir_folder_is_read_with_its_judgements_and_its_corpus(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq3\td1\t1\n")
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td/1\t2\nq1\td2\t0\nq9\td2\t1\n")
    queries = [{"_id": f"q{n}", "text": f"what is {n}?", "metadata": {}} for n in (1, 2, 3)]
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    plain = read_questions(tmp_path)
    assert [(one.id, one.text, one.labels) for one in plain.questions] == [("q1", "what is 1?", (Label("d/1"),))]
    assert plain.notes == ("queries.jsonl: 2 queries are not judged in qrels/test.tsv: not asked.",)
    assert messages(plain) == "qrels/test.tsv, topic q9: is judged here, but no question has this id"
    documents = [{"_id": "d/1", "title": "One", "text": "It is one."}, {"_id": "d2", "title": "", "text": "Two."}]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    whole = read_questions(tmp_path / "queries.jsonl")
    assert whole.articles == (("d_1.txt", "One\n\nIt is one."), ("d2.txt", "Two."))
    assert whole.questions[0].labels == (Label("d_1.txt"),) and whole.sha256 != plain.sha256


def test_the_embedding_pairs_of_llamaindex_are_read_with_their_texts(tmp_path: Path) -> None:
    pairs = {
        "queries": {"a": "How many?", "b": "Who?"},
        "corpus": {"n/1": "Some 1,000 jobs.", "n2": "Nobody knows."},
        "relevant_docs": {"a": ["n/1"], "b": ["n2"]},
        "mode": "text",
    }
    found = read(tmp_path, "q.json", json.dumps(pairs))
    assert [(one.id, one.text) for one in found.questions] == [("a", "How many?"), ("b", "Who?")]
    assert found.questions[0].labels == (Label("", "Some 1,000 jobs.", context=True),)
    assert found.articles == (("n_1.txt", "Some 1,000 jobs."), ("n2.txt", "Nobody knows."))


def test_paragraphs_of_a_flat_squad_export_are_grouped_by_title(tmp_path: Path) -> None:
    first = {"title": "A/Mill", "context": "Built in 1823.", "question": "When?"}
    rows: list[dict[str, object]] = [
        {**first, "id": "1", "answers": {"text": ["1823"], "answer_start": [9]}},
        {**first, "id": "2", "question": "Who?", "answers": {"text": [], "answer_start": []}},
        {**first, "id": "3", "context": "It burned.", "answers": {"text": ["burned"], "answer_start": [3]}},
    ]
    found = read(tmp_path, "q.jsonl", "\n".join(map(json.dumps, rows)))
    assert found.articles == (("A_Mill.txt", "Built in 1823.\n\nIt burned."),)
    assert [one.answerable for one in found.questions] == [True, False, True]
    assert found.questions[0].labels == (Label("", "Built in 1823.", ((9, 13),), context=True),)
    assert found.questions[1].labels == ()


def test_a_workbook_is_read_from_the_sheet_with_the_questions(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["notes"])
    sheet = book.create_sheet("set")
    for cells in ([None], ["Question", "Answer", "answerable"], ["How many?", 1000, True], [], ["Who?", None, False]):
        sheet.append(cells)
    book.save(tmp_path / "q.xlsx")
    found = read_questions(tmp_path / "q.xlsx")
    assert [(one.text, one.answers, one.answerable, one.where) for one in found.questions] == [
        ("How many?", ("1000",), True, "row 3"),
        ("Who?", (), False, "row 5"),
    ]
    assert found.notes == ('q.xlsx: "Answer" is read as "answers".',)


def test_a_table_in_windows_1252_is_read_with_a_note(tmp_path: Path) -> None:
    found = read(tmp_path, "q.csv", "question;answer\nWer gründete es?;Jürgen\n".encode("cp1252"))
    assert found.questions[0].answers == ("Jürgen",) and "q.csv is not UTF-8: read as Windows-1252." in found.notes


def test_threads_are_read_in_order(tmp_path: Path) -> None:
    rows = [{"question": f"{n}?", "thread": thread} for n, thread in enumerate(["a", 7, "a", None])]
    found = read(tmp_path, "q.jsonl", "\n".join(map(json.dumps, rows)))
    assert [(one.text, one.thread) for one in found.questions] == [("0?", "a"), ("1?", "7"), ("2?", "a"), ("3?", "")]
    found = read(tmp_path, "q.jsonl", '{"question": "x?", "thread": [1]}\n{"question": "y?"}')
    assert '"thread" is a list' in messages(found)


def squad() -> dict[str, object]:
    context = "It was built in 1823. It burned in 1823."
    spans = [{"text": "1823", "answer_start": 16}, {"text": "in 1823", "answer_start": 32}]
    first = {"id": "q1", "question": "When was it built?", "answers": spans, "is_impossible": False}
    second = {"id": "q2", "question": "Who built it?", "answers": [], "is_impossible": True}
    wrong = {"id": "q3", "question": "Where?", "answers": [{"text": "Farley", "answer_start": 3}]}
    paragraphs = [{"context": "A mill.", "qas": []}, {"context": context, "qas": [first, second, wrong]}]
    return {"version": "v2", "data": [{"title": "A/Mill", "paragraphs": paragraphs}]}


def test_squad_is_read_with_its_articles_and_labels_that_point_into_them(tmp_path: Path) -> None:
    found = read(tmp_path, "s.json", json.dumps(squad()))
    ((source, text),) = found.articles
    assert source == "A_Mill.txt" and text.startswith("A mill.\n\nIt was")
    first, second = found.questions
    assert first.answerable and not second.answerable
    assert [text[a:b] for a, b in first.labels[0].spans] == ["1823", "in 1823"]
    assert messages(found) == "s.json, question 'q3': answer_start 3 does not lead to 'Farley' in its paragraph"


BAD = {
    "not JSON": ('{"question": "x?"', "is not JSON"),
    "a list": ("[1]", "expected an object with a question"),
    "no question": ('{"id": "z"}', "has no \"question\"; it has 'id'"),
    "an empty question": ('{"question": " "}', "is an empty string; expected words"),
    "a question of signs": ('{"question": "???"}', "question is empty"),
    "a number for a question": ('{"question": 5}', "is a number (5)"),
    "an overlong question": (json.dumps({"question": "why " * 200}), "the limit is 500"),
    "a string for answers": ('{"question": "x?", "answers": "y"}', "expected a list of strings"),
    "a number among the answers": ('{"question": "x?", "answers": ["y", 1]}', '"answers" holds a number (1)'),
    "a word for answerable": ('{"question": "x?", "answerable": "yes"}', "expected true or false"),
    "answers, yet unanswerable": ('{"question": "x?", "answerable": false, "answers": ["y"]}', "take one of them out"),
    "no source": ('{"question": "x?", "relevant": [{"quote": "y"}]}', "expected the name of a source"),
    "a string for relevant": ('{"question": "x?", "relevant": "a.txt"}', "expected a list like"),
    "half an offset": ('{"question": "x?", "relevant": [{"source": "a", "start": 3}]}', "not a pair of offsets"),
    "offsets the wrong way": (
        '{"question": "x?", "relevant": [{"source": "a", "start": 3, "end": 2}]}',
        "not a pair of",
    ),
    "a list for an id": ('{"question": "x?", "id": [1]}', '"id" is a list'),
    "an id twice": ('{"question": "x?", "id": "a"}', "stands at line 1 already"),
    "unanswerable, yet labelled": (
        '{"question": "x?", "answerable": false, "relevant": [{"source": "a"}]}',
        "take one of",
    ),
    "no spans": ('{"question": "x?", "relevant": [{"source": "a", "spans": []}]}', "not a pair of offsets"),
    "half a character": ('{"question": "x?", "tags": ["\\ud800"]}', "a lone surrogate"),
    "nothing to look for": ('{"question": "x?", "forbidden": ["?!"]}', "'?!', which has no words to look for"),
    "a string for tags": ('{"question": "x?", "tags": "t"}', '"tags" is the string'),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_row_is_reported_with_its_line_and_the_others_are_read(tmp_path: Path, bad: tuple[str, str]) -> None:
    found = read(tmp_path, "q.jsonl", f"{json.dumps(ROW)}\n{bad[0]}\n" + '{"question": "The last one?"}\n')
    assert [one.text for one in found.questions] == ["How many jobs?", "The last one?"]
    assert len(found.problems) == 1
    assert str(found.problems[0]).startswith("q.jsonl, line 2: ") and bad[1] in messages(found)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("q.jsonl", "", "It is empty"),
        ("q.jsonl", "{}\n{}\n", "The first problem: q.jsonl, line 1"),
        ("q.json", "[1, 2", "a comma or ] is missing|ends inside"),
        ("q.json", '[{"question": "x?"},\n{"question" "y?"}]', "line 2: is not JSON"),
        ("q.json", '{"rows": []}', 'without a list "questions"'),
        ("q.json", "nonsense", "not a JSON list"),
        ("q.json", '{"data": [{"paragraphs": 5, "qas": 1}]}', "starts like SQuAD"),
        ("q.csv", "id,text\n1,what?\n", "no column called question"),
        ("q.docx", "x", "has an unknown file extension"),
        ("q.xlsx", "x", "can't be read as a workbook"),
        ("q.csv", "id;text\n1;what?\n", 'Rename "text" to "question"'),
        ("q.json", '{"data": [{"text": "what?"}]}', "starts like SQuAD"),
        ("q.jsonl", '{"prompt_text": "what?"}', 'rename "prompt_text" if that is it'),
        ("q.jsonl", b"\xff\xfe\x00", "is not UTF-8"),
        ("q.jsonl.gz", b"no gzip", "can't be read"),
        ("q.jsonl.gz", gzip.compress(b'{"question": "x?"}', mtime=0)[:10] + b"\0" * 20, "can't be read"),
        ("q.json", '[{"question": "x?"}]\n[{"question": "y?"}]', "line 2: there is more after the end"),
        ("q.csv", "question,tags,tags\nx?,a,b\n", "the column tags twice"),
        ("q.tsv", "x" * 11_000_000, "not a table header"),
        ("q.json", '{"data": [{"paragraphs": [{"context": "c", "qas": 5}]}]}', r"q\.json starts like SQuAD"),
    ],
)
def test_an_unusable_file_is_refused_and_the_message_says_what_to_change(
    tmp_path: Path, name: str, text: str | bytes, message: str
) -> None:
    with pytest.raises(BadQuestionSet, match=message):
        read(tmp_path, name, text)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BadQuestionSet, match="No such file"):
        read_questions(tmp_path / "none.jsonl")


def test_a_table_may_have_quoted_newlines_and_bad_cells(tmp_path: Path) -> None:
    table = (
        "\ufeffid,question,answers,answerable,source,start,end\n"
        '1,"Who\nasked,\nand why?",me|you,,,,\n'
        "2,What is it?,,perhaps,,,\n"
        "3,Where is it?,,,a.txt,x,9\n"
        "4,When, it, was, said, that, it, is?,\n"
        "5,Which one?,[oops,,,,\n"
        "6,How so?,,,a.txt,3,9\n"
        "7,How so?,,,a.txt,²,9\n"
        f"8,How so?,,,a.txt,{'1' * 5000},9\n"
        f"9,How so?,{'[' * 100_000},,,,\n"
        "10,How so?,,,,3,9\n"
    )
    found = read(tmp_path, "q.csv", table)
    assert [one.id for one in found.questions] == ["1", "6"]
    assert found.questions[0].answers == ("me", "you")
    assert found.questions[1].labels == (Label("a.txt", None, ((3, 9),)),)
    assert [problem.where for problem in found.problems] == [f"line {n}" for n in (5, 6, 7, 8, 10, 11, 12, 13)]


def test_a_set_without_answers_leaves_answerable_open_and_its_ids_are_stable(tmp_path: Path) -> None:
    found = read(tmp_path, "q.csv", "question\nWhat is it?\nWho is it?\nWhat is it?\n")
    again = read(tmp_path, "r.csv", "question\nWho is it?\nWhat is it?\n")
    assert [one.answerable for one in found.questions] == [None] * 3
    assert len({one.id for one in found.questions}) == 3
    assert {one.id for one in again.questions} < {one.id for one in found.questions}


def test_questions_can_be_filtered_by_tag(tmp_path: Path) -> None:
    found = read(tmp_path, "q.jsonl", f"{json.dumps(ROW)}\n" + '{"question": "x?", "tags": ["t"]}\n')
    assert [one.text for one in found.tagged(["t"]).questions] == ["x?"]
    assert found.tagged([]) is found
    with pytest.raises(BadQuestionSet, match="its tags: number, t"):
        found.tagged(["none"])


@pytest.mark.parametrize("answers", [5, True, 1.5, "x", [5], [{}], [{"text": 5, "answer_start": 0}], {"text": "x"}])
def test_malformed_squad_answers_are_reported(tmp_path: Path, answers: object) -> None:
    qas = [{"id": "a", "question": "x?", "answers": answers}, {"id": "b", "question": "y?", "answers": []}]
    found = read(tmp_path, "s.json", json.dumps({"data": [{"paragraphs": [{"context": "c", "qas": qas}]}]}))
    assert [one.id for one in found.questions] == ["b"] and "question 'a'" in messages(found)


def test_articles_with_similar_titles_get_distinct_file_names_on_every_file_system(tmp_path: Path) -> None:
    titles = ["A 3", "A", "A", "a", "CON", "", "…/..", "長" * 200, "長" * 201]
    rows = [{"id": "b", "question": "y?", "answers": []}]
    data = [{"title": title, "paragraphs": [{"context": "c", "qas": rows}]} for title in titles]
    names = [source for source, _ in read(tmp_path, "s.json", json.dumps({"data": data})).articles]
    assert len({name.casefold() for name in names}) == len(titles)
    assert "CON.txt" not in names and all(0 < len(name.encode()) < 256 and "/" not in name for name in names)


NAMES = [
    *"id question answers answerable relevant tags source quote start end spans text answer_start thread".split(),
    *(name for names in SYNONYMS.values() for name in names),
    *"messages role content row item is_impossible corpus".split(),
]
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["x?", "1", "²"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(value=VALUES, frame=st.sampled_from(["jsonl", "list", "questions", "squad", "article", "csv"]))
def test_any_row_is_read_or_refused_with_a_message(
    tmp_path_factory: pytest.TempPathFactory, value: object, frame: str
) -> None:
    sound = {"id": "sound", "question": "Is this one read?"}
    frames = {
        "jsonl": f"{json.dumps(value)}\n{json.dumps(sound)}",
        "list": json.dumps([value, sound]),
        "questions": json.dumps({"questions": [value, sound]}),
        "squad": json.dumps({"data": [{"paragraphs": [{"context": "x", "qas": [value, sound]}]}]}),
        "article": json.dumps({"data": [value, {"paragraphs": [{"context": "x", "qas": [sound]}]}]}),
        "csv": f"question,answers,relevant,start,source\nIs this one read?,,,,\n{json.dumps(value)}\n",
    }
    path = tmp_path_factory.getbasetemp() / {"jsonl": "row.jsonl", "csv": "row.csv"}.get(frame, "row.json")
    path.write_text(frames[frame], "utf-8", errors="replace")
    try:
        assert "Is this one read?" in [one.text for one in read_questions(path).questions]
    except BadQuestionSet as error:
        assert frame in ("article", "questions") and str(error)


@settings(max_examples=200, deadline=None)
@given(
    data=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)),
    ending=st.sampled_from(["jsonl", "json", "csv", "tsv"]),
)
def test_any_file_is_read_or_refused_with_a_message(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, ending: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{ending}"
    path.write_bytes(data)
    try:
        assert read_questions(path).questions
    except BadQuestionSet as error:
        assert str(error)


def test_labels_are_located_in_the_corpus_or_reported(seeds: Generation, tmp_path: Path) -> None:
    source = "000_fee8f80bb4d154f2.txt"
    rows = [
        {"question": "q1?", "relevant": [{"source": source, "quote": "create  1,000\njobs"}]},
        {"question": "q2?", "relevant": [{"source": source}]},
        {"question": "q3?", "relevant": [{"source": "000_fee8f80bb4d154f.txt"}]},
        {"question": "q4?", "relevant": [{"source": source, "quote": "no such words"}]},
        {"question": "q5?", "relevant": [{"source": source, "start": 999_990, "end": 999_999}]},
    ]
    corpus = Corpus(seeds)
    found = read(tmp_path, "q.jsonl", "\n".join(map(json.dumps, rows)))
    places = [corpus.find(one.labels[0]) for one in found.questions]
    article = corpus.article(source)
    assert article and [article.text[a:b] for a, b in places[0].spans] == ["create 1,000 jobs"]
    assert places[0].lies_in(source, 0, len(article.text)) and places[1].lies_in(source, 5, 6)
    assert not places[2].lies_in(source, 0, len(article.text))
    message = [str(problem) for problem in missing_labels(found, corpus)]
    assert message == [
        f"q, line 3: source '000_fee8f80bb4d154f.txt' is not in the corpus; did you mean {source!r}?",
        f"q, line 4: the quote 'no such words' is not in {source!r}",
        f"q, line 5: the place is not in {source!r}",
    ]


def test_every_seed_question_is_valid(seeds: Generation) -> None:
    found = read_questions(SEEDS / "questions.jsonl")
    assert not found.problems and not missing_labels(found, Corpus(seeds))
