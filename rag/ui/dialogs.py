"""The dialogs of the page: keys, conversations, and what was wrong with an answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag.ui.html import escape


def keys(rows: Sequence[tuple[str, str]]) -> str:
    """The keyboard map, a dialog: (key, what it does)."""
    lines = "".join(f"<dt><kbd>{escape(key)}</kbd></dt><dd>{escape(meaning)}</dd>" for key, meaning in rows)
    return (
        '<dialog id="fn-keys" aria-labelledby="fn-keys-title"><h2 id="fn-keys-title">Keys</h2>'
        f'<dl>{lines}</dl><form method="dialog"><button class="fn-action">Close</button></form></dialog>'
    )


def history() -> str:
    """The dialog with the conversations that are kept; its list is filled by the page's script."""
    return (
        '<dialog id="fn-history" aria-labelledby="fn-history-title"><h2 id="fn-history-title">Conversations</h2>'
        '<input type="search" placeholder="Search questions and answers" aria-label="Search conversations">'
        '<p class="fn-problem" role="alert"></p><p class="fn-status" role="status"></p><ul></ul>'
        '<form method="dialog" class="fn-foot"><button class="fn-action">Close</button>'
        '<button type="button" class="fn-action" data-history="erase">Delete all</button></form></dialog>'
    )


def thumb_down(kinds: Mapping[str, str]) -> str:
    """The dialog that a thumb down opens: what was wrong (kind -> words), and what the right answer is."""
    choices = "".join(
        f'<label><input type="radio" name="kind" value="{escape(kind)}" required> {escape(words)}</label>'
        for kind, words in kinds.items()
    )
    return (
        '<dialog id="fn-thumb" aria-labelledby="fn-thumb-title"><form method="dialog"><h2 id="fn-thumb-title">What was '
        f'wrong?</h2><fieldset><legend class="fn-unseen">What was wrong</legend>{choices}</fieldset>'
        '<label for="fn-right-answer">The right answer, if you know it (several: one a line)</label>'
        '<textarea id="fn-right-answer" name="answers" rows="2"></textarea><p class="fn-problem" role="alert"></p>'
        '<p class="fn-note">Kept on this machine as a test question; Evaluation asks it again.</p>'
        '<p class="fn-foot"><button type="submit" class="fn-action" data-do="judge">Keep as a test question</button>'
        '<button type="button" class="fn-action" data-do="dismiss">Cancel</button></p></form></dialog>'
    )
