"""The dialogs of the page: the tour, and the feedback form for a wrong answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from rag.ui.escape import escape

_STEPS = (
    ("Add your documents", "Select the paper clip, drop files anywhere on the page, or paste them."),
    ("Ask", "Ask in plain English. The answer quotes your sources, or says that they do not answer."),
    ("Check", "Select a small number to see the passage with the quoted words marked. Open shows the whole document."),
    (
        "Go on",
        "Conversations are kept on this machine, in the list on the left. Ticks choose which sources are searched.",
    ),
)
_KEYS = (
    ("Enter", "ask"),
    ("Shift + Enter", "a new line in the question"),
    ("Arrow up", "in the empty box: the last question again"),
    ("Escape", "stop, close, or go back to the number"),
    ("Tab", "from number to number; each shows its quote"),
    ("/", "to the question box"),
    ("?", "this tour"),
)


def tour() -> str:
    """Return the tour dialog: four steps, then the keys."""
    steps = "".join(f"<li><p><b>{escape(title)}.</b> {escape(words)}</p></li>" for title, words in _STEPS)
    lines = "".join(f"<dt><kbd>{escape(key)}</kbd></dt><dd>{escape(meaning)}</dd>" for key, meaning in _KEYS)
    return (
        '<dialog id="fn-tour" aria-labelledby="fn-tour-title"><h2 id="fn-tour-title">A short tour</h2>'
        f'<ol>{steps}</ol><h3>Keys</h3><dl>{lines}</dl><form method="dialog"><button class="fn-primary">Close</button>'
        "</form></dialog>"
    )


def thumb_down(kinds: Mapping[str, str]) -> str:
    """Return the dialog that a thumb down opens.

    It asks what was wrong, from `kinds` (kind -> words), and for the right answer.
    """
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
