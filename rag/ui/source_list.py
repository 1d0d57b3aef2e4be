"""The list of sources in the Sources view, its forms and buttons, and the results of changes. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from index.formats import page_word
from index.report import Report
from rag.groups import LONGEST_NAME, folders
from rag.source_changes import SourceOutcome
from rag.sources import Source
from rag.ui import cards
from rag.ui.escape import day, escape
from rag.ui.html import line, problem
from rag.ui.icons import icon

_COLUMNS = ("Title", "Date", "Format", "Size", "State")


def table(rows: Sequence[Source], groups: Mapping[str, Sequence[str]]) -> str:
    """Return the list of sources; `groups` maps the name of a group to its sources."""
    if not rows:
        return line("There are no sources yet. Add some files.") + _sample_back()
    ask = '<input type="checkbox" class="fn-tick-all" checked aria-label="Ask all sources">'
    sorts = (f'<th><button type="button" class="fn-sort">{name}</button></th>' for name in _COLUMNS)
    head = f'<th><label>{ask} Ask</label></th>{"".join(sorts)}<th><span class="fn-unseen">Actions</span></th>'
    return (
        f'{_offer(rows)}{_tools(rows, groups)}<div class="fn-report fn-scroll" tabindex="0" role="region" '
        f'aria-label="Sources in the index"><table class="fn-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(map(_row, rows))}</tbody></table></div>"
    )


def forms(*, folder: bool) -> str:
    """Return the forms that add pasted text and, with `folder`, a local folder."""
    named = (
        f'<details><summary class="fn-action">{icon("add")} A folder of this machine</summary>'
        '<form data-order="folder"><label>Path <input name="name" required placeholder="/home/me/Documents"></label>'
        '<button class="fn-primary">Add the folder</button><p class="fn-note">Its files stay where they are. '
        '"Look for changes" takes in what changed.</p></form></details>'
    )
    return (
        f'<details><summary class="fn-action">{icon("add")} Pasted text</summary>'
        '<form data-order="paste"><label>Title <input name="name" maxlength="80" placeholder="Optional"></label>'
        '<label>Text <textarea name="text" rows="5" required></textarea></label>'
        f'<button class="fn-primary">Add the text</button></form></details>{named if folder else ""}'
    )


def undo(words: str, token: str) -> str:
    """Return a message about a removal, and its Undo button."""
    button = f'<button type="button" class="fn-action" data-order="undo" data-name="{escape(token)}">Undo</button>'
    return f'<p class="fn-status" role="status">{escape(words)} {button}</p>'


def contents_line(report: Report) -> str:
    """Return a sentence with the number of sources and passages in the index."""
    return f"The index holds {_count(report.articles, 'source')} in {_count(report.chunks, 'passage')}."


def upload_results(outcomes: Sequence[SourceOutcome]) -> str:
    """Return the result of each uploaded file."""
    rows = []
    for one in outcomes:
        kind = "fn-problem" if one.state == "failed" else "fn-status"
        words = "was there already" if one.state == "unchanged" else one.why or one.state
        rows.append(f'<li class="{kind}">{escape(one.name)}: {escape(words)}</li>')
    return f'<ul class="fn-told" role="status">{"".join(rows)}</ul>'


def summary(report: Report, failures: Sequence[str]) -> str:
    """Return the number of sources that changed, and the `failures`."""
    counts = (("added", report.added), ("changed", report.changed), ("removed", report.removed))
    done = [f"{len(of):,} {words}" for words, of in (*counts, ("failed", report.failed)) if of]
    return line(f"{', '.join(done) or 'Nothing changed'}. {contents_line(report)}") + "".join(map(problem, failures))


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _offer(rows: Sequence[Source]) -> str:
    """Return the offer to remove the sample, if the user has added a source."""
    if not any(row.sample for row in rows) or all(row.sample for row in rows):
        return ""
    return (
        '<p class="fn-offer">The chat searches the sample articles too. <button type="button" '
        'class="fn-action" data-order="sample">Remove the sample</button><button type="button" class="fn-action" '
        'data-order="keep">Keep it</button></p>'
    )


def _sample_back() -> str:
    button = '<button type="button" class="fn-action" data-order="sample-back">Bring the sample articles back</button>'
    return f"<p>{button}</p>"


def _tools(rows: Sequence[Source], groups: Mapping[str, Sequence[str]]) -> str:
    """Return the filter, and the menu that ticks all sources, none, a folder or a group."""
    indexed = [row.source for row in rows if row.chunks is not None]
    parts = [_option("All", indexed, "all"), _option("None", [], "none")]
    for label, many in (("Folders", folders(indexed)), ("Groups", groups)):
        options = "".join(_option(name, of, label.lower()) for name, of in many.items())
        parts += [f'<optgroup label="{label}">{options}</optgroup>'] if options else []
    return (
        '<div class="fn-tools"><label class="fn-unseen" for="fn-sift">Filter the sources</label>'
        '<input type="search" id="fn-sift" placeholder="Filter">'
        f'<label>Tick <select id="fn-group"><option value="">...</option>{"".join(parts)}</select></label>'
        '<button type="button" class="fn-action" data-order="ungroup" hidden>Delete this group</button>'
        f'<form data-order="group"><input name="name" maxlength="{LONGEST_NAME}" required '
        'placeholder="Name these ticks" aria-label="Name of the group">'
        '<button class="fn-action">Save as a group</button></form></div>'
    )


def _option(name: str, sources: Sequence[str], kind: str) -> str:
    """A choice of the menu; its value are the sources that it ticks."""
    listed = escape(json.dumps(list(sources)))
    return f'<option value="{listed}" data-kind="{kind}" data-name="{escape(name)}">{escape(name)}</option>'


def _row(row: Source) -> str:
    title = escape(row.title)
    if row.chunks is not None:
        title = (
            f'<a class="fn-open" href="{cards.article_address(row.source)}" target="_blank" rel="noopener">{title}</a>'
        )
    published = "" if row.chunks is None else day(row.published)
    about = [row.source] if row.title != row.source else []
    about += [f"by {row.author}"] if row.author else []
    about += [f"language {row.language}"] if row.language else []
    name = f'<br><span class="fn-meta">{escape(" · ".join(about))}</span>' if about else ""
    sample = ' <span class="fn-badge">sample</span>' if row.sample else ""
    return (
        f'<tr data-source="{escape(row.source)}">{_tick(row)}<th>{title}{sample}{name}</th><td>{escape(published)}</td>'
        f'<td>{escape(row.format)}</td><td data-key="{row.words or 0}">{_size(row)}</td>'
        f'<td class="{"fn-worse" if row.failed else ""}">{escape(row.state)}</td><td class="fn-do">{_buttons(row)}</td>'
        "</tr>"
    )


def _size(row: Source) -> str:
    if row.words is None:
        return ""
    pages = f", {_count(row.pages, page_word(row.source))}" if row.pages else ""
    return f"{_count(row.words, 'word')}{pages}"


def _buttons(row: Source) -> str:
    """Return a source's buttons: read it again, remove it."""
    made = (("anew", "again", "Read again"), ("remove", "bin", "Remove"))
    return "".join(
        f'<button type="button" class="fn-action fn-icon" data-order="{order}" title="{label}" '
        f'aria-label="{label}: {escape(row.title)}">{icon(drawn)}</button>'
        for order, drawn, label in made
    )


def _tick(row: Source) -> str:
    """Return the checkbox of a source; an empty cell for a source without passages."""
    if row.chunks is None:
        return "<td></td>"
    return (
        f'<td><input type="checkbox" class="fn-tick" checked data-source="{escape(row.source)}" '
        f'aria-label="Ask {escape(row.title)}"></td>'
    )
