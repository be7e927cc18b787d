"""``glass check config`` prints and exits as promtool does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dashboard.cli import main

FILES = {
    "good.yml": "rule_files: [rules/*.yml]\nscrape_configs: [{job_name: a, static_configs: [{targets: ['a:1']}]}]\n",
    "lazy.yml": "scrape_configs: [{job_name: a, scrape_interval: 5m}]\n",
    "twice.yml": "rule_files: [twice/r.yml]\n",
    "broken.yml": "scrape_configs: [{job_name: a, scrape_timeout: 2m}]\n",
    "bad_rules.yml": "rule_files: [bad/r.yml]\n",
    "no_rules.yml": "rule_files: [none.yml]\n",
    "no_token.yml": "scrape_configs: [{job_name: a, bearer_token_file: none}]\n",
    "no_address.yml": "scrape_configs: [{job_name: a, static_configs: [{targets: ['']}]}]\n",
    "no_targets.yml": "scrape_configs: [{job_name: a, file_sd_configs: [{files: [none.json]}]}]\n",
    "targets.yml": "scrape_configs: [{job_name: a, file_sd_configs: [{files: [targets.json]}]}]\n",
    "bad_targets.yml": "scrape_configs: [{job_name: a, file_sd_configs: [{files: [bad.json]}]}]\n",
    "targets.json": '[{"targets": ["a:1"], "labels": {"x": "y"}}]\n',
    "bad.json": '[{"target": ["a:1"]}]\n',
    "rules/a.yml": "groups: [{name: g, rules: [{record: a, expr: up}, {alert: B, expr: up == 0}]}]\n",
    "rules/b.yml": "groups: [{name: g, rules: [{record: b, expr: up}]}]\n",
    "twice/r.yml": "groups: [{name: g, rules: [{record: a, expr: up}, {record: a, expr: down}]}]\n",
    "bad/r.yml": "groups: [{name: g, rules: [{record: a, expr: up +}]}]\n",
}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the files into the present folder."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")


def glass(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", "config", *arguments])


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", "check", "config", *arguments], capture_output=True, text=True, check=False)


def said(text: str) -> list[str]:
    """Return the lines that both print alike: of warnings, promtool's name files as they are written."""
    return [line for line in text.splitlines() if line and "WARNING" not in line]


@pytest.mark.peers
@pytest.mark.parametrize(
    "arguments",
    [
        ("good.yml",),
        ("good.yml", "targets.yml"),
        ("twice.yml",),
        ("--lint-fatal", "twice.yml"),
        ("--lint=none", "--lint-fatal", "twice.yml"),
        ("--lint=all", "--lint-fatal", "twice.yml", "broken.yml"),
        ("--syntax-only", "twice.yml", "bad_rules.yml", "no_rules.yml", "no_token.yml", "bad_targets.yml"),
        ("broken.yml",),
        ("broken.yml", "good.yml"),
        ("bad_rules.yml",),
        ("no_rules.yml",),
        ("no_token.yml",),
        ("no_address.yml",),
        ("no_targets.yml",),
        ("bad_targets.yml",),
        ("none.yml",),
    ],
    ids=" ".join,
)
def test_it_prints_and_exits_as_promtool(arguments: tuple[str, ...]) -> None:
    ours, theirs = glass(*arguments), promtool(*arguments)
    assert said(ours.stdout) == said(theirs.stdout)
    assert ours.exit_code == theirs.returncode
    assert bool(ours.stderr) == bool(theirs.stderr)


def test_it_names_line_and_key() -> None:
    result = glass("broken.yml")
    assert "  FAILED: broken.yml:1: scrape_configs[0].scrape_timeout: scrape timeout greater than" in result.stderr


def test_sections_that_are_not_served_are_warnings() -> None:
    Path("other.yml").write_text("remote_write: [{url: 'http://w'}]\n", encoding="utf-8")
    result = glass("other.yml")
    assert "  WARNING: remote_write: checked, and not served here\n" in result.stdout
    assert result.exit_code == 0


def test_a_long_interval_is_found_by_the_lint() -> None:
    result = glass("--lint=too-long-scrape-interval", "--lint-fatal", "lazy.yml")
    assert "too long scrape interval found" in result.stderr
    assert "job: a, interval: 5m" in result.stderr
    assert result.exit_code == 3
    assert glass("--lint=all", "lazy.yml").exit_code == 0
    assert glass("--lint-fatal", "lazy.yml").exit_code == 0


def test_an_unknown_lint_is_told() -> None:
    assert glass("--lint=unknown", "good.yml").stdout.startswith('WARNING: unknown lint option: "unknown"\n')
