"""The index that questions are asked of: the user's own, or one of its own for another folder or a SQuAD file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from index.build import Progress, Report
from rag.engine import Engine
from rag.evaluation.questions import BadQuestionSet, QuestionSet
from rag.settings import Settings

SAME = "same"


def engine_for(
    settings: Settings, questions: QuestionSet, corpus: str | None, progress: Progress | None = None
) -> tuple[Engine, Report | None]:
    """The engine that answers, its index brought up to date, and what was done for that.

    Without `corpus` it is the user's own index, as it is. A path is indexed below FOOTNOTE_HOME/evaluation, where the
    user's index is not touched, and "same" does so with the articles that a SQuAD file brings along.
    """
    if corpus is None:
        engine = Engine(settings)
        return engine, engine.ensure_index(progress)[0]
    if corpus == SAME:
        home = _home(settings, f"same {questions.sha256}")
        root = home / "sources"
        _write_articles(questions, root)
    else:
        root = Path(corpus)
        home = _home(settings, str(root.resolve()))
    engine = Engine(settings.model_copy(update={"home": home}))
    return engine, engine.index([root], progress=progress)


def _home(settings: Settings, key: str) -> Path:
    return settings.index_home() / "evaluation" / hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]


def _write_articles(questions: QuestionSet, folder: Path) -> None:
    if not questions.articles:
        raise BadQuestionSet(
            f"--corpus same asks {questions.name} of the articles in the file itself, and there are none in it. Only "
            "SQuAD JSON brings its own; for others name the folder: --corpus FOLDER."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for source, text in questions.articles:
        path, data = folder / source, text.encode("utf-8", "replace")
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
