"""Read SQuAD-form files into questions and passages to train on, and find hard negatives for each question."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import numpy as np
from tqdm import tqdm

from index.text.layout import Span
from index.text.words import words

CALIBRATION = ("Apollo program", "Jacksonville, Florida", "Kenya", "University of Chicago")
"""Articles of squad/train that are never trained on: for choosing, thresholds and calibration. Drawn once by
`random.Random(0).sample`: two of the sorted titles that have unanswerable questions, then two of those that
have none."""
FOREIGN = Path(__file__).resolve().parents[2] / "benchmarks/foreign.txt"
"""The ids of questions that are kept from training with their whole paragraphs."""
_HARD = 12
"""Hard negatives kept for each question."""


PassageOrigin = Literal["wiki", "other", "natural", "generated", "everyday"]
"""The origin of a passage, in this order:

Wikipedia with readers' questions, reviews and comments, Wikipedia with questions typed into a search engine, templates,
or everyday documents written for training.
"""


@dataclass(frozen=True)
class TrainingPassage:
    """A paragraph and its article.

    `heading` is read above it: the title, and the headings below the title.
    """

    text: str
    article: str
    kind: PassageOrigin
    heading: str = ""

    @property
    def wiki(self) -> bool:
        """True if the passage is prose of Wikipedia."""
        return self.kind in ("wiki", "natural")


@dataclass(frozen=True)
class TrainingQuestion:
    """A question about a passage.

    `passage` is an index into the passages, `spans` are the answers in it (empty if there is none). `hard` are passages
    that look right for the question and lack the answer, best first.
    """

    id: str
    text: str
    passage: int
    spans: tuple[Span, ...]
    hard: tuple[int, ...] = ()


@dataclass(frozen=True)
class TrainingCorpus:
    """Passages and the questions about them."""

    passages: list[TrainingPassage]
    questions: list[TrainingQuestion]


_FILES: tuple[tuple[str, PassageOrigin], ...] = (
    ("squad/train.json.gz", "wiki"),
    ("squadshifts/new_wiki_v1.0.json.gz", "wiki"),
    ("squadshifts/reddit_v1.0.json.gz", "other"),
    ("squadshifts/amazon_reviews_v1.0.json.gz", "other"),
    ("natural/train.json.gz", "natural"),
)


def load(folder: Path, apart: frozenset[str]) -> tuple[TrainingCorpus, TrainingCorpus]:
    """Return (training corpus, calibration corpus) from the files in `folder`.

    `folder` holds squad/, squadshifts/ and natural/. `apart` are ids of questions whose whole paragraphs are left out,
    in every file that has their text.
    """
    fit = _Builder()
    calibrate = _Builder()
    files = [(name, read_json(folder / name), kind) for name, kind in _FILES]
    closed = {
        p["context"]
        for _, data, _ in files
        for article in data
        for p in article["paragraphs"]
        if any(q["id"] in apart for q in p["qas"])
    }
    for name, data, kind in files:
        for article in data:
            to = calibrate if article["title"] in CALIBRATION else fit
            if to is calibrate and not name.startswith("squad/"):
                continue
            for paragraph in article["paragraphs"]:
                if paragraph["context"] not in closed:
                    to.add(article["title"], paragraph, kind)
    return fit.corpus, calibrate.corpus


def join_corpora(first: TrainingCorpus, second: TrainingCorpus) -> TrainingCorpus:
    """Return both corpora as one."""
    moved = [replace(q, passage=q.passage + len(first.passages)) for q in second.questions]
    return TrainingCorpus(first.passages + second.passages, first.questions + moved)


def read_json(path: Path) -> list[Any]:
    """Return the articles of a SQuAD-form file, gzipped or not."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(json.loads(content)["data"])


def read_ids(path: Path) -> frozenset[str]:
    """Return the ids in a text file, one per line.

    A line that starts with # is a remark.
    """
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


class _Builder:
    def __init__(self) -> None:
        self.corpus = TrainingCorpus([], [])

    def add(self, title: str, paragraph: Any, kind: PassageOrigin) -> None:
        number, text = len(self.corpus.passages), paragraph["context"]
        heading = "" if kind == "other" else unquote(title).replace("_", " ")
        self.corpus.passages.append(TrainingPassage(text, title, kind, heading))
        for item in paragraph["qas"]:
            spans = []
            for answer in [] if item.get("is_impossible") else item["answers"]:
                start = answer["answer_start"]
                end = start + len(answer["text"])
                if text[start:end] == answer["text"] and answer["text"].strip():
                    spans.append((start, end))
            if spans or item.get("is_impossible"):
                self.corpus.questions.append(TrainingQuestion(item["id"], item["question"], number, tuple(spans)))


def with_hard_negatives(corpus: TrainingCorpus, cache: Path | None = None) -> TrainingCorpus:
    """Return the corpus with `hard` filled for each question.

    Hard negatives are Wikipedia passages without the answer that TF-IDF ranks high. Reviews and comments are no
    negatives, since many of them answer "what did the reviewer like?".

    This takes minutes, so the result is kept in `cache`, and read from there if it is of the same questions.
    """
    key = hashlib.sha256("".join(q.id for q in corpus.questions).encode()).hexdigest()
    if cache and cache.is_file():
        value = json.loads(cache.read_text("utf-8"))
        if value["key"] == key:
            return _with(corpus, value["hard"])
    ranked = rank_by_words(corpus, [n for n, passage in enumerate(corpus.passages) if passage.wiki])
    hard = []
    flat = [" ".join(words(passage.text)) for passage in corpus.passages]
    for question, order in zip(corpus.questions, ranked, strict=True):
        text = corpus.passages[question.passage].text
        answers = {" ".join(words(text[start:end])) for start, end in question.spans} - {""}
        lacking = (n for n in order if n != question.passage and not any(f" {a} " in f" {flat[n]} " for a in answers))
        hard.append([n for n, _ in zip(lacking, range(_HARD), strict=False)])
    if cache:
        cache.write_text(json.dumps({"key": key, "hard": hard}), "utf-8")
    return _with(corpus, hard)


def _with(corpus: TrainingCorpus, hard: Sequence[Sequence[int]]) -> TrainingCorpus:
    questions = [replace(q, hard=tuple(h)) for q, h in zip(corpus.questions, hard, strict=True)]
    return TrainingCorpus(corpus.passages, questions)


def rank_by_words(corpus: TrainingCorpus, among: Sequence[int]) -> list[list[int]]:
    """Return the 30 best passages of `among` by TF-IDF for each question, best first."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [corpus.passages[number].text for number in among]
    lexical = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit(texts)
    lexical_texts = lexical.transform(texts).T.tocsr()
    ranked = []
    for at in tqdm(range(0, len(corpus.questions), 512), desc="hard negatives", unit="batch"):
        asked = [question.text for question in corpus.questions[at : at + 512]]
        score = (lexical.transform(asked) @ lexical_texts).toarray()
        best = np.argsort(-score, axis=1)[:, :30]
        ranked += [[among[n] for n in row] for row in best]
    return ranked


def draw_foreign(folder: Path, each: int, seed: int) -> list[str]:
    """Draw the ids of questions to be set apart.

    These are `each` questions of reddit and as many of amazon, at most one of a paragraph.
    """
    rng = random.Random(seed)
    drawn = []
    for name in ("reddit", "amazon_reviews"):
        data = read_json(folder / f"squadshifts/{name}_v1.0.json.gz")
        paragraphs: list[Any] = [p for article in data for p in article["paragraphs"] if p["qas"]]
        drawn += [rng.choice(p["qas"])["id"] for p in rng.sample(paragraphs, each)]
    return drawn


def answers_of(corpus: TrainingCorpus, questions: Iterable[TrainingQuestion]) -> list[list[str]]:
    """Return the acceptable answer texts of each question, [] if it has no answer."""
    return [[corpus.passages[q.passage].text[a:b] for a, b in q.spans] for q in questions]
