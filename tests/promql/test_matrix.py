"""Rows are put in the order of their labels, however many there are."""

from __future__ import annotations

import random

import pytest

from dashboard.model.labels import Labels
from dashboard.promql import matrix
from dashboard.promql.matrix import row_order

NAMES = ["a", "b", "aa", "é", "\x00", "z"]
VALUES = ["1", "10", "2", "", "\x00", "\U0001f600", "\uffff", "a\x00b", "a"]


def test_many_rows_come_in_the_same_order_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(7)
    rows = [Labels.of({name: chance.choice(VALUES) for name in chance.sample(NAMES, 4)}) for _ in range(3000)]
    wanted = sorted(range(len(rows)), key=rows.__getitem__)
    assert row_order(rows) == wanted
    monkeypatch.setattr(matrix, "_FEW", len(rows))
    assert row_order(rows) == wanted


def test_many_rows_without_labels_stay_as_they_are() -> None:
    assert row_order([Labels()] * 3000) == list(range(3000))
