"""The log of the server: a file of limited size, with lines of text or of JSON."""

from __future__ import annotations

import json
import logging.handlers
from datetime import UTC, datetime
from pathlib import Path

from rag.cli.terminal import print_trouble
from rag.settings import LogFormat

_TEXT = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")


class _JsonLines(logging.Formatter):
    """One JSON object on each line; that of a request has its fields too."""

    def format(self, record: logging.LogRecord) -> str:
        value = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "request", {}),
        }
        if record.exc_info:
            value["exception"] = self.formatException(record.exc_info)
        return json.dumps(value)


def log_to(path: Path, form: LogFormat) -> None:
    """Write warnings, errors and requests to a log file of limited size; to the terminal if that fails."""
    handler: logging.Handler
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=2_000_000, backupCount=2, encoding="utf-8")
    except OSError as error:
        print_trouble(f"{path} can't be written ({error.strerror}): warnings and errors are shown here.")
        handler = logging.StreamHandler()
    logging.raiseExceptions = False  # a full disk should cause no tracebacks
    handler.setFormatter(_JsonLines() if form == "json" else _TEXT)
    logging.getLogger().addHandler(handler)
