"""The measures of one answer: word overlap, and labels in a ranking. Pure; each docstring has its formula."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Sequence

from index.text.words import content_terms, terms

# --- words ------------------------------------------------------------------------------------------------------------


def normalise(text: str) -> list[str]:
    """Normalise a text as SQuAD does, and return its tokens.

    Lower case, without ASCII punctuation and the words a, an, the; split at white space. "The U.S." -> ["us"]. Source:
    the official script (Rajpurkar et al. 2016).
    """
    bare = "".join(character for character in text.lower() if character not in _PUNCTUATION)
    return _ARTICLES.sub(" ", bare).split()


_PUNCTUATION = frozenset(string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def contains(quote: str, answer: str) -> bool:
    """True if the normalised answer is a contiguous run of tokens of the quote.

    False if the answer is empty after normalisation.
    """
    return within(" ".join(normalise(quote)), answer)


def within(normalised: str, answer: str) -> bool:
    """Like `contains`, for a normalised text whose tokens are joined by blanks."""
    wanted = " ".join(normalise(answer))
    return bool(wanted) and f" {wanted} " in f" {normalised} "


LONG = 8
"""Least number of content words of a long reference: a sentence that sources may word differently.
On squad/train, 6 of 1,000 acceptable answers are that long."""
COVERED = 0.4
"""Share of a long reference's content words that an answer must have. Chosen on squad/train: with references made of
the question and its answer, 0.4 accepts 94% of the answers that contain the short answer (as any lower limit does) and
19% of the others; with the sentence of the answer as reference, 96% and 13%. A higher limit would depend more on the
wording."""


def content_wanted(answer: str, question: str) -> set[str]:
    """Return the stemmed content words of an answer that are not in the question.

    If the question has all of them, return all.
    """
    wanted = set(content_terms(answer))
    return wanted - set(content_terms(question)) or wanted


def content_covered(text: str, answer: str, question: str = "") -> float:
    """Return the share of an answer's `content_wanted` that `text` has.

    Range [0, 1]; 0 if the answer has no content words.
    """
    wanted = content_wanted(answer, question)
    return len(wanted.intersection(terms(text))) / len(wanted) if wanted else 0.0


def is_long(answer: str) -> bool:
    """True if an acceptable answer has at least LONG content words."""
    return len(content_terms(answer)) >= LONG


def says(text: str, answer: str, question: str = "") -> bool:
    """True if the text contains the answer.

    For a long reference, a token F1 of SIMILAR or a `content_covered` of COVERED suffices.
    """
    if contains(text, answer):
        return True
    if not is_long(answer):
        return False
    return token_f1(text, [answer]) >= SIMILAR or content_covered(text, answer, question) >= COVERED


SIMILAR = 0.5
"""Least token F1 at which a text counts as a paraphrase of an acceptable answer."""


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """Return 1 if the normalised prediction equals a normalised answer, else 0.

    Range {0, 1}; 0 without answers (such questions are left out of the mean). Source: Rajpurkar et al. 2016.
    """
    return float(any(normalise(prediction) == normalise(answer) for answer in answers))


def token_f1(prediction: str, answers: Sequence[str]) -> float:
    """Return the best token F1 over the acceptable answers: 2PR / (P + R).

    P and R are the shared tokens (as a multiset) divided by the tokens of the prediction and of the answer. Range [0,
    1]. If a side has no tokens: 1 if both have none, else 0. 0 without answers (left out of the mean). Source:
    Rajpurkar et al. 2016.
    """
    return max((_f1(normalise(prediction), normalise(answer)) for answer in answers), default=0.0)


def _f1(prediction: list[str], answer: list[str]) -> float:
    if not prediction or not answer:
        return float(prediction == answer)
    shared = sum((Counter(prediction) & Counter(answer)).values())
    return 2 * shared / (len(prediction) + len(answer))


def squad_v2(prediction: str, answers: Sequence[str]) -> tuple[float, float]:
    """Return (exact match, F1) by the SQuAD v2 definition.

    These are `exact_match` and `token_f1` over the answers that are not empty after normalisation; if there are none,
    the only right answer is "". `prediction` is "" for a refusal. Range [0, 1] each; defined for every question.
    Source: Rajpurkar et al. 2018.
    """
    gold = [answer for answer in answers if normalise(answer)] or [""]
    return exact_match(prediction, gold), token_f1(prediction, gold)


# --- ranking ----------------------------------------------------------------------------------------------------------
# `credits` has the number of labels credited to each passage, in the final order; a label is credited once, to the
# first passage that contains it.


def success_at(credits: Sequence[int], k: int) -> float:
    """Return success@k: 1 if one of the first k passages has a label, else 0.

    Range {0, 1}; 0 without passages. Also called hit rate; Success@k of TREC.
    """
    return float(any(credits[:k]))


def recall_at(credits: Sequence[int], k: int, labels: int) -> float:
    """Return recall@k: the share of labels in the first k passages.

    Range [0, 1]; 0 without passages; `labels` is at least 1. Source: van Rijsbergen 1979.
    """
    return sum(credits[:k]) / labels


def reciprocal_rank(credits: Sequence[int]) -> float:
    """Return 1 / rank of the first passage with a label; its mean is MRR.

    Range [0, 1]; 0 if no passage has a label. Source: Voorhees 1999.
    """
    return next((1 / rank for rank, credit in enumerate(credits, 1) if credit), 0.0)


def ndcg_at(credits: Sequence[int], k: int, labels: int) -> float:
    """Return nDCG@k with binary gains.

    The sum over the first k passages of gain / log2(rank + 1), divided by the sum for min(k, labels) gains at the top
    ranks. The gain is 1 for a passage with at least one credited label. Range [0, 1]; 0 without passages; `labels` is
    at least 1. Source: Järvelin & Kekäläinen 2002.
    """
    gained = sum(1 / math.log2(rank + 1) for rank, credit in enumerate(credits[:k], 1) if credit)
    return gained / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, labels) + 1))
