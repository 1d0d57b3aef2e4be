"""Which of the sources a question is asked of: named one by one or by patterns, or all but those left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from index.errors import FootnoteError
from index.sources.removal import unknown_source
from index.store.catalog import Catalog
from index.text.published import Published, read_period


@dataclass(frozen=True)
class Choice:
    """What somebody chose. `only` are names or patterns ("notes/*.pdf"; none: all), `left_out` are names.

    Dated sources are asked only if they were published by the end of `as_of` and not before `since`.
    """

    only: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()
    as_of: Published | None = None
    since: Published | None = None

    def is_dated_right(self, published: Published | None) -> bool:
        """Whether a source with this date is asked; one without a date always is."""
        if published is None:
            return True
        late = self.as_of and published.first_day > self.as_of.last_day
        early = self.since and published.last_day < self.since.first_day
        return not (late or early)


ALL_SOURCES = Choice()


_AS_OF = re.compile(r"[\s,]*\bas (?:of|at)\s+(?P<when>[^\s,?!]+(?:\s+[^\s,?!]+){0,2})", re.IGNORECASE)


def dated(question: str, choice: Choice) -> tuple[str, Choice]:
    """Return a question without its "as of March 2024", and the choice with that date, unless it has one.

    >>> dated("as of march 2024, who is the chair?", EVERYTHING)[0]
    'who is the chair?'
    """
    if choice.as_of is None and (match := _AS_OF.search(question)):
        words = match["when"].split()
        for count in range(len(words), 0, -1):
            # Months have a capital where dates are read.
            if when := read_period(" ".join(words[:count]).title()):
                end = match.start("when") + len(" ".join(words[:count]))
                left = f"{question[: match.start()]} {question[end:].lstrip(' ,')}".strip()
                return (left, replace(choice, as_of=when)) if any(map(str.isalnum, left)) else (question, choice)
    return question, choice


class NothingChosen(FootnoteError):
    """A choice that leaves no source to ask."""


@dataclass(frozen=True)
class SourceScope:
    """A choice among the sources there are: `names` of those asked, of `total`; `article_ids` are what is looked at;
    `dates` says in words which were left out for their dates ("" for none)."""

    names: frozenset[str]
    article_ids: tuple[str, ...] = field(compare=False)
    total: int
    dates: str = ""

    def __str__(self) -> str:
        were = "was" if len(self.names) == 1 else "were"
        left_out = f" ({self.dates})" if self.dates else ""
        return f"{len(self.names):,} of {self.total:,} sources {were} asked{left_out}"

    def named(self, sources: Sequence[str]) -> list[str]:
        """Those of `sources` that are asked, in order."""
        return [source for source in sources if source in self.names]


def resolve_scope(catalog: Catalog, choice: Choice) -> SourceScope | None:
    """What a choice comes to in this catalog; None when it is everything.

    Raises FootnoteError for a name or pattern in `only` that no source has, and NothingChosen when nothing is left.
    """
    if choice == ALL_SOURCES:
        return None
    homes = catalog.homes()
    chosen = set(homes)
    if choice.only:
        chosen = {source for name in choice.only for source in _named(name, homes)}
    ticked = chosen - choice.left_out
    out = {source for source, _, published in catalog.titles() if not choice.is_dated_right(published)} & ticked
    names = frozenset(ticked - out)
    if len(names) == len(homes):
        return None
    if not names:
        raise NothingChosen("No source is chosen, so there is nothing to ask. Tick at least one under Sources.")
    return SourceScope(
        names, tuple(sorted({homes[source] for source in names})), len(homes), _left_out(choice, len(out))
    )


def _left_out(choice: Choice, number: int) -> str:
    """Which sources were left out for their dates, in words."""
    bounds = [f"after {choice.as_of}"] if choice.as_of else []
    bounds += [f"before {choice.since}"] if choice.since else []
    return f"{number:,} published {' or '.join(bounds)} left out" if number else ""


def _named(name: str, sources: Collection[str]) -> list[str]:
    """The source of this name, else those that the name is a pattern of."""
    found = [name] if name in sources else [source for source in sources if fnmatchcase(source, name)]
    if not found:
        raise FootnoteError(unknown_source(name, list(sources)))
    return found
