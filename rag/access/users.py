"""The users with their sessions, tokens and the audit log, in one SQLite file in FOOTNOTE_HOME.

The file has digests only: argon2 of passwords, SHA-256 of the random sessions and tokens.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from index.errors import FootnoteError
from rag.access.visitor import Role, Visitor, role_named

USERS_FILE = "users.sqlite"
_VERSION = 1
_SCHEMA = f"""
create table users (
    name text primary key, role text not null, password text, disabled integer not null default 0, created text not null
);
create table sessions (
    digest text primary key, user text not null references users(name) on delete cascade, ends text not null
);
create table tokens (
    id text primary key, digest text not null, user text not null references users(name) on delete cascade,
    role text not null, label text not null, created text not null, ends text
);
create table audit (at text not null, who text not null, what text not null, about text not null);
pragma user_version = {_VERSION};
"""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_SHORTEST, _LONGEST = 10, 256
"""Least and most characters of a password."""
_TOKEN = re.compile(r"fn_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_PATIENCE = 10.0
"""Seconds to wait for another process that is writing."""
_MOST_TOKENS, _MOST_DAYS, _MOST_ENTRIES = 100, 3650, 100_000
"""Most tokens of a user, days that a token is valid, and entries of the audit log."""


class AccessError(FootnoteError):
    """A user, password or token that can't be made or found, or an unusable file; the message says what to do."""


@dataclass(frozen=True)
class User:
    """A person who may log in. `has_password` is False for those that only a proxy or tokens let in."""

    name: str
    role: Role
    disabled: bool
    has_password: bool
    created: str


@dataclass(frozen=True)
class AccessToken:
    """A key for programs. It has the lesser of its own and its user's role; `ends` is a date, or None."""

    id: str
    user: str
    role: Role
    label: str
    created: str
    ends: str | None


@dataclass(frozen=True)
class AuditEntry:
    """What somebody changed: time (ISO, UTC), name of the user, the kind of change, what it was about."""

    at: str
    who: str
    what: str
    about: str


class UserStore:
    """Reads and changes the users.

    Safe to use from several threads and processes at once. Every method raises AccessError if the file is unusable.
    Changes take effect at the next request; `by` names who makes them in the audit log.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / USERS_FILE

    @cached_property
    def _hasher(self) -> PasswordHasher:
        return PasswordHasher()

    @cached_property
    def _nobody(self) -> str:
        """The hash that is verified for an unknown name, so that it takes as long as for a known one."""
        return self._hasher.hash(secrets.token_hex())

    def exists(self) -> bool:
        """True if there is a user."""
        if not self._path.exists():
            return False
        with self._open() as db:
            return bool(db.execute("select 1 from users limit 1").fetchone())

    def users(self) -> list[User]:
        """List the users by name."""
        if not self._path.exists():
            return []
        with self._open() as db:
            rows = db.execute("select name, role, disabled, password, created from users order by name").fetchall()
        return [User(name, role_named(role), bool(off), bool(password), at) for name, role, off, password, at in rows]

    def user(self, name: str) -> User:
        """Return a user. Raises AccessError if there is none with this name."""
        for one in self.users():
            if one.name == name:
                return one
        raise AccessError(f"There is no user {name!r}.")

    def add(self, name: str, password: str | None, role: Role, by: str) -> None:
        """Add a user; `password` None is for those whom a proxy or a token lets in.

        Raises AccessError for a name that exists or can't be one, and for a weak password.
        """
        if not _NAME.fullmatch(name):
            raise AccessError(
                "A name has up to 64 characters: letters (a to z), digits and . _ @ + -, the first a letter or digit."
            )
        hashed = self._hashed(password, name) if password is not None else None
        with self._open(write=True) as db:
            if db.execute("select 1 from users where name = ? collate nocase", [name]).fetchone():
                raise AccessError(f"There is a user {name!r} already.")
            db.execute("insert into users values (?, ?, ?, 0, ?)", [name, str(role), hashed, _now()])
            _note(db, by, "user added", f"{name} ({role})")

    def set_role(self, name: str, role: Role, by: str) -> None:
        """Give a user another role."""
        self._change(name, "role = ?", [str(role)], by, f"role set to {role}")

    def set_disabled(self, name: str, disabled: bool, by: str) -> None:
        """Keep a user out, or let them in again. Sessions of a disabled user end; tokens rest."""
        self._change(name, "disabled = ?", [int(disabled)], by, "disabled" if disabled else "enabled", ends=disabled)

    def set_password(self, name: str, password: str, by: str) -> None:
        """Set a user's password, and end their sessions. Raises AccessError for a weak one."""
        self._change(name, "password = ?", [self._hashed(password, name)], by, "password set", ends=True)

    def remove(self, name: str, by: str) -> None:
        """Remove a user with their sessions and tokens. Conversations are another store's."""
        with self._open(write=True) as db:
            with _keeps_an_admin(db):
                if not db.execute("delete from users where name = ?", [name]).rowcount:
                    raise AccessError(f"There is no user {name!r}.")
            _note(db, by, "user removed", name)

    def check_password(self, name: str, password: str) -> Visitor | None:
        """Return the visitor if this is the password of an enabled user; else None, after the same time."""
        with self._open() as db:
            row = db.execute(
                "select name, role, password, disabled from users where name = ? collate nocase", [name]
            ).fetchone()
        known, role, hashed, disabled = row or (name, "reader", None, 1)
        try:
            self._hasher.verify(hashed or self._nobody, password[: _LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return None
        return Visitor(known, role_named(role)) if hashed and not disabled else None

    def begin_session(self, name: str, hours: float) -> str:
        """Begin a session and return its secret, for a cookie."""
        secret = secrets.token_urlsafe(32)
        with self._open(write=True) as db:
            db.execute("delete from sessions where ends < ?", [_now()])
            db.execute("insert into sessions values (?, ?, ?)", [_digest(secret), name, _now(timedelta(hours=hours))])
        return secret

    def end_session(self, secret: str) -> None:
        """End a session; one that does not exist is none."""
        with self._open(write=True) as db:
            db.execute("delete from sessions where digest = ?", [_digest(secret)])

    def end_sessions(self, name: str) -> None:
        """End all sessions of a user."""
        with self._open(write=True) as db:
            db.execute("delete from sessions where user = ?", [name])

    def of_session(self, secret: str) -> Visitor | None:
        """Return whose session this is; None if it has ended, or the user is disabled."""
        with self._open() as db:
            row = db.execute(
                "select name, role from sessions join users on user = name where digest = ? and ends > ? "
                "and not disabled",
                [_digest(secret), _now()],
            ).fetchone()
        return Visitor(row[0], role_named(row[1])) if row else None

    def of_token(self, token: str) -> Visitor | None:
        """Return whose token this is, with the lesser role of both; None if it is not valid."""
        found = _TOKEN.fullmatch(token)
        if not found:
            return None
        with self._open() as db:
            row = db.execute(
                "select name, u.role, t.role, digest from tokens t join users u on user = name where id = ? "
                "and (ends is null or ends > ?) and not disabled",
                [found[1], _now()],
            ).fetchone()
        if not row or not secrets.compare_digest(row[3], _digest(found[2])):
            return None
        return Visitor(row[0], min(role_named(row[1]), role_named(row[2])))

    def of_name(self, name: str, by: str) -> Visitor | None:
        """Return the user whom a trusted proxy names, added as a reader if new; None if disabled or no name."""
        if not _NAME.fullmatch(name):
            return None
        if not (known := self._named(name)):
            with suppress(AccessError):  # another request may have been first
                self.add(name, None, Role.READER, by)
            known = self._named(name)
        return Visitor(known[0], role_named(known[1])) if known and not known[2] else None

    def _named(self, name: str) -> tuple[str, str, int] | None:
        with self._open() as db:
            query = "select name, role, disabled from users where name = ? collate nocase"
            found: tuple[str, str, int] | None = db.execute(query, [name]).fetchone()
        return found

    def new_token(self, name: str, role: Role, label: str, days: int | None, by: str) -> str:
        """Make a token for a user and return it; it can't be shown again.

        `days` is when it ends, None for never. Raises AccessError for an unknown user, a number of days that can't be,
        and a user with too many tokens.
        """
        self.user(name)
        if days is not None and not 1 <= days <= _MOST_DAYS:
            raise AccessError(f"A token is valid for 1 to {_MOST_DAYS:,} days, or without an end.")
        if len(self.tokens(name)) >= _MOST_TOKENS:
            raise AccessError(f"{name} has {_MOST_TOKENS} tokens, the most there may be. Revoke those not in use.")
        id_, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        ends = _now(timedelta(days=days)) if days else None
        with self._open(write=True) as db:
            db.execute(
                "insert into tokens values (?, ?, ?, ?, ?, ?, ?)",
                [id_, _digest(secret), name, str(role), " ".join(label.split())[:80], _now(), ends],
            )
            _note(db, by, "token made", f"{id_} of {name} ({role})")
        return f"fn_{id_}_{secret}"

    def tokens(self, name: str | None = None) -> list[AccessToken]:
        """List the tokens of a user, or of all."""
        if not self._path.exists():
            return []
        with self._open() as db:
            rows = db.execute(
                "select id, user, role, label, created, ends from tokens where ? is null or user = ? order by created",
                [name, name],
            ).fetchall()
        return [AccessToken(id_, user, role_named(role), *rest) for id_, user, role, *rest in rows]

    def revoke_token(self, id_: str, by: str, of: str | None = None) -> None:
        """Delete a token; `of` limits it to those of a user. Raises AccessError if there is none."""
        with self._open(write=True) as db:
            if not db.execute("delete from tokens where id = ? and ? in (user, '')", [id_, of or ""]).rowcount:
                raise AccessError(f"There is no token {id_!r}.")
            _note(db, by, "token revoked", id_)

    def note(self, who: str, what: str, about: str) -> None:
        """Add an entry to the audit log, if there are users."""
        if self._path.exists():
            with self._open(write=True) as db:
                _note(db, who, what, about)

    def note_wrong_password(self, name: str, address: str) -> None:
        """Add a wrong password to the audit log. An unknown name is left out: people type passwords there, too."""
        known = self._named(name)
        self.note(known[0] if known else "an unknown name", "wrong password", address)

    def audit(self, most: int) -> list[AuditEntry]:
        """List the last entries of the audit log, oldest first."""
        if not self._path.exists():
            return []
        with self._open() as db:
            rows = db.execute("select at, who, what, about from audit order by rowid desc limit ?", [most]).fetchall()
        return [AuditEntry(*row) for row in reversed(rows)]

    def _hashed(self, password: str, name: str) -> str:
        if not _SHORTEST <= len(password) <= _LONGEST:
            raise AccessError(f"A password has {_SHORTEST} to {_LONGEST} characters.")
        if password.casefold() in (name.casefold() * 2, name.casefold()) or len(set(password)) < 4:
            raise AccessError("This password is too easy to guess. Choose another, for example four words.")
        return self._hasher.hash(password)

    def _change(self, name: str, change: str, values: list[object], by: str, what: str, *, ends: bool = False) -> None:
        with self._open(write=True) as db:
            with _keeps_an_admin(db):
                if not db.execute(f"update users set {change} where name = ?", [*values, name]).rowcount:
                    raise AccessError(f"There is no user {name!r}.")
            if ends:
                db.execute("delete from sessions where user = ?", [name])
            _note(db, by, f"user {what}", name)

    @contextmanager
    def _open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction; create it, readable by its owner alone, if it is missing."""
        try:
            if not self._path.exists():
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.touch(0o600)
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)) as db:
                db.execute("pragma foreign_keys = on")
                db.execute("pragma secure_delete = on")
                new = db.execute("pragma user_version").fetchone()[0] == 0
                db.execute("begin immediate" if write or new else "begin")
                if db.execute("pragma user_version").fetchone()[0] == 0:  # another process may have been first
                    for statement in _SCHEMA.split(";"):
                        db.execute(statement)
                yield db
                db.execute("commit")
        except sqlite3.DatabaseError as error:
            raise AccessError(
                f"The users can't be read or saved: {error}. Nobody can log in until the file {USERS_FILE} in "
                "FOOTNOTE_HOME is restored from a backup."
            ) from error
        except OSError as error:
            raise AccessError(
                f"The users can't be read or saved: {error.strerror or 'the folder refuses it'}. Check the permissions "
                "and the free space of FOOTNOTE_HOME."
            ) from error


@contextmanager
def _keeps_an_admin(db: sqlite3.Connection) -> Iterator[None]:
    """Raise AccessError, which rolls the block's change back, if it leaves no admin who may log in."""
    count = "select count(*) from users where role = 'admin' and not disabled"
    before = db.execute(count).fetchone()[0]
    yield
    if before and not db.execute(count).fetchone()[0]:
        raise AccessError("This is the last admin who may log in. Make another user an admin first.")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _note(db: sqlite3.Connection, who: str, what: str, about: str) -> None:
    made = db.execute("insert into audit values (?, ?, ?, ?)", [_now(), who, what, about[:1000]]).lastrowid or 0
    db.execute("delete from audit where rowid <= ?", [made - _MOST_ENTRIES])


def _now(later: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + later).isoformat(timespec="seconds")
