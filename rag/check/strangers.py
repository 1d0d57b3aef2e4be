"""Words of a sentence that no source has and that are more than wording: names in any case, and rare words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from index.text.terms import FUNCTION_WORDS
from index.text.words import terms, words
from rag.check.facts import CONNECTIVES, WORD, Fact, SearchedText, opens
from rag.check.plain import is_plain

_INFLECTED = ("ly", "ing", "ed")
_ABSTRACT = ("tion", "sion", "ment", "ness", "ity", "ance", "ence", "less", "ful", "ous")
"""Endings of ordinary words that open a sentence without being a name."""
_OPENERS = frozenset(
    """one someone somebody anyone anybody everyone everybody something people made due left given higher lower upper
    earlier later further former latter larger smaller greater better best largest highest""".split()
)
_BY = re.compile(r"\bby\s+$", re.IGNORECASE)
_NEXT = re.compile(r"\s+(\w+)")


def find_strangers(
    sentence: str, facts: Sequence[Fact], holders: Sequence[SearchedText]
) -> tuple[tuple[Fact, ...], tuple[str, ...]]:
    """Return the words of a sentence that no text has, outside of its facts.

    Returns (names, other words). A name is a word in the position of a name ("Shell supplies the cells."), or a
    capitalised word that is not ordinary English. Other words may merely be rare, so they prove no mistake: words that
    are not ordinary English ("sold to tesla"), and ordinary words that stand alone as the agent ("made by shell").
    """
    names, others = list[Fact](), list[str]()
    for start, word in _words(sentence, facts):
        word = re.sub(r"[’']s?$", "", word)
        form = word.casefold()
        content = tuple(term for part in words(word) if part not in FUNCTION_WORDS for term in terms(part))
        content = tuple(term for term in content if len(term) > 1 and not term.isdigit())
        if not content or form in CONNECTIVES:
            continue
        plain = all(map(is_plain, content))
        thing = not plain or _may_be_a_name(form)
        subject = thing and opens(sentence, start)
        agent = thing and _stands_bare_after_by(sentence, start, start + len(word))
        if all(any(one.holds(term) for one in holders) for term in content):
            if (
                subject
                and not _is_plural(form)
                and not any(one.has_word(part) for one in holders for part in words(word))
            ):
                others.append(word)  # "Target" where a source says "targeted"
        elif (subject and not _is_plural(form)) or (not plain and (agent or not word.islower())):
            names.append(Fact("name", word, start, start + len(word), content))
        elif not plain or agent or subject:
            others.append(word)
    return tuple(names), tuple(others)


def _may_be_a_name(form: str) -> bool:
    """False for an ordinary word whose ending makes it an adverb, a participle or an abstract noun."""
    inflected = form.endswith(_INFLECTED) and terms(form) != [form]
    return not inflected and not form.endswith(_ABSTRACT) and form not in _OPENERS


def _is_plural(form: str) -> bool:
    return form.endswith("s") and terms(form) != [form]


def _stands_bare_after_by(sentence: str, start: int, end: int) -> bool:
    """True for "made by shell in 1999", but not for "made by early painters"."""
    following = _NEXT.match(sentence, end)
    return bool(_BY.search(sentence, 0, start)) and (not following or following[1].casefold() in FUNCTION_WORDS)


def _words(sentence: str, facts: Sequence[Fact]) -> Iterator[tuple[int, str]]:
    """Yield (offset, word) for the words outside of facts."""
    for match in WORD.finditer(sentence):
        if all(match.end() <= fact.start or fact.end <= match.start() for fact in facts):
            yield match.start(), match.group()
