"""Change an answerable question into one that its passage does not answer. Pure; no model, only patterns.

A name, number, date or noun is swapped, a word is turned into its opposite, or a negation is added (the kinds of
Rajpurkar et al. 2018).
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from index.text.terms import FUNCTION_WORDS

_NAME = re.compile(r"\b[A-Z][\w’'.&-]*[\w](?:\s+(?:(?:of|the|de|and|van|von)\s+)?[A-Z][\w’'.&-]*[\w])*")
_NUMBER = re.compile(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w-])")
_YEAR = re.compile(r"\b1[0-9]\d\d\b|\b20[0-4]\d\b")
_NOUN = re.compile(r"\b(?:the|an?|of|kind of|type of|what|which|each|two|three|his|her|its|their)\s+([a-z]{4,})\b")
_CALENDAR = tuple(
    words.split()
    for words in (
        "January February March April May June July August September October November December",
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        "spring summer autumn winter",
        "north south east west",
        "northern southern eastern western",
        "first second third fourth fifth",
        "one two three four five six seven eight nine ten",
        "red blue green white black yellow",
        "days weeks months years",
        "hours minutes seconds",
        "kilometres miles metres feet",
        "kilometers meters inches",
        "kilograms pounds tons",
        "dollars euros francs yen",
        "Celsius Fahrenheit",
        "percent degrees",
        "chairman treasurer secretary director",
        "manager owner captain coach editor",
        "author publisher translator illustrator",
        "singer drummer guitarist composer",
        "father mother brother sister uncle",
        "breakfast lunch dinner",
        "morning afternoon evening night",
        "king queen prince president",
        "Christian Muslim Jewish Buddhist Hindu",
        "Catholic Protestant Orthodox",
    )
)
_OPPOSITES = tuple(
    pair.split("/")
    for pair in """more/less more/fewer most/least first/last before/after above/below increase/decrease
    increased/decreased increases/decreases increasing/decreasing highest/lowest higher/lower largest/smallest
    larger/smaller biggest/smallest bigger/smaller big/small large/small longest/shortest longer/shorter long/short
    oldest/youngest oldest/newest older/younger old/new earliest/latest early/late earlier/later best/worst better/worse
    good/bad strong/weak stronger/weaker rise/fall rose/fell win/lose won/lost gain/lose gained/lost allow/forbid
    allowed/forbidden accept/reject accepted/rejected support/oppose supported/opposed begin/end began/ended start/end
    started/ended start/stop open/close opened/closed enter/leave entered/left arrive/leave arrived/left buy/sell
    bought/sold borrow/lend create/destroy created/destroyed build/demolish built/demolished join/leave joined/left
    inside/outside internal/external import/export imported/exported rich/poor wealthy/poor male/female man/woman
    men/women boy/girl father/mother son/daughter husband/wife brother/sister positive/negative advantage/disadvantage
    advantages/disadvantages benefit/harm success/failure successful/unsuccessful legal/illegal public/private
    urban/rural local/foreign domestic/foreign ancient/modern common/rare easy/difficult easier/harder hot/cold
    warm/cool fast/slow faster/slower light/dark light/heavy left/right upper/lower top/bottom front/back major/minor
    majority/minority maximum/minimum many/few always/never same/different similar/different love/hate loved/hated
    like/dislike liked/disliked friend/enemy friends/enemies victory/defeat attack/defend attacked/defended war/peace
    birth/death born/died alive/dead appeared/disappeared agree/disagree agreed/disagreed include/exclude
    included/excluded before/during during/after since/until over/under prior/subsequent simple/complex
    expensive/cheap safe/dangerous full/empty true/false visible/invisible known/unknown popular/unpopular
    necessary/unnecessary possible/impossible able/unable official/unofficial direct/indirect formal/informal""".split()
)
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|must)\b(?!\s+not\b)", re.IGNORECASE
)
_CONTRACTED = {"can": "can't", "will": "won't"}


def _table() -> dict[str, list[str]]:
    table: dict[str, list[str]] = defaultdict(list)
    for one, other in _OPPOSITES:
        table[one].append(other)
        table[other].append(one)
    for row in _CALENDAR:
        for word in row:
            table[word.lower()] += [other for other in row if other != word]
    return dict(table)


_TURNS = _table()


@dataclass
class Pool:
    """The names, numbers and nouns of one article, from which swapped words are drawn.

    `names` are by their number of words; `typed` are the names in lower case.
    """

    names: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    numbers: list[str] = field(default_factory=list)
    nouns: list[str] = field(default_factory=list)
    typed: set[str] = field(default_factory=set)


def make_pool(passages: Iterable[str], questions: Iterable[str]) -> Pool:
    """Return the pool of the passages and questions of one article.

    Names are kept by their number of words.
    """
    pool = Pool()
    for text in passages:
        for name in inner_names(text):
            pool.names[min(3, len(name.split()))].append(name)
        pool.numbers += [m.group() for m in _NUMBER.finditer(text) if not _YEAR.fullmatch(m.group())]
    pool.typed = {name.lower() for of_length in pool.names.values() for name in of_length}
    for text in questions:
        pool.nouns += _NOUN.findall(text)
    return pool


def inner_names(text: str) -> list[str]:
    """Return the runs of capitalised words that do not open a sentence.

    Every word that opens a sentence has a capital.
    """
    return [
        m.group() for m in _NAME.finditer(text) if len(m.group()) > 2 and re.search(r"[\w,;)]\s$", text[: m.start()])
    ]


def unanswerable(question: str, passage: str, pool: Pool, rng: random.Random) -> str | None:
    """Return `question` changed so that `passage` no longer answers it, or None.

    The word that replaces a name, number or noun is nowhere in the passage.
    """
    lowered = passage.lower()
    # Kinds that teach most come first more often; the first that fits is taken.
    kinds: list[tuple[float, Callable[[str, str, Pool, random.Random], str | None]]] = [
        (5.0, swap_name),
        (3.0, _swap_number),
        (3.0, _turn),
        (2.0, _swap_noun),
        (1.0, _ask_of_the_future),
        (0.7, _negate),
    ]
    order = sorted(kinds, key=lambda kind: -(rng.random() ** (1 / kind[0])))
    for _, change in order:
        changed = change(question, lowered, pool, rng)
        if changed and changed.lower() != question.lower():
            return changed
    return None


def swap_name(question: str, lowered: str, pool: Pool, rng: random.Random) -> str | None:
    """Return `question` with one of its names replaced, or None.

    The new name is not in `lowered`, a text in lower case.
    """
    found = [m for m in _NAME.finditer(question) if m.start() or m.group().lower() in lowered]
    found = [m for m in found if len(m.group()) > 1] or _typed_names(question, pool)
    if not found:
        return None
    match = rng.choice(found)
    text = match.group()
    if not match.start() and text.split()[0].lower() in FUNCTION_WORDS:
        return None
    other = _draw(pool.names.get(min(3, len(text.split())), ()), lowered, question.lower(), rng)
    return other and question[: match.start()] + other + question[match.end() :]


def _typed_names(question: str, pool: Pool) -> list[re.Match[str]]:
    """Return the names of the pool that are in a question without capitals."""
    if question != question.lower():
        return []
    words = list(re.finditer(r"[^\W_]+", question))
    runs = (question[words[n].start() : last.end()] for n in range(len(words)) for last in words[n : n + 3])
    found = {run for run in runs if len(run) > 3 and run in pool.typed and run not in FUNCTION_WORDS}
    return [match for run in sorted(found) if (match := re.search(rf"\b{re.escape(run)}\b", question))]


def _swap_number(question: str, lowered: str, pool: Pool, rng: random.Random) -> str | None:
    found = list(_NUMBER.finditer(question))
    if not found:
        return None
    match = rng.choice(found)
    if _YEAR.fullmatch(match.group()):
        years = [str(int(match.group()) + step) for step in range(-40, 41) if step]
        other = _draw(years, lowered, question, rng)
    else:
        same = [n for n in pool.numbers if abs(len(n) - len(match.group())) <= 1]
        other = _draw(same, lowered, question, rng)
    return other and question[: match.start()] + other + question[match.end() :]


def _turn(question: str, lowered: str, pool: Pool, rng: random.Random) -> str | None:
    del pool
    found = [m for m in re.finditer(r"[A-Za-z]+", question) if m.group().lower() in _TURNS]
    # "How many" asks, it does not compare; a word that opens the question is a question word.
    found = [m for m in found if not question[: m.start()].lower().endswith(("how ", "what ")) and m.start()]
    if not found:
        return None
    match = rng.choice(found)
    other = rng.choice(_TURNS[match.group().lower()])
    if match.group()[0].isupper():
        other = other.capitalize()
    return question[: match.start()] + other + question[match.end() :]


def _swap_noun(question: str, lowered: str, pool: Pool, rng: random.Random) -> str | None:
    found = [m for m in _NOUN.finditer(question) if m.group(1)[:5] in lowered and m.group(1) not in _TURNS]
    if not found:
        return None
    match = rng.choice(found)
    word = match.group(1)
    same = [noun for noun in pool.nouns if noun.endswith("s") == word.endswith("s") and noun[:4] != word[:4]]
    other = _draw(same, lowered, question.lower(), rng)
    return other and question[: match.start(1)] + other + question[match.end(1) :]


def _ask_of_the_future(question: str, lowered: str, pool: Pool, rng: random.Random) -> str | None:
    """Ask about the future: "When did it open?" becomes "When will it open?"."""
    del pool, rng
    changed = re.sub(r"(?<=\s)did(?=\s)", "will", question, count=1)
    return None if changed == question or re.search(r"\bwill\b|\bplan|\bfuture\b|\bnext\b", lowered) else changed


def _negate(question: str, lowered: str, pool: Pool, rng: random.Random) -> str | None:
    del pool, lowered
    # A negation fits nearly every question, and would crowd out the other kinds.
    if "n't" in question or " not " in question or " never " in question or rng.random() < 0.6:
        return None
    found = list(_AUXILIARY.finditer(question))
    if not found:
        return None
    match = found[0]
    word = match.group()
    negated = _CONTRACTED.get(word.lower(), f"{word.lower()}n't")
    return (
        question[: match.start()] + (negated if word[0].islower() else negated.capitalize()) + question[match.end() :]
    )


def _draw(choices: Sequence[str], lowered: str, question: str, rng: random.Random) -> str | None:
    """Return one of `choices` of which no part is in the passage or the question; None after eight failed draws."""
    for _ in range(8 if choices else 0):
        other = rng.choice(choices)
        parts = [part for part in re.findall(r"\w+", other.lower()) if len(part) > 2] or [other.lower()]
        if not any(part[:6] in lowered or part in question for part in parts):
            return other
    return None
