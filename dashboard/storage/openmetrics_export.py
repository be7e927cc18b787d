"""The way out: samples as OpenMetrics with timestamps, metric by metric, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.model.samples import FloatArray, IntArray, SampleLimitError, SeriesBatch, is_stale
from dashboard.storage.storage import Storage

END = "# EOF\n"

_AT_ONCE = 2 << 20
_PLAIN_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_PLAIN_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
_NUMBERS = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}


def export_openmetrics(
    storage: Storage,
    matcher_sets: Sequence[Sequence[Matcher]],
    start: int,
    end: int,
    progress: Callable[[int, int], object] = lambda _, __: None,
) -> Iterator[str]:
    """Yield the text of the samples between two timestamps, both included, of series that one of the sets selects.

    Without sets all series are meant. A metric's lines stand together, and a series' in order of time. Where the
    samples of a metric do not fit into memory, its series stand one after the other in each stretch of time. Staleness
    markers have no form in OpenMetrics and are left out, as are series without a name. ``progress`` is told how many
    metrics are done, and of how many.
    """
    sets = [tuple(matchers) for matchers in matcher_sets] or [()]
    names = storage.label_values(METRIC_NAME, sets, start, end)
    for done, name in enumerate(names, 1):
        named = Matcher(MatchKind.EQUAL, METRIC_NAME, name)
        yield from _stretch(storage, [(*matchers, named) for matchers in sets], start, end)
        progress(done, len(names))
    yield END


def _stretch(storage: Storage, sets: Sequence[tuple[Matcher, ...]], start: int, end: int) -> Iterator[str]:
    """Yield the lines of one metric: all at once, or one half of the time after the other."""
    try:
        found = list(_once(storage.select(matchers, start, end, most=_AT_ONCE) for matchers in sets))
    except SampleLimitError:
        if start == end:
            raise
        middle = (start + end) // 2
        yield from _stretch(storage, sets, start, middle)
        yield from _stretch(storage, sets, middle + 1, end)
        return
    for batch, rows in found:
        yield from _lines(batch, rows)


def _once(results: Iterable[list[SeriesBatch]]) -> Iterator[tuple[SeriesBatch, list[int]]]:
    """Yield batches with the rows whose series did not come before."""
    seen: set[Labels] = set()
    for batches in results:
        for batch in batches:
            rows = [row for row, labels in enumerate(batch.labels) if labels not in seen]
            seen.update(batch.labels)
            yield batch, rows


def _lines(batch: SeriesBatch, rows: Iterable[int]) -> Iterator[str]:
    stamps = np.array(list(map(repr, _seconds(batch.timestamps))), dtype=object)
    for row in rows:
        prefix = series_text(batch.labels[row])
        values, stale = batch.values[row], is_stale(batch.values[row])
        fresh = zip(_texts(values[~stale]), stamps[~stale].tolist(), strict=True)
        yield "".join([f"{prefix} {value} {stamp}\n" for value, stamp in fresh])


def series_text(labels: Labels) -> str:
    """Name a series as OpenMetrics does; what is not a plain name stands in quotes, as Prometheus 3 reads it."""
    pairs = [f'{_label_name(name)}="{value.translate(_ESCAPED)}"' for name, value in labels.without_name()]
    metric = labels.metric_name
    if not _PLAIN_NAME.fullmatch(metric):
        return f"{{{','.join([_quoted(metric), *pairs])}}}"
    return f"{metric}{{{','.join(pairs)}}}" if pairs else metric


def _label_name(name: str) -> str:
    return name if _PLAIN_LABEL.fullmatch(name) else _quoted(name)


def _quoted(name: str) -> str:
    return f'"{name.translate(_ESCAPED)}"'


def _texts(values: FloatArray) -> Iterator[str]:
    """Write values in their shortest digits."""
    for text in map(repr, values.tolist()):
        yield _NUMBERS.get(text, text.removesuffix(".0"))


def _seconds(timestamps: IntArray) -> list[float | int]:
    """Return milliseconds as numbers of seconds that come back as the same milliseconds.

    Readers multiply by 1000 and cut off what is behind the point, Prometheus's and ours: where the nearest float64 lies
    a little too low, it is the next one.
    """
    seconds = timestamps / 1000
    low = (seconds * 1000).astype(np.int64) != timestamps
    seconds[low] = np.nextafter(seconds[low], np.copysign(np.inf, seconds[low]))
    return [int(each) if each.is_integer() else each for each in seconds.tolist()]
