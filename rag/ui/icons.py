"""The page's icons as inline SVG, which need no emoji font."""

from __future__ import annotations

_PATHS = {
    "add": "M12 5v14M5 12h14",
    "again": "M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6",
    "bin": "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
    "clip": "M20 11.5l-8.2 8.2a5 5 0 0 1-7.1-7.1l8.6-8.6a3.3 3.3 0 0 1 4.7 4.7l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4l7.8-7.8",
    "close": "M6 6l12 12M18 6L6 18",
    "copy": "M9 9h11v11H9zM5 15H4V4h11v1",
    "edit": "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
    "fold": "M12 6l-6 6 6 6M19 6l-6 6 6 6",
    "link": "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1-1",
    "menu": "M4 7h16M4 12h16M4 17h16",
    "more": "M5 12h.01M12 12h.01M19 12h.01",
    "panel": "M4 5h16v14H4zM14 5v14M16.5 9h1M16.5 12h1",
    "search": "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14M16 16l4 4",
    "star": "M12 4l2.5 5.2 5.7.8-4.1 4 1 5.6-5.1-2.7-5.1 2.7 1-5.6-4.1-4 5.7-.8z",
    "theme": "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16M12 4v16M13 7h4M13 10h6M13 13h6M13 16h4",
    "thumb": "M3 10h4v10H3zM9 20V10l4-7c1.8 0 2.6 1.2 2.3 2.8L14.6 9H19a2 2 0 0 1 2 2.4l-1.4 7a2 2 0 0 1-2 1.6z",
}


def icon(name: str) -> str:
    """Return an icon; its button needs a text label for screen readers."""
    return f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{_PATHS[name]}"/></svg>'


def button(name: str, do: str, label: str, extra: str = "", classes: str = "fn-icon") -> str:
    """Return a button with an icon.

    `name` is the icon, `do` the action, `label` the tooltip and text for screen readers, `extra` further attributes.
    """
    return (
        f'<button type="button" class="fn-action {classes}" data-do="{do}" title="{label}"{extra}>{icon(name)}'
        f'<span class="fn-unseen">{label}</span></button>'
    )
