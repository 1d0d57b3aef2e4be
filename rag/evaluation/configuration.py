"""Compare what determined the answers of two runs."""

from __future__ import annotations

from typing import Any


def differences(was: dict[str, Any], now: dict[str, Any], inside: str = "") -> list[str]:
    """Return the differences between two configurations, a line each.

    The generation is not compared: every sync makes a new one, and the corpus hash shows if the sources changed.
    """
    lines = []
    for key in sorted(was.keys() | now.keys()):
        name = f"{inside}{key}"
        before, after = was.get(key), now.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            lines += differences(before, after, f"{name}.")
        elif before != after and name != "generation":
            lines.append(f"{name} was {_short(before)}, is {_short(after)}")
    return lines


def _short(value: object) -> str:
    return repr(value) if len(repr(value)) <= 40 else f"{repr(value)[:12]}...'"
