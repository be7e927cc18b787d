"""The build of the front end, over stand-ins for Node and npm that keep a log of how they were called."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for Node and npm are scripts")

NODE = """
import pathlib, sys
if sys.argv[1:] == ["--version"]:
    print("v22.1.0")
else:
    dist = pathlib.Path("../static/dist")
    dist.mkdir(parents=True, exist_ok=True)
    (dist / "manifest.json").write_text("{}")
    with open("calls", "a") as log:
        log.write("node " + " ".join(sys.argv[1:]) + "\\n")
"""
NPM = """
import pathlib, shutil, sys
if pathlib.Path("offline").exists():
    print("npm error code ECONNREFUSED", "npm error errno ECONNREFUSED", "npm error request to x failed", sep="\\n")
    print("npm error A complete log of this run can be found in: /somewhere")
    sys.exit(1)
with open("calls", "a") as log:
    log.write("npm " + " ".join(sys.argv[1:]) + "\\n")
pathlib.Path("node_modules/esbuild").mkdir(parents=True, exist_ok=True)
shutil.copy("package-lock.json", "node_modules/.package-lock.json")
"""


def lock(integrity: str) -> str:
    packages = {
        "": {},
        "node_modules/esbuild": {"integrity": integrity},
        "node_modules/@esbuild/other": {"integrity": "x", "optional": True, "os": ["aix"], "cpu": ["ppc64"]},
        "node_modules/typescript": {"integrity": "y", "dev": True},
    }
    return json.dumps({"packages": packages})


class Project:
    """A project with a front end of one source file."""

    def __init__(self, root: Path, module: ModuleType) -> None:
        self.root, self.module = root, module
        self.frontend = module.Frontend(root)
        (self.frontend.folder / "src" / "entries").mkdir(parents=True)
        for name in ("package.json", "tsconfig.json", ".npmrc", "build.mjs"):
            (self.frontend.folder / name).write_text("\n")
        (self.frontend.folder / "package-lock.json").write_text(lock("one"))
        self.source = self.frontend.folder / "src" / "entries" / "page.ts"
        self.source.write_bytes(b"one();\ntwo();\n")
        self.offline = self.frontend.folder / "offline"

    def calls(self) -> list[str]:
        """How Node and npm were called since the last question."""
        log = self.frontend.folder / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        log.write_text("")
        return lines

    def hook(self, target: str) -> Any:
        warnings: list[str] = []
        app = SimpleNamespace(display_warning=warnings.append, warnings=warnings)
        return self.module.FrontendBuildHook(str(self.root), {}, None, None, "", target, app)


@pytest.fixture
def project(
    tmp_path: Path, programs: Path, build_frontend: ModuleType, make_program: Callable[[Path, str], None]
) -> Project:
    make_program(programs / "node", NODE)
    make_program(programs / "npm", NPM)
    return Project(tmp_path / "a project", build_frontend)


def test_a_build_installs_the_locked_packages_without_those_for_development(project: Project) -> None:
    project.frontend.build()
    assert project.calls() == ["npm ci --omit=dev", "node build.mjs"]
    assert project.frontend.is_fresh()


def test_nothing_is_called_when_nothing_has_changed(project: Project) -> None:
    project.frontend.build()
    project.calls()
    project.frontend.build()
    assert project.calls() == []


def test_line_ends_do_not_count_as_a_change(project: Project) -> None:
    project.frontend.build()
    project.source.write_bytes(b"one();\r\ntwo();\r\n")
    assert project.frontend.is_fresh()


def test_a_changed_source_is_built_with_the_packages_that_are_there(project: Project) -> None:
    project.frontend.build()
    project.calls()
    project.source.write_text("three();\n")
    project.frontend.build()
    assert project.calls() == ["node build.mjs"]


def test_a_changed_lock_installs_again(project: Project) -> None:
    project.frontend.build()
    project.calls()
    (project.frontend.folder / "package-lock.json").write_text(lock("two"))
    project.frontend.build()
    assert project.calls() == ["npm ci --omit=dev", "node build.mjs"]


def test_a_package_that_someone_removed_is_installed_again(project: Project) -> None:
    project.frontend.build()
    project.calls()
    shutil.rmtree(project.frontend.folder / "node_modules" / "esbuild")
    project.source.write_text("three();\n")
    project.frontend.build()
    assert project.calls() == ["npm ci --omit=dev", "node build.mjs"]


def test_a_build_that_fails_leaves_the_reason_and_no_manifest(project: Project) -> None:
    project.frontend.build()
    project.offline.touch()
    (project.frontend.folder / "package-lock.json").write_text(lock("two"))
    with pytest.raises(project.module.FrontendError):
        project.frontend.build()
    assert project.frontend.failed.read_text() == "npm ci failed: code ECONNREFUSED; request to x failed\n"
    assert not (project.frontend.dist / "manifest.json").exists()
    assert not project.frontend.is_fresh()


def test_the_reason_goes_away_with_the_next_good_build(project: Project) -> None:
    project.offline.touch()
    with pytest.raises(project.module.FrontendError):
        project.frontend.build()
    project.offline.unlink()
    project.frontend.build()
    assert not project.frontend.failed.exists()
    assert project.frontend.is_fresh()


@pytest.mark.parametrize("node", ['print("v18.20.1")', "import sys; sys.exit(127)", 'print("nonsense")'])
def test_an_old_or_broken_node_is_none(
    project: Project, programs: Path, make_program: Callable[[Path, str], None], node: str
) -> None:
    make_program(programs / "node", node)
    assert project.module._node_on_path() is None


def test_node_without_npm_is_none(project: Project, programs: Path) -> None:
    (programs / "npm").unlink()
    assert project.module._node_on_path() is None


@pytest.fixture
def no_node(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project.module, "find_node", lambda: None)


@pytest.mark.usefixtures("no_node")
def test_the_build_asks_for_node_where_there_is_none(project: Project) -> None:
    assert project.hook("wheel").dependencies() == [project.module.NODE_REQUIREMENT]


def test_the_build_asks_for_nothing_where_node_is(project: Project) -> None:
    assert project.hook("wheel").dependencies() == []


def test_what_was_built_elsewhere_needs_no_node(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.frontend.build()
    monkeypatch.setattr(project.module, "find_node", lambda: None)
    assert project.hook("wheel").dependencies() == []
    project.hook("wheel").initialize("standard", {"force_include": {}})
    assert not project.frontend.failed.exists()


@pytest.mark.usefixtures("no_node")
def test_an_install_goes_on_without_the_front_end_and_warns(project: Project) -> None:
    hook = project.hook("wheel")
    hook.initialize("editable", {"force_include": {}})
    reason = "Node.js 20 or newer with npm was not found"
    assert hook.app.warnings == [f"The front end was not built: {reason}."]
    assert project.frontend.failed.read_text() == reason + "\n"


@pytest.mark.usefixtures("no_node")
def test_a_source_distribution_is_not_made_without_the_front_end(project: Project) -> None:
    with pytest.raises(project.module.FrontendError):
        project.hook("sdist").initialize("standard", {"force_include": {}})


@pytest.mark.parametrize(
    ("target", "version", "included"),
    [
        ("wheel", "standard", {"monitoring": "dashboard/monitoring"}),
        ("wheel", "editable", {}),
        ("sdist", "standard", {}),
    ],
)
def test_wheels_carry_the_monitoring_folder(
    project: Project, target: str, version: str, included: dict[str, str]
) -> None:
    data: dict[str, Any] = {"force_include": {}}
    project.hook(target).initialize(version, data)
    assert data["force_include"] == included


def test_the_development_packages_are_installed_for_the_checks(project: Project) -> None:
    project.frontend.build()
    project.calls()
    assert project.frontend.run_script("check") == 0
    assert project.calls() == ["npm ci", "npm run --silent check"]


@pytest.mark.usefixtures("no_node")
def test_the_checks_say_when_there_is_no_node(project: Project) -> None:
    assert project.frontend.run_script("check") == project.module.NO_NODE_EXIT_CODE
