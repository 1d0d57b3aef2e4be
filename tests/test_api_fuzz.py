"""Every described route, tried by schemathesis on a real server: no server error, and replies as described."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import positive_data_acceptance

from benchmarks.served import served
from tests.programs import until_ready
from tests.test_api import ROUTES

CASES = 150
"""Most cases of each route and kind: bodies that fit the description, and bodies that do not."""
DESCRIBED = [(method, path) for method, path in ROUTES if path != "/api/openapi.json"]
PATIENT = settings(max_examples=CASES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def description(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    """Yield the description that a real server gives of itself."""
    home = Path(shutil.copytree(seeds_home, tmp_path_factory.mktemp("fuzz") / "home"))  # sources are added and removed
    with served(home, home.parent / "serve.log") as address:
        yield schemathesis.openapi.from_url(f"{until_ready(address)}/api/openapi.json")


@pytest.mark.slow
@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
@pytest.mark.parametrize(("method", "path"), DESCRIBED)
def test_a_route_replies_as_its_description_says(
    description: schemathesis.BaseSchema,
    method: str,
    path: str,
    mode: schemathesis.GenerationMode,
    record_property: Callable[[str, object], None],
) -> None:
    operation = description[path][method]
    if mode == schemathesis.GenerationMode.NEGATIVE and not list(operation.body):
        pytest.skip("a route without a body takes nothing that could be wrong")
    statuses = Counter[int]()

    @PATIENT
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case[Any]) -> None:
        if isinstance(case.body, dict) and "model" in case.body and mode == schemathesis.GenerationMode.POSITIVE:
            case.body["model"] = "footnote"  # any other name gets 404
        # A description can't say that a question needs a word, or that a date exists.
        reply = case.call(timeout=60)
        statuses[reply.status_code] += 1
        if reply.status_code != 413:  # the gate's reply to any body that is too large
            case.validate_response(reply, excluded_checks=[positive_data_acceptance])

    ask()
    record_property(f"{method} {path}, {mode.value}", dict(statuses))
    assert statuses


@pytest.mark.slow
def test_every_route_is_described(description: schemathesis.BaseSchema) -> None:
    described = {(method.upper(), path) for path in description for method in description[path]}
    assert described == set(DESCRIBED)
