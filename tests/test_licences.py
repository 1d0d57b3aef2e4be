"""Every library of an installation has a licence that a product under Apache-2.0 can depend on."""

from __future__ import annotations

import pytest

from benchmarks.licences import is_allowed, licence_of, shipped


def test_every_shipped_library_has_an_allowed_licence() -> None:
    licences = {name: licence_of(one) for name, one in shipped().items()}
    assert {"torch", "chromadb", "gradio", "tld", "fastapi"} <= licences.keys() and len(licences) > 100
    assert [(name, licence) for name, licence in licences.items() if not is_allowed(licence)] == []


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("MPL-1.1 OR GPL-2.0-only OR LGPL-2.1-or-later", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("GNU Affero General Public License v3", False),
        ("GPL-3.0-only", False),
        ("MIT AND GPL-3.0-only", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_copyleft_and_unknown_licences_are_refused(licence: str, allowed: bool) -> None:
    assert is_allowed(licence) == allowed
