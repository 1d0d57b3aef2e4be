"""The index for an evaluation: the user's index, or a separate one for another folder or a set's own articles."""

from __future__ import annotations

import filecmp
import hashlib
from collections.abc import Iterable
from pathlib import Path

from index.report import Progress, Report
from index.sources.roots import find_sources, forget_sources, forgotten
from rag.engine import Engine
from rag.evaluation.labels import Corpus
from rag.evaluation.questions import BadQuestionSet, QuestionSet
from rag.settings import Settings

SAME = "same"


def engine_for(
    settings: Settings, questions: QuestionSet, corpus: str | None, progress: Progress | None = None
) -> tuple[Engine, Report | None]:
    """Return the engine for a question set, and the report of updating its index.

    Without `corpus`, the user's index is used unchanged. A path is indexed below FOOTNOTE_HOME/evaluation, apart from
    the user's index and without the files of the question set. "same" indexes the articles in the question set there.
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
        inside = [one for one in questions.files if root.resolve() in one.resolve().parents]
        home = _home(settings, "\n".join(map(str, [root.resolve(), *inside])))
        if inside:
            forget_sources(home, inside)
    engine = Engine(settings.model_copy(update={"home": home}))
    return engine, engine.index([root], progress=progress)


def own_sources(engine: Engine, questions: QuestionSet) -> frozenset[str]:
    """Return the sources that are files of the set, or copies: these are excluded."""
    sets = {one.resolve(): one.stat().st_size for one in questions.files if one.is_file()}
    found = set()
    for source, path in find_sources(engine.roots(), forgotten(engine.home)).files:
        if path.resolve() in sets or (path.stat().st_size in sets.values() and _is_copy(path, sets)):
            found.add(source)
    return frozenset(found)


def _is_copy(path: Path, files: Iterable[Path]) -> bool:
    return any(filecmp.cmp(path, one, shallow=False) for one in files)


def question_corpus(engine: Engine, questions: QuestionSet) -> Corpus:
    """Return the corpus of a set: the engine's index without the set's files."""
    return Corpus(engine.parts()[0], own_sources(engine, questions))


def _home(settings: Settings, key: str) -> Path:
    return settings.index_home() / "evaluation" / hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]


def _write_articles(questions: QuestionSet, folder: Path) -> None:
    if not questions.articles:
        raise BadQuestionSet(
            f"--corpus same searches the articles in the question set, but {questions.name} contains none. Only SQuAD "
            "JSON and sets with contexts do. For other sets, name the folder: --corpus FOLDER."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for source, text in questions.articles:
        path, data = folder / source, text.encode("utf-8", "replace")
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
