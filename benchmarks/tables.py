"""Accuracy of figures calculated from tables: `python -m benchmarks.tables [--seed N]`. Takes half a minute.

Asks forty questions about ten tables with random numbers, written as CSV, Markdown, HTML and XLSX. Each table has a
trap: mixed units or currencies, empty cells, a row of totals, two columns with the same name, numbers and dates as
text, negative amounts in brackets, ties, codes that look like numbers, names that are parts of other names. For a
question without a right figure, the answer must be a refusal or the rows, not a figure.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from benchmarks.table_files import Cells, write_table
from rag.answer import answer
from rag.engine import Engine
from rag.settings import Settings
from rag.types import Answer

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class Table:
    """A table file: its name, its rows with the header first, and questions.

    Each question has the opening of a right answer: a number or a name; None if no figure is right.
    """

    name: str
    rows: Cells
    questions: tuple[tuple[str, str | None], ...]


def make_tables(rng: random.Random) -> list[Table]:
    """Return the tables, with random numbers from `rng`."""
    return [one for make in (_stock, _payments, _trips, _staff, _harvest, _halls, _boats, _parts) for one in make(rng)]


def _numbers(rng: random.Random, count: int, low: int = 120, high: int = 980) -> list[int]:
    return rng.sample(range(low, high), count)


def _stock(rng: random.Random) -> Iterator[Table]:
    """Yield a table with a row of totals, which is not an item."""
    names = ["Hammer", "Chisel", "Mallet", "Pliers", "Rasp"]
    pieces, prices = _numbers(rng, 5, 11, 99), _numbers(rng, 5, 3, 60)
    rows = [[n, str(p), f"{c}.50"] for n, p, c in zip(names, pieces, prices, strict=True)]
    rows = [["Tool", "Pieces", "Price (EUR)"], *rows, ["Total", str(sum(pieces)), ""]]
    dearest = names[prices.index(max(prices))]
    yield Table(
        "tool-store.csv",
        rows,
        (
            ("how many pieces are there in total in the tool store?", str(sum(pieces))),
            ("which tool has the most pieces?", names[pieces.index(max(pieces))]),
            ("what is the most expensive tool?", dearest),
            ("average pieces per tool", f"{Decimal(sum(pieces)) / 5}"),
            ("which tool has the fewest pieces?", names[pieces.index(min(pieces))]),
        ),
    )


def _payments(rng: random.Random) -> Iterator[Table]:
    """Yield a table with two currencies, and one with negative amounts in brackets."""
    a, b, c, d = _numbers(rng, 4)
    yield Table(
        "grants.md",
        [
            ["Grant", "Amount", "Year"],
            ["Library", f"€{a}", "2021"],
            ["Museum", f"${b}", "2022"],
            ["School", f"€{c}", "2023"],
            ["Choir", f"${d}", "2023"],
        ],
        (("what is the sum of all grant amounts?", None), ("what is the largest grant amount?", None)),
    )
    yield Table(
        "shop-profit.csv",
        [
            ["Month", "Profit (EUR)"],
            ["January", f"{a + 1000:,}"],
            ["February", f"({b})"],
            ["March", f"{c}"],
            ["April", f"({d})"],
        ],
        (
            ("what was the total shop profit?", str(a + 1000 - b + c - d)),
            ("which month had the lowest profit?", "February" if b > d else "April"),
            ("which month had the highest shop profit?", "January"),
            ("what was the average shop profit?", _mean([a + 1000, -b, c, -d])),
        ),
    )


def _trips(rng: random.Random) -> Iterator[Table]:
    """Yield a table with dates as text, and lengths in two units."""
    days = sorted(rng.sample(range(1, 28), 4))
    rng.shuffle(days)
    first, second, third = _numbers(rng, 3)
    names = ["Alder Fell", "Birch Moor", "Cedar Dale", "Dogwood Hill"]
    lengths = [f"{first} m", f"{second / 100:.2f} km", f"{third} m", "1.20 km"]
    yield Table(
        "walks.html",
        [
            ["Walk", "Date", "Length"],
            *([name, f"{day} May 2025", length] for name, day, length in zip(names, days, lengths, strict=True)),
        ],
        (
            ("which walk is the earliest?", names[days.index(min(days))]),
            ("which walk has the latest date?", names[days.index(max(days))]),
            ("what is the total length of all walks?", None),
            ("which walk is the longest?", None),
            ("what is the sum of the dates of the walks?", None),
        ),
    )


def _staff(rng: random.Random) -> Iterator[Table]:
    """Yield a table with an empty cell, a tie, and a name that is a part of another."""
    first, second, third = _numbers(rng, 3, 20, 60)
    yield Table(
        "crew-hours.xlsx",
        [
            ["Name", "Team", "Hours"],
            ["Ann Moss", "North", str(first)],
            ["Bo Lind", "Northern Isles", str(second)],
            ["Cy Dent", "North", ""],
            ["Di Eck", "South", str(third)],
            ["Ed Fox", "South", str(third)],
        ],
        (
            ("total hours of the team South", str(2 * third)),
            ("how many hours did the crew work in total?", str(first + second + 2 * third)),
            ("how many people are in the team South?", "2"),
            ("average hours of the team South", str(third)),
            ("how many hours has Cy Dent?", None),
        ),
    )


def _harvest(rng: random.Random) -> Iterator[Table]:
    """Yield a table with two columns of the same name, and one with codes that look like numbers."""
    a, b, c, d, e, f = _numbers(rng, 6)
    yield Table(
        "orchard.csv",
        [
            ["Apple", "Kilos", "Kilos"],
            ["Bramley", str(a), str(b)],
            ["Cox", str(c), str(d)],
            ["Russet", str(e), str(f)],
        ],
        (("what is the total of kilos of all apples?", None), ("which apple has the most kilos?", None)),
    )
    rows = [
        ["Bramley", "4401", str(a)],
        ["Cox", "9120", str(b)],
        ["Russet", "7730", str(c)],
        ["Pippin", "9910", str(d)],
    ]
    names = [row[0] for row in rows]
    weights = [a, b, c, d]
    yield Table(
        "orchard-store.csv",
        [["Apple", "Lot number", "Weight (kg)"], *rows],
        (
            ("total weight of the apples in the orchard store", str(sum(weights))),
            ("which apple has the highest weight?", names[weights.index(max(weights))]),
            ("how many apples have a weight over 100 kg?", "4"),
            ("which apple is the lightest?", names[weights.index(min(weights))]),
        ),
    )


def _halls(rng: random.Random) -> Iterator[Table]:
    """Yield a table with thousands separators, and a question with a limit."""
    seats = rng.sample(range(1010, 1990), 4)
    names = ["Opera", "Circus", "Arena", "Forum"]
    limit = sorted(seats)[1] + 1
    yield Table(
        "concert-halls.md",
        [
            ["Hall", "Seats", "Opened"],
            *([n, f"{s:,}", str(1950 + 7 * at)] for at, (n, s) in enumerate(zip(names, seats, strict=True))),
        ],
        (
            ("how many seats do all concert halls have together?", str(sum(seats))),
            ("which hall has the most seats?", names[seats.index(max(seats))]),
            (f"how many halls have more than {limit} seats?", "2"),
            ("which hall has the fewest seats?", names[seats.index(min(seats))]),
            ("average number of seats of the halls", _mean(seats)),
        ),
    )


def _boats(rng: random.Random) -> Iterator[Table]:
    """Yield a table with a tie for the first place, and a column without questions."""
    low, high = sorted(_numbers(rng, 2, 200, 900))
    yield Table(
        "rental-boats.csv",
        [
            ["Boat", "Type", "Rent (GBP)", "Deposit (GBP)"],
            ["Heron", "sail", str(high), "50"],
            ["Gannet", "motor", str(low), "70"],
            ["Plover", "sail", str(high), "60"],
        ],
        (
            ("which boat has the highest rent?", "Heron, Plover"),
            ("total rent of the sail boats", str(2 * high)),
            ("how many sail boats are there?", "2"),
            ("which boat has the lowest deposit?", "Heron"),
        ),
    )


def _parts(rng: random.Random) -> Iterator[Table]:
    """Yield a table with numbers as words, and ranges instead of numbers."""
    a, b = _numbers(rng, 2)
    yield Table(
        "spare-parts.html",
        [
            ["Part", "In stock", "Weight"],
            ["Axle", "two", f"{a} to {a + 40} g"],
            ["Gear", "twelve", f"{b} to {b + 40} g"],
            ["Belt", "seven", f"{a + b} g"],
            ["Knob", "none", "unknown"],
        ],
        (
            ("what is the sum of the spare parts in stock?", None),
            ("what is the total weight of the spare parts?", None),
            ("which spare part is the heaviest?", None),
            ("average weight of the spare parts", None),
        ),
    )


def _mean(numbers: Sequence[int]) -> str:
    return f"{(Decimal(sum(numbers)) / len(numbers)).quantize(Decimal('0.01')).normalize():f}"


def judge(found: Answer, right: str | None) -> str:
    """Return "right", "refused", "quoted" (rows without a figure) or "wrong"."""
    opening = next((one.text for one in found.sentences if one.words), "")
    if found.refused:
        return "refused"
    if not opening:
        return "quoted"
    if right is None:
        return "wrong"
    if not _NUMBER.fullmatch(right):
        return "right" if opening.startswith(right) else "wrong"
    number = _NUMBER.match(opening)
    return "right" if number and Decimal(number.group().replace(",", "")) == Decimal(right) else "wrong"


def measure(seed: int, *, verbose: bool = True) -> Counter[str]:
    """Ask all questions of all tables together; return the number of answers by kind."""
    counts: Counter[str] = Counter()
    tables = make_tables(random.Random(seed))
    with tempfile.TemporaryDirectory() as folder:
        docs = Path(folder, "docs")
        docs.mkdir()
        for table in tables:
            write_table(docs / table.name, table.rows)
        engine = Engine(Settings(home=Path(folder, "home")))
        engine.index([docs])
        for table in tables:
            for question, right in table.questions:
                found = answer(engine, question)
                kind = judge(found, right)
                counts[kind] += 1
                if verbose:
                    print(f"{kind:8}{table.name:20}{question} | {right} | {found.text.splitlines()[0][:110]}")
    return counts


def main() -> None:
    """Measure the answers and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    counts = measure(parser.parse_args().seed)
    print(f"{sum(counts.values())} questions: " + ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items())))


if __name__ == "__main__":
    main()
