"""A sentence -> its verdict against the passages it cites, by rules. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from index.text.aliases import Aliases
from index.text.layout import Span
from index.text.sentences import sentences
from rag.check import Support, SupportVerdict, Verdict
from rag.check.facts import Fact, SearchedText, find_facts
from rag.check.instructions import instructs
from rag.check.rivals import FactPlaces, Rival, in_a_name, kind_of, worst
from rag.check.roles import exchanged_roles
from rag.check.strangers import find_strangers
from rag.check.wording import content, coverage, direction_differs, holds_term, negation_differs

# The thresholds and weights were set only on statements made from squad/train (benchmarks/README.md).
_HARDLY = 0.34
"""A sentence with less than this share of its words in the source is not a statement of the source."""
_COVERED = 0.6
"""Share of a sentence's words that the slices must have together."""
_ELSEWHERE = 0.4
"""A fact is elsewhere if the rest of the sentence is covered this much better without it."""
_RIVAL_VALUE, _RIVAL_NAME = 0.1, 0.35
"""Another number or date, or another name, is meant if it is this much nearer to the rest of the sentence."""
_SECOND = 1.15
"""Number of terms that a second sentence must add to be part of the slice."""


@dataclass(frozen=True)
class SourceFacts:
    """A cited passage, against which the check compares the facts of a sentence.

    `context` is its title, heading and date; `aliases` are the short forms that its article introduces. `name` is what
    a reason calls it.
    """

    text: str
    context: str
    aliases: Aliases
    name: str = "the source"

    @cached_property
    def whole(self) -> SearchedText:
        """Return the text and its context, in which the check looks for facts."""
        return SearchedText(f"{self.context}\n{self.text}", self.aliases)

    @cached_property
    def places(self) -> FactPlaces:
        """The places of its words and facts."""
        return FactPlaces(self.text)

    def up_to(self, span: Span) -> str:
        """Return a slice with the two sentences before it, which may introduce it."""
        before = [start for start, end in sentences(self.text) if end <= span[0]]
        return self.text[min([*before[-2:], span[0]]) : span[1]]

    @cached_property
    def windows(self) -> list[tuple[Span, SearchedText]]:
        """Each sentence, and each two in a row."""
        lines = sentences(self.text)
        spans = [*lines, *((one[0], other[1]) for one, other in pairwise(lines))]
        return [((a, b), SearchedText(self.text[a:b], self.aliases)) for a, b in spans]


@dataclass(frozen=True)
class Measured:
    """The measures of a sentence against its sources.

    `missing` are facts that no source has, or else words in the place of a name that no source has. `nameless` counts
    the names among the missing facts; a name that is partly missing counts in part. `strange` are other words that no
    source has and that are more than wording. `passage` and `slices` are the shares of its words in the passages and in
    the best slices, in [0, 1].

    `apart` is how much better the rest of the sentence is covered away from its facts, in [0, 1], and `strays` are the
    facts that are far from it. `value` and `name` are the number or date, and the name, with the nearest rival.
    `denied` is True if negation differs. `turned` has two words with opposite directions,
    `roles` two words that have exchanged their roles.
    """

    facts: int
    missing: tuple[Fact, ...]
    strange: tuple[str, ...]
    nameless: float
    passage: float
    slices: float
    apart: float
    strays: tuple[Fact, ...]
    value: Rival | None
    name: Rival | None
    denied: bool
    turned: tuple[str, str] | None
    roles: tuple[str, str] | None
    instructs: bool
    support: tuple[Support, ...]


def check_sentence(sentence: str, sources: Sequence[SourceFacts]) -> Verdict:
    """Return the verdict of a sentence against all the passages it cites together.

    A missing fact makes it unsupported. Wording that goes beyond, reverses or rearranges what the sources say makes it
    weak. `sources` may be empty.
    """
    if not sources:
        return Verdict("unsupported", "it cites no source", 0.0)
    measured = measure(sentence, sources)
    named = " and ".join(dict.fromkeys(one.name for one in sources))
    kind, why = judge_sentence(measured, named)
    return Verdict(kind, why, round(rate(measured), 4), measured.support)


def measure(sentence: str, sources: Sequence[SourceFacts]) -> Measured:
    """Take all measures of a sentence; `sources` must not be empty."""
    facts, said = find_facts(sentence), list(dict.fromkeys(content(sentence)))
    wholes = [source.whole for source in sources]
    names, strange = find_strangers(sentence, facts, wholes)
    missing = tuple(fact for fact in facts if not any(one.has(fact) for one in wholes)) or names
    rest = [term for term in said if not any(term in content(fact.text) for fact in facts)]
    supports, holders = list[Support](), list[SearchedText]()
    strays, apart = list[Fact](), 0.0
    for number, source in enumerate(sources):
        if (best := _best(facts, rest, source)) is None:
            continue
        supports.append(Support(number, best[0]))
        holders.append(best[1])
    for fact in facts if rest else ():
        if fact not in missing and (gap := _gap(fact, rest, sources)) > 0:
            apart = max(apart, gap)
            if gap >= _ELSEWHERE:
                strays.append(fact)
    # A value in the title or in a name can't be mistaken for another.
    context = [SearchedText(source.context, source.aliases) for source in sources]
    free = [one for one in facts if one not in missing and not in_a_name(sentence, one)]
    free = [one for one in free if not any(holder.has(one) for holder in context)]
    text = "\n".join(holder.text for holder in holders)
    return Measured(
        facts=len(facts),
        missing=missing,
        strange=strange,
        nameless=sum(
            min(one.lacks(fact) for one in wholes) for fact in facts if fact.kind == "name" and fact in missing
        ),
        passage=_covered(facts, rest, wholes),
        slices=_covered(facts, rest, holders),
        apart=apart,
        strays=tuple(strays),
        value=worst(_rival(fact, said, sources, facts) for fact in free if kind_of(fact) in ("number", "date")),
        name=worst(_rival(fact, said, sources, facts) for fact in free if kind_of(fact) == "name"),
        denied=bool(holders) and negation_differs(sentence, text),
        turned=direction_differs(sentence, text),
        roles=exchanged_roles(sentence, text),
        instructs=any(instructs(sources[one.source].up_to(one.span)) for one in supports),
        support=tuple(supports),
    )


def rate(one: Measured) -> float:
    """Return a score in [0, 1] that orders sentences by how well they are supported.

    It is 1 / (1 + exp(z)), where exp(z) are the odds of a false statement. The weights come from a logistic regression
    over statements made from squad/train, rounded.
    """
    z = -2.6 + 2.8 * (1 - one.slices) + 0.3 * (1 - one.passage) + 1.6 * one.apart + 4.4 * one.denied
    z += 3.9 * sum(fact.kind != "name" for fact in one.missing)
    z += 2.9 * one.nameless
    z += 12.5 * max(0.0, -one.value.margin) if one.value else 0
    z += 4.2 * max(0.0, -one.name.margin) if one.name else 0
    return 1 / (1 + math.exp(z))


def judge_sentence(one: Measured, named: str = "the source") -> tuple[SupportVerdict, str]:
    """Return the verdict on a measured sentence, and the reason.

    `named` is what the reason calls the sources.
    """
    if one.missing:
        facts = ", ".join(dict.fromkeys(f"“{fact.text}”" for fact in one.missing))
        return "unsupported", f"{facts} {'is' if len(one.missing) == 1 else 'are'} not in {named}"
    if not one.support or one.passage < _HARDLY:
        return "unsupported", f"{named} hardly supports any of it"
    if one.instructs:
        return "unsupported", f"{named} contains instructions there, not statements"
    if one.denied:
        return "weak", f"either it or {named} says “not”: compare them"
    if one.turned:
        return "weak", f"it says “{one.turned[0]}”, {named} says “{one.turned[1]}”"
    if one.roles:
        first, second = one.roles
        return "weak", f"“{first}” and “{second}” have other roles in {named}: compare who does what"
    for rival, least in ((one.value, _RIVAL_VALUE), (one.name, _RIVAL_NAME)):
        if rival and rival.margin < -least:
            return "weak", f"it says “{rival.text}”, but the nearest match in {named} is “{rival.other}”"
    if one.strays:
        facts = ", ".join(dict.fromkeys(f"“{fact.text}”" for fact in one.strays))
        return (
            "weak",
            f"{facts} {'appears' if len(one.strays) == 1 else 'appear'} elsewhere in {named}, apart from the rest",
        )
    if one.slices < _COVERED:
        return "weak", f"its wording goes beyond {named}"
    if one.strange:
        words = ", ".join(dict.fromkeys(f"“{word}”" for word in one.strange))
        return "weak", f"{words} {'is' if len(one.strange) == 1 else 'are'} not in {named}"
    return "supported", ""


def _covered(facts: Sequence[Fact], rest: Sequence[str], holders: Sequence[SearchedText]) -> float:
    """Return the share of a sentence's facts and other words that the texts have together; 0 if it has neither."""
    terms = set[str]().union(*(holder.terms for holder in holders))
    found = sum(any(holder.has(fact) for holder in holders) for fact in facts) + sum(holds_term(t, terms) for t in rest)
    return found / (len(facts) + len(rest)) if facts or rest else 0.0


def _best(facts: Sequence[Fact], rest: Sequence[str], source: SourceFacts) -> tuple[Span, SearchedText] | None:
    """Return the slice with most of the words, where facts count double; None if no slice has any."""
    best, highest = None, 0.0
    for number, (span, holder) in enumerate(source.windows):
        shared = sum(holds_term(term, holder.terms) for term in rest) + 2 * sum(holder.has(fact) for fact in facts)
        single = number < (len(source.windows) + 1) // 2
        score = shared - (0.0 if single else _SECOND)
        if score > highest:
            best, highest = (span, holder), score
    return best


def _rival(fact: Fact, said: Sequence[str], sources: Sequence[SourceFacts], stated: Sequence[Fact]) -> Rival | None:
    """Compare a fact with others of its kind, in the source that fits it best."""
    found = [rival for source in sources if (rival := source.places.rival(fact, said, stated))]
    return max(found, key=lambda one: one.margin, default=None)


def _gap(fact: Fact, rest: Sequence[str], sources: Sequence[SourceFacts]) -> float:
    """Return how much better the best slice covers `rest` than the best slice with the fact, in [0, 1]."""
    best = within = 0.0
    for source in sources:
        for _, holder in source.windows:
            covered = coverage(rest, holder.terms)
            best = max(best, covered)
            if holder.has(fact):
                within = max(within, covered)
    if not within and any(SearchedText(source.context, source.aliases).has(fact) for source in sources):
        return 0.0  # the title, heading or date has it
    return best - within
