"""The parsers that the fuzzer tries: for each its valid files, and a check of what it makes of a file."""

from __future__ import annotations

import gzip
import importlib
import json
import shutil
import traceback
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any

from reportlab import rl_config

from index.article import Article, article_of, make_article
from index.chunk import ChunkLimits, chunk
from index.encoder.embedder import Embedder, find_model
from index.errors import FootnoteError, UnreadableSource
from index.formats import READERS
from index.formats.content import Content, checked
from index.formats.plain import decode
from index.program import PROJECT
from index.text.structure import structure
from index.text.tokens import token_counter
from rag.backup.restore import restore_backup
from rag.backup.write import write_backup
from rag.conversation.store import CONVERSATIONS_FILE, ConversationStore
from rag.evaluation.read import read_questions
from rag.receipt import read_receipt
from rag.settings import Settings, make_settings
from rag.types import Answer
from rag.variables import list_settings, unknown_variables
from tests.documents import FACTS, write_corpus
from tests.golden.make import write_all

Check = Callable[[Path], None]
"""Reads a file. Raises `Refused` for a documented refusal, any other exception for a defect."""


class Refused(Exception):
    """A file that a parser refused as documented."""


class Defect(Exception):
    """A result that no caller expects."""


def expect(holds: object, what: str) -> None:
    """Raise Defect unless something holds."""
    if not holds:
        raise Defect(what)


# --- sources ----------------------------------------------------------------------------------------------------------

_LARGEST = 20_000_000
"""Most bytes of a source, as the setting `max_source_mb` has it."""
_MOST_CUT = 1_000_000
"""Most characters that are cut into passages; cutting takes six seconds for each million."""


def check_source(path: Path) -> None:
    """Read, divide and cut a file as the index does, and check every offset; cut no text of many megabytes."""
    if path.stat().st_size > _LARGEST:
        raise Refused("is larger than the limit")
    article = _article(path)
    size = len(article.text)
    for words in (article.text, article.title, article.author, article.language, article.source):
        expect("\0" not in words, "the text has a NUL")
        words.encode("utf-8")
    expect(article.text.strip() and len(article.title) < 10_000, "no text, or an endless title")
    if article.published:
        expect(article.published.first_day <= article.published.last_day, "the date can't be read")
    for offsets in (article.pages, [row.start for row in article.rows], [time[0] for time in article.times]):
        expect(list(offsets) == sorted(offsets), "offsets are not in order")
        expect(all(0 <= one <= size for one in offsets), "an offset is outside the text")
    blocks = structure(article.text).blocks
    for number, block in enumerate(blocks):
        expect(0 <= block.start <= block.inner <= block.end <= size, "a block is outside the text")
        expect(block.start < block.end, "a block is empty")
        expect(block.parent is None or block.parent < number, "a block stands before its parent")
    for one in chunk(article, limits()) if size <= _MOST_CUT else ():
        expect(article.text[one.start : one.end] == one.text != "", "a passage is not a slice of the text")
        expect(limits().count_pieces(one.searchable) <= limits().pieces, "a passage is too long for the encoder")
        article.page(one.start)


def _article(path: Path) -> Article:
    suffix = path.suffix.lower()
    try:
        if suffix not in READERS:
            text, notes = decode(path.read_bytes())
            return make_article(path.name, text)
        content = checked(importlib.import_module(f"index.formats.{READERS[suffix]}").read(path))
    except (UnreadableSource, OSError) as error:
        expect("\n" not in str(error), "a reason has several lines")
        raise Refused(str(error)) from error
    except (MemoryError, RecursionError) as error:
        raise Refused(type(error).__name__) from error
    except Exception as error:
        # The reading process reports the errors of libraries as damage; an error of our own code is a defect.
        if _is_ours(error):
            raise
        raise Refused(f"is damaged ({type(error).__name__})") from error
    notes = list(content.notes)
    expect(not any("\n" in note for note in notes), "a note has several lines")
    expect(Content.from_json(json.loads(json.dumps(content.to_json()))) == content, "the content changes on its way")
    return article_of(path.name, content)


def _is_ours(error: Exception) -> bool:
    """True if a file of this repository raised an error, and no library."""
    last = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    return last.is_relative_to(PROJECT) and "site-packages" not in last.parts


@cache
def limits() -> ChunkLimits:
    """Return the limits of passages of the default settings, with the real counters."""
    return ChunkLimits(token_counter().count, Embedder(find_model(), threads=1).count_pieces)


# --- other files ------------------------------------------------------------------------------------------------------


def _refusing(check: Check) -> Check:
    """Return the check that takes a FootnoteError for a documented refusal."""

    @wraps(check)
    def checked_file(path: Path) -> None:
        try:
            check(path)
        except (FootnoteError, MemoryError) as error:
            raise Refused(str(error)) from error

    return checked_file


@_refusing
def check_questions(path: Path) -> None:
    """Read a question set."""
    found = read_questions(path)
    expect(found.questions, "a set without questions")
    for question in found.questions:
        question.text.encode("utf-8")
        expect(question.text.strip() and question.id, "an empty question or id")
        expect(
            all(start <= end for label in question.labels for start, end in label.spans), "a span ends before it starts"
        )


@_refusing
def check_settings(path: Path) -> None:
    """Read a file of settings, as `.env` and as values of flags."""
    unknown_variables(path)
    settings = make_settings(_env_file=path)
    list_settings(settings)
    flags = dict(line.partition("=")[::2] for line in path.read_text("utf-8", "replace").splitlines() if "=" in line)
    known = {name.removeprefix("FOOTNOTE_").lower(): value for name, value in flags.items()}
    make_settings(**{name: value for name, value in known.items() if name in Settings.model_fields})


@_refusing
def check_receipt(path: Path) -> None:
    """Read what `ask --json` wrote."""
    answer = read_receipt(path)
    expect(Answer.from_json(json.loads(json.dumps(answer.to_json()))) == answer, "an answer changes on its way")


@_refusing
def check_backup(path: Path) -> None:
    """Restore a backup into a new home, which must hold nothing else."""
    home = path.with_name("restored")
    try:
        restore_backup(path, home)
    except FootnoteError:
        expect(not home.exists() and not list(path.parent.glob(".restored*")), "a refused backup leaves files")
        raise
    finally:
        shutil.rmtree(home, ignore_errors=True)


@_refusing
def check_conversations(path: Path) -> None:
    """List, read, change and search the conversations of a home."""
    home = path.with_name("home")
    home.mkdir(exist_ok=True)
    try:
        shutil.copy(path, home / CONVERSATIONS_FILE)
        store = ConversationStore(home)
        for one in store.summaries():
            store.get(one.id)
            store.change(one.id, title="Renamed")
        store.summaries("mill")
        store.starred_turns()
    finally:
        shutil.rmtree(home, ignore_errors=True)


# --- the valid files --------------------------------------------------------------------------------------------------

CHECKS: dict[str, Check] = {
    **dict.fromkeys(["text", "markdown", *sorted(set(READERS.values()))], check_source),
    "questions": check_questions,
    "settings": check_settings,
    "receipt": check_receipt,
    "backup": check_backup,
    "conversations": check_conversations,
}
"""Name of a target -> its check. Sources are named by the module that reads them."""


def write_seeds(folder: Path) -> None:
    """Write the valid files of each target into a folder of its name."""
    # Uncompressed pages, so that mutations reach their operators; and no times of day.
    rl_config.pageCompression, rl_config.invariant = 0, 1
    raw = folder / "raw"
    write_corpus(raw)
    write_all(raw)
    for path in sorted(raw.iterdir()):
        name = READERS.get(path.suffix, "markdown" if path.suffix == ".md" else "text")
        _put(folder, name, path.name, path.read_bytes())
    shutil.rmtree(raw)
    _write_questions(folder)
    lines = [f"FOOTNOTE_{name.upper()}={_value(name)}" for name in Settings.model_fields if name != "home"]
    _put(folder, "settings", "all.env", "\n".join(lines).encode())
    _put(
        folder,
        "settings",
        "quoted.env",
        b"# comment\nexport FOOTNOTE_PASSAGES=\"8\"\nFOOTNOTE_HOST='::1'\nFOOTNOTE_READER=strong\n",
    )
    answer = _answer()
    _put(folder, "receipt", "answer.json", json.dumps(answer.to_json()).encode())
    home = folder / "home"
    store = ConversationStore(home)
    for number in range(3):
        store.add(f"conversation{number}", f"turn{number}", answer)
        store.add_words(f"conversation{number}", f"words{number}", "Where is the mill?", "At Farley.")
    (home / "settings.json").write_text('{"passages": 8}')
    _put(folder, "conversations", "three.sqlite", (home / CONVERSATIONS_FILE).read_bytes())
    (folder / "backup").mkdir()
    write_backup(home, folder / "backup" / "home.zip")
    shutil.rmtree(home)


def _put(folder: Path, target: str, name: str, data: bytes) -> None:
    (folder / target).mkdir(parents=True, exist_ok=True)
    (folder / target / name).write_bytes(data)


def _value(name: str) -> Any:
    value = Settings.model_fields[name].default
    return {"llm_url": "http://127.0.0.1:11434/v1", "refuse_below": 0.5}.get(name, "" if value is None else value)


def _write_questions(folder: Path) -> None:
    rows = [
        {"id": name, "question": fact.question, "answers": [fact.words], "answerable": True, "tags": ["a"],
         "relevant": [{"source": name, "quote": fact.words}, {"source": name, "start": 3, "end": 9}]}
        for name, fact in list(FACTS.items())[:4]
    ]  # fmt: skip
    jsonl = "".join(json.dumps(row) + "\n" for row in rows).encode()
    table = "id,question,answers,answerable,source,start,end\n" + "".join(
        f'{row["id"]},"{row["question"]}",a|b,true,{row["id"]},1,5\n' for row in rows
    )
    context = "The mill stands at Farley."
    squad = {"title": "Mill", "paragraphs": [{"context": context, "qas": [
        {"id": "1", "question": "Where does the mill stand?", "is_impossible": False,
         "answers": [{"text": "Farley", "answer_start": context.index("Farley")}]}]}]}  # fmt: skip
    columns = {"question": {"0": "Where is the mill?"}, "contexts": {"0": [context]}, "ground_truth": {"0": "Farley"}}
    _put(folder, "questions", "rows.jsonl", jsonl)
    _put(folder, "questions", "rows.jsonl.gz", gzip.compress(jsonl, mtime=0))
    _put(folder, "questions", "rows.json", json.dumps({"questions": rows}).encode())
    _put(folder, "questions", "list.json", json.dumps(rows, indent=1).encode())
    _put(folder, "questions", "columns.json", json.dumps(columns).encode())
    _put(folder, "questions", "squad.json", json.dumps({"version": "v2.0", "data": [squad]}).encode())
    _put(folder, "questions", "rows.csv", table.encode())
    _put(folder, "questions", "rows.tsv", table.replace(",", "\t").encode())
    import openpyxl

    book = openpyxl.Workbook()
    for line in table.splitlines():
        book.active.append(line.replace('"', "").split(","))
    book.save(folder / "questions" / "rows.xlsx")


def _answer() -> Answer:
    from rag.choice import SourceScope
    from rag.cite import Citation, CitedSentence
    from rag.types import Passage

    quote = "The mill stands at Farley."
    place = ("mill.txt", "The mill", None, "Mills")
    return Answer(
        question="Where is the mill?",
        text=f"“{quote}” [1]",
        refused=False,
        evidence_score=0.9,
        sentences=(CitedSentence(quote, (1,)),),
        citations=(Citation(1, "ab", *place, 1, 0, 26, quote, ((19, 25),)),),
        passages=(Passage(1, "ab", *place, 0, 26, quote, 0.5, True),),
        notes=("A note.",),
        asked=SourceScope(frozenset({"mill.txt"}), ("ab",), 3, ""),
        timings={"read": 0.1},
        made_by={"footnote": "1"},
    )
