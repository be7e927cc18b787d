"""Functions that change labels; the values stay."""

from __future__ import annotations

import functools
import re

from dashboard.model.expansion import expansion
from dashboard.model.labels import Labels
from dashboard.model.matcher import InvalidRegexError, compiled
from dashboard.promql.errors import ExecutionError
from dashboard.promql.functions.call import Function, Invocation
from dashboard.promql.matrix import Matrix, refuse_twins

# Numbers beyond what Go's integers hold are compared as texts are.
_CHUNK = re.compile(r"[0-9]{1,18}|[^0-9]+")


def _label_replace(invocation: Invocation) -> Matrix:
    found = invocation.vector(0)
    target, template, source, pattern = (invocation.string(number) for number in range(1, 5))
    try:
        regex = compiled(pattern)
    except InvalidRegexError as error:
        raise ExecutionError(f"invalid regular expression in label_replace(): {pattern}") from error
    _check_name(target, "destination label name in label_replace()")
    text_of = expansion(template, regex)

    def changed(labels: Labels) -> Labels:
        match = regex.fullmatch(labels.get(source))
        return labels if match is None else _with_text(invocation, labels, target, text_of(match))

    return _relabelled(found, [changed(labels) for labels in found.labels])


def _with_text(invocation: Invocation, labels: Labels, name: str, text: str) -> Labels:
    """Set a label; its text may be long, and takes memory as samples do."""
    invocation.context.limits.check_time()
    invocation.context.limits.hold(len(text) // 8)
    return labels.merged({name: text})


def _check_name(name: str, what: str) -> None:
    # What is no UTF-8 was replaced when the literal was read.
    if not name or "\ufffd" in name:
        raise ExecutionError(f"invalid {what}: {name}")


def _label_join(invocation: Invocation) -> Matrix:
    found = invocation.vector(0)
    target, separator, *sources = (invocation.string(number) for number in range(1, invocation.count))
    for source in sources:
        _check_name(source, "source label name in label_join()")
    _check_name(target, "destination label name in label_join()")

    def changed(labels: Labels) -> Labels:
        values = dict(labels)
        return _with_text(invocation, labels, target, separator.join(values.get(source, "") for source in sources))

    return _relabelled(found, [changed(labels) for labels in found.labels])


def _relabelled(found: Matrix, labels: list[Labels]) -> Matrix:
    refuse_twins(labels)
    return found.relabelled(labels)


def _sorting(*, descending: bool) -> Function:
    def call(invocation: Invocation) -> Matrix:
        found = invocation.vector(0)
        there = {name for labels in found.labels for name, _ in labels}
        # What no series has makes no difference, nor does what was named before.
        asked = dict.fromkeys(invocation.string(number) for number in range(1, invocation.count))
        names = [name for name in asked if name in there]
        # Over several steps there is no order to speak of.
        if len(found.steps) != 1:
            return found
        keys = [([_Natural(labels.get(name)) for name in names], labels) for labels in found.labels]
        return found.take(sorted(range(len(keys)), key=keys.__getitem__, reverse=descending))

    return call


@functools.total_ordering
class _Natural:
    """A text in an order in which ``cpu10`` comes after ``cpu9`` (``natsort`` in Prometheus's sort_by_label)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._chunks = _CHUNK.findall(text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Natural) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __lt__(self, other: _Natural) -> bool:
        for mine, theirs in zip(self._chunks, other._chunks, strict=False):
            if mine.isdigit() and theirs.isdigit():
                if int(mine) != int(theirs):
                    return int(mine) < int(theirs)
            elif mine != theirs:
                return bool(mine < theirs)
        return len(self._chunks) <= len(other._chunks) and self._text != other._text


LABELS: dict[str, Function] = {
    "label_replace": _label_replace,
    "label_join": _label_join,
    "sort_by_label": _sorting(descending=False),
    "sort_by_label_desc": _sorting(descending=True),
}
