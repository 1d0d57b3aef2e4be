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
from rag.check.strangers import find_strangers
from rag.check.wording import content, coverage, direction_differs, holds_term, negation_differs

# The thresholds and weights were set on statements made of squad/train (benchmarks/README.md), and on nothing else.
_HARDLY = 0.34
"""Under this share of its words in the source a sentence is no statement of the source's at all."""
_COVERED = 0.6
"""Share of a sentence's words that the slices must have between them."""
_ELSEWHERE = 0.4
"""A fact stands elsewhere when the rest of the sentence is covered this much better without it."""
_RIVAL_VALUE, _RIVAL_NAME = 0.1, 0.35
"""Another number or date, or another name, is meant when it stands this much nearer to the rest of the sentence."""
_SECOND = 1.15
"""What a second sentence must bring, in terms, to be part of the slice."""


@dataclass(frozen=True)
class SourceFacts:
    """A passage that is cited: its `text`, what is said `beside` it (title, heading, date), and the short forms that
    its article introduces. `name` is what a reason calls it."""

    text: str
    beside: str
    aliases: Aliases
    name: str = "the source"

    @cached_property
    def whole(self) -> SearchedText:
        """All that counts as said by the source."""
        return SearchedText(f"{self.beside}\n{self.text}", self.aliases)

    @cached_property
    def places(self) -> FactPlaces:
        """Where its words and facts stand."""
        return FactPlaces(self.text)

    def up_to(self, span: Span) -> str:
        """A slice with the two sentences before it, which may tell what the slice is."""
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
    """What the rules measure of a sentence against its sources.

    `missing` are facts that no source has, or else words in the place of a name that none has; `nameless` counts the
    names among the facts, parts of names as parts; `strange` are other words that none has and that are more than
    wording; `passage`
    and `slices` are the shares of its words in the passages and in the best slices, in [0, 1]; `apart` how much better
    the rest of the sentence is covered where its facts do not stand, in [0, 1], and `strays` those facts; `value` and
    `name` are the number or date, and the name, whose rival stands nearest; `denied` tells that negation differs,
    `turned` the words that point opposite ways.
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
    instructs: bool
    support: tuple[Support, ...]


def check_sentence(sentence: str, sources: Sequence[SourceFacts]) -> Verdict:
    """The verdict of a sentence against the passages it cites, all of them together.

    A fact that is missing makes it unsupported; wording that goes beyond, turns round or rearranges what the sources
    say makes it weak. `sources` may be empty.
    """
    if not sources:
        return Verdict("unsupported", "it cites no source", 0.0)
    measured = measure(sentence, sources)
    named = " and ".join(dict.fromkeys(one.name for one in sources))
    kind, why = judge_sentence(measured, named)
    return Verdict(kind, why, round(rate(measured), 4), measured.support)


def measure(sentence: str, sources: Sequence[SourceFacts]) -> Measured:
    """Take every measure of a sentence; `sources` must not be empty."""
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
    # What the title or a name says is no value that could be taken for another.
    beside = [SearchedText(source.beside, source.aliases) for source in sources]
    free = [one for one in facts if one not in missing and not in_a_name(sentence, one)]
    free = [one for one in free if not any(holder.has(one) for holder in beside)]
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
        value=worst(_rival(fact, said, sources) for fact in free if kind_of(fact) in ("number", "date")),
        name=worst(_rival(fact, said, sources) for fact in free if kind_of(fact) == "name"),
        denied=bool(holders) and negation_differs(sentence, text),
        turned=direction_differs(sentence, text),
        instructs=any(instructs(sources[one.source].up_to(one.span)) for one in supports),
        support=tuple(supports),
    )


def rate(one: Measured) -> float:
    """One number in [0, 1] that orders sentences by how well they are supported: 1 / (1 + exp(z)), where exp(z) are the
    odds of a false statement, by a logistic regression over statements made of squad/train, rounded."""
    z = -2.6 + 2.8 * (1 - one.slices) + 0.3 * (1 - one.passage) + 1.6 * one.apart + 4.4 * one.denied
    z += 3.9 * sum(fact.kind != "name" for fact in one.missing)
    z += 2.9 * one.nameless
    z += 12.5 * max(0.0, -one.value.margin) if one.value else 0
    z += 4.2 * max(0.0, -one.name.margin) if one.name else 0
    return 1 / (1 + math.exp(z))


def judge_sentence(one: Measured, named: str = "the source") -> tuple[SupportVerdict, str]:
    """The verdict on a sentence that was measured against the sources `named`, and why."""
    if one.missing:
        facts = ", ".join(dict.fromkeys(f"“{fact.text}”" for fact in one.missing))
        return "unsupported", f"{facts} {'is' if len(one.missing) == 1 else 'are'} not in {named}"
    if not one.support or one.passage < _HARDLY:
        return "unsupported", f"{named} says hardly anything of this"
    if one.instructs:
        return "unsupported", f"what {named} has there are instructions, not statements"
    if one.denied:
        return "weak", f"one of the two says “not”: compare it with {named}"
    if one.turned:
        return "weak", f"it says “{one.turned[0]}”, {named} says “{one.turned[1]}”"
    for rival, least in ((one.value, _RIVAL_VALUE), (one.name, _RIVAL_NAME)):
        if rival and rival.margin < -least:
            return "weak", f"it says “{rival.text}”, but “{rival.other}” stands nearer to this in {named}"
    if one.strays:
        facts = ", ".join(dict.fromkeys(f"“{fact.text}”" for fact in one.strays))
        return "weak", f"{facts} stands elsewhere in {named}, not with the rest of this"
    if one.slices < _COVERED:
        return "weak", f"its wording goes beyond {named}"
    if one.strange:
        words = ", ".join(dict.fromkeys(f"“{word}”" for word in one.strange))
        return "weak", f"{words} {'is' if len(one.strange) == 1 else 'are'} not in {named}"
    return "supported", ""


def _covered(facts: Sequence[Fact], rest: Sequence[str], holders: Sequence[SearchedText]) -> float:
    """The share of a sentence's facts and other words that the texts have between them; 0 when it has neither."""
    terms = set[str]().union(*(holder.terms for holder in holders))
    found = sum(any(holder.has(fact) for holder in holders) for fact in facts) + sum(holds_term(t, terms) for t in rest)
    return found / (len(facts) + len(rest)) if facts or rest else 0.0


def _best(facts: Sequence[Fact], rest: Sequence[str], source: SourceFacts) -> tuple[Span, SearchedText] | None:
    """The slice with most of the words, facts counting double; None when it has none of either."""
    best, highest = None, 0.0
    for number, (span, holder) in enumerate(source.windows):
        shared = sum(holds_term(term, holder.terms) for term in rest) + 2 * sum(holder.has(fact) for fact in facts)
        single = number < (len(source.windows) + 1) // 2
        score = shared - (0.0 if single else _SECOND)
        if score > highest:
            best, highest = (span, holder), score
    return best


def _rival(fact: Fact, said: Sequence[str], sources: Sequence[SourceFacts]) -> Rival | None:
    """The fact against others of its kind, in the source where it stands best."""
    found = [rival for source in sources if (rival := source.places.rival(fact, said))]
    return max(found, key=lambda one: one.margin, default=None)


def _gap(fact: Fact, rest: Sequence[str], sources: Sequence[SourceFacts]) -> float:
    """How much better `rest` is covered in some slice than in any slice that has the fact, in [0, 1]."""
    best = within = 0.0
    for source in sources:
        for _, holder in source.windows:
            covered = coverage(rest, holder.terms)
            best = max(best, covered)
            if holder.has(fact):
                within = max(within, covered)
    if not within and any(SearchedText(source.beside, source.aliases).has(fact) for source in sources):
        return 0.0  # it is said by the title, heading or date
    return best - within
