"""Everything that can go wrong in a way a user can mend. Each message says what was got, what was expected, what to do.

FootnoteError
├── HomeReadOnly         the home can't be written
├── UnreadableSource     a file that can't become an article
├── ModelError           a model or the token table is missing, altered or of the wrong kind
├── VectorServerError    the Chroma server does not answer, or not as it should
└── BrokenIndexError     the index can't be used as it is
    ├── IndexMissing     there is none yet
    ├── IndexMismatch    it was made with other settings or another model
    ├── IndexDamaged     its parts do not agree
    │   └── VectorsLost  its graph does not lead to some vectors
    └── IndexBusy        another process is writing it
"""

from __future__ import annotations

from index.program import command


class FootnoteError(Exception):
    """The root: a failure that has a message for the user. Anything else is a defect."""

    def cause(self) -> str:
        """Return the message without the advice to run a command, which ends most of them."""
        return str(self).partition(" Run `")[0]


class HomeReadOnly(FootnoteError):
    """The home can't be written, and something has to be."""


class UnreadableSource(FootnoteError):
    """A source that can't become an article; the message is one line and says why."""


class ModelError(FootnoteError):
    """A model or table is missing, altered or of the wrong kind."""


class VectorServerError(FootnoteError):
    """The Chroma server that holds the vectors does not answer, or not as it should; it never holds the token.

    Not an BrokenIndexError: the index is as good as before, so nothing is to be made again.
    """


class BrokenIndexError(FootnoteError):
    """The index can't be used as it is."""


class IndexMissing(BrokenIndexError):
    """There is no index yet."""


class IndexMismatch(BrokenIndexError):
    """The index was made with other settings or another model than those in force."""


class IndexDamaged(BrokenIndexError):
    """The parts of an index do not agree with each other or with its manifest."""

    @classmethod
    def because(cls, what: str) -> IndexDamaged:
        """Return the error with the remedy; `what` says what is damaged."""
        return cls(
            f"The index is damaged: {what}. Run `{command('index')}`, which makes the index again from the sources."
        )


class VectorsLost(IndexDamaged):
    """A query does not reach some of the vectors; everything else agrees."""


class IndexBusy(BrokenIndexError):
    """Another process is writing the index."""
