"""Passage -> the same told as news: some of its sentences are said by invented people with a name and a role.

Public passages hold few speakers, and a model trained on them alone takes whoever is quoted for the answer to "who".
Pure; no model, only patterns. A speaker's name stands in neither passage nor question, and nothing of what is put in
answers the question.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.layout import Span
from index.lexical import FUNCTION_WORDS, content_terms
from index.sentences import sentences
from rag.reader.speakers import Speaker, outsider, relation

_SAYING = re.compile(
    r"""\b(?:say|says|said|saying|state[sd]?|stating|claim\w*|announc\w*|t[eo]ld|tell\w*|accord\w*|argu\w*|beli[ef]\w+|
    th[io]nk\w*|thought\w*|warn\w*|report\w*|suggest\w*|describ\w*|declar\w*|expla\w+|mention\w*|not(?:e[sd]?|ing)|
    add(?:s|ed|ing)?|writ(?:e|es|ing|ten)|wrote|who\w*\s+(?:\w+\s+)?call\w*|propos\w*|admit\w*|confirm\w*|comment\w*|express\w*|
    opinions?|views?|viewed|consider\w*|predict\w*|estimat\w*|criti[cq]\w*|quot\w*|sp[eo]ak\w*|spoke\w*|speech\w*|
    blam\w*|credit\w*|complain\w*|insist\w*|den(?:y|ies|ied)|conclu\w*|observ\w*|remark\w*|stress\w*|talk\w*|pointed|
    welcom\w*|praise\w*|publish\w*|f[oi]u?nd|finds)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_LEADING = re.compile(
    r"""\b(?:ceo|chief\w*|head\w*|lead\w*|led|chair\w*|presid\w*|direct\w*|runs?|ran|running|manag\w*|founde\w*|boss\w*|
    charge|own\w*|minister\w*|mayor\w*|govern\w*|spokes\w*|executive\w*|coach\w*|captain\w*|secretar\w*|positions?|
    jobs?|roles?|titles?|rul\w+|control\w*|oversee\w*|oversaw|power|person|people|work\w*)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_QUOTE = re.compile('["“”„»«]')

# {s} is the sentence without its stop, {who} a speaker with a role, {comma} one where the role stands behind the name.
_STYLES = (
    "{s}, said {who}.",
    "{s}, according to {who}.",
    "{s}, {who}{comma} said on {day}.",
    "{s}, {who}{comma} said in {medium}.",
    "{s}, {who}{comma} told reporters on {day}.",
    "{s}, {who}{comma} wrote in a blog post.",
    '"{s}," said {who}.',
    '"{s}," {who}{comma} told reporters on {day}.',
    "“{s},” {who}{comma} said in {medium}.",
    "According to {who}, {s}.",
    "{who}{comma} said {s}.",
    "{who}{comma} told reporters on {day} that {s}.",
    "{who}{comma} confirmed in {medium} that {s}.",
    "Speaking to reporters on {day}, {who}{comma} said {s}.",
    "{name}, who has led the {body} since {year}, announced the {plan} at a press conference. {s}.",
    "{name}, who joined the {body} in {year}, presented the {plan} to reporters on {day}. {s}.",
    '"{remark}," {who}{comma} said in {medium}. {s}.',
    '{s}. "{remark}," said {who}.',
    '{s}. {who}{comma} welcomed the {plan} on {day}. "{remark}," {last} said.',
    '{s}. Asked about it, {who}{comma} said: "{remark}."',
    "{s}. {who}{comma} declined to comment.",
    "{s}, {organisation} said in {medium}.",
    "{s}, according to a report by {organisation}.",
    "A report that {organisation} published on {day} found that {s}.",
)
_AGAIN = (
    "{s}, {last} said.",
    "{s}, {last} added.",
    '"{s}," {last} said.',
    "{s}, said {last}.",
    "{last} added that {s}.",
)
"""Said by the one who spoke before."""
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MEDIA = "an interview/a statement/a blog post/an e-mail/a phone call/a podcast/a press release/a letter".split("/")
_BODIES = "company agency institute foundation mill museum club union group network laboratory office board".split()
_PLANS = "plan deal decision project programme results agreement changes offer study".split()
_REMARKS = """We are proud of what was done here/This is good news for everyone/There is a lot left to do/
It was never going to be easy/We have waited a long time for this/Nobody expected it to go so well/
I am very happy with how it turned out/The numbers speak for themselves/We will look at it closely/
It shows what is possible/I would not change a thing/That is the right way to go/We take it very seriously/
It matters to all of us/We did what we could/You have to see it to understand it/It is only a first step/
People should know about this/We learned a great deal/It is hard to imagine it otherwise""".replace("\n", "").split("/")
_TRIES = 8
_LONGEST_ASKED = 25
"""Words of a sentence that a question asks the speaker of."""


@dataclass(frozen=True)
class Edit:
    """`text[start:end]` becomes `new`."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Told:
    """A passage told as news. `speakers` are where the names of its speakers stand, `asked` a question that one of
    them answers, with where; () and None when only organisations speak."""

    text: str
    edits: tuple[Edit, ...]
    speakers: tuple[Span, ...]
    asked: tuple[str, Span] | None

    def moved(self, span: Span) -> Span:
        """Where a span of the passage stands now; it must be one of those that `tell` was given to keep."""
        start = span[0] + sum(len(e.new) - (e.end - e.start) for e in self.edits if e.end <= span[0])
        end = span[1] + sum(len(e.new) - (e.end - e.start) for e in self.edits if e.start < span[1])
        return start, end


def asks_who_said(question: str) -> bool:
    """Whether it may ask for a speaker, or for something said; rather too often than too seldom."""
    return bool(_SAYING.search(question))


def tell(text: str, question: str, keep: Sequence[Span], rng: random.Random) -> Told | None:
    """The passage with one to three of its sentences said by somebody, most often those that share words with the
    question; `keep` are spans that stay as they are. None when the question may ask for a speaker or nothing fits."""
    if asks_who_said(question):
        return None
    asked = set(content_terms(question))
    spans = [s for s in sentences(text) if _may_be_said(text[slice(*s)])]
    weights = [1 + len(asked & set(content_terms(text[slice(*s)]))) for s in spans]
    order = sorted(range(len(spans)), key=lambda n: -(rng.random() ** (1 / weights[n])))
    parts: list[_Part] = []
    for number in sorted(order[: rng.choice((1, 1, 2, 2, 3))]):
        before = next((part.speaker for part in reversed(parts) if part.speaker), None)
        if part := _say(text, spans[number], question, keep, before, rng):
            parts.append(part)
    if not parts:
        return None
    edits = tuple(edit for part in parts for edit in part.edits)
    new = _apply(text, edits)
    places = {name: (new.index(name), new.index(name) + len(name)) for name in (p.speaker.name for p in parts if p.new)}
    asked_now = next(((p.question, places[p.speaker.name]) for p in parts if p.new and p.question), None)
    return Told(new, edits, tuple(places.values()), asked_now)


def _may_be_said(sentence: str) -> bool:
    """A sentence of some length that ends with a stop of its own."""
    return bool(re.search(r"\w\w[\])]?\.$", sentence)) and len(sentence.split()) >= 5


@dataclass(frozen=True)
class _Part:
    """A sentence that somebody says: what changes, who it is, whether that is the first place where the name stands,
    and a question that the name answers."""

    edits: list[Edit]
    speaker: Speaker
    new: bool
    question: str | None


def _say(
    text: str, sentence: Span, question: str, keep: Sequence[Span], before: Speaker | None, rng: random.Random
) -> _Part | None:
    """Let somebody say a sentence, the speaker `before` it perhaps; None when eight draws find nothing that fits."""
    lowered = f"{text} {question}".lower()
    asked = set(content_terms(question))
    said = text[slice(*sentence)]
    for _ in range(_TRIES):
        again = before if rng.random() < 0.3 else None
        style = rng.choice(_AGAIN if again else _STYLES)
        within = "{organisation}" not in style and rng.random() < 0.35
        speaker = again or (relation(rng) if within else outsider(rng))
        front, back = (_filled(part, speaker, rng) for part in style.split("{s}"))
        front = front[:1].upper() + front[1:]
        back = re.sub(r"^\. \w", lambda match: match.group().upper(), back)
        known = not again and any(part in lowered for part in re.findall(r"\w{3,}", speaker.proper.lower()))
        quoted = _QUOTE.search(said) and front.endswith(('"', "“"))
        leads = _LEADING.search(question) and (within or "{body}" in style)
        if known or quoted or leads or asked & set(content_terms(f"{front} {back}")):
            continue
        if edits := _edits(text, sentence, front, back, keep):
            new = not again and speaker.name in front + back
            return _Part(edits, speaker, new, _question(style, said, speaker, rng))
    return None


def _question(style: str, said: str, speaker: Speaker, rng: random.Random) -> str | None:
    """A question that the speaker answers, where the sentence `said` is told in a style; None when there is none."""
    if "{who}" in style and speaker.leads and rng.random() < 0.5:
        return f"Who is the {speaker.role} of {speaker.organisation}?"
    if "{s}. " in style or ". {s}" in style or len(said.split()) > _LONGEST_ASKED:
        return None
    return f"Who {rng.choice(('said', 'said that', 'told reporters that', 'claimed that'))} {said.rstrip('.')}?"


def _filled(part: str, speaker: Speaker, rng: random.Random) -> str:
    who, comma = speaker.introduced(rng)
    return part.format(
        who=who,
        comma="," if comma else "",
        name=speaker.name,
        last=speaker.name.split()[-1],
        organisation=speaker.organisation,
        day=rng.choice(_DAYS),
        medium=rng.choice(_MEDIA),
        body=rng.choice(_BODIES),
        plan=rng.choice(_PLANS),
        remark=rng.choice(_REMARKS),
        year=rng.randint(1998, 2023),
    )


def _edits(text: str, sentence: Span, front: str, back: str, keep: Sequence[Span]) -> list[Edit] | None:
    """What puts `front` before a sentence and `back` in the place of its stop; None when that cuts a kept span."""
    start, end = sentence
    edits = []
    if front:
        word = text[start:end].split()[0]
        goes_on = not front.endswith(('"', "“", ". "))
        if goes_on and word.lower() in FUNCTION_WORDS - {"i"} and not any(a <= start < b for a, b in keep):
            edits.append(Edit(start, start + 1, front + text[start].lower()))
        else:
            edits.append(Edit(start, start, front))
    if back != ".":
        edits.append(Edit(end - 1, end, back))
    cut = any(
        (a < edit.end and edit.start < b) if edit.end > edit.start else a < edit.start < b
        for edit in edits
        for a, b in keep
    )
    return None if cut else edits


def _apply(text: str, edits: Sequence[Edit]) -> str:
    made, at = [], 0
    for edit in edits:
        made += [text[at : edit.start], edit.new]
        at = edit.end
    return "".join(made) + text[at:]
