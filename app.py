"""The door of a checkout: `python app.py COMMAND`, and create_app() for servers (`uvicorn app:create_app --factory`).

Footnote answers questions from your own articles, in their own words, and shows where. Without a command it serves the
page. The commands are in rag/cli. Where Footnote is installed, `footnote COMMAND` does the same.
"""

from __future__ import annotations

import sys

from rag.cli.main import main
from rag.cli.serve import create_app

__all__ = ["create_app", "main"]

if __name__ == "__main__":
    sys.exit(main())
