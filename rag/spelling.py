"""Correct the misspelt words of a question by the words of the index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise
from threading import Lock

from rapidfuzz.distance import OSA, Levenshtein
from rapidfuzz.process import extract

from index.build.generation import Generation
from index.encoder.vocabulary import Vocabulary, count_words, english_like, folded, is_english
from index.store.bm25 import mention
from index.text.identifiers import find_identifiers
from index.text.layout import Span
from index.text.terms import FUNCTION_WORDS, normal_form, numbers_things
from index.text.words import terms
from rag.reader.names import name_places

_WORD = re.compile(r"(?<![\w@./-])[^\W\d_]{4,}(?=['’]s\b|(?!['’]\w)[^\w@/-]|$)(?!\.\w)")
_ADDRESS = re.compile(r"\S+@\S+|\S+://\S+|www\.\S+")
_NEAR, _NEAR_NAME = (4, 10), (5, 11)
"""Length in letters from which a word may differ by one edit, and by two. Names differ less from other names."""
_OTHER_LETTER = 5
"""A shorter word with one letter replaced is as likely another word: "wifi" is not "wife"."""

_OPENING = re.compile(r"^\W*([a-z]{3,6})\W+([a-z]+)\b", re.IGNORECASE)
_DOSE = re.compile(r"\bdose(?=\s+([a-z]+)\b)", re.IGNORECASE)
"""A word that is mostly a mistyped "does" before a subject."""
_ASKING = frozenset("who whose what when where which why how".split())
_AUXILIARIES = frozenset(
    "is are was were do does did has have had can could will would shall should may might must".split()
)
_BEFORE_A_VERB = frozenset("when where why".split())
"""Question words that no noun or adjective follows."""
_SUBJECTS = frozenset("the a an my our your this that these those there i we you he she it they".split())

_FEW = 4
"""Number of words up to which a language can't be distinguished from names."""

_LIKELY, _UNLIKELY = 0.8, 1.2
"""Cost of a likely and of an unlikely typing error in one letter."""
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_CONFUSED = [{*pair} for row in _ROWS for pair in pairwise(row)] + [{*pair} for pair in combinations("aeiouy", 2)]


class Speller:
    """A spelling corrector with the words of one generation.

    It counts the words when it first meets a word that the index lacks.
    """

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self._words = generation.words
        self._counting = Lock()
        self._counted: Vocabulary | None = None

    def warm_up(self) -> None:
        """Count the words of the sources now, so that no question waits for it."""
        self._vocabulary()

    def _vocabulary(self) -> Vocabulary:
        with self._counting:
            if self._counted is None:
                self._counted = count_words(self.generation.catalog.texts())
            return self._counted

    def correct(self, question: str) -> str:
        """Replace each misspelt word of a question by the nearest word of the sources.

        A word is misspelt if no source has it in any form and it is not an English word. Identifiers, words with
        digits, abbreviations in capitals and short words stay.
        """
        named = name_places(question)
        corrections = {span: _as_typed(question[slice(*span)], better) for span, better in self._opening(question)}
        for span in self._unknown(question):
            if span not in corrections and (better := self._nearest(question[slice(*span)], span[0] in named)):
                corrections[span] = better
        made, at = list[str](), 0
        for (start, end), better in sorted(corrections.items()):
            made += [question[at:start], better]
            at = end
        return "".join([*made, question[at:]])

    def _opening(self, question: str) -> Iterator[tuple[Span, str]]:
        """Yield the misspelt words that open a question, with corrections: "whn dos the ferry leave".

        These words are short and some typing errors make another word, so the position has to support the correction.
        """
        opening = _OPENING.match(question)
        if opening is None:
            return
        does = self._does(question)
        first, second = opening[1].lower(), opening[2].lower()
        if does == opening.span(2):
            second = "does"
        if first not in FUNCTION_WORDS and not self._is_in_sources(first):
            meant = _ASKING if second in _AUXILIARIES else _AUXILIARIES if second in _SUBJECTS else frozenset[str]()
            if not meant and not is_english(first):
                meant = _ASKING | _AUXILIARIES
            if better := _closest(first, meant):
                yield opening.span(1), better
                first = better
        free = len(second) > 2 and second not in FUNCTION_WORDS and not self._is_in_sources(second)
        if free and first in _BEFORE_A_VERB and (better := _closest(second, _AUXILIARIES)):
            yield opening.span(2), better
        elif does and first in _ASKING:
            yield does, "does"

    def _does(self, question: str) -> Span | None:
        """Return the place of "dose" typed for "does": before a subject, in no source."""
        found = _DOSE.search(question)
        is_meant = found and found[1].lower() in _SUBJECTS and not self._is_in_sources("dose")
        return found.span() if found and is_meant else None

    def names_nothing(self, word: str) -> bool:
        """True if no source has the word in any form."""
        return not self._vocabulary().has_form(word)

    def knows_short(self, question: str) -> bool:
        """True if a question has few words and the sources have each of them."""
        found = re.findall(r"[^\W_]+", question)
        return len(found) <= _FEW and all(
            map(self._is_in_sources, (w for w in found if w.lower() not in FUNCTION_WORDS))
        )

    def is_gibberish(self, question: str) -> bool:
        """True if no word is English, occurs in a source, or may be a name."""
        found = re.findall(r"[^\W_]+", question)
        return not any(
            any(c.isdigit() or c.isupper() for c in word) or is_english(folded(word)) or self._is_in_sources(word)
            for word in found
        )

    def _unknown(self, question: str) -> Iterator[tuple[int, int]]:
        kept = [match.span() for match in _ADDRESS.finditer(question)]
        for one in find_identifiers(question):
            # In "rokery 3" only the noun may be misspelt.
            free = len(one.noun) if one.text.startswith(one.noun) and not numbers_things(one.noun.lower()) else 0
            kept.append((one.start + free, one.end))
        for match in _WORD.finditer(question):
            word = match.group()
            if any(start < match.end() and match.start() < end for start, end in kept):
                continue
            shouted = word.isupper() and not question.isupper()
            if not shouted and word.lower() not in FUNCTION_WORDS and not self._is_in_sources(word):
                yield match.span()

    def _is_in_sources(self, word: str) -> bool:
        forms = (*terms(word), mention(normal_form(word)))
        return any(map(self._words.document_frequency, forms))

    def _nearest(self, word: str, named: bool) -> str:
        """Return the nearest word of the sources, as they write it; "" if there is none, or the word is right.

        A name is compared with names only.
        """
        low = folded(word)
        one, two = _NEAR_NAME if named else _NEAR
        distance = 2 if len(low) >= two else 1 if len(low) >= one else 0
        if not distance or is_english(low):
            return ""
        vocabulary = self._vocabulary()

        def near(others: Sequence[str]) -> Iterator[tuple[float, int, str]]:
            for other, _, _ in extract(low, others, scorer=OSA.distance, score_cutoff=distance, limit=None):
                if len(low) < _OTHER_LETTER and len(other) == len(low) and sorted(other) != sorted(low):
                    continue
                if not named or vocabulary.written(other)[0].isupper():
                    yield slip(low, other), -vocabulary.counts.get(other, 0), other

        # "suplies" is near to a form of "supply", though no source has just that form.
        english = [(one, self._is_in_sources(one[2]) or one[2] in FUNCTION_WORDS) for one in near(english_like(low))]
        forms = (one for one, held in english if held)
        best = min((*near(vocabulary.begin_like(low)), *forms), default=None)
        # "lisen" may be "listen", which no source has, as well as "linen".
        rivals = any(one[0] <= best[0] for one, held in english if not held) if best else False
        if best is None or (rivals and best[2] not in FUNCTION_WORDS):
            return ""
        return _as_typed(word, vocabulary.written(best[2]))


def slip(typed: str, meant: str) -> float:
    """Return how unlikely it is that `meant` was typed as `typed`, in letters.

    Swapped, omitted, doubled and neighbouring letters, and a vowel for a vowel, are likelier than other errors.
    """
    if sorted(typed) == sorted(meant):
        return _LIKELY * OSA.distance(typed, meant)
    cost = 0.0
    for edit in Levenshtein.editops(typed, meant):
        at = edit.src_pos
        if edit.tag == "insert":
            cost += _LIKELY
        elif edit.tag == "delete":
            cost += _LIKELY if typed[at] in (typed[at - 1 : at], typed[at + 1 : at + 2]) else 1
        else:
            cost += _LIKELY if {typed[at], meant[edit.dest_pos]} in _CONFUSED else _UNLIKELY
    return cost


def _closest(typed: str, words: Iterable[str]) -> str:
    """Return the likeliest word at one edit from the typed one; "" if there is none."""
    near = [(slip(typed, word), word) for word in words if OSA.distance(typed, word) == 1]
    return min(near)[1] if near else ""


def _as_typed(word: str, better: str) -> str:
    if word.isupper():
        return better.upper()
    return better[0].upper() + better[1:] if word[0].isupper() else better
