"""How a function of a range vector becomes a matrix: one call for all series that share their timestamps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from dashboard.model.samples import FloatArray, IntArray
from dashboard.promql.ast import Extension
from dashboard.promql.errors import ExecutionError
from dashboard.promql.functions.call import Function, Invocation
from dashboard.promql.matrix import Matrix, nameless, refuse_twins
from dashboard.promql.ranges import extension_of
from dashboard.promql.selector import sort_rows
from dashboard.promql.slices import put_together, stacked
from dashboard.promql.windows import Windows

_EXTENDABLE = {
    Extension.ANCHORED: ("changes", "delta", "increase", "rate", "resets"),
    Extension.SMOOTHED: ("delta", "increase", "rate"),
}

Ranged: TypeAlias = Callable[[Windows], FloatArray]
"""A function of windows: float64[S, T], anything where a window has too few samples."""


@dataclass(frozen=True, slots=True)
class RangeFunction:
    """A function of a range vector, and how many samples it needs to say anything."""

    of: Ranged
    fewest: int = 1
    keeps_name: bool = False
    extended: Mapping[Extension, Ranged] = field(default_factory=dict)
    """What it is of the ranges with ``anchored`` or ``smoothed`` that it understands; a sample is enough there."""


def ranged(function: RangeFunction) -> Function:
    """Make a function of calls whose only argument is a range vector."""
    return lambda invocation: apply(invocation, function)


def apply(invocation: Invocation, function: RangeFunction, argument: int = 0) -> Matrix:
    """Apply a function to the range vector that is the given argument.

    Raises:
        ExecutionError: without their names, two series would be the same.
    """
    context = invocation.context
    function = _extended(function, invocation, argument)
    parts = [
        stacked(context, steps, [_applied(context.steps[steps], windows, function) for windows in found])
        for steps, found in invocation.windows(argument)
    ]
    found = sort_rows(put_together(context, parts))
    if not function.keeps_name:
        found = found.relabelled([nameless(labels) for labels in found.labels])
        refuse_twins(found.labels)
    return found


def _extended(function: RangeFunction, invocation: Invocation, argument: int) -> RangeFunction:
    extension = extension_of(invocation.call.arguments[argument])
    if extension is Extension.NONE:
        return function
    if extension not in function.extended:
        word = extension.value.strip()
        allowed = ", ".join(_EXTENDABLE[extension])
        name = invocation.call.function.name
        raise ExecutionError(f"{word} modifier can only be used with: {allowed} - not with {name}")
    return replace(function, of=function.extended[extension], fewest=1)


def _applied(steps: IntArray, windows: Windows, function: RangeFunction) -> Matrix:
    covered = windows.counts >= function.fewest
    if not covered.any():
        return Matrix.empty(steps)
    present = np.broadcast_to(covered, (len(windows.labels), len(steps)))
    return Matrix(windows.labels, steps, function.of(windows), present)
