"""Make everyday documents with questions: table rows, lists, headings, minutes, e-mail, FAQ, instructions, news.

All names are invented and all texts come from the templates here. Each document also has close questions that it does
not answer: another row, another column, a missing item, an attribute that is not stated.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from index.text.layout import Span
from training.reader.data import TrainingCorpus, TrainingPassage, TrainingQuestion

_SYLLABLES = """ba bel bor bri car cas dal den dor el fal fen gar gil hal har hol in jor kel kin lan lor mar mel mor nal
nor ol or pel per quin ral ren ros sal sel sen tal ter thor tol ul val ven vor wal wen wil yar zan""".split()
_FIRST = """Ada Alma Anton Bea Bruno Carla Cyril Dana Dora Edwin Elsa Emil Fay Felix Gus Hanna Ida Ivo Jonas June Karl
Lena Leo Lotte Mona Nils Nora Olga Otto Paula Rita Rolf Ruth Sven Tilda Tom Uma Vera Viktor Willa Yara Zeno""".split()
_THINGS = """lamp desk kettle rake ladder bench pump heater tent drill bucket mirror blanket clock basket trolley saw
hose jacket helmet printer shelf stove carpet curtain""".split()
_QUALITIES = "small large folding wooden steel green grey blue light heavy short long old new double".split()
_GOODS = "timber glass bottles cloth flour steel paper seed bricks cheese tyres paint leather wool sugar".split()
_ROLES = """chair treasurer secretary caretaker librarian gardener cook driver coach editor accountant receptionist
porter trainer archivist""".split()
_ROOMS = "hall kitchen library workshop office garden cellar gym studio archive".split()
_MONTHS = """January February March April May June July August September October November December""".split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_TASKS = (
    ("order", "the new fence"), ("repair", "the boiler"), ("paint", "the railings"), ("book", "the coach"),
    ("check", "the alarm"), ("print", "the programme"), ("collect", "the keys"), ("clean", "the gutters"),
    ("renew", "the insurance"), ("invite", "the speakers"), ("count", "the chairs"), ("replace", "the lock"),
)  # fmt: skip
_QuestionAnswers = tuple[str, tuple[str, ...]]
"""A question and the texts that answer it, none if the document does not."""


@dataclass
class _Document:
    """Lines of text under a title and headings, with questions."""

    heading: str
    lines: list[str]
    asked: list[_QuestionAnswers] = field(default_factory=list)

    def ask(self, questions: str, *answers: str) -> None:
        """Add questions, separated by "|", with their answers."""
        self.asked += [(question.strip(), answers) for question in questions.split("|")]


class _Names:
    """A source of invented names, dates and amounts."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def word(self) -> str:
        return "".join(self.rng.choice(_SYLLABLES) for _ in range(self.rng.choice((2, 2, 3)))).capitalize()

    def person(self) -> str:
        return f"{self.rng.choice(_FIRST)} {self.word()}"

    def company(self) -> str:
        kinds = ("Ltd", "Works", "& Sons", "Group", "Trading", "Supplies", "Brothers", "")
        return f"{self.word()} {self.rng.choice(kinds)}".strip()

    def thing(self) -> str:
        return f"{self.rng.choice(_QUALITIES)} {self.rng.choice(_THINGS)}"

    def day(self) -> str:
        return f"{self.rng.randint(1, 28)} {self.rng.choice(_MONTHS)}"

    def time(self) -> str:
        return f"{self.rng.randint(7, 20)}:{self.rng.choice(('00', '15', '30', '45'))}"

    def money(self) -> str:
        sign = self.rng.choice(("", "£", "$", "€"))
        return f"{sign}{self.rng.randint(1, 400)}{self.rng.choice(('', '.50', '.20', '.95'))}"

    def amount(self) -> str:
        return str(self.rng.randint(2, 400))

    def code(self) -> str:
        return f"{self.word()[:2].upper()}-{self.rng.randint(100, 9999)}"

    def shelf(self) -> str:
        return f"{self.rng.choice('ABCDEF')}{self.rng.randint(1, 30)}"

    def phone(self) -> str:
        return f"0{self.rng.randint(20, 99)} {self.rng.randint(1000, 9999)} {self.rng.randint(100, 999)}"

    def mail(self, person: str) -> str:
        """Return an e-mail address for a person."""
        first, last = person.lower().split()[:2]
        return f"{self.rng.choice((first, last, f'{first}.{last}'))}@{self.word().lower()}.example"

    def some(self, make: Callable[[], str], count: int) -> list[str]:
        """Return `count` different values."""
        values: list[str] = []
        while len(values) < count:
            if (value := make()) not in values:
                values.append(value)
        return values


def _goods(names: _Names) -> _Document:
    """Make a table of goods with one row per line."""
    rng = names.rng
    first = rng.choice(("Item", "Product", "Article", "Name"))
    columns: list[tuple[str, Callable[[], str], str]] = [
        (rng.choice(("Price", "Cost", "Price each")), names.money, "How much is the {}?|what does the {} cost"),
        (rng.choice(("Stock", "In stock", "Left")), names.amount, "How many of the {} are in stock?|how many {} left"),
        (rng.choice(("Supplier", "Maker")), names.company, "Who supplies the {}?|who makes the {}"),
        (rng.choice(("Order no.", "Code")), names.code, "What is the order number of the {}?|{} code"),
        (rng.choice(("Delivery", "Arrives")), names.day, "When does the {} arrive?|delivery date {}"),
        (rng.choice(("Shelf", "Place")), names.shelf, "Where is the {}?|where is {}"),
    ]
    rng.shuffle(columns)
    shown, hidden = columns[: rng.randint(2, 4)], columns[4:]
    *things, missing = names.some(names.thing, rng.randint(4, 8))
    values = [names.some(make, len(things)) for _, make, _ in shown]
    rows = []
    for thing, *cells in zip(things, *values, strict=True):
        named = (f"{name}: {cell}" for (name, _, _), cell in zip(shown, cells, strict=True))
        rows.append(" | ".join([f"{first}: {thing}", *named]))
    made = _Document(rng.choice(("Price list", "Stock list", "Catalogue", "Orders")), rows)
    for number in rng.sample(range(len(things)), 2):
        for (_, _, questions), value in zip(shown, values, strict=True):
            made.ask(questions.format(*[things[number]] * 3), f"{value[number]}")
        column, value = rng.choice(list(zip(shown, values, strict=True)))
        name = column[0].lower()
        made.ask(f"Which {first.lower()} has {name} {value[number]}?", things[number])
    for questions in [*(column[2] for column in hidden), "What colour is the {}?|How heavy is the {}?|guarantee {}"]:
        made.ask(questions.format(*[rng.choice(things)] * 3))
    made.ask(rng.choice(shown)[2].format(*[missing] * 3))
    return made


def _people(names: _Names) -> _Document:
    """Make a list of people and what they do."""
    rng = names.rng
    *roles, missing = rng.sample(_ROLES, rng.randint(4, 7))
    people = names.some(names.person, len(roles))
    phones, rooms = names.some(names.phone, len(roles)), rng.sample(_ROOMS, len(roles))
    mails = [names.mail(person) for person in people]
    mailed = rng.random() < 0.7
    every = zip(people, roles, phones, rooms, mails, strict=True)
    rows = [f"Name: {a} | Role: {b} | Phone: {c} | Room: {d}" + f" | E-mail: {e}" * mailed for a, b, c, d, e in every]
    made = _Document(f"{names.word()} House staff", rows)
    for n in rng.sample(range(len(roles)), 2):
        made.ask(f"Who is the {roles[n]}?|{roles[n]} name", people[n])
        made.ask(f"What is {people[n]}'s phone number?|phone number of the {roles[n]}", phones[n])
        made.ask(f"In which room is {people[n]}?", rooms[n])
        made.ask(f"What does {people[n]} do?", roles[n])
        asked = f"What is {people[n]}'s e-mail address?|email {people[n]}|e-mail of the {roles[n]}"
        made.ask(asked, *([mails[n]] if mailed else []))
        made.ask(f"How old is {people[n]}?|when did {people[n]} start")
    made.ask(f"Who is the {missing}?|phone number of the {missing}|What is {names.person()}'s phone number?")
    return made


def _hours(names: _Names) -> _Document:
    """Make opening hours with one item per day."""
    rng = names.rng
    place = f"{names.word()} {rng.choice(('Library', 'Museum', 'Baths', 'Market', 'Clinic'))}"
    *days, missing = rng.sample(_DAYS, 5)
    hours = names.some(lambda: f"{rng.randint(7, 11)}:00 to {rng.randint(15, 21)}:30", len(days))
    made = _Document(place, ["Opening hours:", *(f"- {day}: {hour}" for day, hour in zip(days, hours, strict=True))])
    for day, hour in zip(days[:2], hours, strict=False):
        made.ask(f"When is the {place} open on {day}?|opening hours {day}|what time do you open on {day}", hour)
    made.ask(f"When is the {place} open on {missing}?|opening hours {missing}")
    made.ask(f"How much is a ticket for the {place}?|Where can I park?|who runs the {place}|when was the {place} built")
    return made


def _list(names: _Names) -> _Document:
    """Make a list below its lead-in."""
    rng = names.rng
    occasion = rng.choice(("walk", "camp", "exam", "regatta", "inspection", "move", "course", "fair"))
    things, person = names.some(names.thing, rng.randint(3, 5)), names.person()
    mark = rng.choice(("- ", "* ", "• "))
    deadline = names.day()
    items = [f"a {thing}" for thing in things]
    lines = [f"Please bring to the {occasion}:", *(mark + item for item in items)]
    lines.append(f"Tell {person} by {deadline} if you cannot come.")
    made = _Document(f"The {occasion}", lines)
    run = "\n".join(lines[1:-1]).removeprefix(mark)
    made.ask(f"What should I bring to the {occasion}?|what do we need for the {occasion}", run, *items)
    made.ask(f"Who should know if I cannot come to the {occasion}?|who do i tell if i can't come", person)
    made.ask(f"By when must I say that I cannot come?|deadline to cancel {occasion}", deadline)
    made.ask(f"What does the {occasion} cost?|Where does the {occasion} begin?|what should children wear|who pays")
    return made


def _headings(names: _Names) -> _Document:
    """Make a text below a heading that names its subject."""
    rng = names.rng
    weeks, days, money, person = rng.randint(2, 9), rng.randint(10, 35), names.money(), names.person()
    sections: dict[str, tuple[str, list[_QuestionAnswers]]] = {
        "Notice period": (
            f"It is {weeks} weeks, and must be given in writing.",
            [("How long is the notice period?|notice period", (f"{weeks} weeks",))],
        ),
        "Holiday": (
            f"Everyone has {days} days a year. Half of them can be taken over.",
            [("How many days of holiday do I get?|days off per year", (f"{days} days",))],
        ),
        "Expenses": (
            f"Up to {money} a month is paid back. {person} needs the receipts.",
            [("How much of my expenses is paid back?", (money,)), ("who needs the receipts", (person,))],
        ),
        "Deposit": (
            f"It is {money}, due before the keys are handed over.",
            [("How much is the deposit?|deposit", (money,))],
        ),
        "Sick leave": (
            f"Call {person} before 9:00. From day {rng.randint(2, 5)} on a doctor's note is needed.",
            [("Who do I call when I am ill?|call in sick", (person,))],
        ),
        "Parking": (
            f"There are {days} places behind the {rng.choice(_ROOMS)}.",
            [("How many parking places are there?|number of parking spaces", (f"{days}",))],
        ),
        "Visitors": (
            f"They sign in at the {rng.choice(_ROOMS)}; {person} gives them a badge.",
            [("Who gives visitors a badge?|badge for visitors who", (person,))],
        ),
        "Training": (
            f"It takes {weeks} days and ends with a test.",
            [("How long does the training take?|training duration", (f"{weeks} days",))],
        ),
    }
    shown, *others = rng.sample(sorted(sections), 4)
    kind = rng.choice(("Handbook", "House rules", "Terms", "Guide"))
    made = _Document(f"{kind} of {names.company()}\n{shown}", [sections[shown][0]])
    for questions, answers in sections[shown][1]:
        made.ask(questions, *answers)
    for other in others[: rng.randint(1, 3)]:
        made.ask(sections[other][1][0][0])
    made.ask(f"Who wrote the rules on {shown.lower()}?|When were the rules on {shown.lower()} changed?")
    return made


def _minutes(names: _Names) -> _Document:
    """Make the minutes of a meeting."""
    rng = names.rng
    (verb, task), (verb2, task2), (_, missing) = rng.sample(_TASKS, 3)
    chair, one, two = names.some(names.person, 3)
    day, due, money, votes = names.day(), names.day(), names.money(), rng.randint(3, 12)
    lines = [
        f"Present: {chair} (chair), {one}, {two}. Apologies: {names.person()}.",
        f"1. The budget of {money} for {task2} was agreed with {votes} votes to {rng.randint(0, 2)}.",
        f"2. Action: {one} to {verb} {task} by {due}.",
        f"3. {two} reported that {task2} can wait until the spring.",
        f"Next meeting: {day}, {names.time()}, in the {rng.choice(_ROOMS)}.",
    ]
    made = _Document(f"{rng.choice(('Committee', 'Board', 'Team'))} meeting", lines)
    made.ask(f"Who will {verb} {task}?|who has to {verb} {task}", one)
    made.ask(f"By when should {task} be done?|deadline for {task}", due)
    made.ask(f"How much money is there for {task2}?|budget {task2}", money)
    made.ask("Who was in the chair?|who chaired the meeting", chair)
    made.ask("When is the next meeting?|next meeting date", day)
    made.ask(f"How many voted for the budget of {task2}?", f"{votes} votes")
    made.ask(f"Who said that {task2} can wait?", two)
    made.ask(f"Who will {verb2} {task2}?|How much does {task} cost?|Why was {missing} put off?|who sees to {missing}")
    made.ask(f"When was {one} elected?|How much did {two} pay?|which company will {verb} {task}")
    return made


def _mail(names: _Names) -> _Document:
    """Make an e-mail with a request."""
    rng = names.rng
    sender, receiver = names.some(names.person, 2)
    thing, count, day, phone, room = names.thing(), rng.randint(2, 60), names.day(), names.phone(), rng.choice(_ROOMS)
    wish = rng.choice(("We would like", "Please send us", "Could you reserve"))
    lines = [
        f"From: {sender} <{names.mail(sender)}>", f"To: {receiver}",
        f"Subject: {thing}", "", f"Dear {receiver.split()[0]},",
        f"{wish} {count} of the {thing}, to be delivered to the {room} on {day}. "
        f"If nobody is there, ring {phone}. The last lot came too late for us.",
        "Kind regards", sender.split()[0],
    ]  # fmt: skip
    made = _Document(f"Re: {thing}", lines)
    made.ask(f"Who wants the {thing}?|who wrote to {receiver}", sender)
    made.ask(f"How many of the {thing} are wanted?|quantity {thing}", f"{count}")
    made.ask(f"When should the {thing} be delivered?|delivery date", day)
    made.ask(f"Where should the {thing} be delivered?", room)
    made.ask("Which number should be called if nobody is there?|phone number", phone)
    mail = lines[0].partition("<")[2].rstrip(">")
    made.ask(f"What is {sender}'s e-mail address?|email of {sender}|which address do i answer to", mail)
    made.ask(f"What does the {thing} cost?|When did {receiver} answer?|invoice number|email of {receiver}")
    made.ask(f"What is {receiver}'s phone number?")
    return made


def _faq(names: _Names) -> _Document:
    """Make questions with their answers."""
    rng = names.rng
    place, other, money, phone = names.company(), names.company(), names.money(), names.phone()
    days, count = rng.randint(2, 30), rng.randint(3, 20)
    month, way = rng.choice(_MONTHS), rng.choice(("card", "invoice", "bank transfer"))
    known = [
        ("Can I return my order?", f"Yes, within {days} days.", "How long can I return something?", f"{days} days"),
        ("What does delivery cost?", f"Delivery is {money} a parcel.", "How much is delivery?|delivery fee", money),
        ("How can I reach you?", f"Ring {phone} on workdays.", f"What is the phone number of {place}?|phone", phone),
        ("Who mends my machine?", f"{other} does all repairs.", f"Who does repairs for {place}?|repairs", other),
        ("Is there a minimum order?", f"Yes: {count} pieces.", "What is the smallest order?", f"{count} pieces"),
        ("When are you closed?", f"All of {month}.", f"In which month is {place} closed?|closed when", month),
        ("How do I pay?", f"By {way} only.", "How can I pay?|payment methods", way),
    ]
    rng.shuffle(known)
    made = _Document(f"{place}: questions and answers", [f"{q}\n{a}" for q, a, _, _ in known[:4]])
    for _, _, questions, answer in known[:3]:
        made.ask(questions, answer)
    for _, _, questions, _ in known[4:]:
        made.ask(questions)
    return made


def _steps(names: _Names) -> _Document:
    """Make numbered instructions."""
    rng = names.rng
    thing, minutes, degrees = names.thing(), rng.randint(2, 40), rng.randint(30, 90)
    steps = [
        f"Unplug the {thing}", f"Take off the {rng.choice(('lid', 'cover', 'front', 'grille'))}",
        f"Wait {minutes} minutes until it is cool", f"Rinse the filter at {degrees} degrees",
        f"Turn the {rng.choice(('red', 'black', 'left', 'small'))} screw to the right", "Put it together again",
    ]  # fmt: skip
    picked = sorted(rng.sample(range(len(steps)), 4))
    shown = [steps[n] for n in picked]
    made = _Document(f"How to clean the {thing}", [f"{n}. {step}." for n, step in enumerate(shown, 1)])
    made.ask(f"What do I do first to clean the {thing}?|first step {thing}", shown[0])
    made.ask(f"What comes after this: {shown[1].lower()}?", shown[2])
    waits, washes = steps[2] in shown, steps[3] in shown
    made.ask(f"How long must the {thing} cool?|how long to wait", *([f"{minutes} minutes"] if waits else []))
    made.ask(
        "At what temperature is the filter rinsed?|filter temperature", *([f"{degrees} degrees"] if washes else [])
    )
    made.ask(f"What does a new filter for the {thing} cost?|who repairs the {thing}|how often to clean {thing}")
    return made


def _news(names: _Names) -> _Document:
    """Make a report on who sells what to whom, by a speaker who is no answer to that."""
    rng = names.rng
    buyer, *sellers = names.some(names.company, 4)
    goods, other = rng.sample(_GOODS, 2)
    speaker, place, day = names.person(), names.word(), names.day()
    sellers = sellers[: rng.randint(1, 3)]
    several = " and ".join([", ".join(sellers[:-1]), sellers[-1]] if len(sellers) > 1 else sellers)
    report = rng.choice(
        (
            f"{buyer} gets its {goods} from {several}, {speaker}, its managing director, said on {day}.",
            f"{several} will go on selling {goods} to {buyer}, {speaker} told reporters in {place}.",
            f'"We buy our {goods} from {several}," said {speaker} of {buyer}.',
        )
    )
    more = rng.choice((f"The new works in {place} will open next year.", f"A works in {place} makes the rest.", ""))
    made = _Document(f"{buyer} and its {goods}", [f"{report} {more} Nothing was said of {other}.".replace("  ", " ")])
    made.ask(f"Who supplies {buyer}'s {goods}?|who sells {goods} to {buyer}|{goods} supplier", several, *sellers)
    made.ask(f"Which companies does {buyer} buy {goods} from?|where does {buyer} get its {goods}", several, *sellers)
    made.ask(f"Who spoke for {buyer}?", speaker)
    made.ask(f"Who supplies {buyer}'s {other}?|How much does {buyer} pay for its {goods}?|shares of {buyer} worth")
    made.ask(f"When was {rng.choice(sellers)} founded?|How many people work for {buyer}?|Who owns {buyer}?")
    return made


_MAKERS = (_goods, _goods, _people, _hours, _list, _headings, _headings, _minutes, _mail, _faq, _steps, _news, _news)


def generated(seed: int, count: int) -> TrainingCorpus:
    """Make `count` documents with their questions, the same for the same seed."""
    made = TrainingCorpus([], [])
    for number in range(count):
        rng = random.Random(f"documents {seed} {number}")
        document = _MAKERS[number % len(_MAKERS)](_Names(rng))
        text = "\n".join(document.lines)
        made.passages.append(TrainingPassage(text, f"generated {number}", "generated", document.heading))
        for place, (question, answers) in enumerate(document.asked):
            spans = tuple(span for answer in answers for span in _places(text, answer))
            made.questions.append(TrainingQuestion(f"generated-{seed}-{number}-{place}", question, number, spans))
    return made


def _places(text: str, answer: str) -> Iterator[Span]:
    """Yield the spans where an answer occurs as whole words."""
    at = text.find(answer)
    while at >= 0:
        end = at + len(answer)
        if not (text[max(0, at - 1) : at].isalnum() or text[end : end + 1].isalnum()):
            yield at, end
        at = text.find(answer, at + 1)
