"""Where the program stands: in a checkout, or installed as a package."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The folder that holds the packages index and rag."""
IS_CHECKOUT = (PROJECT / "app.py").is_file() and (PROJECT / "pyproject.toml").is_file()
"""True in a checkout, False where the package is installed."""
PROGRAM = "python app.py" if IS_CHECKOUT else "footnote"
"""What users type before a command."""


def command(words: str) -> str:
    """Return a command as users type it: "python app.py index" in a checkout, "footnote index" where installed."""
    return f"{PROGRAM} {words}"
