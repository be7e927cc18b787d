"""How a function of a range vector becomes a matrix: one call for all series that share their timestamps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from dashboard.model.samples import FloatArray, IntArray
from dashboard.promql.functions.call import Function, Invocation
from dashboard.promql.matrix import Matrix, refuse_twins, stack
from dashboard.promql.selector import sort_rows
from dashboard.promql.windows import Windows

Ranged: TypeAlias = Callable[[Windows], FloatArray]
"""A function of windows: float64[S, T], anything where a window has too few samples."""


@dataclass(frozen=True, slots=True)
class RangeFunction:
    """A function of a range vector, and how many samples it needs to say anything."""

    of: Ranged
    fewest: int = 1
    keeps_name: bool = False


def ranged(function: RangeFunction) -> Function:
    """Make a function of calls whose only argument is a range vector."""
    return lambda invocation: apply(invocation, function)


def apply(invocation: Invocation, function: RangeFunction, argument: int = 0) -> Matrix:
    """Apply a function to the range vector that is the given argument.

    Raises:
        ExecutionError: without their names, two series would be the same.
    """
    context = invocation.context
    parts = [_applied(context.steps, windows, function).compact() for windows in invocation.windows(argument)]
    found = sort_rows(stack(context.steps, parts))
    if not function.keeps_name:
        found = found.relabelled([labels.without_name() for labels in found.labels])
        refuse_twins(found.labels)
    return found


def _applied(steps: IntArray, windows: Windows, function: RangeFunction) -> Matrix:
    covered = windows.counts >= function.fewest
    if not covered.any():
        return Matrix.empty(steps)
    present = np.broadcast_to(covered, (len(windows.labels), len(steps)))
    return Matrix(windows.labels, steps, function.of(windows), present)
