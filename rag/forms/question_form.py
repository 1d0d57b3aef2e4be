"""A question -> the form of answer that its wording asks for. Pure."""

from __future__ import annotations

import re

from index.text.words import content_terms
from rag.reader.names import LISTED, asks_for_several
from rag.types import Form

_MEETING = r"(?:meetings?|minutes|session|committee|council|board|agm)"
_DECIDED = r"what (?:got|was|were|has been|did (?:they|we)) (?:all )?(?:decided?|agreed?|discuss(?:ed)?|resolved?)"
_AFTER = (
    r"in|on|for|so far|please|pls|pretty please|thanks|thank you|exactly|really|actually|roughly|mainly|mostly"
    r"|basically|generally|again|then|now|today|anyway|altogether|overall|and|or"
)
_SUMMARY = re.compile(
    r"\b(?:summar(?:y|ies|ise|ize|ised|ized)|sum(?:ming)? up|gist|tl;?dr|overview|abstract|synopsis|recap|outline"
    r"|short version|rundown|briefly|in a few (?:words|sentences)"
    r"|(?:main|key) (?:points?|ideas?|takeaways?|messages?|findings)|in (?:short|brief|a nutshell))\b"
    rf"|\bwhat(?:[’']?s| is| are| was| were)\b.{{1,80}}\babout(?=\W*$|[,;:.!?]| (?:{_AFTER})\b)"
    r"|\bwhat\b.{1,80}\bdeals? with\b"
    r"|\bwhat (?:does|do|did)\b.{1,80}\b(?:cover|contain|discuss|deal with|talk about)\b"
    rf"|\b{_MEETING}\b.{{0,40}}\b{_DECIDED}\W*$"
    rf"|\b{_DECIDED} (?:at|in|by|during) (?:the|our|that|this|last)\b(?: [\w’'-]+){{0,3}} {_MEETING}\W*$"
    r"|\b(?:catch|bring|get) me up (?:on|to (?:speed|date))\b|\bfill me in\b"
    r"|\bwhat (?:does|do|did) (?:the|this|that|their)\b.{0,60}\b(?:stud(?:y|ies)|report|paper|survey|trial|research)\b"
    r".{0,20}\b(?:find|found|show|conclude|say)\W*$"
    r"|\bwhat(?:[’']?s| is| was) (?:new |interesting )?in (?:the|this|that|our|my|last)"
    r" (?:(?!in\b|for\b|at\b|of\b|\d)[\w’'-]+ ){0,4}"
    r"(?:issue|edition|newsletter|bulletin|magazine|report|minutes|e?-?mails?|letter|document|file|leaflet|chat|thread"
    r"|notice|notes|transcript)"
    r"(?=\W*$|\s+(?:about|of|from|on)\b(?! the \w+ (?:shelf|desk|table)))",
    re.IGNORECASE,
)
_STEPS = re.compile(
    r"\bstep[- ]by[- ]step\b|\b(?:steps|instructions?|procedure|guide)\b"
    r"|\bhow (?:do|can|should|would|must|to|does one|did)\b"
    r"|\bhow\s*\??$|\bhow does (?:it|this|that|all (?:this|that)) work\b"
    r"|\bwhat (?:do|should|must|can|am|are) (?:i|we|you|one) (?:have to |need to |meant to |supposed to )?do\b"
    r"|\bwhat (?:do|should) (?:i|we) have to do\b|\bwhat now\b|\bways? to\b",
    re.IGNORECASE,
)
HOW_MUCH = re.compile(
    r"\bhow (?:much|many|long|far|often|old|big|large|fast|high|wide|deep|heavy|tall|late|early|soon|loud|hot|cold)\b",
    re.IGNORECASE,
)
_COMPARISON = re.compile(
    r"\b(?:vs\.?|versus|compared?|comparison|differences?|differs?|different (?:from|to|than)|rather than"
    r"|as opposed to)\b"
    r"|\b(?:more|less|fewer|cheaper|longer|shorter|better|worse|faster|slower|larger|bigger|smaller|higher|lower"
    r"|older|newer|heavier|lighter)\b.{0,60}\b(?:than|or)\b|\b\w+er, .{1,40}\bor\b"
    r"|\b(?:from|between) (?:19|20)\d\d (?:to|and) (?:19|20)\d\d\b",
    re.IGNORECASE,
)
_LIST = re.compile(
    rf"{LISTED}|^(?:the )?(?:stuff|things)\b|\b(?:name|enumerate|everything|all (?:the|of|its|their)|which \w+s"
    r"|which (?!of\b)[\w’'-]+ \w+s (?:do|are|can|have|were|did)"
    r"|what \w+s (?:are|were|do|does|can|have|has)"
    r"|what (?:are|were) the|who (?:are|were|was (?:at|present|there)|attended|took part)|to-?dos?|items|occasions"
    r"|reasons|examples|kinds of|types of|(?:the|these|those|all|which|what) (?:different|various) \w+s"
    r"|(?:what|all the) (?:stuff|things)"
    r"|what (?:do|does|did) (?:i|we|you|he|she|they) (?:get|need)\b(?! to (?:pay|do|know))"
    r"|what (?:do|does|did|must|should|shall) [\w’'-]+ (?:(?:have|need|got) to )?(?:bring|wear|pack|take|carry|provide)"
    r"|what(?:[’']?s| is| comes) (?:all )?(?:included|in the box|covered)"
    r"|(?:do|does|did) each (?:of|want|need|take|get|have|last|hold|weigh|cost)"
    r"|who (?:won|did|does|got|said|brings?) what)\b",
    re.IGNORECASE,
)
_YES_NO = re.compile(
    r"(?:(?:so|and|but|then|ok|hi|hello)[\s,]+)*(?:is|are|was|were|am|do|does|did|has|have|had|can|could|may|might|must"
    r"|should|shall|will|would|isn[’']?t|aren[’']?t|don[’']?t|doesn[’']?t|can[’']?t)\b"
    r"|.*,\s*(?:right|correct|true|yes|ok|okay|alright|allowed|possible)\s*\?*$"
    r"|(?:.*[,.;:]\s*)?(?:is it |would it be )?(?:(?:ok|okay|alright|all right|allowed) (?:if|to|for)|fine if)\b",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"\b(?:can|could|would|will) (?:you|someone|anybody|anyone)\b.{0,20}?\b(?:tell|explain|give|show|say|describe|help"
    r"|name|find|list|let)\b|\b(?:can|could|may) i (?:ask|know|have|get) (?:what|who|when|where|why|how|which)\b"
    r"|\bdo you know (?:what|who|when|where|why|how|which)\b",
    re.IGNORECASE,
)
"""Opens a question that asks for more than yes or no."""
_SENTENCE = re.compile(
    r"\bwhy\b|\bhow come\b|\bwhat (?:is|are|was|does) (?:an? |the )?[\w’'-]+(?: [\w’'-]+){0,2}\??$|\bwhat happens?\b"
    r"|\bmeans?\b|\bmeaning\b|\bexplain\b|\bdefine\b|\bdefinition\b|\breasons?\b|\bcauses?\b",
    re.IGNORECASE,
)


_DENIES = re.compile(
    r"\b(?:not|no|never|nobody|none|neither|nor|except|only|without|unless|forbidden|prohibited|banned|exclu\w+)\b"
    r"|n[’']t\b",
    re.IGNORECASE,
)


def denies(text: str) -> bool:
    """True if a text denies or excludes something.

    >>> denies("What is not covered"), denies("What we want")
    (True, False)
    """
    return _DENIES.search(text) is not None


_NEGATED = re.compile(
    r"\b(?:what|which|who|stuff|things|anything|everything)\b(?:(?!\b(?:if|when|where|because|since|as)\b)[^,.;:?!])*?"
    r"(?:\b(?:not|never|cannot|forbidden|prohibited|banned|excluded)\b|n[’']t\b"
    r"|\b(?:wo|do|does|did|is|are|was|were|ca|could|should|would|must|has|have|had)nt\b)",
    re.IGNORECASE,
)


def asks_what_is_not(question: str) -> bool:
    """True if a question asks for what is denied or excluded.

    >>> [asks_what_is_not(q) for q in ("what wont they pay for", "what do i need if i don't drive", "it isn't hot")]
    [True, False, False]
    """
    return _NEGATED.search(question) is not None


def requested_form(question: str) -> Form:
    """Return the form that a question asks for; "words" if it asks for no other.

    >>> [requested_form(q) for q in ("gist of the minutes please", "how do i turn it on", "who supplies GM's cells?")]
    ['summary', 'steps', 'words']
    """
    if _SUMMARY.search(question):
        return "summary"
    if _COMPARISON.search(question):
        return "comparison"
    if _STEPS.search(question) and not HOW_MUCH.search(question):
        return "steps"
    if _LIST.search(question) or asks_for_several(question):
        return "list"
    if _YES_NO.match(question) and not _REQUEST.search(question):
        return "yes_no"
    if _SENTENCE.search(question) and not HOW_MUCH.search(question):
        return "sentence"
    return "words"


_ABOUT = re.compile(
    r"\W*(?:please |(?:can|could|would) you (?:please )?)?"
    r"(?:tell (?:me|us) (?:something |more |everything |all )?about|what (?:do you know|is known|is there) about"
    r"|what do (?:the|my) (?:sources|documents|files) say about|info(?:rmation)? (?:on|about))\s+(?P<topic>.+)",
    re.IGNORECASE,
)
_MENTIONS = (
    r"(?:mentions?|talks? about|discuss(?:es)?|says? (?:something|anything) (?:about|on)|refers? to|(?:is|are) about"
    r"|names?|deals? with)"
)
_SOURCES = r"(?:which|what) (?:of (?:the|my|these) )?(?:documents?|sources?|files?|articles?|texts?|ones?)"
_HOLDERS = re.compile(
    rf"\W*(?:{_SOURCES} (?:do |does )?{_MENTIONS}\s+(?P<topic>.+?)|where (?:is|are) (?P<placed>.+?) mentioned)[\s?.!]*",
    re.IGNORECASE,
)


def requested_topic(question: str) -> str | None:
    """Return the topic of "tell me about the ferry" and the like, None for others."""
    found = _ABOUT.fullmatch(question.strip())
    return found["topic"] if found else None


def topic_mentioned(question: str) -> str | None:
    """Return the topic whose sources a question asks for, None for others.

    >>> [topic_mentioned(q) for q in ("which documents mention bees?", "where are bees mentioned", "where is Bea")]
    ['bees', 'bees', None]
    """
    found = _HOLDERS.fullmatch(question.strip())
    return (found["topic"] or found["placed"]) if found else None


def word_forms(text: str) -> set[str]:
    """Return the content terms of a text, and whole version numbers and the like."""
    return {*content_terms(text), *re.findall(r"\d+(?:\.\d+)+", text)}


def summary_clause(question: str) -> str:
    """Return the clause of a question that asks for a summary; "" if it has only one clause.

    >>> summary_clause("I'm new here, sum up the lease please")
    'sum up the lease please'
    """
    clauses = re.split(r"[,;:.!?]\s+", question)
    return next((one for one in clauses if len(clauses) > 1 and _SUMMARY.search(one)), "")


_BRIEF = r"in a nutshell|in a few (?:words|sentences)|briefly"
_BREVITY = re.compile(
    rf"^\W*(?:(?:{_BRIEF})\b[\s,:;]+|(?:in short|in brief|tl;?dr|(?:the )?short version)\s*[,:;]\s*)"
    rf"|(?:[\s,;:]+(?:{_BRIEF}|in short|in brief)|\s*[,;:]\s*(?:tl;?dr|(?:the )?short version))(?: please)?[\s.!?]*$",
    re.IGNORECASE,
)
"""Opens or ends a question, and only says how long the answer should be."""


def without_brevity(question: str) -> str:
    """Return a question without words that only ask for a short answer.

    >>> without_brevity("in a nutshell, who may swim here?"), without_brevity("what is in short supply?")
    ('who may swim here?', 'what is in short supply?')
    """
    return _BREVITY.sub("", question).strip() or question


def without_form(question: str) -> str:
    """Return the topic of a question that asks for a summary.

    The words that ask for the summary are removed.
    """
    bare = re.sub(
        r"\b(?:summar\w*|sum(?:ming)? up|gist|tl;?dr|overview|synopsis|recap|outline|short version|rundown"
        r"|short(?:ly)?|brief(?:ly)?|quick(?:ly)?|please|pls|plz|thanks|thx|hi|hey|hello|(?:could|can|would) (?:you|u)"
        r"|give me|tell me|i need|in a nutshell|(?:main|key) (?:points?|ideas?|takeaways?|messages?|findings))\b(?!-)",
        " ",
        question,
        flags=re.IGNORECASE,
    )
    bare = re.sub(
        r"\b(?:what|whats|does|do|is|are|was|were|about|cover|contain|discuss|deals? with|say(?:s|ing)?|said"
        r"|missed|got|decided|agreed|of|the|an?|all|these|in)\b"
        r"|[’']s\b",
        " ",
        bare,
        flags=re.IGNORECASE,
    )
    return " ".join(bare.strip(" ?!.,:").split())
