"""Generation of true and false statements from questions with answers, each with the passage to check it against.

A statement is made of question and answer ("Who founded Rome?", "Romulus": "Romulus founded Rome."), never a sentence
of the passage. A false one has another value of the same type, is negated, or is paired with another passage.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from index.text.dates import find_dates
from index.text.words import content_terms
from rag.check.amounts import find_numbers
from rag.check.facts import find_facts

KINDS = ("number", "name", "date", "negation", "passage")
_WH = r"(?:who|whom|whose|what|which|when|where|how many|how much|how long|how old)"
_BE = r"(?:is|was|were|are)"
_AUX = rf"(?:{_BE}|did|does|do|has|have|had|can|could|will|would|may|might|must|should)"
_PARTICIPLE = re.compile(
    r"^(?:\w{2,}(?:ed|wn|en)|born|built|made|held|found|won|lost|sent|sold|taught|put|set|kept|paid|left|begun|sung|"
    r"shot|cut|led|met|read|said|told|spent|bought|brought|called|hit|hung|laid|used|done|gone|come|become|run)$"
)
_WITH_PARTICIPLE = frozenset("is was were are has have had".split())
_BARE_VERB = frozenset(
    """accept add allow announce appear arrive attack attend become begin believe belong bring build buy call carry
    cause change claim close come consist contain continue control cost create cross declare decide defeat define depend
    describe design develop die discover draw drop earn enact end enter establish estimate exist expand experience
    express face fall feel fight find follow force form found gain get give go grow happen have hold host identify
    include increase introduce invade invent issue join keep know last launch lead learn leave live lose make mark
    marry mean meet move name need occur offer open operate own pass pay perform place plan play produce propose
    provide publish purchase reach receive record refer refuse reject release remain remove replace represent require
    return rise rule run say see sell send serve set share show sign speak spend spread start state stop study suffer
    support surrender take teach tell think travel try turn use vary view visit vote want win work write""".split()
)


@dataclass(frozen=True)
class Statement:
    """A statement and the passage to check it against.

    `kind` is "true" or one of KINDS. `near` is True if a swapped value is in the passage too (None if nothing was
    swapped). `answer` is the type of the answer, None for other types.
    """

    text: str
    passage: str
    article: str
    kind: str
    near: bool | None = None
    answer: str | None = None


@dataclass(frozen=True)
class _Made:
    """A true statement, split around its answer."""

    before: str
    answer: str
    after: str

    def with_answer(self, answer: str) -> str:
        text = " ".join(part for part in (self.before, answer, self.after) if part)
        return text[:1].upper() + text[1:] + "."

    def denied(self) -> str | None:
        """Return the statement with "not" after its first auxiliary; None if it has none."""
        text = self.with_answer(self.answer)
        spans = [(m.start(), m.end()) for m in re.finditer(rf"\b{_AUX}\b", text)]
        at = text.find(self.answer)
        free = [span for span in spans if not at <= span[0] < at + len(self.answer)]
        return f"{text[: free[0][1]]} not{text[free[0][1] :]}" if free else None


def read_statements(path: Path, each: int, seed: int = 0) -> list[Statement]:
    """Generate statements from a SQuAD file: about `each` of every false kind.

    Half of the swapped values are in the passage. There are at most 3 * `each` true statements. The result depends only
    on the file and the seed.
    """
    rng = random.Random(seed)
    rows = list(_rows(path))
    rng.shuffle(rows)
    values: dict[str, list[str]] = {kind: [] for kind in ("number", "name", "date")}
    for _, _, _, answer in rows:
        if kind := type_of(answer):
            values[kind].append(answer)
    others: dict[str, list[str]] = {}
    for passage, article, _, _ in rows:
        others.setdefault(article, [])
        if passage not in others[article]:
            others[article].append(passage)
    found: dict[tuple[str, bool | None], list[Statement]] = {}
    for passage, article, question, answer in rows:
        if (made := state(question, answer)) is None:
            continue
        text, kind = made.with_answer(answer), type_of(answer)
        found.setdefault(("true", None), []).append(Statement(text, passage, article, "true", answer=kind))
        if kind:
            for near in (True, False):
                if value := swap(rng, kind, answer, question, passage, values[kind], near):
                    swapped = Statement(made.with_answer(value), passage, article, kind, near)
                    found.setdefault((kind, near), []).append(swapped)
        if denied := made.denied():
            found.setdefault(("negation", None), []).append(Statement(denied, passage, article, "negation"))
        if other := _other_passage(text, answer, passage, others[article]):
            found.setdefault(("passage", None), []).append(Statement(text, other, article, "passage"))
    chosen = found.get(("true", None), [])[: 3 * each]
    for (false_kind, half), of_kind in sorted(found.items(), key=str):
        if false_kind != "true":
            chosen += of_kind[: each // 2 if half is not None else each]
    return chosen


def _rows(path: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yield (passage, article, question, answer) of the answerable questions."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        data = json.load(stream)["data"]
    for article in data:
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                if qa["answers"] and not qa.get("is_impossible"):
                    answers = [one["text"] for one in qa["answers"]]
                    yield (
                        paragraph["context"],
                        article["title"].replace("_", " "),
                        qa["question"],
                        min(answers, key=len),
                    )


def state(question: str, answer: str) -> _Made | None:
    """Make a statement of a question and its answer; None if no rule applies."""
    text = " ".join(question.strip().rstrip("?").split())
    answer = answer.strip().rstrip(".")
    match = re.match(
        rf"(?:(?P<pre>in|on|at|by|to|for|from|with|of|during|since)\s+)?(?P<wh>{_WH})\b\s*(?P<rest>.*)", text, re.I
    )
    if not match or not answer or len(answer.split()) > 8:
        return None
    wh, rest, pre = match["wh"].lower(), match["rest"], (match["pre"] or "").lower()
    head = re.match(rf"(?P<noun>(?:(?!{_AUX}\b)[\w'’-]+\s+){{0,5}}?)(?P<aux>{_AUX})\s+(?P<tail>.+)", rest)
    if wh in ("what", "which", "how many", "how much", "whose") and head and head["noun"] and not pre:
        noun = head["noun"].strip()
        said = f"{answer} {noun}" if wh in ("how many", "how much") and noun.lower() not in answer.lower() else answer
        return _inverted(said, answer, head["aux"], head["tail"], "")
    if head and not head["noun"]:
        place = pre or {"when": "in", "where": "in"}.get(wh, "")
        if place and re.match(r"(?:in|on|at|by|from|to|since|during|after|before|near|under)\b", answer, re.I):
            place = ""
        return _inverted(answer, answer, head["aux"], head["tail"], place)
    if wh in ("who", "what") and rest and not pre and not head:
        return _Made("", answer, rest)  # the question word is the subject: "Who founded Rome?"
    return None


def deny(question: str, answer: str) -> str | None:
    """Make a negated statement of a question and its answer; None if no rule applies."""
    made = state(question, answer)
    return made.denied() if made else None


def _inverted(said: str, answer: str, aux: str, tail: str, place: str) -> _Made | None:
    """Undo the inversion: "was X founded", "1823" -> "X was founded in 1823"; None if no rule applies."""
    before_answer, after_answer = (said.partition(answer)[::2]) if said != answer else ("", "")
    words = tail.split()
    for number in range(1, len(words)):
        word = words[number].lower().strip(",")
        verb = bool(_PARTICIPLE.match(word)) if aux.lower() in _WITH_PARTICIPLE else word in _BARE_VERB
        if verb:
            before = " ".join([*words[:number], aux, *words[number:], place, before_answer.strip()]).strip()
            return _Made(" ".join(before.split()), answer, after_answer.strip())
    if aux.lower() in ("is", "was", "were", "are") and not place:
        return _Made(before_answer.strip(), answer, f"{after_answer} {aux} {tail}".strip())
    return None


def type_of(answer: str) -> str | None:
    """Return the type of an answer: "date" (also a year), "number", "name" or None."""
    words = answer.split()
    if len(words) > 5:
        return None
    if find_dates(answer) or re.fullmatch(r"(?:1[0-9]|20)\d\d", answer):
        return "date"
    numbers = find_numbers(answer)
    if numbers:
        return "number" if sum(n.end - n.start for n in numbers) >= 0.4 * len(answer) else None
    held = [word for word in words if word.lower() not in ("of", "the", "and", "de", "for", "la", "von", "van")]
    return "name" if held and all(word[:1].isupper() for word in held) else None


def swap(
    rng: random.Random, kind: str, answer: str, question: str, passage: str, values: Sequence[str], near: bool
) -> str | None:
    """Return another value of the same type, without words of answer and question.

    With `near` it is from the passage, else it is not in the passage. None if there is none.
    """
    if near:
        facts = [fact.text for fact in find_facts(passage) if type_of(fact.text) == kind]
        pool = [value for value in dict.fromkeys(facts) if value.lower() not in answer.lower()]
    else:
        pool = [rng.choice(values) for _ in range(40)]
    rng.shuffle(pool)
    taken = set(content_terms(answer)) | set(content_terms(question))
    held = _terms(passage)
    for value in pool:
        terms = set(content_terms(value))
        if not terms or terms & taken or (value.lower() in passage.lower() and not near):
            continue
        if not near and (terms & held if kind == "name" else terms <= held):
            continue
        return value
    return None


def _other_passage(text: str, answer: str, passage: str, passages: Sequence[str]) -> str | None:
    """Return the passage without the answer that has most words of the statement."""
    said = set(content_terms(text))
    others = [one for one in passages if one != passage and answer.lower() not in one.lower()]
    return max(others, key=lambda one: len(said & _terms(one)), default=None)


@cache
def _terms(passage: str) -> frozenset[str]:
    return frozenset(content_terms(passage))
