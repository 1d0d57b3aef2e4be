"""Counts answers, and writes the counts in the text format of Prometheus.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from threading import Lock

from index.errors import FootnoteError
from rag.engine import Engine
from rag.queue import RequestQueue
from rag.types import Answer

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of the format."""
_OUTCOMES = ("answered", "refused", "failed")


class AnswerMetrics:
    """Counts questions by outcome and adds up the time of each stage. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._outcomes = Counter[str]()
        self._seconds = defaultdict[str, float](float)
        self._runs = Counter[str]()

    def count(self, answer: Answer) -> None:
        """Count a complete answer and the time of its stages."""
        with self._lock:
            self._outcomes["refused" if answer.refused else "answered"] += 1
            for stage, milliseconds in answer.timings.items():
                self._seconds[stage] += milliseconds / 1000
                self._runs[stage] += 1

    def count_failure(self) -> None:
        """Count a question that an error ended."""
        with self._lock:
            self._outcomes["failed"] += 1

    def families(self) -> list[str]:
        """Return the lines of these counts."""
        with self._lock:
            questions = [(f'{{outcome="{one}"}}', self._outcomes[one]) for one in _OUTCOMES]
            stages = [
                line
                for stage in sorted(self._runs)
                for line in (
                    (f'_sum{{stage="{stage}"}}', round(self._seconds[stage], 6)),
                    (f'_count{{stage="{stage}"}}', self._runs[stage]),
                )
            ]
        return [
            *_family("questions_total", "counter", "Questions by outcome.", questions),
            *_family("stage_seconds", "summary", "Seconds in each stage of an answer.", stages),
        ]


def metrics_text(engine: Engine, queue: RequestQueue, counts: AnswerMetrics) -> str:
    """Return all metrics; those of the index only once an index is open."""
    ready = int(engine.state == "ready")
    lines = [
        *counts.families(),
        *_family("queue_length", "gauge", "Questions that wait or run.", [("", queue.length)]),
        *_family("queue_limit", "gauge", "Most questions that may wait or run.", [("", queue.most)]),
        *_family("ready", "gauge", "1 once the models and the index are loaded.", [("", ready)]),
    ]
    try:
        # While the models load, opening the index would wait for them.
        generation = engine.parts()[0] if engine.warm.is_set() else None
        if generation:
            sources, chunks = generation.catalog.counts()
            name = f'{{generation="{generation.manifest.name}"}}'
            lines += _family("index_info", "gauge", "The generation of the index in use.", [(name, 1)])
            lines += _family("index_sources", "gauge", "Sources in the index.", [("", sources)])
            lines += _family("index_chunks", "gauge", "Passages in the index.", [("", chunks)])
    except FootnoteError:
        pass  # without a usable index its lines are missing
    return "\n".join([*lines, ""])


def _family(name: str, kind: str, meaning: str, rows: Iterable[tuple[str, float]]) -> list[str]:
    full = f"footnote_{name}"
    return [f"# HELP {full} {meaning}", f"# TYPE {full} {kind}", *(f"{full}{labels} {value}" for labels, value in rows)]
