"""Settings of libraries that have to be in the environment before the libraries are loaded."""

from __future__ import annotations

import os

_DEFAULTS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    # Gradio sums up all events anew at the end of each event, for a page that is not shown: seconds for a crowd.
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9),
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def prepare() -> None:
    """Turn the telemetry of all libraries off, and what slows them down; the user's own values stay."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
