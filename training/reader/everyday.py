"""Read the everyday documents and questions in `training/documents`, and cut them into passages like the index.

A bundle is a text file of documents. Each has a line "=== name.md", the content of the document, a line "--- questions"
and pairs of lines, "q: " and "a: ". An answer quotes the document, with " || " between alternatives, or is "-" if the
document has no answer. All documents are invented for training.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from index.article import Article, read_article
from index.chunk import Chunk, ChunkLimits, chunk
from index.encoder.embedder import Embedder, find_model
from index.formats.worker import Worker
from index.text.layout import Span
from index.text.sentences import sentences
from index.text.tokens import token_counter
from index.text.words import content_terms, words
from rag.settings import Settings
from training.reader.data import TrainingCorpus, TrainingPassage, TrainingQuestion, answers_of, rank_by_words

DOCUMENTS = Path(__file__).resolve().parents[1] / "documents"
"""The folder of the bundles."""
_CALIBRATION_STEP = 8
"""Every eighth document is left out of training, to calibrate scores on."""
_LARGEST = 1_000_000
_RARE = 4
"""The most documents that hold a term by which a question means one document."""
_HARD = 12
"""The most passages of other documents for a question."""
_DOCUMENT = re.compile(r"^=== ", re.MULTILINE)


@dataclass(frozen=True)
class EverydayQuestion:
    """A question, and the spans of its acceptable answers in the article's text.

    `spans` is empty if the text has no answer.
    """

    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Document:
    """A document as it is indexed, and the questions about it."""

    article: Article
    chunks: list[Chunk]
    asked: list[EverydayQuestion]


@dataclass(frozen=True)
class Written:
    """A document in a bundle: file name, content, and (question, answers) pairs."""

    name: str
    text: str
    asked: list[tuple[str, tuple[str, ...]]]


def read_bundles(folder: Path = DOCUMENTS) -> list[Written]:
    """Return all documents of the bundles, in the order of the files.

    Raises:
        ValueError: a document has no questions, or a question has no answer line.
    """
    return [
        _written(part, path)
        for path in sorted(folder.glob("*.txt"))
        for part in _DOCUMENT.split(path.read_text("utf-8"))[1:]
    ]


def _written(part: str, path: Path) -> Written:
    name, _, rest = part.partition("\n")
    text, _, below = rest.partition("\n--- questions\n")
    lines = [line for line in below.splitlines() if line.strip()]
    pairs = list(zip(lines[::2], lines[1::2], strict=False))
    if not pairs or len(lines) % 2 or any(not q.startswith("q: ") or not a.startswith("a: ") for q, a in pairs):
        raise ValueError(f"{path.name}, {name.strip()}: expected pairs of lines, q: and a:, below --- questions")
    questions = [
        (q[3:].strip(), () if a[3:].strip() == "-" else tuple(one.strip() for one in a[3:].split(" || ")))
        for q, a in pairs
    ]
    return Written(name.strip(), text.strip("\n") + "\n", questions)


def write_files(written: Sequence[Written], folder: Path) -> None:
    """Write each document to a file named by its number and name."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(written):
        path = folder / source_of(number, one)
        path.parent.mkdir()
        path.write_text(one.text, "utf-8")


def source_of(number: int, one: Written) -> str:
    """Return the name under which a document is indexed."""
    return f"{number:04d}/{one.name}"


def cut_documents(written: Sequence[Written]) -> list[Document]:
    """Read and cut the documents like the index, and find the answers in them.

    Leaves out a question whose answer is not in the text that was read.
    """
    embedder, settings = Embedder(find_model()), Settings()
    count = token_counter(settings.encoding).count
    limits = ChunkLimits(
        count, embedder.count_pieces, embedder.max_pieces, settings.chunk_tokens, settings.chunk_overlap
    )
    documents = []
    with tempfile.TemporaryDirectory() as folder, Worker() as worker:
        write_files(written, Path(folder))
        for number, one in enumerate(written):
            source = source_of(number, one)
            article, _ = read_article(Path(folder) / source, source, max_bytes=_LARGEST, worker=worker)
            questions = [EverydayQuestion(q, tuple(_places(article.text, q, answers))) for q, answers in one.asked]
            kept = [a for a, (_, answers) in zip(questions, one.asked, strict=True) if a.spans or not answers]
            documents.append(Document(article, chunk(article, limits), kept))
    return documents


def _places(text: str, question: str, answers: Sequence[str]) -> Iterator[Span]:
    """Yield the span of each answer that occurs as whole words.

    If it occurs several times, choose the occurrence whose line, with the line before it, shares most words with the
    question.
    """
    question_terms = set(content_terms(question))
    lines = sentences(text)
    shared = [len(question_terms.intersection(content_terms(text[start:end]))) for start, end in lines]

    def near(span: Span) -> int:
        at = next((n for n, (_, end) in enumerate(lines) if span[0] < end), 0)
        return 2 * shared[at] + (shared[at - 1] if at else 0)

    for answer in answers:
        pattern = r"\s+".join(map(re.escape, answer.split()))
        found = [match.span() for match in re.finditer(rf"(?<!\w){pattern}(?!\w)", text)]
        if found:
            yield max(found, key=near)


def split_documents(every: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    """Split documents into (training documents, calibration documents)."""
    calibration = every[_CALIBRATION_STEP - 1 :: _CALIBRATION_STEP]
    return [one for number, one in enumerate(every) if number % _CALIBRATION_STEP != _CALIBRATION_STEP - 1], list(
        calibration
    )


def corpus_of(every: Sequence[Document]) -> TrainingCorpus:
    """Return the chunks as passages, and each question with the chunk that answers it.

    If no chunk contains an answer, the question gets the chunk that shares most words with it.
    """
    corpus = TrainingCorpus([], [])
    for document in every:
        first = len(corpus.passages)
        source = document.article.source
        corpus.passages.extend(TrainingPassage(one.text, source, "everyday", one.context) for one in document.chunks)
        for number, question in enumerate(document.asked):
            place, spans = _chunk_of(document, question)
            if spans or not question.spans:
                corpus.questions.append(
                    TrainingQuestion(f"everyday-{source}-{number}", question.text, first + place, spans)
                )
    return corpus


def _chunk_of(document: Document, question: EverydayQuestion) -> tuple[int, tuple[Span, ...]]:
    """Return the number of the chunk with most of the answers, and their spans in it."""
    contained = [
        tuple((a - one.start, b - one.start) for a, b in question.spans if one.start <= a and b <= one.end)
        for one in document.chunks
    ]
    asked = set(content_terms(question.text))
    shared = [len(asked.intersection(content_terms(one.searchable))) for one in document.chunks]
    best = max(range(len(contained)), key=lambda n: (len(contained[n]), shared[n]))
    return best, contained[best]


def with_other_documents(corpus: TrainingCorpus) -> TrainingCorpus:
    """Return the corpus of `corpus_of` with `hard` filled: passages of other documents that look right.

    Only a question that means its document gets them: it has a term that this document holds and at most a few do. The
    passages are those that TF-IDF ranks high, of documents without that term and without an acceptable answer.
    """
    documents: dict[str, set[str]] = defaultdict(set)
    for passage in corpus.passages:
        documents[passage.article].update(content_terms(f"{passage.heading} {passage.text}"))
    held = Counter(term for one in documents.values() for term in one)
    flat = [f" {' '.join(words(passage.text))} " for passage in corpus.passages]
    ranked = rank_by_words(corpus, range(len(corpus.passages)))
    questions = []
    for question, order, answers in zip(corpus.questions, ranked, answers_of(corpus, corpus.questions), strict=True):
        own = corpus.passages[question.passage].article
        named = [one for one in content_terms(question.text) if one in documents[own] and held[one] <= _RARE]
        texts = [f" {' '.join(words(answer))} " for answer in answers]
        lacking = (
            n
            for n in order
            if any(term not in documents[corpus.passages[n].article] for term in named)
            and not any(text in flat[n] for text in texts)
        )
        questions.append(replace(question, hard=tuple(islice(lacking, _HARD))))
    return TrainingCorpus(corpus.passages, questions)
