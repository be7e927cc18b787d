"""Unit-test files: what they may hold, and how failures are told. promtool says the same of the same files."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

import pytest

from dashboard.rules.unit_tests import FileResult, run_file

RULES = """
groups:
- name: alerts
  rules:
  - alert: Down
    expr: up == 0
    for: 2m
    labels: {severity: page, team: shop, site: "{{ $externalLabels.site }}"}
    annotations: {summary: "{{ $labels.instance }} is down, {{ $value }}", link: "{{ $externalURL }}/x"}
- name: records
  rules:
  - record: sum:up
    expr: sum(up)
"""
TESTS = """
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
- name: down
  interval: 30s
  external_labels: {site: here}
  external_url: http://cockpit.example
  input_series:
  - {series: 'up{instance="a"}', values: "1 1 0x20"}
  - {series: 'up{instance="b"}', values: "1x20"}
  alert_rule_test:
  - eval_time: 4m
    alertname: Down
    exp_alerts:
    - exp_labels: {instance: a, severity: page, site: here, team: shop}
      exp_annotations: {summary: "a is down, 0", link: http://cockpit.example/x}
  - {eval_time: 2m, alertname: Down, exp_alerts: []}
  promql_expr_test:
  - {expr: "sum:up", eval_time: 4m, exp_samples: [{labels: "sum:up", value: 1}]}
  - expr: ALERTS
    eval_time: 2m
    exp_samples:
    - labels: 'ALERTS{alertname="Down",alertstate="pending",instance="a",severity="page",site="here",team="shop"}'
      value: 1
- name: empty
  promql_expr_test:
  - {expr: "1 + 1", exp_samples: [{value: 2}]}
  - {expr: "vector(time())", eval_time: 90s, exp_samples: [{value: 90}]}
"""


def run(folder: Path, tests: str, rules: str = RULES, **options: str | bool) -> FileResult:
    """Write the files and play them."""
    (folder / "rules.yml").write_text(rules, encoding="utf-8")
    file = folder / "tests.yml"
    file.write_text(textwrap.dedent(tests), encoding="utf-8")
    return run_file(file, **options)


def test_a_file_that_passes(tmp_path: Path) -> None:
    """Alerts, records, labels of groups and externals are as the file says."""
    result = run(tmp_path, TESTS)
    assert result.failures == ()
    assert [case.name for case in result.cases] == ["down", "empty"]


@pytest.mark.peers
def test_promtool_passes_it_too(tmp_path: Path) -> None:
    """The file is one of promtool's."""
    run(tmp_path, TESTS)
    done = subprocess.run(
        ["promtool", "test", "rules", str(tmp_path / "tests.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_tests_are_chosen_by_name(tmp_path: Path) -> None:
    """``run`` takes the tests in whose name the expression is found; those without a name are numbered."""
    assert [case.name for case in run(tmp_path, TESTS, run="mpt").cases] == ["empty"]
    unnamed = TESTS.replace("name: empty", "interval: 5m")
    assert [case.name for case in run(tmp_path, unnamed).cases] == ["down", "unnamed#1"]
    assert run(tmp_path, TESTS, run="down|nothing").cases[0].name == "down"


def test_failures_are_told_in_promtools_words(tmp_path: Path) -> None:
    """What was expected and what came stand below each other."""
    wrong = TESTS.replace("a is down, 0", "a is up").replace('"sum:up", value: 1', '"sum:up", value: 1.5')
    alerts, samples = run(tmp_path, wrong).failures
    assert alerts == (
        "    name: down,\n"
        "    alertname: Down, time: 4m, \n"
        "        exp:[\n"
        "            0:\n"
        '              Labels:{alertname="Down", instance="a", severity="page", site="here", team="shop"}\n'
        '              Annotations:{link="http://cockpit.example/x", summary="a is up"}\n'
        "            ], \n"
        "        got:[\n"
        "            0:\n"
        '              Labels:{alertname="Down", instance="a", severity="page", site="here", team="shop"}\n'
        '              Annotations:{link="http://cockpit.example/x", summary="a is down, 0"}\n'
        "            ]"
    )
    assert samples == (
        '    expr: "sum:up", time: 4m,\n'
        '        exp: {__name__="sum:up"} 1.5E+00\n'
        '        got: {__name__="sum:up"} 1E+00'
    )  # fmt: skip


@pytest.mark.peers
@pytest.mark.parametrize(
    ("found", "replaced"),
    [
        ("a is down, 0", "a is up"),
        ("exp_alerts: []", "exp_alerts: [{}]"),
        ('"sum:up", value: 1', '"other:up", value: 1e-300'),
        ("exp_samples: [{value: 90}]", "exp_samples: []"),
        ("vector(time())", "up +"),
        ("vector(time())", "up + on () up"),
        ("vector(time())", "'text'"),
        ("sum(up)", "up{instance='a'} / on () up"),
        ("alertname: Down, exp", "exp"),
    ],
)
def test_promtool_tells_the_same_failures(tmp_path: Path, found: str, replaced: str) -> None:
    """What promtool writes for the same file holds the same failures."""
    ours = run(tmp_path, TESTS.replace(found, replaced), RULES.replace(found, replaced))
    done = subprocess.run(
        ["promtool", "test", "rules", "tests.yml"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    theirs = done.stderr.partition("FAILED:\n")[2].replace(f"{tmp_path}/", "")
    for failure in ours.failures:
        assert failure.replace(f"{tmp_path}/", "").splitlines()[-1].strip()[:60] in theirs


def test_groups_have_labels(tmp_path: Path) -> None:
    """The labels of a group are those of its rules."""
    rules = RULES.replace("team: shop, ", "").replace("name: alerts", "name: alerts\n  labels: {team: shop}")
    assert run(tmp_path, TESTS, rules).failures == ()


def test_time_begins_where_the_test_says(tmp_path: Path) -> None:
    """``start_timestamp`` is a date or seconds; all times of the test count from there."""
    for start in ("2024-01-31T00:00:00Z", "1706659200", "2024-01-31T01:00:00+01:00"):
        result = run(
            tmp_path,
            f"""
            tests:
            - start_timestamp: {start}
              input_series: [{{series: x, values: 1 2}}]
              promql_expr_test:
              - {{expr: "timestamp(x)", eval_time: 1m, exp_samples: [{{value: 1706659260}}]}}
              - {{expr: "day_of_month()", exp_samples: [{{value: 31}}]}}
            """,
        )
        assert result.failures == ()
        assert len(result.cases) == 1


def test_groups_are_evaluated_in_the_given_order(tmp_path: Path) -> None:
    """A group sees what an earlier one recorded at the same time; by default the order is that of the file."""
    rules = """
groups:
- {name: second, rules: [{record: b, expr: a + 1}]}
- {name: first, rules: [{record: a, expr: vector(time())}]}
"""
    tests = """
    rule_files: [rules.yml]
    group_eval_order: ORDER
    tests:
    - promql_expr_test: [{expr: b, eval_time: 2m, exp_samples: [{labels: b, value: 121}]}]
    """
    assert run(tmp_path, tests.replace("ORDER", "[first, second]"), rules).failures == ()
    assert "6.1E+01" in run(tmp_path, tests.replace("ORDER", "[second, first]"), rules).failures[0]
    assert "repeated" in run(tmp_path, tests.replace("ORDER", "[first, first]"), rules).failures[0]


def test_samples_after_the_last_evaluation_are_not_seen(tmp_path: Path) -> None:
    """As in promtool, series are loaded up to the last evaluation that is not after the last question."""
    result = run(
        tmp_path,
        """
        tests:
        - interval: 1s
          input_series: [{series: x, values: 1 2 3 4}]
          promql_expr_test: [{expr: "x offset -1m", eval_time: 3s, exp_samples: [{labels: x, value: 1}]}]
        """,
    )
    assert result.failures == ()


def test_neighbouring_numbers_agree_if_asked(tmp_path: Path) -> None:
    """``fuzzy_compare`` lets the next float64 pass, and no other."""
    tests = """
    fuzzy_compare: FUZZY
    tests:
    - promql_expr_test: [{expr: vector(VALUE), exp_samples: [{value: 3}]}]
    """
    for fuzzy, value, passes in (
        ("true", "2.9999999999999996", True),
        ("false", "2.9999999999999996", False),
        ("true", "2.9999999999999987", False),
    ):
        result = run(tmp_path, tests.replace("FUZZY", fuzzy).replace("VALUE", value))
        assert (not result.failures) is passes


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        ("tests: [{nope: 1}]", "nope"),
        ("tests: [", "tests.yml"),
        ("rule_files: [missing.yml, rules.yml]\ntests: [{input_series: [{series: x, valeus: 1}]}]", "valeus"),
        ("tests: [{start_timestamp: yesterday}]", "cannot parse"),
        ("tests: [{promql_expr_test: [{expr: x, exp_samples: [{histogram: '{{}}'}]}]}]", "native histograms"),
        ("tests: [{promql_expr_test: [{expr: x, exp_samples: [{labels: 'x{'}]}]}]", 'labels "x{": 1:3: parse error'),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, tests: str, reason: str) -> None:
    """The failure names what is wrong."""
    assert reason in run(tmp_path, tests).failures[0]


def test_the_place_of_a_bad_series_is_that_of_a_load_command(tmp_path: Path) -> None:
    """Lines count from 2, as the series stand behind a first line in promtool."""
    (failure,) = run(tmp_path, TESTS.replace('up{instance="b"}', "up{instance=1}")).failures
    assert failure == "3:13: parse error: unexpected character inside braces: '1'"


def test_patterns_of_rule_files(tmp_path: Path) -> None:
    """Globs are resolved beside the file, and those that match nothing are told."""
    result = run(tmp_path, TESTS.replace("[rules.yml]", "['r*.yml', 'none*.yml', gone.yml]"))
    assert result.failures == ()
    assert [Path(pattern).name for pattern in result.unmatched] == ["none*.yml", "gone.yml"]


def test_unknown_keys_of_rules_are_refused_or_ignored(tmp_path: Path) -> None:
    """A rule file may have keys of its own, if it is asked for."""
    rules = RULES.replace("  rules:\n  - record", "  owner: me\n  rules:\n  - runbook: x\n    record")
    assert "owner" in run(tmp_path, TESTS, rules).failures[0]
    assert run(tmp_path, TESTS, rules, ignore_unknown_fields=True).failures == ()
