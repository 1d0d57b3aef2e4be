"""The measures of one answer: words against words, labels against a ranking. Pure; each docstring has its formula."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Sequence

from index.text.words import content_terms, terms

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


LONG = 8
"""Content words from which on an acceptable answer is a long reference, a sentence that sources need not word alike.
On squad/train 6 of 1,000 acceptable answers are so long."""
COVERED = 0.4
"""Share of a long reference's content that an answer has to cover. Chosen on squad/train: with references made of the
question and its answer, 0.4 keeps 94% of the answers that contain the short answer (as any lower limit does) and 19% of
the others; with the sentence that holds the answer, 96% and 13%. A higher limit would trust the wording more."""


def content_wanted(answer: str, question: str) -> set[str]:
    """The content words of an answer, stemmed, without those that the question gives away unless it gives all."""
    wanted = set(content_terms(answer))
    return wanted - set(content_terms(question)) or wanted


def content_covered(text: str, answer: str, question: str = "") -> float:
    """The share of an answer's content words, beyond those of the question, that `text` has. Range [0, 1]; 0 when the
    answer has no content words."""
    wanted = content_wanted(answer, question)
    return len(wanted.intersection(terms(text))) / len(wanted) if wanted else 0.0


def is_long(answer: str) -> bool:
    """True for an acceptable answer of at least LONG content words."""
    return len(content_terms(answer)) >= LONG


def says(text: str, answer: str, question: str = "") -> bool:
    """True when the text contains the answer; for a long reference also when it shares a token F1 of 0.5 with it or
    covers COVERED of its content."""
    if contains(text, answer):
        return True
    if not is_long(answer):
        return False
    return token_f1(text, [answer]) >= SIMILAR or content_covered(text, answer, question) >= COVERED


SIMILAR = 0.5
"""Token F1 from which on words count as an acceptable answer in other words."""


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
