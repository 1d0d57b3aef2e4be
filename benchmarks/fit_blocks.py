"""Fitting of the choice of blocks in rag/forms/blocks.json: `python -m benchmarks.fit_blocks`.

The questions are those of the everyday documents that the reading model has not learned, each with ten of these
documents as its sources: all questions that have several members as their answer (three or more) or ask for a list or
steps, and some of the others. A block is right if it contains 60% of the members, or all answers to a question that
asks for a list or steps. The model is a logistic regression; the printed figures come from a cross-validation by
document, the shipped weights from all questions. `--keep FILE` stores the readings in FILE; a later run loads them.
`--answers` fits nothing: it measures which share of several members the program's answers cite.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from index.text.layout import Span
from rag.answer import answer
from rag.choice import Choice
from rag.conversation.resolve import resolve_question
from rag.conversation.thread import NO_TURNS
from rag.engine import Engine
from rag.forms.block_choice import BLOCK_FEATURES, BLOCK_WEIGHTS, FORMS, WholeBlock, block_rows, whole_blocks
from rag.forms.question_form import requested_form
from rag.reader.ranking import FeatureArray, Linear
from rag.scope import Scope
from rag.settings import Settings
from training.reader.everyday import (
    Document,
    EverydayQuestion,
    cut_documents,
    read_bundles,
    source_of,
    split_documents,
    write_files,
)

_SETS = 8
"""Sets of sources that the documents are divided into."""
_MEMBERS, _SHARE = 3, 0.6
_OTHERS = 300
"""Questions of other kinds."""
_FOLDS = 6
_STRENGTH = 0.1
"""Inverse strength of the regularisation."""


@dataclass(frozen=True)
class Asked:
    """A question and the blocks near its passages.

    `rows` are their features (n, f), `shares` (n,) the share of its `answers` answers that each contains, and `right`
    (n,) says which answer it. `opens` is true if words open the answer. `group` is left out together in the
    cross-validation.
    """

    group: int
    form: str
    answers: int
    is_answerable: bool
    opens: bool
    rows: FeatureArray
    shares: FeatureArray
    right: FeatureArray


@dataclass(frozen=True)
class _Library:
    """An engine over the everyday documents, and the source of each question with the sources to ask."""

    engine: Engine
    names: list[str]
    chosen: list[tuple[int, EverydayQuestion]]

    def sources(self, number: int) -> list[str]:
        """Return the names of the set of sources that has document `number`."""
        return self.names[number % _SETS :: _SETS]


@contextmanager
def _library() -> Iterator[_Library]:
    """Index the everyday documents that the reading model has not learned."""
    written = read_bundles()
    _, apart = split_documents(cut_documents(written))
    of_source = {source_of(number, one): one for number, one in enumerate(written)}
    files = [of_source[one.article.source] for one in apart]
    with tempfile.TemporaryDirectory() as folder:
        write_files(files, Path(folder) / "docs")
        engine = Engine(Settings(home=Path(folder) / "home"))
        engine.index([Path(folder) / "docs"])
        # The files are numbered anew, in the order of the documents.
        yield _Library(engine, [source_of(n, one) for n, one in enumerate(files)], list(_chosen(apart)))
        engine.close()


def read_questions(limit: int | None = None) -> Iterator[Asked]:
    """Yield the questions with the blocks near their passages."""
    with _library() as library:
        engine = library.engine
        generation, retriever, reader = engine.parts()
        ids = generation.catalog.article_ids()
        whole = Scope(generation, retriever, reader, None, max(engine.settings.passages, reader.depth))
        for number, question in tqdm(library.chosen[:limit], unit="question", mininterval=10):
            if scope := whole.within({ids[name] for name in library.sources(number)}):
                yield _asked(engine, scope, number, ids[library.names[number]], question)


def measure_answers(limit: int | None = None) -> None:
    """Print what answers cite of the members that questions have as their answer."""
    shares, refused = list[float](), 0
    with _library() as library:
        asked = [(number, one) for number, one in library.chosen if len(one.spans) >= _MEMBERS][:limit]
        for number, one in tqdm(asked, unit="question", mininterval=10):
            found = answer(library.engine, one.text, choice=Choice(only=tuple(library.sources(number))))
            cited = [(c.start, c.end) for c in found.citations if c.source == library.names[number]]
            held = sum(any(start <= a and b <= end for start, end in cited) for a, b in one.spans)
            shares.append(held / len(one.spans))
            refused += found.refused
    most = sum(share >= _SHARE for share in shares)
    print(
        f"{len(shares)} questions with several members: answers cite {np.mean(shares):.3f} of the members, at least "
        f"{_SHARE} of them in {most / len(shares):.3f} of the answers; {refused / len(shares):.3f} are refused"
    )


def _chosen(apart: Sequence[Document]) -> Iterator[tuple[int, EverydayQuestion]]:
    """Yield (number of the document, question), shuffled."""
    every = [(number, one) for number, document in enumerate(apart) for one in document.asked]
    every = [(number, one) for number, one in every if requested_form(one.text) in FORMS]
    of_list = [
        (n, one) for n, one in every if len(one.spans) >= _MEMBERS or requested_form(one.text) in ("list", "steps")
    ]
    rng = random.Random(5)
    chosen = of_list + rng.sample([one for one in every if one not in of_list], _OTHERS)
    rng.shuffle(chosen)
    yield from chosen


def _asked(engine: Engine, scope: Scope, number: int, article_id: str, question: EverydayQuestion) -> Asked:
    form = requested_form(question.text)
    resolved = resolve_question(NO_TURNS, question.text, form, scope)
    places = scope.places(resolved.reading.hits[: engine.settings.passages])
    found = whole_blocks(places)
    rows = block_rows(resolved.query, form, resolved.reading, found, engine.embedder) if found else np.zeros((0, 0))
    shares = np.array([_share(one, article_id, question.spans) for one in found])
    members = len(question.spans) >= _MEMBERS
    right = (shares >= _SHARE if members else shares == 1) & (members or form in ("list", "steps"))
    is_answerable = (resolved.reading.score or 0.0) >= scope.reader.refuse_below()
    judged = np.asarray(right, dtype=np.float64)
    opens = resolved.reading.opens
    return Asked(number % _FOLDS, form, len(question.spans), is_answerable, opens, rows, shares, judged)


def _share(one: WholeBlock, article_id: str, spans: Sequence[Span]) -> float:
    """Return the share of the spans inside a block."""
    own = one.article_id == article_id and spans
    return sum(one.start <= a and b <= one.end for a, b in spans) / len(spans) if own else 0.0


def fit(asked: Sequence[Asked]) -> Linear:
    """Fit a logistic regression on standardised features; return the weights for raw features."""
    rows = np.concatenate([one.rows for one in asked if len(one.rows)])
    right = np.concatenate([one.right for one in asked])
    scaler = StandardScaler().fit(rows)
    model = LogisticRegression(C=_STRENGTH, max_iter=3000).fit(scaler.transform(rows), right)
    weights = model.coef_[0] / np.where(scaler.scale_ > 0, scaler.scale_, 1.0)
    return Linear(weights, float(model.intercept_[0] - np.sum(weights * scaler.mean_)))


def report(asked: Sequence[Asked]) -> None:
    """Print the figures of the cross-validation."""
    models = [fit([one for one in asked if one.group != group]) for group in range(_FOLDS)]
    odds = [models[one.group].log_odds(one.rows) if len(one.rows) else np.zeros(0) for one in asked]
    likely = [1 / (1 + np.exp(-each)) for each in odds]
    right = np.concatenate([one.right for one in asked])
    print(f"AUROC of blocks {roc_auc_score(right, np.concatenate(likely)):.3f}")
    kinds = {
        "several members": [n for n, one in enumerate(asked) if one.answers >= _MEMBERS],
        "one or two answers": [n for n, one in enumerate(asked) if 0 < one.answers < _MEMBERS],
        "no answer": [n for n, one in enumerate(asked) if not one.answers],
    }

    def shown_from(least: float, numbers: Sequence[int]) -> list[tuple[Asked, int]]:
        free = [n for n in numbers if not (asked[n].form == "words" and asked[n].opens)]
        return [(asked[n], int(np.argmax(likely[n]))) for n in free if likely[n].max(initial=0.0) >= least]

    answered = [n for n, one in enumerate(asked) if one.form in ("list", "steps") and one.is_answerable]
    for least in (0.25, 0.5):
        shown = shown_from(least, answered)
        held = sum(one.shares[best] > 0 for one, best in shown)
        none = sum(not one.answers for one, _ in shown)
        print(
            f"shown from {least}: {len(shown)} of {len(answered)} that ask for a list or steps and are answered anyway;"
            f" {held} contain an answer, {none} have none"
        )
    for least in (0.3, 0.4, 0.5, 0.6):
        for kind, numbers in kinds.items():
            shown = shown_from(least, numbers)
            share = sum(one.shares[best] for one, best in shown) / max(1, len(shown))
            refused = sum(not one.is_answerable for one, _ in shown)
            print(
                f"shown from {least}: {len(shown)} of {len(numbers)} with {kind}, which contain {share:.3f} of the "
                f"answers; {refused} would be refused otherwise"
            )


def main() -> None:
    """Read all questions, fit the weights, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=BLOCK_WEIGHTS)
    parser.add_argument("--limit", type=int, help="most questions")
    parser.add_argument("--keep", type=Path, help="file to store the readings in")
    parser.add_argument("--answers", action="store_true", help="measure the answers instead")
    arguments = parser.parse_args()
    if arguments.answers:
        measure_answers(arguments.limit)
        return
    if arguments.keep and arguments.keep.is_file():
        asked = pickle.loads(arguments.keep.read_bytes())
    else:
        asked = list(read_questions(arguments.limit))
        if arguments.keep:
            arguments.keep.write_bytes(pickle.dumps(asked))
    report(asked)
    model = fit(asked)
    weights = {n: round(float(w), 5) for n, w in zip(BLOCK_FEATURES, model.weights, strict=True)}
    arguments.out.write_text(json.dumps({"weights": weights, "bias": round(model.bias, 5)}, indent=1) + "\n", "utf-8")
    print(arguments.out.read_text("utf-8"))


if __name__ == "__main__":
    main()
