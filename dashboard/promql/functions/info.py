"""``info``: labels of info metrics, such as ``target_info``, added to the series of their target (promql/info.go).

Series and info series belong together where ``instance`` and ``job`` are the same. Of several info series of one name,
the one that was sampled last counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.model.matcher import Matcher, MatchKind, matches_all
from dashboard.model.samples import BoolArray
from dashboard.promql.ast import Expr, Shift, VectorSelector, unparenthesise, walk
from dashboard.promql.errors import ExecutionError
from dashboard.promql.functions.call import Function, Invocation
from dashboard.promql.matrix import IndexArray, Matrix, joined
from dashboard.promql.selector import select_timestamps

_IDENTIFYING = ("instance", "job")
_TARGETS = Matcher(MatchKind.EQUAL, METRIC_NAME, "target_info")
_ANY_INFO = Matcher(MatchKind.REGEX, METRIC_NAME, ".+_info")


def _info(invocation: Invocation) -> Matrix:
    base, wanted = invocation.vector(0), _Wanted.of(invocation)
    # Info series are not told about themselves.
    own = [matches_all(wanted.names, Labels.of({METRIC_NAME: labels.metric_name})) for labels in base.labels]
    asking = [labels for labels, ignored in zip(base.labels, own, strict=True) if not ignored]
    found = _Found(wanted.select(invocation, asking) if any(map(_identity, asking)) else Matrix.empty(base.steps))
    rows = [
        (row, labels, steps)
        for row, ignored in enumerate(own)
        for labels, steps in ([(base.labels[row], None)] if ignored else found.enrich(base.labels[row], wanted))
    ]
    return joined(_rebuilt(base, rows).compact())


def _rebuilt(base: Matrix, rows: Sequence[tuple[int, Labels, BoolArray | None]]) -> Matrix:
    """Return rows of ``base`` under other labels, each at some of its steps, or at all."""
    places = np.array([row for row, _, _ in rows], dtype=np.intp)
    present = base.present[places]
    for place, (_, _, steps) in enumerate(rows):
        if steps is not None:
            present[place] &= steps
    return Matrix([labels for _, labels, _ in rows], base.steps, base.values[places], present)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which info series are wanted, and which of their labels."""

    names: tuple[Matcher, ...]
    """The conditions on the name of an info metric."""
    others: tuple[Matcher, ...]

    @classmethod
    def of(cls, invocation: Invocation) -> _Wanted:
        if invocation.count < 2:
            return cls((_TARGETS,), ())
        selector = invocation.argument(1)
        assert isinstance(selector, VectorSelector)  # noqa: S101 - checked with the text.
        names = tuple(matcher for matcher in selector.matchers if matcher.name == METRIC_NAME)
        others = tuple(matcher for matcher in selector.matchers if matcher.name != METRIC_NAME)
        if not names:
            return cls((_TARGETS,), others)
        # Conditions that only exclude leave the info metrics that are called so.
        excludes = all(matcher.kind.is_negative for matcher in names)
        return cls((_ANY_INFO, *names) if excludes else names, others)

    def select(self, invocation: Invocation, asking: Sequence[Labels]) -> Matrix:
        """Return when each info series that may belong to one that asks was sampled last, in seconds, for each step."""
        context, shift = invocation.context, _first_shift(invocation.call.arguments[0])
        found = select_timestamps(context.apart(), VectorSelector("", (*self.names, *self.others), shift))
        values = {name: {labels.get(name) for labels in asking} - {""} for name in _IDENTIFYING}
        found = found.take([row for row, labels in enumerate(found.labels) if _is_among(values, labels)])
        if context.samples is not None:
            context.samples.add(found.present.sum(axis=0))
        return found

    def takes(self, name: str) -> bool:
        """Say whether a label of an info series is to be added."""
        if name == METRIC_NAME or name in _IDENTIFYING:
            return False
        return not self.others or any(matcher.name == name for matcher in self.others)

    @property
    def is_optional(self) -> bool:
        """Whether a series stays that has no info series."""
        return all(matcher.matches("") for matcher in self.others)


def _first_shift(expr: Expr) -> Shift:
    """Return at what time the first selector of an expression looks: there the info series are looked for, too."""
    return next((node.shift for node in walk(unparenthesise(expr)) if isinstance(node, VectorSelector)), Shift())


def _is_among(values: Mapping[str, Collection[str]], labels: Labels) -> bool:
    """Say whether each label has one of its values; one for which none are given may be anything."""
    return all(labels.get(name) in known for name, known in values.items() if known)


def _identity(labels: Labels) -> Labels:
    return labels.keep(_IDENTIFYING)


class _Found:
    """The info series that there are, by what they belong to."""

    def __init__(self, times: Matrix) -> None:
        self._times = times
        self._rows: dict[Labels, dict[str, list[int]]] = {}
        for row, labels in enumerate(times.labels):
            of_target = self._rows.setdefault(_identity(labels), {})
            of_target.setdefault(labels.metric_name, []).append(row)

    def enrich(self, labels: Labels, wanted: _Wanted) -> Iterator[tuple[Labels, BoolArray]]:
        """Yield the labels that a series has with those of its info series, and at which steps."""
        steps = len(self._times.steps)
        metrics = self._rows.get(_identity(labels), {})
        chosen = np.array([self._latest(name, np.array(rows)) for name, rows in metrics.items()], dtype=np.intp)
        if not metrics:
            chosen = np.full((1, steps), -1, dtype=np.intp)
        patterns, kinds = np.unique(chosen, axis=1, return_inverse=True)
        for kind, pattern in enumerate(patterns.T.tolist()):
            found = [self._times.labels[row] for row in pattern if row >= 0]
            if found or wanted.is_optional:
                yield _added(labels, found, wanted), np.asarray(kinds.reshape(-1) == kind)

    def _latest(self, name: str, rows: IndexArray) -> IndexArray:
        """Return, for each step, the row that was sampled last; -1 where none is there."""
        times = np.where(self._times.present[rows], self._times.values[rows], -np.inf)
        latest = times.max(axis=0)
        there = latest > -np.inf
        if ((times == latest).sum(axis=0)[there] > 1).any():
            raise ExecutionError(f"found duplicate series for info metric {name}")
        return np.where(there, rows[times.argmax(axis=0)], -1)


def _added(labels: Labels, found: Sequence[Labels], wanted: _Wanted) -> Labels:
    added: dict[str, str] = {}
    for info in found:
        for name, value in info:
            if not wanted.takes(name):
                continue
            if added.get(name, value) != value:
                raise ExecutionError(f"conflicting label: {name}")
            if not labels.get(name):
                added[name] = value
    return labels.merged(added)


INFO: dict[str, Function] = {"info": _info}
