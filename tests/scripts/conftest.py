"""The scripts are no package: they are loaded from their files."""

import importlib.util
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Dataclasses look their module up by name.
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def bootstrap() -> ModuleType:
    return _load("bootstrap")


@pytest.fixture(scope="session")
def build_frontend() -> ModuleType:
    return _load("build_frontend")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of the PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def write_program(path: Path, source: str) -> None:
    """Makes an executable that runs Python source; a "#!" line could not name a Python in a folder with a space."""
    script = path.with_name(f".{path.name}.py")
    script.write_text(source)
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -IS {shlex.quote(str(script))} "$@"\n')
    path.chmod(0o755)


@pytest.fixture(scope="session")
def make_program() -> object:
    return write_program


@pytest.fixture(scope="session")
def promqltest() -> ModuleType:
    return _load("promqltest")


@pytest.fixture(scope="session")
def compare_queries() -> Iterator[ModuleType]:
    sys.path.append(str(SCRIPTS))  # It imports other scripts.
    yield _load("compare_queries")
    sys.path.remove(str(SCRIPTS))
