"""Binary operators (``VectorBinop`` and its sisters in promql/engine.go of Prometheus 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.model.samples import BoolArray, FloatArray
from dashboard.promql.ast import COMPARISONS, BinaryExpr, Cardinality, Matching
from dashboard.promql.context import Context, Limits
from dashboard.promql.errors import ExecutionError
from dashboard.promql.literals import quote
from dashboard.promql.matrix import IndexArray, Matrix, joined, nameless, stack, without_names

_ARITHMETIC: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
_COMPARED: dict[str, Callable[[FloatArray, FloatArray], BoolArray]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def _calculate(operator: str, left: FloatArray, right: FloatArray) -> FloatArray:
    if operator in COMPARISONS:
        return _COMPARED[operator](left, right).astype(np.float64)
    with np.errstate(all="ignore"):
        return _ARITHMETIC[operator](left, right)


def scalars(expr: BinaryExpr, left: FloatArray, right: FloatArray) -> FloatArray:
    """Return what two scalars give at each step; a comparison gives 1 or 0."""
    return _calculate(expr.operator, left, right)


def vector_and_scalar(expr: BinaryExpr, left: Matrix | FloatArray, right: Matrix | FloatArray) -> Matrix:
    """Apply an operator to each series and a scalar; a comparison without ``bool`` leaves out what it finds false."""
    vector = left if isinstance(left, Matrix) else right
    assert isinstance(vector, Matrix)  # noqa: S101 - the caller has one vector and one scalar.
    values = _calculate(expr.operator, _values(left), _values(right))
    if expr.operator in COMPARISONS and not expr.bool_modifier:
        kept = vector.present & (values == 1)
        return Matrix(vector.labels, vector.steps, vector.values, kept).compact()
    return without_names(vector.with_values(values))


def _values(operand: Matrix | FloatArray) -> FloatArray:
    return operand.values if isinstance(operand, Matrix) else operand


def _signature(matching: Matching, labels: Labels) -> Labels:
    return labels.keep(matching.labels) if matching.on else labels.drop((*matching.labels, METRIC_NAME))


# Set operators: which series stay depends only on what is present on the other side.


def set_operator(expr: BinaryExpr, left: Matrix, right: Matrix) -> Matrix:
    """Return the series of ``and``, ``or`` or ``unless``."""
    matching = expr.matching or Matching()
    lefts = [_signature(matching, labels) for labels in left.labels]
    rights = [_signature(matching, labels) for labels in right.labels]
    if expr.operator == "or":
        rest = right.present & ~_presence(lefts, left, rights)
        return joined(stack(left.steps, [left, Matrix(right.labels, right.steps, right.values, rest).compact()]))
    there = _presence(rights, right, lefts)
    kept = left.present & (there if expr.operator == "and" else ~there)
    return Matrix(left.labels, left.steps, left.values, kept).compact()


def _presence(keys: Sequence[Labels], matrix: Matrix, wanted: Sequence[Labels]) -> BoolArray:
    """Return, for each wanted signature, the steps at which a series with it is present."""
    numbers: dict[Labels, int] = {}
    rows = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.intp)
    # The last row stands for the signatures that no series has.
    present = np.zeros((len(numbers) + 1, len(matrix.steps)), dtype=np.bool_)
    np.logical_or.at(present, rows, matrix.present)
    return present[np.array([numbers.get(key, len(numbers)) for key in wanted], dtype=np.intp)]


# Arithmetic and comparison between vectors: pairs of series with the same signature.


@dataclass(frozen=True, slots=True)
class _Sides:
    """The two sides of a match: each series of ``one`` may match many of ``many``, if anything groups."""

    matching: Matching
    many: Matrix
    one: Matrix
    many_keys: list[Labels]
    one_keys: list[Labels]

    @classmethod
    def of(cls, matching: Matching, left: Matrix, right: Matrix) -> _Sides:
        swapped = matching.cardinality is Cardinality.ONE_TO_MANY
        many, one = (right, left) if swapped else (left, right)
        keys = ([_signature(matching, labels) for labels in side.labels] for side in (many, one))
        sides = cls(matching, many, one, *keys)
        return sides.filled() if matching.fills else sides

    @property
    def swapped(self) -> bool:
        return self.matching.cardinality is Cardinality.ONE_TO_MANY

    def filled(self) -> _Sides:
        """Give series that only one side has a match: their signature, with the value to fill in."""
        # Under group_right, too, Prometheus fills the side of many with what fill_left says.
        fills = (self.matching.fill_left, self.matching.fill_right)
        many, many_keys = _with_missing(self.many, self.many_keys, self.one, self.one_keys, fills[0])
        one, one_keys = _with_missing(self.one, self.one_keys, self.many, self.many_keys, fills[1])
        return _Sides(self.matching, many, one, many_keys, one_keys)

    def pairs(self, limits: Limits) -> tuple[IndexArray, IndexArray]:
        """Return the rows of ``many`` and of ``one`` that belong together."""
        ones: dict[Labels, list[int]] = {}
        for row, key in enumerate(self.one_keys):
            ones.setdefault(key, []).append(row)
        limits.check_samples(sum(len(ones.get(key, ())) for key in self.many_keys) * len(self.many.steps))
        found = [(many, one) for many, key in enumerate(self.many_keys) for one in ones.get(key, ())]
        index = np.array(found, dtype=np.intp).reshape(-1, 2)
        return index[:, 0], index[:, 1]

    def refuse_twins(self) -> None:
        """Refuse two series of ``one`` with the same signature, at a step at which there is anything to match."""
        numbers: dict[Labels, int] = {}
        rows = np.array([numbers.setdefault(key, len(numbers)) for key in self.one_keys], dtype=np.intp)
        if len(numbers) == len(rows):
            return
        counts = np.zeros((len(numbers), len(self.one.steps)), dtype=np.intp)
        np.add.at(counts, rows, self.one.present)
        for step in np.flatnonzero((counts > 1).any(axis=0) & self.many.present.any(axis=0))[:1].tolist():
            self._raise_twins(rows, step)

    def _raise_twins(self, rows: IndexArray, step: int) -> NoReturn:
        """Name the first series at a step whose signature another one had before."""
        seen: dict[int, int] = {}
        for row in np.flatnonzero(self.one.present[:, step]).tolist():
            earlier = seen.setdefault(int(rows[row]), row)
            if earlier != row:
                raise ExecutionError(self._twins(row, earlier))
        raise ValueError(step)

    def _twins(self, row: int, other: int) -> str:
        side = "left" if self.swapped else "right"
        key = self.one_keys[row]
        return (
            f"found duplicate series for the match group {_braced(key)} on the {side} hand-side of the operation: "
            f"[{_braced(self.one.labels[row])}, {_braced(self.one.labels[other])}];"
            "many-to-many matching not allowed: matching labels must be unique on one side"
        )


def _with_missing(
    side: Matrix, keys: list[Labels], other: Matrix, other_keys: list[Labels], fill: float | None
) -> tuple[Matrix, list[Labels]]:
    """Add a series for each signature that only the other side has, present where it is missing."""
    wanted = list(dict.fromkeys(other_keys))
    if fill is None or not wanted:
        return side, keys
    missing = _presence(other_keys, other, wanted) & ~_presence(keys, side, wanted)
    filled = Matrix(wanted, side.steps, np.full(missing.shape, fill), missing)
    return stack(side.steps, [side, filled]), [*keys, *wanted]


def _braced(labels: Labels) -> str:
    """Write labels as Go's ``labels.Labels.String`` does: the name is a label like any other."""
    shown = str(labels.without_name())
    name = labels.metric_name
    if not name:
        return shown
    return f"{{__name__={quote(name)}{', ' if shown != '{}' else ''}{shown[1:]}"


def vectors(context: Context, expr: BinaryExpr, left: Matrix, right: Matrix) -> Matrix:
    """Apply an operator to the pairs of series that match.

    Raises:
        ExecutionError: the match is not one-to-one, nor what ``group_left`` or ``group_right`` allows.
    """
    matching = expr.matching or Matching()
    sides = _Sides.of(matching, left, right)
    sides.refuse_twins()
    many, one = sides.pairs(context.limits)
    values, present = _pair_values(expr, sides, many, one)
    alive = np.flatnonzero(present.any(axis=1))
    labels = [_pair_labels(expr, sides.many.labels[many[row]], sides.one.labels[one[row]]) for row in alive]
    keys = [sides.many_keys[many[row]] for row in alive]
    _refuse_ambiguous(matching, keys, labels, present[alive])
    return joined(Matrix(labels, context.steps, values[alive], present[alive]))


def _pair_values(expr: BinaryExpr, sides: _Sides, many: IndexArray, one: IndexArray) -> tuple[FloatArray, BoolArray]:
    lefts, rights = sides.many.values[many], sides.one.values[one]
    if sides.swapped:
        lefts, rights = rights, lefts
    values = _calculate(expr.operator, lefts, rights)
    present = sides.many.present[many] & sides.one.present[one]
    if expr.operator in COMPARISONS and not expr.bool_modifier:
        return lefts, present & (values == 1)
    return values, present


def _pair_labels(expr: BinaryExpr, many: Labels, one: Labels) -> Labels:
    matching = expr.matching or Matching()
    labels = many
    if expr.operator not in COMPARISONS or expr.bool_modifier:
        labels = nameless(labels)
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        labels = labels.keep(matching.labels) if matching.on else labels.drop(matching.labels)
    if matching.include:
        labels = labels.merged({name: one.get(name) for name in matching.include})
    return labels


def _refuse_ambiguous(matching: Matching, keys: list[Labels], labels: list[Labels], present: BoolArray) -> None:
    grouped = matching.is_grouped
    identities = list(zip(keys, labels, strict=True)) if grouped else [(key, Labels()) for key in keys]
    seen: dict[tuple[Labels, Labels], BoolArray] = {}
    for row, identity in enumerate(identities):
        earlier = seen.get(identity)
        if earlier is None:
            seen[identity] = present[row].copy()
        elif (earlier & present[row]).any():
            reason = "grouping labels must ensure unique matches"
            if not grouped:
                reason = "many-to-one matching must be explicit (group_left/group_right)"
            raise ExecutionError(f"multiple matches for labels: {reason}")
        else:
            earlier |= present[row]
