"""Footnote from Python: open an index and ask it. `rag` exports these names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag.environment import prepare

# Before any other import: libraries read these settings when they are loaded.
prepare()

from index.errors import FootnoteError
from index.sources.fetch import is_address
from rag.answer import answer
from rag.choice import Choice
from rag.conversation.thread import Thread
from rag.engine import Engine
from rag.settings import make_settings
from rag.types import Answer


def open_index(*sources: str | Path, home: str | Path | None = None, **settings: Any) -> Engine:
    """Open an index, and first make it equal to its sources.

    Args:
        sources: folders, files or web addresses to add to the sources of the index. An index without any source
            begins with the sample articles.
        home: the folder of the index (default: FOOTNOTE_HOME, else the one that the command line uses).
        settings: any setting by its name in lower case, for example `passages=5`; `footnote settings` lists them.

    Returns:
        The index, which can be shared between threads.

    Raises:
        FootnoteError: a source is not there, a setting makes no sense, or the home can't be written.
    """
    if any(not str(source).strip() for source in sources):
        raise FootnoteError("A source is empty. Name a folder, a file or a web address.")
    engine = Engine(make_settings(home=None if home is None else Path(home), **settings))
    named = [str(source) for source in sources]
    paths = [Path(name) for name in named if not is_address(name)]
    addresses = [name for name in named if is_address(name)]
    if named:
        engine.index(paths, addresses=addresses)
    else:
        engine.ensure_index()
        if engine.stale():
            engine.index()
    return engine


def ask(index: Engine, question: str, *, sources: Sequence[str] = (), before: Sequence[Answer] = ()) -> Answer:
    """Answer a question from an index.

    Args:
        index: what `open_index` returned.
        question: the question in plain English.
        sources: names or patterns ("notes/*.pdf") of the sources to ask (default: all).
        before: the answers of this conversation so far, which the question may refer to.

    Returns:
        The answer; `refused` is True where the sources do not say.

    Raises:
        FootnoteError: the question is empty or too long, or a source is not there.
    """
    return answer(index, question, choice=Choice(only=tuple(sources)), thread=Thread(tuple(before)))
