"""Reload: all files come into force, or none does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from processes import wait_for
from prometheus_client import CollectorRegistry

from dashboard.config.errors import ConfigError
from dashboard.reload import Loaded, Reloader, load

JOB = (
    "scrape_configs: [{{job_name: {job}, static_configs: [{{targets: ['localhost:1']}}]}}]\nrule_files: [rules/*.yml]\n"
)
RULES = "groups: [{{name: {group}, rules: [{{record: a:b, expr: up}}]}}]\n"


def _job(loaded: Loaded) -> str:
    return loaded.config.scrape_configs[0].job_name


def _groups(loaded: Loaded) -> list[str]:
    return [group.name for file in loaded.rule_files for group in file.groups]


class Files:
    """A configuration with a rule file, and what was brought into force of it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "prometheus.yml"
        self.rules = folder / "rules" / "first.yml"
        self.rules.parent.mkdir()
        self.adopted: list[Loaded] = []
        self.now = 1000
        self.write("one", "g")
        self.registry = CollectorRegistry()
        self.reloader = Reloader(load(self.file), self.adopt, registry=self.registry, clock=lambda: self.now)

    def write(self, job: str, group: str) -> None:
        self.file.write_text(JOB.format(job=job), encoding="utf-8")
        self.rules.write_text(RULES.format(group=group), encoding="utf-8")

    def adopt(self, loaded: Loaded) -> None:
        if _job(loaded) == "refused":
            raise ConfigError(self.file, "this one is refused late")
        self.adopted.append(loaded)

    def in_force(self) -> list[tuple[str, list[str]]]:
        return [
            (
                loaded.config.scrape_configs[0].job_name,
                [group.name for file in loaded.rule_files for group in file.groups],
            )
            for loaded in self.adopted
        ]

    def gauge(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"prometheus_config_last_reload_{name}")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_reload_brings_every_file_into_force(files: Files) -> None:
    files.write("two", "h")
    (files.rules.parent / "second.yml").write_text(RULES.format(group="i"))
    files.now = 5000
    assert files.reloader.reload().successful
    assert files.in_force() == [("two", ["h", "i"])]
    assert files.reloader.loaded is files.adopted[0]
    assert (files.gauge("successful"), files.gauge("success_timestamp_seconds")) == (1, 5)


@pytest.mark.parametrize("part", ["main", "rules", "late"])
def test_a_broken_file_leaves_everything_as_it_was(files: Files, part: str) -> None:
    before = files.reloader.loaded
    files.write("refused" if part == "late" else "two", "h")
    broken = {"main": files.file, "rules": files.rules}.get(part)
    if broken:
        broken.write_text("unknown: 1\n")
    files.now = 5000
    status = files.reloader.reload()
    assert not status.successful
    assert str(broken or files.file) in status.error
    assert (files.adopted, files.reloader.loaded) == ([], before)
    assert (files.gauge("successful"), files.gauge("success_timestamp_seconds")) == (0, 1)
    files.write("three", "h")
    assert files.reloader.reload().error == ""
    assert files.in_force() == [("three", ["h"])]


def test_an_error_of_ours_ends_neither_thread_nor_server(files: Files) -> None:
    def fail(_: Loaded) -> None:
        raise RuntimeError("oops")

    reloader = Reloader(load(files.file), fail, registry=CollectorRegistry(), clock=lambda: 0)
    assert "oops" in reloader.reload().error


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda files: files.file.write_text(JOB.format(job="two")), ("two", ["g"])),
        (lambda files: files.rules.write_text(RULES.format(group="h")), ("one", ["h"])),
        (lambda files: (files.rules.parent / "new.yml").write_text(RULES.format(group="h")), ("one", ["g", "h"])),
        (lambda files: files.rules.unlink(), ("one", [])),
        (lambda files: _replaced(files.rules, RULES.format(group="h")), ("one", ["h"])),
    ],
    ids=["main", "rules", "new", "gone", "replaced"],
)
def test_a_changed_file_is_reloaded_once(
    files: Files, change: Callable[[Files], object], expected: tuple[str, list[str]]
) -> None:
    change(files)
    files.reloader.look()
    files.reloader.look()
    assert files.in_force() == [expected]


def test_the_same_content_again_reloads_nothing(files: Files) -> None:
    files.write("one", "g")
    files.reloader.look()
    assert files.in_force() == []


def test_the_watcher_takes_a_broken_file_once_it_is_mended(files: Files) -> None:
    files.reloader.start()
    files.file.write_text("unknown: 1\n")
    wait_for(lambda: files.reloader.status.error, "the refusal")
    files.file.write_text(JOB.format(job="two"))
    wait_for(lambda: files.in_force() == [("two", ["g"])], "the reload")
    files.reloader.stop()
    assert files.reloader.status.successful


def _replaced(file: Path, text: str) -> None:
    """Write beside a file and put it in its place, as editors do."""
    beside = file.with_suffix(".new")
    beside.write_text(text)
    beside.replace(file)
