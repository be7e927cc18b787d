"""The lists of tested versions."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = ("run", "dev", "node")


def lock_text(kind: str) -> str:
    return (ROOT / "scripts" / "locks" / f"{kind}.lock").read_text()


def pins(kind: str) -> set[str]:
    """The pinned requirements, markers included."""
    return {line.rstrip("\\ ") for line in lock_text(kind).splitlines() if re.match(r"[a-z0-9]", line)}


def normalised(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0]).lower()


@pytest.mark.parametrize("kind", KINDS)
def test_every_requirement_is_pinned_and_hashed(kind: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", lock_text(kind), flags=re.MULTILINE))
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+( ; [^\\]+)? \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n?)+$", entry), entry


@pytest.mark.parametrize("kind", KINDS)
def test_no_address_stands_in_a_list(kind: str) -> None:
    assert not re.search(r"://|--index-url|--extra-index-url|--find-links|--trusted-host|@ file|^/", lock_text(kind))


def test_all_that_the_project_depends_on_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    run = {normalised(name) for name in project["project"]["dependencies"] + groups["build"]}
    dev = run | {normalised(name) for name in groups["dev"] if isinstance(name, str)}
    assert run <= {normalised(pin) for pin in pins("run")}
    assert dev <= {normalised(pin) for pin in pins("dev")}


def test_tests_run_with_the_versions_that_the_server_runs_with() -> None:
    run, dev = ({pin.partition(" ; ")[0] for pin in pins(kind)} for kind in ("run", "dev"))
    assert run <= dev


def test_the_tests_have_what_pytest_needs_on_windows() -> None:
    assert any(re.fullmatch(r"colorama==\S+ ; sys_platform == 'win32'", pin) for pin in pins("dev"))
