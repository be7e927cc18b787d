"""The script that puts Prometheus's PromQL test scripts to our evaluator."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = """
# Two series, and a histogram beside them.
load 30s
  x{i="1"} 1 2+1x2 _ stale
  x{i="2"} 5x4
  h {{schema:0 sum:1 count:1 buckets:[1]}}x2 7

eval instant at 1m sum(x)
  {} 8

eval instant at 1m x
  expect ordered
  x{i="1"} 3
  x{i="2"} 5

eval range from 0 to 1m step 30s x{i="1"} * 2
  {i="1"} 2 4 6

eval_fail instant at 0 x + on () x
  expected_fail_regexp found duplicate series .*

eval instant at 0 topk(NaN, x)
  expect fail msg: Parameter value is NaN

eval instant at 1m rate(x[1m])
  expect info regex: might not be a counter
  expect no_warn
  {i="1"} 0.03333333
  {i="2"} 0

eval instant at 0 1 + 1
  2

eval instant at 0 h
  h {{schema:0 sum:1 count:1 buckets:[1]}}

clear

eval instant at 1m x
"""

WRONG = """
load 30s
  x 1 2

eval instant at 30s x
  x 3

eval instant at 0 x
  expect warn

eval instant at 0 x
  expect fail
"""


def counted(promqltest: ModuleType, path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["promqltest.py", str(path), *options])
        assert promqltest.main() == 0
    return capsys.readouterr().out


def test_a_script_is_played_and_what_needs_native_histograms_is_counted_apart(
    promqltest: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "right.test").write_text(SCRIPT)
    assert "classic 8/8 (100.0%), native 0/1 (0.0%)" in counted(promqltest, tmp_path, capsys)


def test_every_difference_is_told(promqltest: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "wrong.test"
    script.write_text(WRONG)
    told = counted(promqltest, script, capsys, "--show")
    assert "classic 0/3 (0.0%)" in told
    assert [line.split(":")[1] for line in told.splitlines() if line.startswith("wrong.test:")] == ["5", "8", "11"]


def test_a_line_that_is_not_understood_is_refused(promqltest: ModuleType, tmp_path: Path) -> None:
    script = tmp_path / "strange.test"
    script.write_text("nonsense")
    with pytest.raises(promqltest.ScriptError, match=r"strange\.test:1: nonsense"):
        promqltest.read_script(script)
