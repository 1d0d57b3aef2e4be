"""The draft of an answer in a special form, if documents have it: a part, rows of a table, a list, steps, a section."""

from __future__ import annotations

from collections.abc import Sequence

from index.encoder.embedder import Embedder
from rag.cite import Statement
from rag.forms.block_choice import choose_block
from rag.forms.labelled import labelled_lines
from rag.forms.lookup import compared_columns, looked_up
from rag.forms.numbered_steps import numbered_steps
from rag.forms.parts import numbered_part
from rag.forms.section import compared_sections, named_section
from rag.forms.table import from_table
from rag.places import Places
from rag.reader import Reading
from rag.retrieve import Query
from rag.types import Form

FormDraft = tuple[Sequence[Statement], tuple[str, ...]]
"""(statements, notes)"""
NOTHING: FormDraft = ((), ())


def draft(
    query: Query, form: Form, reading: Reading, places: Places, embedder: Embedder, *, is_answerable: bool
) -> FormDraft:
    """Return the statements of a part, table, section or list that answers a question.

    `is_answerable` says that the reading's score is high enough to answer without them.

    Also returns notes on what could not be calculated. There are no statements if single sentences answer better.
    """
    evidence = reading.evidence
    if not places.hits:
        return NOTHING
    if part := numbered_part(query, places):
        return part, ()
    if (figures := from_table(query.text, form, places)).statements:
        return figures.statements, (figures.note,) if figures.note else ()
    if form == "comparison" and (compared := compared_columns(query.text, places)):
        return compared, ()
    if form in ("words", "comparison") and (cells := looked_up(query.text, places)):
        return cells, ()
    if form == "comparison" and (both := compared_sections(query.text, places)):
        return both, ()
    if steps := numbered_steps(query.text, form, evidence, places):
        return steps, ()
    if section := named_section(query.text, form, evidence[0] if evidence else None, places):
        return section, ()
    if labelled := labelled_lines(query.text, form, places):
        return labelled, ()
    return choose_block(query, form, reading, places, embedder, is_answerable=is_answerable), ()
