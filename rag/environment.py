"""Environment variables that libraries read when they are loaded."""

from __future__ import annotations

import gc
import os

_DEFAULTS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    # Gradio sums up all events after each event, for a page we don't show: seconds with many users.
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9),
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def prepare() -> None:
    """Turn off the telemetry and the slow defaults of libraries.

    Variables that the user has set stay. Call it before any library is loaded.
    """
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def collect_less() -> None:
    """Collect garbage less often in this process, which is the program's own."""
    # Libraries make millions of objects that stay; collecting garbage at every 700th costs seconds of a start.
    gc.set_threshold(50_000, 20, 50)
