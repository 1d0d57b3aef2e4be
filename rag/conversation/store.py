"""The conversations of all users, in one SQLite file in FOOTNOTE_HOME."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from index.errors import FootnoteError
from rag.types import Answer

CONVERSATIONS_FILE = "conversations.sqlite"
_VERSION = 2
_SCHEMA = f"""
create table conversations (
    id text primary key, title text not null, starred integer not null default 0, left_out text not null default '[]',
    updated text not null, deleted text, owner text not null default ''
);
create table turns (
    conversation text not null references conversations(id) on delete cascade, id text not null,
    ordinal integer not null, question text not null, text text not null, answer text,
    starred integer not null default 0, asked text not null, primary key (conversation, id)
);
create index turns_in_order on turns (conversation, ordinal);
pragma user_version = {_VERSION};
"""
_WITH_OWNERS = f"""
alter table conversations add column owner text not null default '';
pragma user_version = {_VERSION};
"""
"""Changes a file of version 1."""
_NOT_THERE = "This conversation is not there any more. Begin a new one."
_KEEP_DELETED = timedelta(days=1)
"""Time in which a deleted conversation can be restored."""
_LONGEST_TITLE = 120
_ID = re.compile(r"[a-z0-9]{8,32}")
_PATIENCE = 10.0
"""Seconds to wait for another process that is writing."""


class ConversationError(FootnoteError):
    """A missing conversation or an unusable file; the message says what to do."""


class NoConversation(ConversationError):
    """A conversation that does not exist."""


def is_conversation_id(id_: str) -> bool:
    """True for 8 to 32 lower-case letters and digits."""
    return _ID.fullmatch(id_) is not None


@dataclass(frozen=True)
class Turn:
    """A question and its answer.

    `answer` is None if only the words were stored (`text`).
    """

    id: str
    question: str
    text: str
    answer: Answer | None
    starred: bool
    asked: str


@dataclass(frozen=True)
class Summary:
    """A conversation in a list: title, number of turns, time of the last (ISO, UTC)."""

    id: str
    title: str
    starred: bool
    updated: str
    turns: int


@dataclass(frozen=True)
class Conversation:
    """A complete conversation. `left_out` are the sources that it does not search."""

    id: str
    title: str
    starred: bool
    left_out: tuple[str, ...]
    turns: tuple[Turn, ...]


class ConversationStore:
    """Reads and writes the conversations of one user; those of others do not exist for it.

    Safe to use from several threads and processes at once. Every method raises ConversationError if the file is
    unusable, or the conversation does not exist.
    """

    def __init__(self, home: Path, owner: str = "") -> None:
        """`owner` is the name of a user; "" without log-in."""
        self._path = home / CONVERSATIONS_FILE
        self._owner = owner

    def adopt(self) -> int:
        """Take over the conversations from before there were users; return how many there are."""
        if not self._path.exists():
            return 0
        with self._open() as db:
            return db.execute("update conversations set owner = ? where owner = ''", [self._owner]).rowcount

    def add(self, conversation: str, turn: str, answer: Answer) -> None:
        """Append a turn; the first one creates the conversation, titled by its question.

        An existing turn is replaced in its place.
        """
        self._add(conversation, turn, answer.question, answer.text, json.dumps(answer.to_json()))

    def add_words(self, conversation: str, turn: str, question: str, text: str) -> None:
        """Append a turn of which only the words are known."""
        self._add(conversation, turn, question, text, None)

    def _add(self, conversation: str, turn: str, question: str, text: str, answer: str | None) -> None:
        now = _now()
        with self._open() as db:
            known = db.execute(
                "insert into conversations (id, title, updated, owner) values (?, ?, ?, ?) "
                "on conflict (id) do update set updated = excluded.updated where owner = excluded.owner",
                (conversation, _title(question), now, self._owner),
            ).rowcount
            if not known:
                raise NoConversation(_NOT_THERE)
            db.execute(
                "insert into turns (conversation, id, ordinal, question, text, answer, asked) values (?, ?, "
                "(select coalesce(max(ordinal), 0) + 1 from turns where conversation = ?), ?, ?, ?, ?) "
                "on conflict (conversation, id) do update set question = excluded.question, text = excluded.text, "
                "answer = excluded.answer",
                (conversation, turn, conversation, question, text, answer, now),
            )

    def summaries(self, search: str = "") -> list[Summary]:
        """List the conversations, last used first.

        `search` keeps those that have all its words, in upper or lower case, in the title, a question or an answer.
        """
        words = [f"%{_escaped(word)}%" for word in search.split()]
        holds = (
            "(c.title like ? escape '\\' or exists (select 1 from turns t where t.conversation = c.id and "
            "(t.question like ? escape '\\' or t.text like ? escape '\\')))"
        )
        where = " and ".join(["c.deleted is null and c.owner = ?", *[holds] * len(words)])
        with self._open() as db:
            rows = db.execute(
                "select c.id, c.title, c.starred, c.updated, "
                "(select count(*) from turns t where t.conversation = c.id) "
                f"from conversations c where {where} order by c.updated desc, c.id",
                [self._owner, *(word for word in words for _ in range(3))],
            ).fetchall()
        return [Summary(id_, title, bool(starred), updated, turns) for id_, title, starred, updated, turns in rows]

    def get(self, conversation: str) -> Conversation:
        """Return a conversation with all its turns in order."""
        with self._open() as db:
            row = db.execute(
                "select title, starred, left_out from conversations where id = ? and owner = ? and deleted is null",
                [conversation, self._owner],
            ).fetchone()
            turns = db.execute(
                "select id, question, text, answer, starred, asked from turns where conversation = ? order by ordinal",
                [conversation],
            ).fetchall()
        if row is None:
            raise NoConversation(_NOT_THERE)
        return Conversation(conversation, row[0], bool(row[1]), _names(row[2]), tuple(_turn(*turn) for turn in turns))

    def answer(self, turn: str) -> Answer:
        """Return the answer of a turn.

        Raises ConversationError if it is not stored, or only its words are.
        """
        with self._open() as db:
            rows = db.execute(
                "select t.id, question, text, answer, t.starred, asked from turns t join conversations c "
                "on c.id = conversation where t.id = ? and c.owner = ? and c.deleted is null "
                "order by asked desc limit 1",
                [turn, self._owner],
            ).fetchall()
        found = _turn(*rows[0]).answer if rows else None
        if found is None:
            raise ConversationError("This answer was not saved. Ask the question again.")
        return found

    def change(
        self,
        conversation: str,
        *,
        title: str | None = None,
        starred: bool | None = None,
        left_out: Sequence[str] | None = None,
    ) -> None:
        """Rename or star a conversation, or set the sources that it does not search.

        Raises ConversationError if the title is empty.
        """
        changes: dict[str, Any] = {}
        if title is not None:
            if not title.strip():
                raise ConversationError("A conversation needs a title. Type at least one letter.")
            changes["title"] = _title(title)
        if starred is not None:
            changes["starred"] = int(starred)
        if left_out is not None:
            changes["left_out"] = json.dumps(list(left_out))
        if changes:
            self._update(
                "conversations", changes, "id = ? and owner = ? and deleted is null", conversation, self._owner
            )

    def star_turn(self, conversation: str, turn: str, starred: bool) -> None:
        """Star a question, or remove its star."""
        where = "conversation = (select id from conversations where id = ? and owner = ?) and id = ?"
        self._update("turns", {"starred": int(starred)}, where, conversation, self._owner, turn)

    def delete(self, conversation: str) -> None:
        """Hide a conversation; `restore` brings it back.

        Conversations that were hidden more than a day ago are deleted for good.
        """
        where = "id = ? and owner = ? and deleted is null"
        self._update("conversations", {"deleted": _now()}, where, conversation, self._owner)
        with self._open() as db:
            limit = (datetime.now(UTC) - _KEEP_DELETED).isoformat()
            db.execute("delete from conversations where deleted < ?", [limit])

    def restore(self, conversation: str) -> None:
        """Bring back a hidden conversation."""
        where = "id = ? and owner = ? and deleted is not null"
        self._update("conversations", {"deleted": None}, where, conversation, self._owner)

    def delete_all(self) -> int:
        """Delete every conversation for good, and return how many there were.

        Hidden conversations are deleted and counted too.
        """
        with self._open() as db:
            count = db.execute("delete from conversations where owner = ?", [self._owner]).rowcount
        with self._open(commit=False) as db:
            # Overwrite the deleted data, not only unlink it.
            db.execute("vacuum")
        return count

    def starred_turns(self) -> list[tuple[str, Turn]]:
        """List the starred questions with their conversation's id, oldest first."""
        with self._open() as db:
            rows = db.execute(
                "select conversation, t.id, question, text, answer, t.starred, asked from turns t join conversations c "
                "on c.id = conversation where t.starred and c.owner = ? and c.deleted is null order by asked, t.id",
                [self._owner],
            ).fetchall()
        return [(conversation, _turn(*turn)) for conversation, *turn in rows]

    def _update(self, table: str, changes: Mapping[str, Any], where: str, *keys: str) -> None:
        assignments = ", ".join(f"{column} = ?" for column in changes)
        with self._open() as db:
            changed = db.execute(f"update {table} set {assignments} where {where}", [*changes.values(), *keys]).rowcount
        if not changed:
            raise ConversationError(
                "This conversation is not there any more. Load the page again to see the current ones."
            )

    @contextmanager
    def _open(self, *, commit: bool = True) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction; create it if it is missing."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)) as db:
                db.execute("pragma foreign_keys = on")
                db.execute("pragma secure_delete = on")
                self._prepare(db)
                if commit:
                    db.execute("begin immediate")
                yield db
                if commit:
                    db.execute("commit")
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise ConversationError(
                f"The conversations can't be read or saved: {error}. If this stays, move the file "
                f"{CONVERSATIONS_FILE} out of the folder FOOTNOTE_HOME and load the page again; a new one is made."
            ) from error
        except OSError as error:
            raise ConversationError(
                f"The conversations can't be saved: {error.strerror or 'the folder refuses it'}. Check the permissions "
                "and the free space of FOOTNOTE_HOME."
            ) from error

    @staticmethod
    def _prepare(db: sqlite3.Connection) -> None:
        if db.execute("pragma user_version").fetchone()[0] == _VERSION:
            return
        db.execute("begin immediate")
        found = db.execute("pragma user_version").fetchone()[0]  # another process may have been first
        for statement in _SCHEMA.split(";") if found == 0 else _WITH_OWNERS.split(";") if found == 1 else ():
            db.execute(statement)
        db.execute("commit")


def _turn(id_: str, question: str, text: str, answer: str | None, starred: int, asked: str) -> Turn:
    try:
        found = Answer.from_json(json.loads(answer)) if answer else None
    except (ValueError, KeyError, TypeError):
        found = None  # stored by another version: the words are still usable
    return Turn(id_, question, text, found, bool(starred), asked)


def _names(stored: str) -> tuple[str, ...]:
    """Return a stored list of sources; none if it is damaged."""
    try:
        return tuple(map(str, json.loads(stored)))
    except (ValueError, TypeError):
        return ()


def _title(words: str) -> str:
    tidy = " ".join(words.split())
    return tidy if len(tidy) <= _LONGEST_TITLE else f"{tidy[: _LONGEST_TITLE - 1].rstrip()}…"


def _escaped(word: str) -> str:
    """Escape a word for a LIKE pattern that matches exactly it."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _now() -> str:
    return datetime.now(UTC).isoformat()
