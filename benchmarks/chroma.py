"""A `chroma run` server on loopback with a separate folder, for the benchmarks and the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.served import free_port


class Chroma:
    """A `chroma run` server over a folder; it can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.folder.mkdir(exist_ok=True)
        command = [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(self.folder / "data")]
        self._process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(self.port)],
            cwd=self.folder,
            env={**os.environ, "HOME": str(self.folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(3000):
            try:
                with urllib.request.urlopen(f"{self.url}/api/v2/heartbeat", timeout=5):
                    return
            except OSError:
                assert self._process.poll() is None, "chroma run ended by itself"
                time.sleep(0.1)
        raise AssertionError("chroma run does not answer")

    def memory(self) -> float:
        """Return the server's peak memory in MiB."""
        assert self._process
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024

    def stop(self) -> None:
        """Kill the server, as a power failure would."""
        if self._process:
            self._process.kill()
            self._process.wait()


@contextmanager
def running(folder: Path) -> Iterator[Chroma]:
    """Run a server during a with block."""
    server = Chroma(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
