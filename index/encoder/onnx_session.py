"""Run a shipped ONNX network on the processor: one row per run, as many runs at once as there are threads.

An int8 network quantises its activations by what is in a run. With one row per run, nothing is padded, and the result
of a row does not depend on other rows. Threads that each have a row never wait for each other, unlike threads that
share one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

_Array = NDArray[Any]
_T = TypeVar("_T")
_R = TypeVar("_R")


class Network:
    """An opened network. Safe to share between threads."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Open a network that runs `threads` rows at once; 0: one for each core of this process.

        Raises what onnxruntime raises for a bad file.
        """
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._pool = ThreadPoolExecutor(threads or cores(), path.name.split(".")[0])

    def run(self, inputs: Mapping[str, _Array]) -> list[_Array]:
        """Return the outputs for one row."""
        outputs: list[_Array] = self._session.run(None, dict(inputs))
        return outputs

    def each(self, work: Callable[[_T], _R], items: Sequence[_T]) -> list[_R]:
        """Return the result of `work`, which calls `run`, for each item, in order."""
        try:
            results = self._pool.map(work, items)
        except RuntimeError as error:
            if "shutdown" not in str(error):
                raise
            # The program is ending: end this thread too, silently.
            raise SystemExit from None
        return list(results)


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
