"""Ask a passage yes-or-no questions that one of its sentences answers with yes or no. Pure; only patterns."""

from __future__ import annotations

import random
import re

from index.text.layout import Span
from index.text.sentences import sentences
from index.text.terms import FUNCTION_WORDS

_BASE = dict(
    pair.split(":")
    for pair in """includes:include contains:contain requires:require allows:allow uses:use makes:make takes:take
    holds:hold gives:give offers:offer provides:provide lies:lie lives:live works:work plays:play covers:cover
    needs:need runs:run starts:start begins:begin ends:end belongs:belong shows:show means:mean comes:come goes:go
    costs:cost pays:pay sells:sell stands:stand supports:support produces:produce
    became:become began:begin built:build bought:buy came:come found:find founded:found gave:give got:get grew:grow
    held:hold kept:keep led:lead left:leave lost:lose made:make met:meet moved:move opened:open played:play
    received:receive reached:reach replaced:replace returned:return rose:rise sold:sell served:serve started:start
    took:take used:use visited:visit won:win worked:work wrote:write died:die ended:end joined:join produced:produce
    published:publish released:release ruled:rule said:say wanted:want called:call
    include:include contain:contain require:require allow:allow use:use make:make take:take have:have need:need
    live:live work:work cost:cost""".split()
)
_AUXILIARY = "is|are|was|were|can|could|may|might|must|should|will|would|has been|have been|had been|cannot|can't"
_CLAUSE = re.compile(
    rf"(?P<subject>(?:(?:the|a|an|this|these|his|her|its|their|all|most|some|no)\s)?[\w'’-]+(?:\s(?!and\b|that\b|which\b|who\b)"
    rf"[\w'’-]+){{0,5}}?)\s(?P<verb>{_AUXILIARY}|{'|'.join(_BASE)})\s(?P<rest>[^;:]{{8,160}}?)[.!]?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\b\d[\d,.]*\b")
_OPPOSITES = dict[str, str]()
for _pair in """always:never all:none before:after above:below more:fewer most:few first:last open:closed large:small
    high:low early:late old:new north:south east:west northern:southern eastern:western increase:decrease
    increased:decreased rose:fell long:short only:also allowed:forbidden included:excluded inside:outside
    male:female public:private free:paid won:lost best:worst left:right least:most winter:summer""".split():
    _one, _other = _pair.split(":")
    _OPPOSITES |= {_one: _other, _other: _one}
_WORD = re.compile(r"[A-Za-z]+")
_LONGEST = 24
"""The most words of a rest that the reader can choose as a span."""


def ask_yes_no(passage: str, rng: random.Random) -> tuple[str, Span] | None:
    """Return a question and the span that settles it, from a random sentence, or None.

    None means that no sentence has a simple form. Half of the questions get a changed number or word, so that the
    sentence says no.
    """
    lines = sentences(passage)
    for start, end in rng.sample(lines, min(6, len(lines))):
        text = passage[start:end].rstrip()
        match = _CLAUSE.fullmatch(text)
        if not match or len(match["rest"].split()) > _LONGEST or not _names(match["subject"]):
            continue
        rest = _short(match["rest"], rng)
        if rng.random() < 0.5:
            rest = _changed(rest, rng)
        return _question(match["subject"], match["verb"], rest), (
            start + match.start("verb"),
            start + match.end("rest"),
        )
    return None


def _question(subject: str, verb: str, rest: str) -> str:
    subject = subject[0].lower() + subject[1:] if subject.split()[0].lower() in _LOWER else subject
    verb = verb.lower()
    if verb in ("cannot", "can't"):
        return f"Can {subject} {rest}?"
    if verb.endswith(" been"):
        return f"{verb.split()[0].capitalize()} {subject} been {rest}?"
    if verb not in _BASE:
        return f"{verb.capitalize()} {subject} {rest}?"
    base = _BASE[verb]
    helper = "Do" if verb == base else "Does" if verb == f"{base}s" or verb == f"{base}es" else "Did"
    return f"{helper} {subject} {base} {rest}?"


_LOWER = frozenset("the a an this these his her its their all most some no".split())
_MORE = re.compile(r"(?:,|\s(?:which|who|whose|because|since|while|although|but|so that|as|when|where)\b)")


def _names(subject: str) -> bool:
    """True if it begins like the name of a thing, not in the middle of a thought."""
    first = subject.split()[0].lower()
    return first in _LOWER or (first not in FUNCTION_WORDS and not first.endswith("ly") and first[0].isalnum())


def _short(rest: str, rng: random.Random) -> str:
    """Return the first clause alone most of the time, since people ask less than a sentence says."""
    head = _MORE.split(rest)[0].rstrip()
    return head if len(head.split()) > 2 and rng.random() < 0.8 else rest


def _changed(rest: str, rng: random.Random) -> str:
    """Return the words with another number or the opposite of a word; unchanged if they have neither."""
    numbers = list(_NUMBER.finditer(rest))
    words = [match for match in _WORD.finditer(rest) if match.group().lower() in _OPPOSITES]
    if not numbers and not words:
        return rest
    match = rng.choice([*numbers, *words])
    old = match.group()
    if old[0].isdigit():
        digits = [n for n, letter in enumerate(old) if letter.isdigit()]
        at = rng.choice(digits)
        new = old[:at] + rng.choice([d for d in "123456789" if d != old[at]]) + old[at + 1 :]
    else:
        new = _OPPOSITES[old.lower()]
    return rest[: match.start()] + new + rest[match.end() :]
