"""The frame of the page: left rail, header and evidence panel. Pure; the page's script fills the lists."""

from __future__ import annotations

from collections.abc import Sequence

from rag.sources import Source
from rag.ui.escape import escape
from rag.ui.icons import button, icon

_FORMATS = (("html", "HTML"), ("markdown", "Markdown"), ("json", "JSON"))
_MOST_TICKS = 500
"""Most sources that the rail lists; the Sources view lists all."""


def top() -> str:
    """Return the top of the left rail: brand, New, search, list of conversations."""
    return (
        f'<div class="fn-rail-top"><div class="fn-brand"><h1 class="fn-name">Footnote</h1>'
        f"{button('fold', 'fold', 'Hide the left side')}</div>"
        f'<button type="button" class="fn-wide" data-do="clear">{icon("add")} New conversation</button>'
        f'<label class="fn-search">{icon("search")}<span class="fn-unseen">Search conversations</span>'
        '<input type="search" id="fn-search" placeholder="Search"></label></div>'
        '<nav id="fn-history" aria-label="Conversations" tabindex="-1"><p class="fn-problem" role="alert"></p>'
        '<div id="fn-list"></div>'
        '<button type="button" class="fn-action" data-do="erase" hidden>Delete all</button></nav>'
    )


def sources_head() -> str:
    """Return the line above the list of sources in the rail."""
    return (
        '<div class="fn-rail-head"><h2><a href="#sources">Sources</a></h2>'
        f'<button type="button" class="fn-action" data-do="add">{icon("add")} Add</button>'
        f"{button('close', 'close', 'Close', classes='fn-icon fn-narrow')}</div>"
    )


def ticks(rows: Sequence[Source]) -> str:
    """Return the sources as a list of checkboxes."""
    indexed = [row for row in rows if row.chunks is not None]
    if not indexed:
        return '<p class="fn-none">No sources yet.</p>'
    items = "".join(
        f'<li><label title="{escape(row.title)}"><input type="checkbox" class="fn-tick" checked '
        f'data-source="{escape(row.source)}"><span dir="auto">{escape(row.title)}</span></label></li>'
        for row in indexed[:_MOST_TICKS]
    )
    more = len(indexed) - _MOST_TICKS
    rest = f'<li><a href="#sources">and {more:,} more</a></li>' if more > 0 else ""
    return (
        '<label class="fn-all"><input type="checkbox" class="fn-tick-all" checked><span>All sources</span></label>'
        f"<ul>{items}{rest}</ul>"
    )


def foot() -> str:
    """Return the bottom of the left rail: links to other views, tour, theme."""
    return (
        '<div class="fn-rail-foot"><a href="#evaluation">Evaluation</a><a href="#settings">Settings</a>'
        '<a href="account" id="fn-account" style="display:none">Account</a>'
        '<button type="button" class="fn-action" data-do="tour" title="A short tour"><b aria-hidden="true">?</b>'
        f'<span class="fn-unseen">A short tour</span></button>{button("theme", "theme", "Light or dark")}</div>'
    )


def header() -> str:
    """Return the line above the conversation: its title and its menu."""
    exports = "".join(
        f'<a class="fn-item" data-form="{form}" href="#chat" download>Export as {label}</a>' for form, label in _FORMATS
    )
    items = "".join(
        f'<button type="button" class="fn-item" data-do="{do}">{label}</button>'
        for do, label in (("rename", "Rename"), ("star", "Star"), ("delete", "Delete"))
    )
    return (
        f'<header id="fn-head">{button("menu", "menu", "Menu", classes="fn-icon fn-menu-button")}'
        '<h2 id="fn-title" dir="auto">New conversation</h2>'
        '<a class="fn-back fn-action" href="#chat">Back to the chat</a>'
        f'<details id="fn-more"><summary class="fn-action fn-icon" title="This conversation">{icon("more")}'
        '<span class="fn-unseen">This conversation</span></summary>'
        f'<div class="fn-items">{items}{exports}</div></details>'
        f"{button('add', 'clear', 'New', classes='fn-icon fn-new')}"
        f"{button('panel', 'evidence', 'Show the evidence', classes='fn-icon fn-evidence-button')}</header>"
    )


def composer_head() -> str:
    """Return the status lines above the composer: added or deleted files, or no ticks."""
    return (
        '<p class="fn-told-line fn-status" role="status"></p>'
        '<p class="fn-untold fn-away" role="status">No source is ticked, so there is nothing to ask. '
        '<button type="button" class="fn-action" data-choice="all">Tick all</button></p>'
    )


def attach() -> str:
    """Return the button that adds files."""
    return button("clip", "add", "Add files")


def chip() -> str:
    """Return the button that shows the number of ticked sources and opens their list."""
    attributes = 'class="fn-chip fn-blank" data-do="ticks" aria-label="Choose sources"'
    return f'<button type="button" {attributes}><span></span></button>'


def panel() -> str:
    """Return the evidence panel, which the page's script fills."""
    return (
        '<div class="fn-panel-head"><h2>Evidence</h2>'
        f"{button('fold', 'close', 'Hide the evidence', classes='fn-icon fn-turned')}"
        f"{button('close', 'close', 'Close', classes='fn-icon fn-narrow')}</div>"
        '<div id="fn-panel" role="region" aria-label="Evidence" tabindex="-1"></div>'
        '<p class="fn-none fn-hint">The passages behind an answer appear here, with the quoted words marked.</p>'
    )
