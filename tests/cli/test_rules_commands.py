"""``glass check rules`` and ``glass test rules`` print and exit as promtool does."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from dashboard.cli import main

GOOD = "groups: [{name: g, rules: [{record: a, expr: up}, {alert: B, expr: up == 0}]}]\n"
TWICE = "groups: [{name: g, rules: [{record: a, expr: up}, {record: a, expr: down}]}]\n"
BAD = "groups: [{name: g, rules: [{record: a, expr: up +}]}]\n"
PASSES = "tests: [{name: one, promql_expr_test: [{expr: 1 + 1, exp_samples: [{value: 2}]}]}]\n"
FAILS = "tests: [{name: two, promql_expr_test: [{expr: 1 + 1, exp_samples: [{value: 3}]}]}]\n"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the files into the present folder."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("good", GOOD), ("twice", TWICE), ("bad", BAD), ("passes", PASSES), ("fails", FAILS)):
        Path(f"{name}.yml").write_text(text)


def glass(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=stdin)


def promtool(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, input=stdin)


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


SAME = [
    ("check", "rules", "good.yml"),
    ("check", "rules", "good.yml", "good.yml"),
    ("check", "rules", "bad.yml"),
    ("check", "rules", "bad.yml", "good.yml"),
    ("check", "rules", "twice.yml"),
    ("check", "rules", "--lint-fatal", "twice.yml"),
    ("check", "rules", "--lint=none", "--lint-fatal", "twice.yml"),
    ("check", "rules", "--lint=all", "--lint-fatal", "twice.yml"),
    ("check", "rules", "--lint-fatal", "twice.yml", "bad.yml"),
]


@pytest.mark.peers
@pytest.mark.parametrize("arguments", SAME, ids=" ".join)
def test_checks_print_and_exit_as_promtools(arguments: tuple[str, ...]) -> None:
    """Every line and the exit code are the same; of empty lines, versions of promtool have more and fewer."""
    ours, theirs = glass(*arguments), promtool(*arguments)
    assert lines(ours.stdout) == lines(theirs.stdout)
    assert (ours.stderr, ours.exit_code) == (theirs.stderr, theirs.returncode)


def test_an_unknown_lint_is_warned_of_and_looks_for_nothing() -> None:
    """It is no error."""
    odd = glass("check", "rules", "--lint=odd", "--lint-fatal", "twice.yml")
    assert odd.stdout.startswith('WARNING: unknown lint option: "odd"\n')
    assert odd.exit_code == 0


def test_rules_come_from_standard_input_too() -> None:
    """Without a file, standard input is checked, under that name."""
    good = glass("check", "rules", stdin=GOOD)
    assert (good.stdout, good.exit_code) == ("Checking standard input\n  SUCCESS: 2 rules found\n\n", 0)
    bad = glass("check", "rules", stdin=BAD)
    assert bad.stderr.startswith('  FAILED:\n1:46: group "g", rule 1, "a": could not parse expression: ')
    assert bad.exit_code == 1
    assert glass("check", "rules", "--lint-fatal", stdin=TWICE).exit_code == 3


def test_a_missing_file_is_an_error() -> None:
    """The exit code is that of promtool."""
    for command in ("check", "test"):
        missing = glass(command, "rules", "missing.yml")
        assert missing.exit_code == 1
        assert "path 'missing.yml' does not exist" in missing.stderr


def test_tests_that_pass_and_fail() -> None:
    """Failures are on standard error, with an empty line on standard output for each, as promtool has it."""
    passed, failed = glass("test", "rules", "passes.yml"), glass("test", "rules", "fails.yml", "passes.yml")
    assert (passed.stdout, passed.stderr, passed.exit_code) == ("  SUCCESS\n\n", "", 0)
    assert (failed.stdout, failed.exit_code) == ("\n\n  SUCCESS\n\n", 1)
    assert failed.stderr == '  FAILED:\n    expr: "1 + 1", time: 0s,\n        exp: {} 3E+00\n        got: {} 2E+00\n'


def test_tests_are_chosen_with_run() -> None:
    """One of several expressions suffices; a bad one is told."""
    assert glass("test", "rules", "--run", "nothing", "fails.yml").exit_code == 0
    assert glass("test", "rules", "--run", "nothing", "--run", "tw.$", "fails.yml").exit_code == 1
    assert "error parsing regexp" in glass("test", "rules", "--run", "(", "fails.yml").stderr


def test_unmatched_rule_files_are_warned_of() -> None:
    """A pattern that no file matches is no failure."""
    Path("none.yml").write_text("rule_files: [gone*.yml]\n" + PASSES)
    result = glass("test", "rules", "none.yml")
    assert (result.stderr, result.exit_code) == ("  WARNING: no file match pattern gone*.yml\n", 0)


@pytest.mark.parametrize("place", ["group", "command"])
def test_results_are_written_as_junit(place: str) -> None:
    """Each file is a suite, each test a case; a file that cannot be used is an error."""
    Path("broken.yml").write_text("tests: [{nope: 1}]")
    junit, names = ("--junit", "out.xml"), ("passes.yml", "fails.yml", "broken.yml")
    done = glass("test", *junit, "rules", *names) if place == "group" else glass("test", "rules", *junit, *names)
    assert done.exit_code == 1
    passes, fails, broken = ET.parse("out.xml").getroot()  # noqa: S314 - we wrote it.
    assert (passes.get("name"), passes.get("tests"), passes.get("failures")) == ("passes.yml", "1", "0")
    assert (fails.get("failures"), fails[0].get("name")) == ("1", "two")
    assert "exp: {} 3E+00" in str(fails[0][0].text)
    assert (broken.get("errors"), broken[0].get("name")) == ("1", "unknown")
    assert "nope" in str(broken[0][0].text)
