"""Errors that a user can mend; each message says what was got, what was expected and what to do.

FootnoteError
├── HomeReadOnly         the home folder can't be written
├── UnreadableSource     a file that can't become an article
├── ModelError           a model or the token table is missing, altered or of the wrong kind
├── VectorServerError    the Chroma server does not answer, or not as it should
└── BrokenIndexError     the index can't be used as it is
    ├── IndexMissing     there is no index yet
    ├── IndexMismatch    the index was built with other settings or another model
    ├── IndexDamaged     its parts do not agree
    │   └── VectorsLost  a query does not reach some vectors
    └── IndexBusy        another process is writing it
"""

from __future__ import annotations

from index.program import command


class FootnoteError(Exception):
    """The root: a failure with a message for the user. All others are defects."""

    def cause(self) -> str:
        """Return the message without the advice to run a command, which ends most of them."""
        return str(self).partition(" Run `")[0]


class HomeReadOnly(FootnoteError):
    """A home folder that can't be written although something must be written."""


class UnreadableSource(FootnoteError):
    """A source that can't become an article. The message is one line and says why."""


class ModelError(FootnoteError):
    """A model or table that is missing, altered or of the wrong kind."""


class VectorServerError(FootnoteError):
    """A Chroma server that does not answer, or not as it should.

    The message never holds the token. Not a BrokenIndexError: the index is intact, so nothing need be built again.
    """


class BrokenIndexError(FootnoteError):
    """An index that can't be used as it is."""


class IndexMissing(BrokenIndexError):
    """An index that does not exist yet."""


class IndexMismatch(BrokenIndexError):
    """An index that was built with settings or a model other than those in force."""


class IndexDamaged(BrokenIndexError):
    """An index whose parts do not agree with each other or with its manifest."""

    @classmethod
    def because(cls, what: str) -> IndexDamaged:
        """Return the error with the remedy; `what` says what is damaged."""
        return cls(
            f"The index is damaged: {what}. Run `{command('index')}`, which makes the index again from the sources."
        )


class VectorsLost(IndexDamaged):
    """An index in which a query does not reach some vectors; all else agrees."""


class IndexBusy(BrokenIndexError):
    """An index that another process is writing."""
