"""The files in docs/deploy name settings, files, versions and services that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rag.cli.main import COMMANDS
from rag.settings import Settings
from tests.conftest import ROOT

FOLDER = ROOT / "docs" / "deploy"
FILES = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.iterdir())}
_TOML = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT, WHEEL = _TOML["project"], _TOML["tool"]["hatch"]["build"]["targets"]["wheel"]
PINS = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.M))


def copied() -> list[str]:
    """Return what the Dockerfile copies from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", FILES["Dockerfile"], re.M)
    return [name for line in lines for name in line.split()]


@pytest.mark.parametrize("name", FILES)
def test_every_setting_exists(name: str) -> None:
    known = {f"FOOTNOTE_{field.upper()}" for field in Settings.model_fields}
    assert set(re.findall(r"FOOTNOTE_[A-Z_]*[A-Z]", FILES[name])) <= known


def test_the_image_is_built_from_files_that_exist_and_reach_the_builder() -> None:
    sent = set(re.findall(r"^!(\S+)$", FILES["Dockerfile.dockerignore"], re.M))
    assert sent == set(copied()) and all((ROOT / name).exists() for name in sent)
    assert {*WHEEL["packages"], *WHEEL["force-include"], PROJECT["readme"], *PROJECT["license-files"]} <= sent


def test_versions_are_those_of_the_requirements() -> None:
    assert re.findall(r"torch==(\S+)", FILES["Dockerfile"]) == [PINS["torch"]]
    assert yaml.safe_load(FILES["compose.yaml"])["services"]["chroma"]["image"].endswith(f":{PINS['chromadb']}")


def test_no_file_holds_a_secret() -> None:
    for name, text in FILES.items():
        assert not re.search(r"(TOKEN|KEY|PASSWORD|SECRET)\w*\s*[=:]\s*\S", text), name


def test_compose_names_services_networks_and_volumes_that_it_defines() -> None:
    compose: dict[str, Any] = yaml.safe_load(FILES["compose.yaml"])
    services = compose["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", [])) <= services.keys(), name
        assert set(service["networks"]) <= compose["networks"].keys(), name
        assert service["restart"] and service["mem_limit"], name
        for source, target in (one.rsplit(":", 2 if one.endswith(":ro") else 1)[:2] for one in service["volumes"]):
            is_file = source.startswith("./")
            assert (FOLDER / source).exists() if is_file else source.startswith("$") or source in compose["volumes"]
            assert target.startswith("/"), name
    replicas = [one for one in services.values() if one["image"] == "footnote"]
    homes = {volume for one in replicas for volume in one["volumes"] if volume.startswith("home:")}
    assert len(replicas) == 2 and homes == {f"home:{variable('FOOTNOTE_HOME')}"}
    # Only one looks for changes, and both answer to the names that the proxy passes on.
    assert sorted(one["environment"].get("FOOTNOTE_LOOK_EVERY", "") for one in replicas) == ["", "0"]
    upstream = set(re.findall(r"(\w+):7860", FILES["Caddyfile"]))
    assert {name for name, one in services.items() if one in replicas} == upstream


def variable(name: str) -> str:
    """Return the value of a variable in the image."""
    found = re.search(rf"\b{name}=(\S+)", FILES["Dockerfile"])
    assert found
    return found[1]


def test_all_files_use_the_same_port_and_commands_that_exist() -> None:
    port = str(Settings.model_fields["port"].default)
    for name in ("Dockerfile", "Caddyfile", "nginx.conf"):
        assert set(re.findall(r":(\d{4})\b", FILES[name])) == {port}, name
    started = re.search(r"^ExecStart=\S+/footnote (\w+)$", FILES["footnote.service"], re.M)
    assert started and started[1] in COMMANDS
    assert 'ENTRYPOINT ["footnote"]\nCMD ["serve"]' in FILES["Dockerfile"] and "serve" in COMMANDS


def complaints(unit: str, folder: Path) -> Iterator[str]:
    """Yield what systemd says against a unit; the command is replaced by one that exists."""
    path = folder / "footnote.service"
    path.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit, flags=re.M))
    done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
    yield from (line for line in done.stderr.splitlines() if "footnote.service" in line)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd checks its unit")
def test_systemd_accepts_the_service(tmp_path: Path) -> None:
    assert list(complaints(FILES["footnote.service"], tmp_path)) == []
    assert list(complaints(FILES["footnote.service"].replace("ProtectSystem", "ProtectSistem"), tmp_path))
