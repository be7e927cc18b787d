"""The labels of a target's series: its own labels and those that the page gives, relabelled and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dashboard.config.scrape import NameValidation, ScrapeConfig
from dashboard.model.labels import METRIC_NAME, Labels, quote
from dashboard.model.relabel import relabel
from dashboard.scrape.errors import InvalidSeriesError, LabelLimitError
from dashboard.scrape.target import Target

_EXPORTED = "exported_"
_SHOWN = 50
_LEGACY_METRIC = re.compile("[a-zA-Z_:][a-zA-Z0-9_:]*")
_LEGACY_LABEL = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")


class SeriesNamer:
    """Names the series of one target (``mutateSampleLabels``, ``verifyLabelLimits`` in ``scrape.go`` of Prometheus)."""

    def __init__(self, target: Target) -> None:
        self._own = dict(target.labels)
        self._config = config = target.config
        self._limited = config.label_limit or config.label_name_length_limit or config.label_value_length_limit

    def name(self, exposed: Mapping[str, str]) -> Labels | None:
        """Return the labels of the series of a line, or ``None`` where metric relabelling drops it.

        Raises:
            InvalidSeriesError: relabelling took the name away, or made one that no series may have.
            LabelLimitError: there are more or longer labels than the job allows.
        """
        labels: dict[str, str] | None = joined(exposed, self._own, honor_labels=self._config.honor_labels)
        if labels and self._config.metric_relabel_configs:
            labels = relabel(dict(sorted(labels.items())), self._config.metric_relabel_configs)
        named = Labels.of(labels or {})
        if not named:
            return None
        _check_names(named, self._config.metric_name_validation_scheme)
        if self._limited:
            _check_limits(named, self._config)
        return named

    def keeps(self, exposed: Mapping[str, str]) -> bool:
        """Say whether the series of a line would be stored, or refused; whether relabelling does not drop it."""
        labels = joined(exposed, self._own, honor_labels=self._config.honor_labels)
        return bool(relabel(labels, self._config.metric_relabel_configs))


def joined(exposed: Mapping[str, str], own: Mapping[str, str], *, honor_labels: bool) -> dict[str, str]:
    """Join the labels of a line with the target's own.

    Where both have a label, ``honor_labels`` keeps the line's, even an empty one; otherwise the line's value moves to
    ``exported_<name>``, or to the first such name that is free.
    """
    if honor_labels:
        return {**own, **exposed}
    labels = {**exposed, **own}
    if len(labels) < len(exposed) + len(own):
        for name in sorted(filter(exposed.get, own), key=len):
            moved = _EXPORTED + name
            while labels.get(moved):
                moved = _EXPORTED + moved
            labels[moved] = exposed[name]
    return labels


def report_labels(metric: str, target: Labels) -> Labels:
    """Return the labels of a series that the server itself reports of a target, such as ``up``.

    As in Prometheus, a label takes the place where it would be exported to: beside ``job``, ``exported_job`` is lost.
    """
    labels = {METRIC_NAME: metric}
    for name, value in target:
        labels.pop(_EXPORTED + name, None)
        labels[name] = value
    return Labels.of(labels)


def _check_names(labels: Labels, scheme: NameValidation) -> None:
    name = labels.metric_name
    if not name:
        raise InvalidSeriesError(f"missing metric name ({METRIC_NAME} label)")
    legacy = scheme is NameValidation.LEGACY
    if not labels[0][0] or (legacy and not _is_legacy(labels)):
        raise InvalidSeriesError(f"invalid metric name or label names: {labels}")


def _is_legacy(labels: Labels) -> bool:
    return all(
        _LEGACY_METRIC.fullmatch(value) if name == METRIC_NAME else _LEGACY_LABEL.fullmatch(name)
        for name, value in labels
    )


def _check_limits(labels: Labels, config: ScrapeConfig) -> None:
    metric = labels.metric_name[:_SHOWN]
    if 0 < config.label_limit < len(labels):
        raise LabelLimitError(
            f"label_limit exceeded (metric: {metric}, number of labels: {len(labels)}, limit: {config.label_limit})"
        )
    for name, value in labels:
        length, limit = len(name.encode()), config.label_name_length_limit
        if 0 < limit < length:
            raise LabelLimitError(
                f"label_name_length_limit exceeded (metric: {metric}, label name: {name[:_SHOWN]}, "
                f"length: {length}, limit: {limit})"
            )
        length, limit = len(value.encode()), config.label_value_length_limit
        if 0 < limit < length:
            raise LabelLimitError(
                f"label_value_length_limit exceeded (metric: {metric}, label name: {name[:_SHOWN]}, "
                f"value: {quote(value[:_SHOWN])}, length: {length}, limit: {limit})"
            )
