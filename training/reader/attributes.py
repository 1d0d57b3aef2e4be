"""Ask a passage for an attribute of its subject that it does not state. Pure; no model, only patterns."""

from __future__ import annotations

import random
import re

_ATTRIBUTES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"found|establish|creat|start|beg[au]n|form|born|built|incorporat|launch|open|origin|since|birth|year|old",
        ("When was {} founded?", "In what year was {} established?", "how old is {}", "when did {} start"),
    ),
    (r"found|establish|creat|start|invent|built|design|begun|begin|began", ("Who founded {}?", "who started {}")),
    (r"own|bought|acqui|belong|property|purchas|parent|subsidiar", ("Who owns {}?", "who bought {}")),
    (r"pric|cost|\$|£|€|dollar|euro|pound|pay|paid|cent|worth|value|fee", ("What does {} cost?", "price of {}")),
    (r"\d|hundred|thousand|dozen|few|several|two|three", ("How many people work for {}?", "how many members has {}")),
    (r"\d|tall|high|height|feet|met(?:re|er)", ("How tall is {}?", "height of {}")),
    (r"phone|call|number|\d{3}", ("What is the phone number of {}?", "how can i call {}")),
    (r"mail|@|www|web|http|online|address|site", ("What is the e-mail address of {}?", "website of {}")),
    (r"based|headquarter|office|locat|seat|centre|center|where|lie|stand|situat|city|town", ("Where is {} based?",)),
    (r"die|death|dead|kill|pass|end|clos|dissol|last", ("When did {} end?", "when was {} dissolved")),
    (r"marr|wife|husband|spouse|wed|widow|partner|daughter|son", ("Who is {} married to?", "wife of {}")),
    (r"colou?r|red|blue|green|white|black|yellow|brown|gr[ae]y", ("What colour is {}?",)),
    (r"weigh|kilo|pound|gram|ton|heav|mass|lb|kg", ("How much does {} weigh?",)),
    (r"language|english|french|spanish|german|latin|speak|spoke", ("Which language is spoken in {}?",)),
    (r"win|won|award|prize|medal|honou?r|champion", ("Which award did {} win?", "what prizes has {} won")),
    (r"educat|school|college|universit|stud|degree|graduat", ("Where did {} go to school?",)),
    (r"chair|presid|head|direct|lead|chief|manag|ceo|boss|rul|govern", ("Who is the chair of {}?", "who runs {}")),
    (r"insur|premium|cover", ("Who insures {}?",)),
    (r"guarant|warrant", ("How long is the guarantee of {}?",)),
    (r"delay|late|postpon", ("Why was {} delayed?",)),
)
"""Cues of which a passage on the attribute has at least one, and questions for the attribute of a subject."""
_CUES = tuple(re.compile(rf"(?:{cues})", re.IGNORECASE) for cues, _ in _ATTRIBUTES)


def ask_unstated(subject: str, passage: str, rng: random.Random) -> str | None:
    """Return a question for an attribute of `subject` that `passage` does not mention.

    Returns None after eight failed draws.
    """
    for _ in range(8):
        number = rng.randrange(len(_ATTRIBUTES))
        if not _CUES[number].search(passage):
            return rng.choice(_ATTRIBUTES[number][1]).format(subject)
    return None
