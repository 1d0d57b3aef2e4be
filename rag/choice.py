"""The sources that a question searches: named or matched by patterns, or all but some."""

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
    """A user's selection of sources.

    `only` holds names or patterns ("notes/*.pdf"; empty: all), `left_out` holds names. Dated sources are searched only
    if they were published by the end of `as_of` and not before `since`.
    """

    only: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()
    as_of: Published | None = None
    since: Published | None = None

    def is_dated_right(self, published: Published | None) -> bool:
        """True if a source with this date is searched; a source without a date always is."""
        if published is None:
            return True
        late = self.as_of and published.first_day > self.as_of.last_day
        early = self.since and published.last_day < self.since.first_day
        return not (late or early)


ALL_SOURCES = Choice()


_AS_OF = re.compile(r"[\s,]*\bas (?:of|at)\s+(?P<when>[^\s,?!]+(?:\s+[^\s,?!]+){0,2})", re.IGNORECASE)


def dated(question: str, choice: Choice) -> tuple[str, Choice]:
    """Move "as of March 2024" from a question into the choice, unless it has a date.

    >>> dated("as of march 2024, who is the chair?", ALL_SOURCES)[0]
    'who is the chair?'
    """
    if choice.as_of is None and (match := _AS_OF.search(question)):
        words = match["when"].split()
        for count in range(len(words), 0, -1):
            # The date parser expects months with a capital.
            if when := read_period(" ".join(words[:count]).title()):
                end = match.start("when") + len(" ".join(words[:count]))
                left = f"{question[: match.start()]} {question[end:].lstrip(' ,')}".strip()
                return (left, replace(choice, as_of=when)) if any(map(str.isalnum, left)) else (question, choice)
    return question, choice


class UnknownSource(FootnoteError):
    """A name or pattern that matches no source; the message suggests names."""


class NothingChosen(FootnoteError):
    """A choice that leaves no source to search."""


@dataclass(frozen=True)
class SourceScope:
    """The sources that a choice selects from an index.

    `names` are the selected sources of `total`, `article_ids` the articles to search. `dates` says in words which
    sources were left out for their dates ("" for none).
    """

    names: frozenset[str]
    article_ids: tuple[str, ...] = field(compare=False)
    total: int
    dates: str = ""

    def __str__(self) -> str:
        were = "was" if len(self.names) == 1 else "were"
        left_out = f" ({self.dates})" if self.dates else ""
        return f"{len(self.names):,} of {self.total:,} sources {were} asked{left_out}"

    def named(self, sources: Sequence[str]) -> list[str]:
        """Return those of `sources` that are selected, in order."""
        return [source for source in sources if source in self.names]


def resolve_scope(catalog: Catalog, choice: Choice) -> SourceScope | None:
    """Return the sources that a choice selects in this catalog; None for all.

    Raises UnknownSource if a name or pattern in `only` matches no source, and NothingChosen if nothing is left.
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
    """Say how many sources were left out for their dates; "" for none."""
    bounds = [f"after {choice.as_of}"] if choice.as_of else []
    bounds += [f"before {choice.since}"] if choice.since else []
    return f"{number:,} published {' or '.join(bounds)} left out" if number else ""


def _named(name: str, sources: Collection[str]) -> list[str]:
    """Return the source with this name, else those that match it as a pattern."""
    found = [name] if name in sources else [source for source in sources if fnmatchcase(source, name)]
    if not found:
        raise UnknownSource(unknown_source(name, list(sources)))
    return found
