"""Files made from good ones by random changes: what promtool refuses, we refuse."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .mutations import GOOD, GOOD_SINCE_3, LEGACY_NAMES, mutated, render

PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool") or "promtool"
"""The promtool to compare with: another than the one on the PATH is named by hand."""


def is_old() -> bool:
    said = subprocess.run([PROMTOOL, "--version"], capture_output=True, text=True, check=False)
    return "version 2." in said.stdout + said.stderr


def batch(random: Random) -> list[str]:
    if is_old():
        return [mutated(random, GOOD, LEGACY_NAMES) for _ in range(50)]
    return [mutated(random, GOOD + GOOD_SINCE_3) for _ in range(50)]


def written(folder: Path, texts: Sequence[str]) -> list[Path]:
    files = [folder / f"{number}.yml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    return files


def accepted_by_us_alone(compare_configs: ModuleType, folder: Path, texts: Sequence[str]) -> list[str]:
    """Return the files that promtool refuses and we accept, with its reason."""
    compared = compare_configs.compare(PROMTOOL, written(folder, texts))
    return [
        f"{one.theirs}\n{one.file.read_text(encoding='utf-8')}"
        for one in compared
        if one.verdict is compare_configs.Verdict.TOO_LAX
    ]


@pytest.mark.peers
def test_the_unchanged_files_are_good(compare_configs: ModuleType, tmp_path: Path) -> None:
    texts = [render(tree) for tree in (GOOD if is_old() else GOOD + GOOD_SINCE_3)]
    compared = compare_configs.compare(PROMTOOL, written(tmp_path, texts))
    assert [(one.theirs, one.ours) for one in compared] == [("", "")] * len(texts)


@pytest.mark.peers
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
@given(random=st.randoms(use_true_random=True))
def test_nothing_that_promtool_refuses_is_accepted(
    compare_configs: ModuleType, tmp_path_factory: pytest.TempPathFactory, random: Random
) -> None:
    assert accepted_by_us_alone(compare_configs, tmp_path_factory.mktemp("configs"), batch(random)) == []


@pytest.mark.long
@pytest.mark.peers
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
@given(random=st.randoms(use_true_random=True))
def test_of_thousands_of_files_none_that_promtool_refuses_is_accepted(
    compare_configs: ModuleType, tmp_path_factory: pytest.TempPathFactory, random: Random
) -> None:
    assert accepted_by_us_alone(compare_configs, tmp_path_factory.mktemp("configs"), batch(random)) == []
