"""Functions of single numbers: each sample on its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dashboard.model.samples import FloatArray
from dashboard.promql.functions.call import Function, Invocation
from dashboard.promql.matrix import Matrix, without_names


def _each(function: Callable[[FloatArray], FloatArray]) -> Function:
    def call(invocation: Invocation) -> Matrix:
        found = invocation.vector(0)
        with np.errstate(all="ignore"):
            return without_names(found.with_values(function(found.values)))

    return call


def _sign(values: FloatArray) -> FloatArray:
    # Zero and NaN stay what they are.
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


def _round(invocation: Invocation) -> Matrix:
    found = invocation.vector(0)
    nearest = invocation.scalar(1) if invocation.count > 1 else np.ones(invocation.context.count)
    with np.errstate(all="ignore"):
        # Dividing by the inverse is more exact than multiplying by what is asked for, such as 0.1.
        inverse = 1.0 / nearest
        return without_names(found.with_values(np.floor(found.values * inverse + 0.5) / inverse))


def _largest(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the larger one as Go's ``math.Max`` does: +Inf also beside NaN."""
    return np.where((left == np.inf) | (right == np.inf), np.inf, np.maximum(left, right))


def _smallest(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the smaller one as Go's ``math.Min`` does: -Inf also beside NaN."""
    return np.where((left == -np.inf) | (right == -np.inf), -np.inf, np.minimum(left, right))


def _clamp(invocation: Invocation) -> Matrix:
    found, low, high = invocation.vector(0), invocation.scalar(1), invocation.scalar(2)
    values = _largest(low, _smallest(high, found.values))
    clamped = Matrix(found.labels, found.steps, values, found.present & ~(high < low))
    return without_names(clamped.compact())


def _clamp_min(invocation: Invocation) -> Matrix:
    found = invocation.vector(0)
    return without_names(found.with_values(_largest(invocation.scalar(1), found.values)))


def _clamp_max(invocation: Invocation) -> Matrix:
    found = invocation.vector(0)
    return without_names(found.with_values(_smallest(invocation.scalar(1), found.values)))


def _of_two(function: Callable[[FloatArray, FloatArray], FloatArray]) -> Function:
    return lambda invocation: function(invocation.scalar(0), invocation.scalar(1))


def _pi(invocation: Invocation) -> FloatArray:
    return np.full(invocation.context.count, np.pi)


MATHS: dict[str, Function] = {
    "abs": _each(np.abs),
    "ceil": _each(np.ceil),
    "floor": _each(np.floor),
    "exp": _each(np.exp),
    "ln": _each(np.log),
    "log2": _each(np.log2),
    "log10": _each(np.log10),
    "sqrt": _each(np.sqrt),
    "sgn": _each(_sign),
    "sin": _each(np.sin),
    "cos": _each(np.cos),
    "tan": _each(np.tan),
    "asin": _each(np.arcsin),
    "acos": _each(np.arccos),
    "atan": _each(np.arctan),
    "sinh": _each(np.sinh),
    "cosh": _each(np.cosh),
    "tanh": _each(np.tanh),
    "asinh": _each(np.arcsinh),
    "acosh": _each(np.arccosh),
    "atanh": _each(np.arctanh),
    "deg": _each(lambda values: values * 180 / np.pi),
    "rad": _each(lambda values: values * np.pi / 180),
    "pi": _pi,
    "min_of": _of_two(_smallest),
    "max_of": _of_two(_largest),
    "round": _round,
    "clamp": _clamp,
    "clamp_min": _clamp_min,
    "clamp_max": _clamp_max,
}
