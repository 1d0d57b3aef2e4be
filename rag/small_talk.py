"""Messages that are not questions to the sources: small talk, questions about the sources, and other languages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from index.text.published import Published
from rag.cite import Citation

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_POLITE = r"(?: (?:there|you|so much|very much|a lot|again|everyone|all|footnote|for (?:your|the) help|for that))*"
_GLAD = rf"(?:thanks|thank you|thx|ty|cheers|great|perfect|ok|okay|cool|nice|lovely|alright){_POLITE}"
_THINGS = "sources|documents|articles|files"
_KINDS = {
    "greeting": rf"(?=\w)(?:(?:hi|hello|hey|hiya|greetings|good (?:morning|afternoon|evening|day)){_POLITE})?"
    r"(?: ?(?:are you|is (?:anybody|anyone|somebody)|anybody|anyone) (?:there|here|awake|online))?",
    "thanks": rf"{_GLAD}(?: {_GLAD})*"
    r"(?: (?:that|this|it)(?: ?s| is| was| has been)?(?: really| very| so| a lot)*"
    r"(?: (?:helped|helps|helpful|useful|great|good|perfect|all|clear|it))?)?"
    r"(?: (?:for (?:now|today)|i (?:need|needed|wanted)(?: to know)?))?",
    "farewell": rf"(?:bye|goodbye|see you|see you later|good night){_POLITE}",
    "feelings": r"how are you(?: doing)?(?: today)?|how is it going|what s up",
    "self": (
        r"who are you|what are you|what(?: is|s| s) your name|what is footnote"
        r"|are you (?:a |an )?(?:bot|human|ai|robot|person)"
    ),
    "sources": (
        rf"(?:what|which)(?: kind of| sort of)? ?(?:is|are|s|{_THINGS})?(?: (?:is|are))?"
        rf" (?:in|do you have in|there in) (?:the|your|these|my) (?:{_THINGS}|index|library)"
        rf"|(?:what|which|how many) (?:{_THINGS})"
        r" (?:(?:do|can|did) (?:you|i|we) (?:have|know|use|see|read|add|upload|load)|(?:have|are) (?:you|i|we)"
        r" (?:got|read|added|uploaded|using)|are (?:there|indexed|available|loaded|in the index))(?: here| so far)?"
        rf"|(?:please )?(?:list|show)(?: me)?(?: all)? (?:the|your|my) (?:{_THINGS})"
        rf"|what are (?:the|your|my|these) (?:{_THINGS})(?: about)?"
        r"|what (?:is|s) (?:all )?(?:in|on|inside) (?:here|there|this)"
        r"|what(?: is|s| s) (?:this|the) (?:source|document|article|file|text)(?: all)? about"
    ),
    "help": (
        r"help|help me|what can (?:i|you|we) (?:ask|do|answer|tell me)(?: you| here| about)*"
        r"|what (?:should|could) i ask(?: you)?|how does this work|how do you work|how do i use (?:this|you)"
        r"|what (?:questions|sort of questions|kind of questions) can (?:i ask|you answer)(?: you)?"
        r"|what do you (?:know|know about)|what can you tell me about"
    ),
}
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _KINDS.items()}
_LANGUAGES = dict(
    de="German", fr="French", es="Spanish", it="Italian", pt="Portuguese", nl="Dutch", pl="Polish", ru="Russian",
    uk="Ukrainian", ja="Japanese", zh="Chinese", ko="Korean", ar="Arabic", he="Hebrew", tr="Turkish", sv="Swedish",
    da="Danish", no="Norwegian", nb="Norwegian", fi="Finnish", cs="Czech", el="Greek", hi="Hindi", hu="Hungarian",
    ro="Romanian", vi="Vietnamese", id="Indonesian", th="Thai",
)  # fmt: skip
_SURE = 0.5
_ENGLISH_OPENINGS = frozenset("who whos whose whom what what's whats which where when why how does did".split())


def talk_kind(question: str) -> str | None:
    """Return the kind of small talk that a whole message is, None for a question.

    Kinds are "greeting", "sources", "help" and others.
    """
    plain = re.sub(r"[^\w\s]|_", " ", question.casefold())
    plain = " ".join(plain.split())
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.fullmatch(plain)), None)


_WHERE = re.compile(
    r"(?:and )?(?:where|in which (?:source|document|file)|which (?:source|document|file|page))"
    r" (?:did you (?:read|find|get|see)|do you (?:have|get)|does|is|was) (?:it|that|this|those)"
    r"(?: (?:come|taken|quoted|written|stand|said|from|say|in))*"
    r"|what(?: is| s|s) (?:the|your) source(?: for that| of that)?"
    r"|(?:says|said) who|(?:who|which (?:source|document|file)) says (?:so|that)"
)


def asks_where(question: str) -> bool:
    """True for a message that only asks for the source of the last answer."""
    return bool(_WHERE.fullmatch(" ".join(re.sub(r"[^\w\s]|_", " ", question.casefold()).split())))


def reply_where(cited: Sequence[Citation]) -> str:
    """Return the title, date and place of each citation, in order, each once."""
    lines = list[str]()
    for one in cited:
        place = one.heading or (f"page {one.page}" if one.page else "")
        lines.append(f"- {', '.join(filter(None, (one.title, str(one.published or ''), place)))}")
    return "The last answer is quoted from:\n\n" + "\n".join(dict.fromkeys(lines))


def reply_to_talk(kind: str, titles: Sequence[tuple[str, str, Published | None]], examples: Sequence[str]) -> str:
    """Return the reply to small talk of a kind.

    `titles` are (source, title, published) of the indexed sources.
    """
    count = f"{len(titles)} source{'' if len(titles) == 1 else 's'}"
    suggestion = " You could ask:\n\n" + "\n".join(f"- {example}" for example in examples) if examples else ""
    if kind == "greeting" or kind == "feelings":
        return f"Hello. Ask about the {count}: answers are in their own words and cite their places.{suggestion}"
    if kind == "thanks":
        return "You are welcome. Ask another question whenever you like."
    if kind == "farewell":
        return "Goodbye."
    if kind == "self":
        return (
            f"This is Footnote. It answers from {count} only: every answer is quoted from a source and linked to "
            "its place there. It says nothing that the sources do not say."
        )
    if kind == "sources":
        return _contents(titles)
    return f"Ask a full question, in English, about the {count}; every answer is quoted from them.{suggestion}"


def _contents(titles: Sequence[tuple[str, str, Published | None]], most: int = 20) -> str:
    if not titles:
        return "There are no sources yet."
    # The file name distinguishes sources with the same title.
    count = Counter(title for _, title, _ in titles)
    lines = list[str]()
    for source, title, published in titles[:most]:
        known = ", ".join(filter(None, (str(published or ""), source if count[title] > 1 else "")))
        lines.append(f"- {title} ({known})" if known else f"- {title}")
    if len(titles) > most:
        lines.append(f"- and {len(titles) - most} more")
    return f"There {'is 1 source' if len(titles) == 1 else f'are {len(titles)} sources'}:\n\n" + "\n".join(lines)


def foreign_language(question: str) -> str | None:
    """Return the language of a question that is clearly not English, else None.

    py3langid detects it (Lui & Baldwin 2012). A question that opens with an English question word is English, whatever
    names it contains. Fewer than three words in Latin letters are too few to tell.
    """
    letters = [letter for letter in question if letter.isalpha()]
    if not letters:
        return None
    latin = 2 * sum(letter < "\u0250" for letter in letters) > len(letters)
    opening = question.split(maxsplit=1)[0].casefold()
    if latin and (len(question.split()) < 3 or opening in _ENGLISH_OPENINGS):
        return None
    code, probability = _identifier().classify(question)
    if latin and (code not in _LANGUAGES or probability < _SURE):
        return None
    return _LANGUAGES.get(code, "another language") if code != "en" else None


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
