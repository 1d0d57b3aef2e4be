"""Comparison of hand-written parts with libraries: `python -m benchmarks.libraries [NAME ...] [--data DIR]`.

NAME is a library; without one all are compared. Footnote itself calls none of them: for a missing one the command
prints how to install it. libraries.jsonl holds texts labelled for this comparison, DIR the public sets (README.md).
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import importlib.util
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import distribution
from inspect import getsource
from pathlib import Path
from statistics import median
from timeit import repeat, timeit
from typing import Any
from unittest.mock import patch

import httpx
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.typos import misspell
from index.duplicates import Record, near_duplicates, sketch
from index.encoder.vocabulary import count_words
from index.errors import VectorServerError
from index.store import chroma_server
from index.text.dates import find_dates
from index.text.published import read_period
from index.text.sentences import sentences
from rag.check.amounts import find_numbers
from rag.cli.parser import make_parser
from rag.evaluation.corpus import SAME, engine_for
from rag.evaluation.read import read_questions
from rag.settings import Settings

ROOT = Path(__file__).parents[1]
Rows = Iterator[tuple[object, ...]]
"""Lines of a table: measure, ours, library."""
_RUNS = 20
_PHRASE, _NEAR, _FILTER, _HASHES = 5, 0.8, 0.7, 128
"""Words of a phrase, share of common phrases of near-duplicates and of candidates, and size of a sketch."""
_A_DATE = re.compile(r"\b(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sep|Oct|Nov|Dec)[a-z]*\b|\b(?:1\d|20)\d\ds?\b")
_LENGTHS = {"month": 7, "year": 4}


def labelled(part: str) -> list[dict[str, Any]]:
    """Return the labelled texts of a part."""
    rows = map(json.loads, Path(__file__).with_suffix(".jsonl").read_text("utf-8").splitlines())
    return [row for row in rows if row["part"] == part]


def paragraphs(file: Path) -> list[str]:
    """Return the paragraphs of a set in SQuAD form."""
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        return [one["context"] for article in json.load(stream)["data"] for one in article["paragraphs"]]


def microseconds(read: Callable[[str], object], texts: Sequence[str]) -> str:
    """Return the mean time for a text, in the fastest of three rounds."""
    times = repeat(lambda: [read(text) for text in texts], number=1, repeat=3)
    return f"{min(times) / len(texts) * 1e6:,.0f}"


def weight(name: str) -> str:
    """Return the number and size of the packages that a library needs: all, and those that Footnote lacks."""
    sizes, left = dict[str, float](), [name]
    while left:
        one = distribution(left.pop())
        files = [Path(str(file.locate())) for file in one.files or ()]
        sizes[canonicalize_name(one.name)] = sum(file.stat().st_size for file in files if file.exists()) / 2**20
        needs = map(Requirement, one.requires or ())
        names = [need.name for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
        left += [name for name in names if canonicalize_name(name) not in sizes]
    pinned = [line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()]
    new = [size for name, size in sizes.items() if name not in {*map(canonicalize_name, pinned)}]
    return f"{len(sizes)}, {sum(sizes.values()):.0f} MiB; new {len(new)}, {sum(new):.0f} MiB"


def verdicts(outcomes: Iterable[str]) -> str:
    """Count the outcomes right, wrong and missed."""
    all_ = list(outcomes)
    return " / ".join(str(all_.count(one)) for one in ("right", "wrong", "missed"))


def dateparser(data: Path) -> Rows:
    """Compare dates; "strict" requires a year, reads no relative dates and refuses ambiguous ones."""
    parser, search = importlib.import_module("dateparser.date"), importlib.import_module("dateparser.search")
    strict: dict[str, object] = {"REQUIRE_PARTS": ["year"], "PARSERS": ["absolute-time"]}
    ways: Sequence[dict[str, object]] = ({}, {**strict, "DATE_ORDER": "MDY"}, {**strict, "DATE_ORDER": "DMY"})
    lenient, *orders = (parser.DateDataParser(languages=["en"], settings=way) for way in ways)

    def read(one: Any, text: str) -> str | None:
        found = one.get_date_data(text)
        return found.date_obj.isoformat()[: _LENGTHS.get(found.period, 10)] if found.date_obj else None

    def read_strictly(text: str) -> str | None:
        first, second = (read(one, text) for one in orders)
        return first if first == second else None

    def judge(reader: Callable[[str], str | None]) -> str:
        pairs = [(reader(row["text"]), row["right"]) for row in whole]
        return verdicts("right" if a == b else "missed" if a is None else "wrong" for a, b in pairs)

    whole = labelled("date")
    none = sum(row["right"] is None for row in whole)
    ours = judge(lambda text: found.when if (found := read_period(text)) else None)
    yield f"{len(whole)} texts, {none} of them no date", ours, judge(lambda text: read(lenient, text))
    yield "the same, strict", ours, judge(read_strictly)
    readers: Sequence[Callable[[str], list[tuple[str, list[str]]]]] = (
        lambda text: [(text[a:b], [f"{n:02}" if n else "*" for n in when]) for a, b, when in find_dates(text)],
        lambda text: [
            (words, f"{when:%Y-%m-%d}".split("-")) for words, when in search.search_dates(text, languages=["en"]) or ()
        ],
    )

    def agrees(found: list[str], right: str) -> bool:
        parts = right.replace("--", "*-").split("-")
        return all("*" in (a, b) or a == b for a, b in zip(found, parts, strict=False))

    def judge_prose(reader: Callable[[str], list[tuple[str, list[str]]]]) -> str:
        right = wrong = missed = 0
        for row in labelled("prose"):
            found = [when for _, when in reader(row["text"])]
            hits = sum(any(agrees(one, other) for one in found) for other in row["right"])
            right, missed, wrong = right + hits, missed + len(row["right"]) - hits, wrong + max(0, len(found) - hits)
        return f"{right} / {wrong} / {missed}"

    yield f"dates in {len(labelled('prose'))} sentences", *map(judge_prose, readers)
    texts = [text[a:b] for text in paragraphs(data / "squad/train.json.gz") for a, b in sentences(text)]
    lines = random.Random(0).sample([text for text in texts if re.search(r"\d", text)], 100)
    for what, wanted in (("with a month or year", True), ("with neither", False)):
        finds = [[bool(_A_DATE.search(words)) for line in lines for words, _ in reader(line)] for reader in readers]
        yield f"finds in 100 public sentences with digits, {what}", *(one.count(wanted) for one in finds)
    yield "microseconds a sentence", *(microseconds(reader, lines) for reader in readers)


def quantulum3(data: Path) -> Rows:
    """Compare amounts in their normal form; a range of quantulum3 counts as its two ends."""
    parser = importlib.import_module("quantulum3.parser")
    # Its classifier can only be read by the scikit-learn that wrote it.
    classifier: Any = importlib.import_module("quantulum3.classifier")
    classifier.USE_CLF = False

    names = labelled("unit")[0]["names"]

    def theirs(text: str) -> list[tuple[float, str]]:
        found = []
        for one in parser.parse(text):
            name, ends = one.unit.name.lower(), (-1, 1) if one.uncertainty else (0,)
            found += [(round(one.value + end * (one.uncertainty or 0), 6), names.get(name, name)) for end in ends]
        return found

    def judge(reader: Callable[[str], list[tuple[float, str]]]) -> str:
        outcomes = []
        for row in labelled("amount"):
            found = sorted(reader(row["text"]))
            rights = [sorted((value, unit) for value, unit in row[key]) for key in ("right", "alt") if key in row]
            missed = any(set(found) <= set(right) for right in rights)
            outcomes.append("right" if found in rights else "missed" if missed else "wrong")
        return verdicts(outcomes)

    texts = [row["text"] for row in labelled("amount")]
    ours = judge(lambda text: [(round(float(one.value), 6), one.unit) for one in find_numbers(text)])
    yield f"amounts of {len(texts)} texts", ours, judge(theirs)
    yield "microseconds a text", *(microseconds(read, texts) for read in (find_numbers, parser.parse))


def phrases(text: str) -> set[str]:
    """Return the phrases of a text."""
    words = text.lower().split()
    return {" ".join(words[at : at + _PHRASE]) for at in range(len(words) - _PHRASE + 1)}


def shared(one: str, other: str) -> float:
    """Return the share of common phrases of two texts."""
    a, b = phrases(one), phrases(other)
    return len(a & b) / len(a | b)


def edited(text: str, share: float, together: bool, rng: random.Random, others: Sequence[str]) -> str:
    """Replace a share of the words of a text, in one place or scattered."""
    words = text.split()
    count = max(1, round(share * len(words)))
    first = rng.randrange(len(words) - count + 1)
    for at in range(first, first + count) if together else rng.sample(range(len(words)), count):
        words[at] = rng.choice(others)
    return " ".join(words)


def datasketch(data: Path) -> Rows:
    """Compare near-duplicates: 2,000 passages of at least 60 words, and 2,000 edited copies."""
    library = importlib.import_module("datasketch")
    rng = random.Random(0)
    files = ("squad/train.json.gz", "squad/dev.json.gz", "squadshifts/new_wiki_v1.0.json.gz")
    long = {text for file in files for text in paragraphs(data / file) if len(text.split()) >= 60}
    texts = rng.sample(sorted(long), 2000)
    others = sorted({word for text in texts for word in text.split()})
    kinds = [(share, together) for together in (True, False) for share in (0.01, 0.05, 0.1, 0.2, 0.3)]
    texts += [edited(text, *kinds[at // 200], rng, others) for at, text in enumerate(texts)]

    def ours() -> set[tuple[int, int]]:
        records = [Record(str(at), "", b"", sketch(text).tobytes()) for at, text in enumerate(texts)]
        return {(int(one), int(other)) for one, other, _ in near_duplicates(records)}

    def theirs() -> set[tuple[int, int]]:
        index, pairs = library.MinHashLSH(threshold=_FILTER, num_perm=_HASHES), set()
        hashes = []
        for at, text in enumerate(texts):
            hashes.append(library.MinHash(num_perm=_HASHES))
            hashes[at].update_batch([phrase.encode() for phrase in phrases(text)])
            pairs |= {(at, one) for one in index.query(hashes[at]) if hashes[at].jaccard(hashes[one]) >= _NEAR}
            index.insert(at, hashes[at])
        return pairs

    found, seconds, memory = [], [], []
    for run in (ours, theirs):
        seconds.append(f"{timeit(run, number=1):.1f}")
        tracemalloc.start()
        found.append(run())
        memory.append(f"{tracemalloc.get_traced_memory()[1] / 2**20:.0f}")
        tracemalloc.stop()
    shares = {(2000 + at, at): shared(texts[at], texts[2000 + at]) for at in range(2000)}
    for number, (share, together) in enumerate(kinds):
        these = [*shares][200 * number : 200 * number + 200]
        what = f"{share:.0%} of the words {'in one place' if together else 'scattered'}, found of 200"
        mean = sum(map(shares.__getitem__, these)) / len(these)
        yield f"{what} (common phrases {mean:.2f})", *(len(pairs & {*these}) for pairs in found)
    near = {pair for pair, share in shares.items() if share >= _NEAR}
    yield f"found of {len(near)} copies with {_NEAR} common phrases", *(len(pairs & near) for pairs in found)
    for limit in (_NEAR, 0.7):
        counts = [sum(shared(texts[a], texts[b]) < limit for a, b in pairs) for pairs in found]
        yield f"reported with fewer than {limit}", *counts
    yield "seconds", *seconds
    yield "peak of memory, MiB", *memory


def with_tenacity(send: Callable[..., Any]) -> Callable[..., Any]:
    """Return `send` with the retries of index/store/chroma_server.py, without its messages."""
    library = importlib.import_module("tenacity")
    busy, refused, delays = chroma_server._BUSY, chroma_server._Refused, chroma_server._PAUSES
    grows = library.wait_exponential(multiplier=delays[0], max=delays[-1])

    def again(state: Any) -> bool:
        error = state.outcome.exception()
        if isinstance(error, refused):
            return error.status in busy
        broken = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
        return isinstance(error, broken) and state.attempt_number == 1

    def wait(state: Any) -> float:
        pause: float = getattr(state.outcome.exception(), "pause", -1)
        return 0 if pause < 0 else max(pause, grows(state) * random.uniform(0.75, 1.25))

    stop = library.stop_after_attempt(len(delays) + 1)
    retry = library.retry(retry=again, wait=wait, stop=stop, reraise=True, sleep=lambda seconds: time.sleep(seconds))
    return retry(send)  # type: ignore[no-any-return]


def tenacity(data: Path) -> Rows:
    """Compare retries: lines of code, and the pauses when a server twice says to wait three seconds."""
    ours = getsource(chroma_server._with_retries).partition("def ask")[2].partition("except httpx.TimeoutException")[0]
    theirs = getsource(with_tenacity).partition("_PAUSES\n")[2]
    yield "lines that retry", *(sum(bool(line.strip()) for line in text.splitlines()) for text in (ours, theirs))

    def pauses(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> str:
        slept, replies = list[float](), iter([3.0, 3.0, *[0.0] * 9])

        def send(method: str, path: str) -> None:
            raise chroma_server._Refused(429, next(replies))

        with patch("time.sleep", slept.append), patch("random.uniform", lambda low, high: 1.0):
            try:
                wrap(send)("get", "/")
            except (VectorServerError, chroma_server._Refused):
                return ", ".join(f"{one:g}" for one in slept)
        return "none"

    server = chroma_server.Server("http://localhost")
    yield "pauses, s", pauses(lambda send: chroma_server._with_retries(send, server)), pauses(with_tenacity)


def _programs() -> Iterator[str]:
    """Yield two programs with the commands and options of app.py, by argparse and by typer."""
    commands = next(one for one in make_parser()._actions if isinstance(one, argparse._SubParsersAction))
    plain = ["import argparse", "top = argparse.ArgumentParser()", "commands = top.add_subparsers()"]
    switched = ", action='store_true'"
    typed = ["import typer", "app = typer.Typer(add_completion=False)"]
    for name, parser in commands.choices.items():
        plain.append(f"one = commands.add_parser({name!r}, description={parser.description!r})")
        given = []
        for one in parser._actions[1:]:
            flag, text = one.option_strings[:1], (one.help or "").replace("%", "%%")
            switch = one.nargs == 0
            plain.append(f"one.add_argument({(flag or [one.dest])[0]!r}, help={text!r}{switched * switch})")
            kind = f"typer.Option({None if not switch else False}, {flag[0]!r}" if flag else "typer.Argument(None"
            given.append(f"{one.dest}: {'bool' if switch else 'str'} = {kind}, help={text!r})")
        typed.append(f"@app.command({name!r}, help={parser.description!r})\ndef {name}({', '.join(given)}): pass")
    yield "\n".join([*plain, "top.parse_args()"])
    yield "\n".join([*typed, "app()"])


def typer(data: Path) -> Rows:
    """Compare command lines: start-up time with the same commands and options, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("plain.py", "typed.py")]
        for file, text in zip(files, _programs(), strict=True):
            file.write_text(text, "utf-8")
        for words in (["--help"], ["ask", "--help"]):
            times: dict[Path, list[float]] = {file: [] for file in files}
            for file in files * _RUNS:
                start = time.perf_counter()
                subprocess.run([sys.executable, file, *words], capture_output=True, check=True)
                times[file].append((time.perf_counter() - start) * 1000)
            yield f"`{' '.join(words)}`, median, ms", *(f"{median(one):.0f}" for one in times.values())


def symspellpy(data: Path) -> Rows:
    """Compare spelling: every third answerable question of squad/dev, misspelt as in benchmarks/typos.py."""
    library = importlib.import_module("symspellpy")
    word = re.compile(r"(?<![\w@./-])[^\W\d_]{4,}(?![\w@/-])")
    with tempfile.TemporaryDirectory() as folder:
        questions = read_questions(data / "squad/dev.json.gz")
        engine, _ = engine_for(Settings(home=Path(folder)), questions, SAME)
        asked = [one.text for one in questions.questions if one.answerable][::3]
        typed = [(misspell(text), text) for text in asked if misspell(text) != text]
        speller = engine.speller(engine.parts()[0])
        speller.warm_up()

        index = library.SymSpell(max_dictionary_edit_distance=2)
        index.load_dictionary(Path(str(library.__file__)).with_name("frequency_dictionary_en_82_765.txt"), 0, 1)
        for one, count in count_words(engine.parts()[0].catalog.texts()).counts.items():
            index.create_dictionary_entry(one, count)

        def better(match: re.Match[str]) -> str:
            low = match.group().lower()
            best: str = index.lookup(low, library.Verbosity.CLOSEST, include_unknown=True)[0].term
            return match.group() if best == low else best.capitalize() if match.group()[0].isupper() else best

        readers: Sequence[Callable[[str], str]] = (speller.correct, lambda question: word.sub(better, question))
        pairs = [[(one(wrong), wrong, right) for wrong, right in typed] for one in readers]
        restored = [sum(a.lower() == c.lower() for a, _, c in one) for one in pairs]
        changed = [sum(a != b for a, b, _ in one) for one in pairs]
        yield f"restored of {len(typed)} misspelt questions", *restored
        yield "changed otherwise", *(a - b for a, b in zip(changed, restored, strict=True))
        yield f"changed of {len(asked)} as written", *(sum(one(text) != text for text in asked) for one in readers)
        yield "microseconds a question", *(microseconds(one, [wrong for wrong, _ in typed]) for one in readers)
        engine.close()


def pysbd(data: Path) -> Rows:
    """Compare sentence splitting: boundaries, offsets and time."""
    segmenter = importlib.import_module("pysbd").Segmenter(language="en", clean=False, char_span=True)

    cuts: Sequence[Callable[[str], list[tuple[str, int, int]]]] = (
        lambda text: [(text[a:b], a, b) for a, b in sentences(text)],
        lambda text: [(one.sent, one.start, one.end) for one in segmenter.segment(text)],
    )
    rows = [(row.get("join", " ").join(row["right"]), row["right"]) for row in labelled("sentence")]
    public = paragraphs(data / "squad/dev.json.gz")[:150]
    odd = [
        "One. Two.\r\n\r\nOne. Two.\tOne.",
        "\ufeffA. B…  “C?” D\u2028E. E. E.",
        "1) a\n2) b\n\n* c. d.\n\n| x. y | z. |",
    ]
    texts = [*(text for text, _ in rows), *public, *odd]
    right = [sum([one.strip() for one, _, _ in cut(text)] == pieces for text, pieces in rows) for cut in cuts]
    yield f"{len(rows)} texts, all boundaries right", *right
    wrong = [sum(text[a:b] != one for text in texts for one, a, b in cut(text)) for cut in cuts]
    yield f"wrong offsets in {len(texts)} texts", *wrong
    size = sum(map(len, public)) / len(public)
    times = [float(microseconds(cut, public).replace(",", "")) / size for cut in cuts]
    yield "seconds a million characters", *(f"{one:.1f}" for one in times)


COMPARISONS: tuple[Callable[[Path], Rows], ...] = (
    dateparser, quantulum3, datasketch, tenacity, typer, symspellpy, pysbd,
)  # fmt: skip


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = {one.__name__: one for one in COMPARISONS}
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - known.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    for name in arguments.names or known:
        if importlib.util.find_spec(name) is None:
            print(f"\n{name} is not installed. Run `pip install {name}` to compare it.")
            continue
        print(f"\n| {name} | ours | library |\n|---|---|---|")
        for row in known[name](arguments.data):
            print(f"| {' | '.join(map(str, row))} |", flush=True)
        print(f"| packages, size | | {weight(name)} |")


if __name__ == "__main__":
    main()
