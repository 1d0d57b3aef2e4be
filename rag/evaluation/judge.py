"""Judgement of an answer by the labels of its question: its scores, and the cause of a failure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rag.evaluation.labels import Corpus, LabelPlace, credited, find_labels, verbatim
from rag.evaluation.measures import (
    SIMILAR,
    contains,
    exact_match,
    is_long,
    ndcg_at,
    normalise,
    recall_at,
    reciprocal_rank,
    says,
    squad_v2,
    success_at,
    token_f1,
)
from rag.evaluation.questions import Question
from rag.types import Answer

CAUSES = {
    "said_forbidden": "the answer says what it must not",
    "not_in_corpus": "the evidence is not in the corpus",
    "not_in_a_chunk": "no passage of the index holds the evidence whole",
    "not_retrieved": "the evidence was not retrieved",
    "not_chosen": "retrieved, but something else was cited",
    "wrong_words": "the right place was cited, without the right words",
    "wrongly_refused": "retrieved, but refused",
    "answered_unanswerable": "answered, though the sources do not say",
    "wrong_place": "the right words, cited to the wrong place",
    "misled": "the answer opens with words that mislead",
}
"""Cause of a failure -> its description, in the order of the steps to an answer."""


def judge_answer(question: Question, answer: Answer, corpus: Corpus) -> dict[str, Any]:
    """Return the `scores` and the `cause` of an answer, as results.jsonl stores them.

    All measures are computed from the scores. The cause is None if the answer did not fail.
    """
    places = find_labels(question, corpus)
    sound = [verbatim(one, corpus.article(one.source)) for one in answer.citations]
    scores = _scores(question, answer, places, sum(sound))
    if scores["forbidden_said"]:
        return {"scores": scores, "cause": "said_forbidden"}
    cause = _cause(question, answer, places, corpus, all(sound))
    return {"scores": scores, "cause": cause or ("misled" if scores["misled"] else None)}


def prediction(answer: Answer) -> str:
    """Return the text that is compared with the acceptable answers; "" for a refusal.

    It is the first citation's first answering words, or its quote if there are none.
    """
    if answer.refused or not answer.citations:
        return ""
    first = answer.citations[0]
    if not first.answers:
        return first.quote
    start, end = first.answers[0]
    return first.quote[start - first.start : end - first.start]


def _scores(question: Question, answer: Answer, places: Sequence[LabelPlace], sound: int) -> dict[str, Any]:
    scores: dict[str, Any] = {
        "answerable": question.answerable,
        "refused": answer.refused,
        "evidence_score": answer.evidence_score,
        "tags": list(question.tags),
    }
    ranked = question.answerable and places
    credits, count = credited(places, answer.passages), len(places)
    for k in (1, 5, 10):
        scores[f"success@{k}"] = success_at(credits, k) if ranked else None
    for k in (5, 10):
        scores[f"recall@{k}"] = recall_at(credits, k, count) if ranked else None
    scores["mrr"] = reciprocal_rank(credits) if ranked else None
    scores["ndcg@10"] = ndcg_at(credits, 10, count) if ranked else None
    scores["credits"], scores["labels"] = credits, count
    said = prediction(answer)
    worded = bool(question.answerable and question.answers)
    # An empty prediction is never right here, even if an acceptable answer is empty after normalisation.
    scores["exact_match"] = exact_match(said, question.answers) * bool(said) if worded else None
    scores["token_f1"] = token_f1(said, question.answers) * bool(said) if worded else None
    known = worded or question.answerable is False
    scores["squad_v2_exact"], scores["squad_v2_f1"] = squad_v2(said, question.answers) if known else (None, None)
    right = _contains_answer(question, answer)
    scores["contains_answer"] = float(right) if worded else None
    scores["wrong"] = None if not known else float(not answer.refused and not (worded and right))
    scores["misled"] = None if scores["wrong"] is None or answer.refused else float(misleads(question, answer, places))
    judged = answer.citations if question.answerable and (worded or places) else ()
    good = sum(
        any(says(one.quote, wanted, question.text) for wanted in question.answers)
        or any(place.covered_by(one) for place in places)
        for one in judged
    )
    scores["citation_precision"] = [good, len(judged)]
    cited = sum(any(place.covered_by(one) for one in answer.citations) for place in places)
    scores["citation_recall"] = [cited, len(places)]
    scores["verbatim"] = [sound, len(answer.citations)]
    said_it = any(contains(answer.text, text) for text in question.forbidden)
    scores["forbidden_said"] = float(said_it) if question.forbidden else None
    return scores


def _contains_answer(question: Question, answer: Answer) -> bool:
    """True if a cited quote contains an acceptable answer; a long answer may be spread over several quotes."""
    quotes = [one.quote for one in answer.citations]
    together = " ".join(quotes)
    return any(
        any(contains(quote, wanted) for quote in quotes)
        or (is_long(wanted) and bool(quotes) and says(together, wanted, question.text))
        for wanted in question.answers
    )


def lead(answer: Answer) -> str:
    """Return the answer's first paragraph without markers."""
    return re.sub(r"\s*\[\d+\]", "", answer.text.split("\n\n")[0]).strip()


def misleads(question: Question, answer: Answer, places: Sequence[LabelPlace]) -> bool:
    """True if the opening of an answer misleads, or the question is unanswerable.

    For an answer that is no refusal. Short words mislead if they contain no acceptable answer, have a token F1 below
    0.5 with each, and are no part of a long one. A whole sentence misleads if it contains no acceptable answer and
    overlaps no label. "Yes" misleads if some acceptable answer says "no" and none says "yes"; "no" likewise.
    """
    if not question.answerable:
        return True
    opening = lead(answer)
    wanted = question.answers
    said, right = _polarity(opening), {_polarity(one) for one in wanted} - {""}
    if said and right:
        return said not in right
    if any(says(opening, one, question.text) for one in wanted):
        return False
    first = answer.sentences[0] if answer.sentences else None
    if said or (first and not first.words):
        cited = [one for one in answer.citations if first and one.number in first.citations]
        return not any(place.touched_by(one) for place in places for one in cited)
    part = any(is_long(one) and contains(one, opening) for one in wanted)
    return not part and token_f1(opening, wanted) < SIMILAR


def _polarity(text: str) -> str:
    """Return "yes" or "no" if a text begins with that word, else ""."""
    words = normalise(text)[:1]
    return words[0] if words and words[0] in ("yes", "no") else ""


def _cause(question: Question, answer: Answer, places: Sequence[LabelPlace], corpus: Corpus, sound: bool) -> str | None:
    """Return the step at which the evidence was lost, as a key of CAUSES; None if the answer is right."""
    if question.answerable is None:
        return None if sound else "wrong_place"
    if not question.answerable:
        return None if answer.refused else "answered_unanswerable"
    right = _contains_answer(question, answer) if question.answers else None
    cited = any(place.covered_by(one) for place in places for one in answer.citations) if places else None
    if not answer.refused and right is not False and cited is not False and sound:
        return None
    if places and all(place.missing for place in places):
        return "not_in_corpus"
    if not answer.refused and right and (cited is False or not sound):
        return "wrong_place"
    if lost := _lost(question, answer, places, corpus):
        return lost
    if answer.refused:
        return "wrongly_refused"
    return "wrong_words" if cited and right is False else "not_chosen"


def _lost(question: Question, answer: Answer, places: Sequence[LabelPlace], corpus: Corpus) -> str | None:
    """Return the cause if the evidence was lost before the quotes were chosen; None if some of it was retrieved."""
    if places:
        whole = [place for place in places if corpus.in_a_chunk(place)]
        if not whole:
            return "not_in_a_chunk"
        return None if any(credited(whole, answer.passages)) else "not_retrieved"
    if not question.answers:
        return None
    if any(says(passage.text, wanted, question.text) for passage in answer.passages for wanted in question.answers):
        return None
    return "not_retrieved" if corpus.says(question.answers, question.text) else "not_in_corpus"
