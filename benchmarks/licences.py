"""The licences of everything that an installation brings along: `python -m benchmarks.licences`.

Lists each distribution that requirements.txt leads to, with the licence in its metadata. Exits with 1 if one has a
licence that a product under Apache-2.0 can't ship with. Read licences of data and models in NOTICE.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from index.program import PROJECT

ALLOWED = frozenset(
    """
    0BSD
    3-Clause BSD License
    Apache 2.0 License
    Apache License, Version 2.0
    Apache Software License
    Apache-2.0
    Apache-2.0 WITH LLVM-exception
    BSD License
    BSD-2-Clause
    BSD-3-Clause
    BSD-3-Clause, Apache-2.0, dependency licenses
    BSL-1.0
    CC0-1.0
    CNRI-Python
    ISC
    ISC License (ISCL)
    MIT
    MIT License
    MIT-0
    MIT-CMU
    MPL-1.1
    MPL-2.0
    Mozilla Public License 2.0 (MPL 2.0)
    PSF-2.0
    Python Software Foundation License
    Unlicense
    Zlib
    """.replace("\n    ", "\n")
    .strip()
    .split("\n")
)
"""Permissive licences, and those of Mozilla, which bind only changes to the library's own files."""


def is_allowed(licence: str) -> bool:
    """True if a licence or an SPDX expression lets a product under Apache-2.0 depend on the library.

    >>> is_allowed("MPL-2.0 AND (Apache-2.0 OR MIT)"), is_allowed("MIT AND GPL-3.0-only")
    (True, False)
    """
    if licence in ALLOWED:
        return True
    names = [name.strip("() ") for name in re.split(r"\s(?:AND|OR)\s|;", licence)]
    is_choice = " OR " in licence and " AND " not in licence
    return (any if is_choice else all)(name in ALLOWED for name in names)


def licence_of(found: Distribution) -> str:
    """Return the licence in a distribution's metadata; "unknown" without one."""
    said: Any = found.metadata
    classifiers = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier", []) if one.startswith("License ::")]
    return said.get("License-Expression") or "; ".join(classifiers) or (said.get("License") or "unknown").split("\n")[0]


def shipped() -> dict[str, Distribution]:
    """Return every installed distribution that requirements.txt leads to, by its name."""
    found: dict[str, Distribution] = {}
    waiting = list(_pinned())
    known = set[str]()
    while waiting:
        wanted = waiting.pop()
        key = f"{canonicalize_name(wanted.name)} {sorted(wanted.extras)}"
        if key in known:
            continue
        known.add(key)
        try:
            one = distribution(wanted.name)
        except PackageNotFoundError:
            continue  # a package of another system
        found[canonicalize_name(wanted.name)] = one
        for needed in map(Requirement, one.requires or []):
            extras = ("", *wanted.extras)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    return dict(sorted(found.items()))


def _pinned() -> Iterator[Requirement]:
    for line in (PROJECT / "requirements.txt").read_text("utf-8").splitlines():
        if line and not line.startswith(("#", "-")):
            yield Requirement(line)


def main() -> None:
    """Print the licences."""
    licences = {name: licence_of(one) for name, one in shipped().items()}
    print("| distribution | licence |\n|---|---|")
    for name, licence in licences.items():
        print(f"| {name} | {licence} |")
    wrong = [name for name, licence in licences.items() if not is_allowed(licence)]
    print(f"\n{len(licences)} distributions, {len(wrong)} not allowed{': ' if wrong else ''}{', '.join(wrong)}.")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
