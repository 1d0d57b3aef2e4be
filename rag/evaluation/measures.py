"""The measures of one answer: words against words, labels against a ranking. Pure; each docstring has its formula."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Sequence

# --- words ------------------------------------------------------------------------------------------------------------


def normalise(text: str) -> list[str]:
    """SQuAD's normalisation (Rajpurkar et al. 2016, the official script): lower case, ASCII punctuation out, the words
    a, an, the out, split at white space. "The U.S." -> ["us"]."""
    bare = "".join(character for character in text.lower() if character not in _PUNCTUATION)
    return _ARTICLES.sub(" ", bare).split()


_PUNCTUATION = frozenset(string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def contains(quote: str, answer: str) -> bool:
    """True when the normalised answer, if anything is left of it, is a contiguous run of tokens of the normalised
    quote."""
    return within(" ".join(normalise(quote)), answer)


def within(normalised: str, answer: str) -> bool:
    """`contains` for a text that is normalised already, its tokens joined by blanks."""
    wanted = " ".join(normalise(answer))
    return bool(wanted) and f" {wanted} " in f" {normalised} "


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """1 when the normalised prediction equals one of the normalised answers, else 0 (Rajpurkar et al. 2016).

    Range {0, 1}; with no answers 0 (such questions are left out of the mean).
    """
    return float(any(normalise(prediction) == normalise(answer) for answer in answers))


def token_f1(prediction: str, answers: Sequence[str]) -> float:
    """The best F1 of token overlap over the acceptable answers (Rajpurkar et al. 2016): 2PR / (P + R), where P and R
    divide the tokens shared (as a multiset) by those of the prediction and of the answer.

    Range [0, 1]. Where one side has no tokens: 1 when both have none, else 0. With no answers 0 (left out of the mean).
    """
    return max((_f1(normalise(prediction), normalise(answer)) for answer in answers), default=0.0)


def _f1(prediction: list[str], answer: list[str]) -> float:
    if not prediction or not answer:
        return float(prediction == answer)
    shared = sum((Counter(prediction) & Counter(answer)).values())
    return 2 * shared / (len(prediction) + len(answer))


def squad_v2(prediction: str, answers: Sequence[str]) -> tuple[float, float]:
    """(exact, F1) by the SQuAD v2 definition (Rajpurkar et al. 2018): `exact_match` and `token_f1` over the answers
    that are not empty once normalised; where there are none the only right answer is the empty one.

    `prediction` is "" for a refusal. Range [0, 1] each; defined for every question.
    """
    gold = [answer for answer in answers if normalise(answer)] or [""]
    return exact_match(prediction, gold), token_f1(prediction, gold)


# --- ranking ----------------------------------------------------------------------------------------------------------
# `credits` are, passage by passage in the final order, how many labels are credited to it; a label is credited once, at
# the first passage that holds it.


def success_at(credits: Sequence[int], k: int) -> float:
    """success@k: 1 when one of the first k passages holds a label, else 0 (hit rate; Success@k of TREC).

    Range {0, 1}; no passages: 0.
    """
    return float(any(credits[:k]))


def recall_at(credits: Sequence[int], k: int, labels: int) -> float:
    """recall@k: labels held within the first k passages / labels (van Rijsbergen 1979).

    Range [0, 1]; no passages: 0; `labels` is at least 1.
    """
    return sum(credits[:k]) / labels


def reciprocal_rank(credits: Sequence[int]) -> float:
    """1 / rank of the first passage that holds a label; its mean is MRR (Voorhees 1999).

    Range [0, 1]; none holds one: 0.
    """
    return next((1 / rank for rank, credit in enumerate(credits, 1) if credit), 0.0)


def ndcg_at(credits: Sequence[int], k: int, labels: int) -> float:
    """nDCG@k with binary gains (Järvelin & Kekäläinen 2002): sum over the first k passages of gain / log2(rank + 1),
    divided by that of min(k, labels) gains in front. The gain is 1 for a passage that is credited with any label.

    Range [0, 1]; no passages: 0; `labels` is at least 1.
    """
    gained = sum(1 / math.log2(rank + 1) for rank, credit in enumerate(credits[:k], 1) if credit)
    return gained / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, labels) + 1))
