"""The value that every operator maps to another one: series over steps."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.model.samples import BoolArray, FloatArray, IntArray
from dashboard.promql.errors import ExecutionError

IndexArray = npt.NDArray[np.intp]

_SAME_LABELSET = "vector cannot contain metrics with the same labelset"

_FEW = 2_000
"""More rows are not sorted by Python, which would keep all other threads waiting until it is done."""

_REMEMBERED = 4096
"""So many series, which pages and rules ask for again and again, are not stripped of their names each time."""

_METADATA = frozenset({METRIC_NAME, "__type__", "__unit__"})
"""The labels that say what a number is; what is calculated from it is something else."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Series at the steps of a query.

    ``labels`` has S entries, ``steps`` is int64[T] (milliseconds), ``values`` float64[S, T], ``present`` bool[S, T].
    Where nothing is present, ``values`` holds anything.
    """

    labels: Sequence[Labels]
    steps: IntArray
    values: FloatArray
    present: BoolArray

    @classmethod
    def empty(cls, steps: IntArray) -> Matrix:
        """Return a matrix without series."""
        return cls((), steps, np.empty((0, len(steps))), np.empty((0, len(steps)), dtype=np.bool_))

    @classmethod
    def of_scalar(cls, steps: IntArray, values: FloatArray) -> Matrix:
        """Return one series without labels that is there at every step."""
        return cls([Labels()], steps, values[None, :], np.ones((1, len(steps)), dtype=np.bool_))

    def take(self, rows: Sequence[int] | IndexArray) -> Matrix:
        """Return some of the series, in the given order."""
        index = np.asarray(rows, dtype=np.intp)
        return Matrix([self.labels[row] for row in index.tolist()], self.steps, self.values[index], self.present[index])

    def with_values(self, values: FloatArray) -> Matrix:
        """Return the same series with other values."""
        return Matrix(self.labels, self.steps, values, self.present)

    def relabelled(self, labels: Sequence[Labels]) -> Matrix:
        """Return the same rows with other labels."""
        return Matrix(labels, self.steps, self.values, self.present)

    def compact(self) -> Matrix:
        """Leave out the series that are present at no step."""
        alive = self.present.any(axis=1)
        return self if alive.all() else self.take(np.flatnonzero(alive))


Operand: TypeAlias = Matrix | FloatArray
"""The value of an expression: series, or the numbers that a scalar is at each step (float64[T])."""


def stack(steps: IntArray, parts: Sequence[Matrix]) -> Matrix:
    """Put the series of several matrices with the same steps below each other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Matrix.empty(steps)
    labels = [labels for part in parts for labels in part.labels]
    values = np.concatenate([part.values for part in parts])
    return Matrix(labels, steps, values, np.concatenate([part.present for part in parts]))


@functools.lru_cache(_REMEMBERED)
def nameless(labels: Labels) -> Labels:
    """Return the labels without the name, and without ``__type__`` and ``__unit__``, as calculated series have them."""
    return labels.drop(_METADATA)


def without_names(matrix: Matrix) -> Matrix:
    """Drop the name of every series; those that are one series then become one row.

    Raises:
        ExecutionError: two of them are present at the same step.
    """
    return joined(matrix.relabelled([nameless(labels) for labels in matrix.labels]))


def joined(matrix: Matrix) -> Matrix:
    """Make one row of the rows that have the same labels, as Prometheus does step by step.

    Raises:
        ExecutionError: two of them are present at the same step.
    """
    rows: dict[Labels, int] = {}
    targets = np.array([rows.setdefault(labels, len(rows)) for labels in matrix.labels], dtype=np.intp)
    if len(rows) == len(targets):
        return matrix
    values = np.zeros((len(rows), len(matrix.steps)))
    counts = np.zeros(values.shape, dtype=np.intp)
    np.add.at(counts, targets, matrix.present)
    if (counts > 1).any():
        raise ExecutionError(_SAME_LABELSET)
    for row, target in enumerate(targets):
        np.copyto(values[target], matrix.values[row], where=matrix.present[row])
    return Matrix(list(rows), matrix.steps, values, counts == 1)


def refuse_twins(labels: Sequence[Labels]) -> None:
    """Refuse series with the same labels, whenever they are present, as Prometheus does for range functions.

    Raises:
        ExecutionError: there are such series.
    """
    if len(set(labels)) != len(labels):
        raise ExecutionError(_SAME_LABELSET)


def row_order(labels: Sequence[Labels]) -> list[int]:
    """Return the rows in the order of their labels."""
    if len(labels) <= _FEW or not any(labels):
        return sorted(range(len(labels)), key=labels.__getitem__)
    columns = [_numbered(column) for column in itertools.zip_longest(*labels, fillvalue=())]
    order: list[int] = np.lexsort(columns[::-1]).tolist()
    return order


def _numbered(column: Sequence[tuple[str, ...]]) -> npt.NDArray[np.int32]:
    """Give the first label of each series, or the second and so on, numbers that sort as they do."""
    numbers = {label: number for number, label in enumerate(sorted(set(column)))}
    return np.fromiter(map(numbers.__getitem__, column), np.int32, len(column))


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows, numbered by the group they are in, and sorted so that a group's rows stand together."""

    keys: list[Labels]
    of_row: IndexArray
    order: IndexArray
    starts: IndexArray

    def members(self) -> list[IndexArray]:
        """Return the rows of each group, in their own order."""
        bounds = [*self.starts.tolist(), len(self.order)]
        return [self.order[start:stop] for start, stop in itertools.pairwise(bounds)]

    def rows(self, group: int) -> IndexArray:
        """Return the rows of one group, in their own order."""
        end = self.starts[group + 1] if group + 1 < len(self.starts) else len(self.order)
        return self.order[self.starts[group] : end]


def group_rows(keys: Sequence[Labels]) -> Groups:
    """Group rows (one at least) by key; the groups come in the order of their first row."""
    numbers: dict[Labels, int] = {}
    of_row = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.intp)
    order = np.argsort(of_row, kind="stable")
    starts = np.searchsorted(of_row[order], np.arange(len(numbers)))
    return Groups(list(numbers), of_row, order, starts)
