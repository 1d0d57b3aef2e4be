"""Measures how often the first citation is in the right table row: `python -m benchmarks.table_rows [--seed N]`.

Takes some minutes. Asks 120 questions about 24 generated tables in one index: contacts and price lists with many
similar rows in seven formats; figures under two header rows and weekly plans with merged days in the four formats with
merged cells; figures with a column for each year in the other two. An answer is right if its first citation begins in
the row in question. Prints the share by format and by kind of table, with 95% bootstrap intervals over the questions,
and each question that is refused or answered from another row.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.retrieval import interval
from benchmarks.row_tables import RowQuestion, RowTable, make_row_tables
from benchmarks.table_files import write_table
from rag.answer import answer
from rag.engine import Engine
from rag.settings import Settings
from rag.types import Answer


@dataclass(frozen=True)
class Outcome:
    """The result of one question.

    `row` is true if the first citation is in the right row, `cell` if the opening of the answer has the right cell.
    """

    table: RowTable
    question: RowQuestion
    row: bool
    cell: bool
    opening: str


def first_row(table: RowTable, text: str, start: int, end: int) -> int | None:
    """Return the index of the table row in which a citation begins, or None.

    Args:
        table: The table that the article was read from.
        text: The text of the article.
        start, end: Offsets of the citation, which is extended to whole lines.
    """
    start = text.rfind("\n", 0, start) + 1
    end = text.find("\n", end) if "\n" in text[end:] else len(text)
    for line in text[start:end].splitlines():
        for number, row in enumerate(table.rows[table.headers :], table.headers):
            if all(stands_in(row[column], line) for column in table.own):
                return number
    return None


def stands_in(cell: str, line: str) -> bool:
    """True if the line contains the cell, not as part of a longer word or number."""
    return re.search(rf"(?<![\w-]){re.escape(cell)}(?![\w-])", line) is not None


def _judge(table: RowTable, question: RowQuestion, found: Answer, engine: Engine) -> Outcome:
    opening = found.text.splitlines()[0]
    row = False
    if found.citations and not found.refused:
        first = found.citations[0]
        text = engine.parts()[0].catalog.article_by_id(first.article_id).text
        right_file = Path(first.source).name == table.name
        row = right_file and first_row(table, text, first.start, first.end) == question.row
    return Outcome(table, question, row, not found.refused and stands_in(question.cell, opening), opening)


def measure(tables: Sequence[RowTable]) -> list[Outcome]:
    """Write the tables, index them together, and ask all questions."""
    with tempfile.TemporaryDirectory() as folder:
        docs = Path(folder, "docs")
        docs.mkdir()
        for table in tables:
            write_table(docs / table.name, table.rows, headers=table.headers, merged=table.merged)
        engine = Engine(Settings(home=Path(folder, "home")))
        engine.index([docs])
        return [_judge(table, one, answer(engine, one.text), engine) for table in tables for one in table.questions]


def _groups(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        groups[one.table.name.rpartition(".")[2].upper()].append(one)
    for one in outcomes:
        groups[one.table.kind].append(one)
    return {**groups, "all": list(outcomes)}


def main() -> None:
    """Ask the questions and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    outcomes = measure(make_row_tables(random.Random(parser.parse_args().seed)))
    for one in outcomes:
        if not one.row:
            print(f"{one.table.name}: {one.question.text} | {one.question.cell} | {one.opening[:150]}")
    print("\n| | questions | right row first | right cell in the opening |\n|---|---|---|---|")
    for name, group in _groups(outcomes).items():
        rows, cells = np.array([(one.row, one.cell) for one in group], dtype=float).T
        print(f"| {name} | {len(group)} | {interval(rows)} | {interval(cells)} |")


if __name__ == "__main__":
    main()
