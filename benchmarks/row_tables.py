"""Generator of tables with many similar rows, and of questions about single rows.

The tables are contacts, price lists, yearly figures under one or two header rows, and weekly plans with merged days.
Rows share first names and surnames from short lists; some product names are part of others.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.table_files import Cells, Merged

FORMATS = ("csv", "xlsx", "html", "md", "docx", "pdf", "txt")
SPANNING = ("xlsx", "html", "docx", "pdf")
"""Formats that support merged cells."""

_FIRST = (
    "Ann", "Joann", "Bo", "Clara", "Dirk", "Edda", "Finn", "Greta", "Hana", "Ivo", "Joan", "Karl", "Lena", "Mark",
    "Marko", "Nora", "Otto", "Paula", "Rosa", "Sven", "Tom", "Tomas", "Una", "Vera",
)  # fmt: skip
_LAST = (
    "Moss", "Moss-Lind", "Lind", "Lindberg", "Eck", "Ecker", "Fox", "Foxley", "Dent", "Holm", "Holmgren", "Brand",
    "Brandt", "Quist", "Lindqvist", "Voss", "Wren", "Grey", "Greyson", "Thorne", "Ash", "Ashby", "Cole", "Coleman",
)  # fmt: skip
_ROLES = (
    "treasurer",
    "coach",
    "caretaker",
    "secretary",
    "trainer",
    "gardener",
    "cook",
    "driver",
    "librarian",
    "porter",
)
_CLUBS = ("rowing-club", "parish-council", "music-school", "animal-shelter", "history-society", "sailing-centre",
          "chess-circle")  # fmt: skip
_SHOPS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "joiner": (("oak", "ash", "pine", "walnut"), ("table", "side table", "bench", "shelf", "bookcase")),
    "bakery": (("rye", "spelt", "wheat", "malt"), ("loaf", "roll", "bun", "crispbread", "seeded loaf")),
    "ironmonger": (("brass", "steel", "zinc", "copper"), ("hinge", "hook", "door hook", "bolt", "bracket")),
    "paint-works": (("matt", "satin", "gloss", "chalk"), ("paint", "wall paint", "primer", "red paint", "varnish")),
    "nursery": (("dwarf", "climbing", "white", "early"), ("rose", "hydrangea", "clematis", "moss rose", "aster")),
    "tea-store": (("green", "black", "smoked", "mint"), ("tea", "tea with lemon", "leaf tea", "tea bags", "tea dust")),
    "weaver": (("wool", "linen", "cotton", "felt"), ("rug", "stair rug", "blanket", "shawl", "cushion")),
}  # fmt: skip
_VARIANTS = ("", ", small", ", large", ", set of two")
_TOWNS = (
    "Harlow", "Harlow East", "Corm", "Upper Corm", "Tarn", "Farley", "Oxley", "Wester", "Westerham", "Lund", "Orne",
    "Skerry", "Alder", "Alderton",
)  # fmt: skip
_TRADES = ("library", "swimming pool", "museum", "ferry")
_YEARLY = (("csv", "hostel", "Guests"), ("md", "theatre", "Seats sold"))
_MEASURES = (
    ("Visitors", "Cost (EUR 1,000)"),
    ("Tickets", "Staff"),
    ("Loans", "Opening hours"),
    ("Groups", "Heating (MWh)"),
)
_COURSES = ("Yoga", "Pottery", "Chess", "Choir", "Drawing", "Fencing")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_PLACES = ("youth centre", "village hall", "evening school", "community house")


@dataclass(frozen=True)
class RowQuestion:
    """A question about one row, the index of the row in `RowTable.rows`, and the cell with the answer."""

    text: str
    row: int
    cell: str


@dataclass(frozen=True)
class RowTable:
    """A table file: its name, kind and cells (header rows first), and the questions about it.

    The cells in the columns `own` together identify a row.
    """

    name: str
    kind: str
    rows: Cells
    own: tuple[int, ...]
    questions: tuple[RowQuestion, ...]
    headers: int = 1
    merged: tuple[Merged, ...] = ()


def make_row_tables(rng: random.Random, question_count: int = 5) -> list[RowTable]:
    """Return tables with `question_count` questions each, generated randomly with `rng`."""
    names = [f"{first} {last}" for first in _FIRST for last in _LAST]
    rng.shuffle(names)
    tables = list[RowTable]()
    *drawn, plain = enumerate(zip(FORMATS, _CLUBS, _SHOPS, strict=True))

    def add_lists(at: int, form: str, club: str, shop: str) -> None:
        tables.append(_contacts(f"{club}-contacts.{form}", names[60 * at : 60 * at + 60], rng, question_count))
        tables.append(_prices(f"{shop}-prices.{form}", *_SHOPS[shop], rng, question_count))

    for at, made in drawn:
        add_lists(at, *made)
    for form, trade, measures, place in zip(SPANNING, _TRADES, _MEASURES, _PLACES, strict=True):
        tables.append(_branches(f"{trade.replace(' ', '-')}-figures.{form}", trade, measures, rng, question_count))
        tables.append(_week(f"{place.replace(' ', '-')}-plan.{form}", place, rng, question_count))
    for form, trade, what in _YEARLY:
        tables.append(_years(f"{trade}-{what.lower().replace(' ', '-')}.{form}", trade, what, rng, question_count))
    add_lists(plain[0], *plain[1])  # last, so that the other tables stay the same
    return tables


def _contacts(name: str, people: Sequence[str], rng: random.Random, question_count: int) -> RowTable:
    phones = [f"0{rng.randrange(200, 990)} {number}" for number in rng.sample(range(100_000, 999_999), len(people))]
    mails = [f"{person.lower().replace(' ', '.')}@{name.split('.')[0]}.example" for person in people]
    rows = [
        [person, rng.choice(_ROLES), phone, mail, f"{rng.choice('ABC')}{rng.randrange(10, 60)}"]
        for person, phone, mail in zip(people, phones, mails, strict=True)
    ]
    wordings = (
        ("what is the phone number of {}?", 2),
        ("{} email address", 3),
        ("which room is {} in", 4),
        ("how can i call {}?", 2),
        ("what does {} do", 1),
    )
    questions = [
        RowQuestion(wording.format(rows[at][0]), at + 1, rows[at][column])
        for at, (wording, column) in zip(
            _drawn(rng, len(rows), question_count), _cycled(wordings, question_count), strict=True
        )
    ]
    return RowTable(name, "contacts", [["Name", "Role", "Phone", "E-mail", "Room"], *rows], (0, 2), tuple(questions))


def _prices(
    name: str, kinds: Sequence[str], things: Sequence[str], rng: random.Random, question_count: int
) -> RowTable:
    products = [f"{kind} {thing}{variant}".capitalize() for kind in kinds for thing in things for variant in _VARIANTS]
    numbers = rng.sample(range(1_000, 9_999), len(products))
    rows = [
        [
            f"{name[:2].upper()}-{number}",
            product,
            f"{rng.randrange(200, 90_000) / 100:.2f}",
            f"{rng.randrange(2, 300) / 10:.1f}",
            str(rng.randrange(0, 90)),
        ]
        for number, product in zip(numbers, products, strict=True)
    ]
    wordings = (
        ("how much is the {}?", 2),
        ("price of {}", 2),
        ("how heavy is the {}", 3),
        ("article number of the {}?", 0),
        ("how many {} are in stock", 4),
    )
    questions = [
        RowQuestion(wording.format(rows[at][1].lower()), at + 1, rows[at][column])
        for at, (wording, column) in zip(
            _drawn(rng, len(rows), question_count), _cycled(wordings, question_count), strict=True
        )
    ]
    head = ["Article", "Product", "Price (EUR)", "Weight (kg)", "In stock"]
    return RowTable(name, "price list", [head, *rows], (0, 1), tuple(questions))


def _branches(name: str, trade: str, measures: tuple[str, str], rng: random.Random, question_count: int) -> RowTable:
    figures = rng.sample(range(1_000, 9_999), 4 * len(_TOWNS))
    rows = [[town, *map(str, figures[4 * at : 4 * at + 4])] for at, town in enumerate(_TOWNS)]
    head = [["Town", measures[0], "", measures[1], ""], ["", "2023", "2024", "2023", "2024"]]
    plain = [measure.split(" (")[0].lower() for measure in measures]
    questions = []
    for number, at in enumerate(_drawn(rng, len(rows), question_count)):
        column = 1 + number % 4
        what, year = plain[(column - 1) // 2], head[1][column]
        questions.append(RowQuestion(f"{what} of the {trade} in {rows[at][0]} in {year}?", at + 2, rows[at][column]))
    merged = ((0, 0, 1, 0), (0, 1, 0, 2), (0, 3, 0, 4))
    return RowTable(name, "two header rows", [*head, *rows], (0, 1), tuple(questions), 2, merged)


def _years(name: str, trade: str, what: str, rng: random.Random, question_count: int) -> RowTable:
    figures = rng.sample(range(1_000, 9_999), 4 * len(_TOWNS))
    rows = [[town, *map(str, figures[4 * at : 4 * at + 4])] for at, town in enumerate(_TOWNS)]
    head = ["Town", "2021", "2022", "2023", "2024"]
    questions = []
    for number, at in enumerate(_drawn(rng, len(rows), question_count)):
        column = 1 + number % 4
        wording = f"how many {what.lower()} at the {trade} in {rows[at][0]} in {head[column]}?"
        questions.append(RowQuestion(wording, at + 1, rows[at][column]))
    return RowTable(name, "years as columns", [head, *rows], (0, 1), tuple(questions))


def _week(name: str, place: str, rng: random.Random, question_count: int) -> RowTable:
    rows, merged = list[list[str]](), list[Merged]()
    leaders = rng.sample([f"{first} {last}" for first in _FIRST for last in ("Ross", "Rosso", "Hay", "Haydn")], 30)
    for day in _DAYS:
        courses = rng.sample(_COURSES, 5)
        merged.append((len(rows) + 1, 0, len(rows) + 5, 0))
        for at, course in enumerate(courses):
            rows.append(
                [day if at == 0 else "", f"{9 + 2 * at}:{rng.choice(('00', '15', '30'))}", course, leaders.pop()]
            )
    questions = []
    for number, at in enumerate(_drawn(rng, len(rows), question_count)):
        day, (_, hour, course, leader) = _DAYS[at // 5], rows[at]
        wording, cell = (
            (f"who leads {course.lower()} on {day} at the {place}?", leader),
            (f"when is {course.lower()} on {day} in the {place}", hour),
        )[number % 2]
        questions.append(RowQuestion(wording, at + 1, cell))
    return RowTable(
        name, "merged cells", [["Day", "Begins", "Course", "Led by"], *rows], (2, 3), tuple(questions), 1, tuple(merged)
    )


def _drawn(rng: random.Random, count: int, question_count: int) -> list[int]:
    return rng.sample(range(count), question_count)


def _cycled(wordings: Sequence[tuple[str, int]], question_count: int) -> Iterator[tuple[str, int]]:
    return (wordings[at % len(wordings)] for at in range(question_count))
