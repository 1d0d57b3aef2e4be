"""Classify words (function words, words that name by a number, quantities) and normalise identifiers. Pure.

An identifier is a code ("E-4042", "Zorb99", "77-310") or a number or letter that names a thing ("room 313", "Model D").
Its normal form has lower-case letters, nothing between letters and digits, and a full stop between digits: "E 4042",
"E4042" and "e-4042" are "e4042", "rooms 313" is "room313", "77/310" is "77.310". identifiers.py finds the identifiers
of a question, mentions.py those of a source.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

FUNCTION_WORDS = frozenset(
    """a an the this that these those some any each every all both either neither no not nor and or but if then than
    so as of at by for with about against between into through during before after above below to from up down in
    out on off over under again further once here there when where why how what which who whom whose i me my we us
    our you your he him his she her it its they them their is am are was were be been being do does did doing done
    have has had having can could will would shall should may might must ought s t d ll m re ve don doesn didn isn
    aren wasn weren won wouldn couldn shouldn many much more most long often old tall far there's that's what's
    please tell give show let know just also too very only own same such other another according based
    whats whos wheres hows thats theres im ive dont doesnt didnt isnt arent wasnt werent cant couldnt shouldnt
    wouldnt wont hadnt hasnt havent theyre theyve theyll theyd youre youve youll weve hes shes itll""".split()
)
PART_NOUNS = frozenset(
    "section clause article paragraph chapter part point step rule item question schedule appendix annex title".split()
)
"""Parts of a document. Their number often appears alone, at the head of a line."""
NUMBERED = PART_NOUNS | frozenset(
    """account act alarm apartment batch bay belt block box building bus case cell chart channel claim class code
    contract defect desk device dock door drawing edition engine episode error event exhibit exit fault figure file
    flat flight floor form gate group house incident invoice issue key lane level line locker lot machine message model
    module motor note office option order page patch phase pier plan platform plot policy port product pump queue
    record release report request revision room route row scenario scene season sensor serial shift site slide
    slot socket stage station suite table tank task team terminal test ticket tier track train tram type unit valve
    vehicle version volume ward warehouse warning zone""".split()
)
"""Things that people number or letter. Other nouns may be numbered too, unless something speaks against it."""
GENERIC = frozenset("no nr number numbers num code codes id ids".split())
"""Words between a thing and its number: "error code 404", "invoice no. 55"."""
VERSIONS = frozenset("v ver version versions release releases".split())
_ALSO_VERBS = frozenset("book charge claim order plan report test file ticket request".split())
_COUNTING = frozenset(
    """about add adult age aged almost amount another approximately around arrive baby best borrow boy bring budget buy
    carry charge child come contain cost daughter day deposit distance double drink drive early earn eat equal
    exactly exceed extra fee fill first fit get girl give height hire hold hour keep kid last late lead leave lend
    length lift lose make man max maximum min minimum minus minute month move name nearly need next offer pay percent
    person plus price raise rate reach receive remain rent require roughly run salary save score seat second sell
    send serve since size son spare speed spend stay store subtract sum support take temperature till times top total
    turn twice until use value voltage wait walk want week weigh weight width win woman work worth year""".split()
)
"""Words before a number that count or measure."""
RECALLS = frozenset("read heard hear said say says saw told thought think believe remember reckon still now".split())
"""Words before a number that somebody has read or heard of, or that may have changed: "I read 1850 somewhere"."""
MONTH_WORDS = frozenset(
    """january february march april may june july august september october november december jan feb mar apr jun jul
    aug sep sept oct nov dec""".split()
)
_TIMES = MONTH_WORDS | frozenset(
    """monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun spring summer autumn fall
    winter christmas easter year decade century am pm ad bc bce ce""".split()
)
_UNITS = frozenset(
    """km m cm mm kg g mg t l ml cl h hr hrs s sec secs min mins k mn bn kw kwh mw mwh gw gwh w wh v kv hz khz
    mhz ghz gb mb tb kb gib mib mph kmh ft lb lbs oz ppm db kpa mpa fps dpi px pt ha sqm mah ah nm rpm psi x am
    pm st nd rd th hundred thousand million billion trillion dozen percent pct euro euros eur dollar dollars usd
    pound pounds gbp cent cents pence quid bucks yen yuan franc francs rupee rupees second seconds minute minutes
    hour hours day days night nights week weeks month months year years yr yrs decade decades century centuries
    old times people person persons men women children kids metre metres meter meters kilometre kilometres
    kilometer kilometers mile miles inch inches feet foot yards litre litres liter liters gallon gallons kilo
    kilos gram grams kilogram kilograms ton tons tonne tonnes degree degrees celsius fahrenheit watt watts volt
    volts star stars""".split()
)
WRITTEN_OUT = frozenset("co2 h2o o2 o3 h2 n2 ch4 nh3 so2 no2".split())
"""Substances that a source may write out: carbon dioxide."""
_AFFIXES = frozenset("pre post mid under over top non sub plus up".split())

_TOKEN = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|[^\W_]+(?:[-./_][^\W_]+)*")
_SAME_WIDTH = str.maketrans(
    {**dict.fromkeys("‐‑‒–—−", "-"), **{chr(0x2080 + digit): str(digit) for digit in range(10)}, "\xa0": " "}
)
_RUN = re.compile(r"[^\W\d_]+|\d+")
YEAR = re.compile(r"(?:1[5-9]|20)\d\d(?:[-/]\d{2}(?:\d\d)?)?")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?|\d{1,2}([-/.])\d{1,2}\1\d{2,4}")
_NUMBER = re.compile(r"\d+(?:\.\d+)*[a-rt-z]?|\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.IGNORECASE)
_AMOUNT = re.compile(r"(?P<number>[\d.,]+)-?(?P<letters>[a-z]+)(?:[-/][a-z]+)*", re.IGNORECASE)
_SPAN = re.compile(r"\d+-\d+[a-z]?|\d+x\d+", re.IGNORECASE)
_SIGN_BEFORE, _SIGN_AFTER = re.compile(r"[$€£¥₹]\s?$"), re.compile(r"\s?[%°€$£¥₹]|:\d|['’]s\b")
_VERSION = re.compile(r"v?\d+(?:\.\d+){2,}", re.IGNORECASE)


class Token(NamedTuple):
    """A word, number or code of a text, with its inner separators and its place."""

    text: str
    start: int
    end: int

    @property
    def low(self) -> str:
        """Return the text in lower case."""
        return self.text.lower()

    @property
    def is_word(self) -> bool:
        """True for two or more letters and nothing else."""
        return self.text.isalpha() and len(self.text) > 1

    @property
    def is_letter(self) -> bool:
        """True for a single letter."""
        return self.text.isalpha() and len(self.text) == 1

    @property
    def is_code(self) -> bool:
        """True for letters together with digits."""
        return any(c.isdigit() for c in self.text) and any(c.isalpha() for c in self.text)

    @property
    def is_number(self) -> bool:
        """True for a number that may name a thing: "313", "4.2", "12a", "1,655,114"."""
        return bool(_NUMBER.fullmatch(self.text))

    @property
    def is_version(self) -> bool:
        """True for a number with two or more full stops."""
        return bool(_VERSION.fullmatch(self.text)) and not self.is_time

    @property
    def is_time(self) -> bool:
        """True for a year, a range of years or a date."""
        return bool(YEAR.fullmatch(self.text) or _DATE.fullmatch(self.text))


def with_plain_dashes(text: str) -> str:
    """Return the text with every dash as "-" and subscript digits as digits.

    The length stays, and so does every offset.
    """
    return text.translate(_SAME_WIDTH)


def tokens(text: str) -> list[Token]:
    """Return the words, numbers and codes of a text, in order.

    The text has plain dashes (`with_plain_dashes`).
    """
    return [Token(match.group(), *match.span()) for match in _TOKEN.finditer(text)]


def normal_form(text: str) -> str:
    """Return the form in which an identifier is indexed and compared.

    >>> [normal_form(text) for text in ("E-4042", "e 4042", "Rooms 313", "77/310", "1,655,114")]
    ['e4042', 'e4042', 'room313', '77.310', '1655114']
    """
    folded = unicodedata.normalize("NFKD", re.sub(r"(?<=\d),(?=\d{3})", "", with_plain_dashes(text)).casefold())
    made = ""
    for run in _RUN.findall("".join(c for c in folded if not unicodedata.combining(c))):
        part = _singular(run) if len(run) > 3 and run.isalpha() else run
        made += f".{part}" if made[-1:].isdigit() and part.isdigit() else part
    return made


def _singular(word: str) -> str:
    """Return a word without its plural ending.

    "gate" and "gates" both lose their e, so that "bus" and "buses" agree.
    """
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return word.removesuffix("e")


def is_plural(word: str) -> bool:
    """True for a word with the ending of a plural, or of a verb in the third person."""
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))


def numbers_things(word: str) -> bool:
    """True for a word, singular or plural, that names things by number or letter.

    The word is in lower case.
    """
    return word in NUMBERED or word in VERSIONS or (is_plural(word) and _near_singular(word) in NUMBERED)


def _near_singular(word: str) -> str:
    return next((form for form in (word[:-1], word[:-2], f"{word[:-3]}y") if form in NUMBERED), word)


def may_name(word: str) -> bool:
    """True if a number after this word may name a thing, not count or measure one.

    >>> [word for word in ("room", "Brisa", "weighs", "of", "age", "May") if may_name(word)]
    ['room', 'Brisa']
    """
    low = word.lower()
    if numbers_things(low):
        return True
    if not word.isalpha() or len(word) < 2 or low in FUNCTION_WORDS | _COUNTING | RECALLS | _TIMES | _UNITS:
        return False
    return word[0].isupper() or not (low.endswith(("ing", "ed", "ly")) or is_plural(low))


def is_also_verb(word: str) -> bool:
    """True for a word that numbers things but is as often a verb: order, claim."""
    return word in _ALSO_VERBS


def is_quantity(token: Token) -> bool:
    """True for a joined quantity ("10km", "20th", "1990s") or a word such as "2FA"."""
    match = _AMOUNT.fullmatch(token.text)
    if not match:
        before = re.match(r"[^\W\d_]*", token.low)
        glued = before is not None and before.group() in FUNCTION_WORDS and len(token.text) > 4
        return glued or bool(_SPAN.fullmatch(token.text)) or token.low.split("-")[0] in _AFFIXES
    number, letters = match.group("number", "letters")
    return letters.lower() in _UNITS or len(number) == 1 or "." in number or (letters.islower() and len(letters) > 1)


def is_measured(text: str, found: list[Token], place: int) -> bool:
    """True if the token at `place` has a unit, currency or percent sign, or is a time."""
    token = found[place]
    if _SIGN_BEFORE.search(text, max(0, token.start - 2), token.start) or _SIGN_AFTER.match(text, token.end):
        return True
    if re.search(r"\d:$", text[max(0, token.start - 2) : token.start]):
        return True
    if place + 1 < len(found) and text[token.end : found[place + 1].start] in (" ", "-"):
        after = found[place + 1].text
        return after.lower() in _UNITS | MONTH_WORDS and not (len(after) == 1 and after.isupper())
    return False


def counts_what_follows(text: str, found: list[Token], place: int) -> bool:
    """True if a plural follows the token at `place`: "45 chairs"."""
    if place + 1 >= len(found) or text[found[place].end : found[place + 1].start] != " ":
        return False
    after = found[place + 1].text
    return after.isalpha() and after.islower() and is_plural(after) and after not in FUNCTION_WORDS
