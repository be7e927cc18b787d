"""Functions that change labels; the values stay."""

from __future__ import annotations

from dashboard.model.expansion import expansion
from dashboard.model.labels import Labels
from dashboard.model.matcher import InvalidRegexError, compiled
from dashboard.promql.errors import ExecutionError
from dashboard.promql.functions.call import Function, Invocation
from dashboard.promql.matrix import Matrix, refuse_twins


def _label_replace(invocation: Invocation) -> Matrix:
    found = invocation.vector(0)
    target, template, source, pattern = (invocation.string(number) for number in range(1, 5))
    try:
        regex = compiled(pattern)
    except InvalidRegexError as error:
        raise ExecutionError(f"invalid regular expression in label_replace(): {pattern}") from error
    if not target:
        raise ExecutionError(f"invalid destination label name in label_replace(): {target}")

    text_of = expansion(template, regex)

    def changed(labels: Labels) -> Labels:
        match = regex.fullmatch(labels.get(source))
        return labels if match is None else labels.merged({target: text_of(match)})

    return _relabelled(found, [changed(labels) for labels in found.labels])


def _label_join(invocation: Invocation) -> Matrix:
    found = invocation.vector(0)
    target, separator, *sources = (invocation.string(number) for number in range(1, invocation.count))
    if not target:
        raise ExecutionError(f"invalid destination label name in label_join(): {target}")
    joined = (separator.join(labels.get(source) for source in sources) for labels in found.labels)
    return _relabelled(
        found, [labels.merged({target: value}) for labels, value in zip(found.labels, joined, strict=True)]
    )


def _relabelled(found: Matrix, labels: list[Labels]) -> Matrix:
    refuse_twins(labels)
    return found.relabelled(labels)


LABELS: dict[str, Function] = {"label_replace": _label_replace, "label_join": _label_join}
