"""The list of guards is that of the code, and a guard that no test misses is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.guards import GUARDS, Guard, copied, failing, without
from tests.conftest import ROOT


def test_every_guard_stands_once_in_its_file_and_has_tests() -> None:
    assert len({(one.attack, one.what) for one in GUARDS}) == len(GUARDS) > 50
    for one in GUARDS:
        assert without(one, ROOT) != (ROOT / one.path).read_text("utf-8"), one
        assert (ROOT / "tests" / one.tests.partition(" ")[0]).exists(), one


def test_a_guard_that_is_not_there_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\nother\nother\n", "utf-8")
    for code in ("none", "other"):
        with pytest.raises(ValueError, match=r"a\.py has [02] times"):
            without(Guard("", "", "a.py", code, "", ""), tmp_path)


@pytest.mark.slow
def test_a_test_fails_without_its_guard_and_not_without_something_else(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    (escaping,) = (one for one in GUARDS if one.tests == "test_html.py")
    assert failing(escaping, copy)
    words = Guard("", "", escaping.path, "as the page shows it", "as it is shown", "test_html.py escaped")
    assert not failing(words, copy)
    assert (copy / escaping.path).read_bytes() == (ROOT / escaping.path).read_bytes()
