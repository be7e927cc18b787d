"""The graphics cards: how each is now, and the panels of the page ``/gpu``, from what dcgm-exporter or we tell."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from dashboard.model.labels import METRIC_NAME, Labels, quote
from dashboard.promql import Engine, Vector
from dashboard.web import urls
from dashboard.web.views import text
from dashboard.web.views.panels import Line, Panel, PanelSpec

_PREFIX = "DCGM_FI_DEV_"
_FIGURES = (
    "GPU_UTIL",
    "FB_USED",
    "FB_FREE",
    "FB_TOTAL",
    "GPU_TEMP",
    "POWER_USAGE",
    "ENFORCED_POWER_LIMIT",
    "SM_CLOCK",
    "CLOCK_THROTTLE_REASONS",
    "XID_ERRORS",
)
_QUERY = f'{{{{__name__=~"{_PREFIX}({"|".join(_FIGURES)})"{{own}}}}}}'
_PROCESSES = "namedprocess_namegroup_gpu_memory_bytes{own}"
_MEBIBYTE = 1024.0 * 1024
_IN_BYTES = f" * {int(_MEBIBYTE)}"

# The bits of nvmlClocksEventReasons (nvml.h) that say that a card is slower than it could be.
_SLOWED_BY = {
    0x0000000000000004: "power limit",
    0x0000000000000008: "hardware slowdown",
    0x0000000000000020: "heat",
    0x0000000000000040: "heat",
    0x0000000000000080: "power brake",
}


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """The processes of one name on a card."""

    id: Annotated[str, "Their name."]
    memory: Annotated[str, "How much of the card's memory they use."]
    memory_url: Annotated[str, "The page of its query."]


@dataclass(frozen=True, slots=True)
class GpuPart:
    """A part of a divided card."""

    id: Annotated[str, "The part's number."]
    profile: Annotated[str, "The part's size, as NVIDIA names it."]
    memory: Annotated[str, "How much of the part's memory is used."]
    memory_url: Annotated[str, "The page of its query, or nothing beside a dash."]
    memory_fill: Annotated[str, "How full it is, of 100; nothing where that is not known."]


@dataclass(frozen=True, slots=True)
class GpuCard:
    """One card. What a card does not tell is a dash, or nothing where it has a line of its own."""

    id: Annotated[str, "The card's own number, the same in every machine."]
    name: Annotated[str, "The card's number in its machine, with GPU before it."]
    model: Annotated[str, "What the card is."]
    host: Annotated[str, "The machine that the card is in."]
    level: Annotated[str, "bad after an error, else ok."]
    utilization: Annotated[str, "How busy the card is."]
    utilization_url: Annotated[str, "The page of its query, or nothing where there is none."]
    utilization_fill: Annotated[str, "The same of 100; nothing where it is not told."]
    memory: Annotated[str, "How much of the memory is used, and of how much."]
    memory_url: Annotated[str, "The page of its query, or nothing where there is none."]
    memory_fill: Annotated[str, "How full the memory is, of 100; nothing where it is not told."]
    temperature: Annotated[str, "The temperature."]
    temperature_url: Annotated[str, "The page of its query, or nothing where there is none."]
    power: Annotated[str, "The power that the card draws, and how much it may."]
    power_url: Annotated[str, "The page of its query, or nothing where there is none."]
    clock: Annotated[str, "The clock of the processors."]
    clock_url: Annotated[str, "The page of its query, or nothing where there is none."]
    slowed: Annotated[str, "Why the card is slower than it could be, or nothing."]
    slowed_url: Annotated[str, "The page of its query, or nothing where there is none."]
    error: Annotated[str, "The last error that the driver told, or nothing."]
    error_url: Annotated[str, "The page of its query, or nothing where there is none."]
    parts: Annotated[tuple[GpuPart, ...], "The parts of a divided card."]
    processes: Annotated[tuple[GpuProcess, ...], "The processes that use most of its memory."]


@dataclass(frozen=True, slots=True)
class GpuView:
    """What the page of the graphics cards shows and polls."""

    at: Annotated[int, "When this was worked out, in milliseconds since 1970."]
    firing: Annotated[int, "How many alerts fire."]
    amount: Annotated[str, "How many cards there are, in words."]
    notice: Annotated[str, "Why figures are missing, or nothing."]
    cards: Annotated[tuple[GpuCard, ...], "The cards, by machine and number."]
    main: Annotated[tuple[Panel, ...], "The panels, without their figures."]


_Figures = dict[str, float]


def ask_cards(engine: Engine, now: int, own: str = "") -> tuple[GpuCard, ...]:
    """Return the cards that are told of now; ``own`` are matchers of the target that tells, or nothing for all.

    Raises:
        PromqlError: a query could not be answered.
    """
    of_cards: dict[str, list[tuple[Labels, float]]] = defaultdict(list)
    for labels, value in _rows(engine, _QUERY.format(own=f",{own}" if own else ""), now):
        of_cards[_key(labels)].append((labels, value))
    of_processes: dict[str, dict[str, float]] = defaultdict(dict)
    for labels, value in _rows(engine, _PROCESSES.format(own=f"{{{own}}}" if own else ""), now):
        of_processes[_key(labels)][labels.get("groupname")] = value
    cards = (_card(key, rows, of_processes[key], own) for key, rows in of_cards.items())
    return tuple(sorted(cards, key=lambda card: (card.host, len(card.name), card.name, card.id)))


def _rows(engine: Engine, query: str, now: int) -> list[tuple[Labels, float]]:
    vector = engine.instant(query, now).value
    assert isinstance(vector, Vector)  # noqa: S101 - a selector gives nothing else.
    rows = zip(vector.labels, vector.values.tolist(), strict=True)
    # The same card may be told of by several targets: the order settles which of them counts.
    return sorted((labels, value) for labels, value in rows if math.isfinite(value))


def _key(labels: Labels) -> str:
    return labels.get("UUID") or f"{labels.get('Hostname')}/{labels.get('gpu')}"


@dataclass(frozen=True, slots=True)
class _Queries:
    """The pages of the queries of one card, which matchers name; ``part`` is the number of a part, or nothing."""

    matchers: str

    @classmethod
    def of(cls, labels: Labels, own: str) -> _Queries:
        """Name the card that has these labels."""
        names = ("UUID",) if labels.get("UUID") else ("Hostname", "gpu")
        return cls(",".join([*([own] if own else []), *(f"{name}={quote(labels.get(name))}" for name in names)]))

    def url(self, figures: _Figures, name: str, more: str = "", part: str = "") -> str:
        """Return the page of one figure, if the card tells it."""
        return urls.query(self._series(name, f"GPU_I_ID={quote(part)}") + more) if name in figures else ""

    def memory_url(self, whole: _Figures, parts: Iterable[_Figures]) -> str:
        """Return the page of the memory, which is that of all parts together where only they tell."""
        if "FB_USED" in whole or not any("FB_USED" in figures for figures in parts):
            return self.url(whole, "FB_USED", _IN_BYTES)
        return urls.query(f"sum(max by (GPU_I_ID) ({self._series('FB_USED')})){_IN_BYTES}")

    def process_url(self, name: str) -> str:
        """Return the page of the memory that the processes of one name use."""
        return urls.query(_PROCESSES.format(own=f"{{{self.matchers},groupname={quote(name)}}}"))

    def _series(self, name: str, *more: str) -> str:
        return f"{_PREFIX}{name}{{{','.join((self.matchers, *more))}}}"


def _card(key: str, rows: Sequence[tuple[Labels, float]], processes: Mapping[str, float], own: str) -> GpuCard:
    parts: dict[str, tuple[Labels, _Figures]] = {}
    for labels, value in rows:
        _, figures = parts.setdefault(labels.get("GPU_I_ID"), (labels, {}))
        figures[labels.get(METRIC_NAME).removeprefix(_PREFIX)] = value
    labels = rows[0][0]
    whole = parts.pop("", (labels, {}))[1]
    queries, of_parts = _Queries.of(labels, own), [figures for _, figures in parts.values()]
    memory = whole if "FB_USED" in whole else _added_up(of_parts)
    xid = int(whole.get("XID_ERRORS", 0))
    slowed = _slowed(whole)
    return GpuCard(
        id=key,
        name=f"GPU {labels.get('gpu')}",
        model=labels.get("modelName"),
        host=labels.get("Hostname"),
        level="bad" if xid else "ok",
        utilization=text.percent(_ratio(whole.get("GPU_UTIL"), 100.0)),
        utilization_url=queries.url(whole, "GPU_UTIL", " / 100"),
        utilization_fill=_fill(_ratio(whole.get("GPU_UTIL"), 100.0)),
        memory=_memory(memory),
        memory_url=queries.memory_url(whole, of_parts),
        memory_fill=_fill(_ratio(memory.get("FB_USED"), _total(memory))),
        temperature=_with_unit(whole.get("GPU_TEMP"), "°C"),
        temperature_url=queries.url(whole, "GPU_TEMP"),
        power=_power(whole),
        power_url=queries.url(whole, "POWER_USAGE"),
        clock=_with_unit(whole.get("SM_CLOCK"), "MHz"),
        clock_url=queries.url(whole, "SM_CLOCK"),
        slowed=slowed,
        slowed_url=queries.url(whole, "CLOCK_THROTTLE_REASONS") if slowed else "",
        error=f"The driver told of an error (XID {xid})." if xid else "",
        error_url=queries.url(whole, "XID_ERRORS") if xid else "",
        parts=tuple(_part(number, *part, queries) for number, part in sorted(parts.items())),
        processes=_largest(processes, queries),
    )


def _part(number: str, labels: Labels, figures: _Figures, queries: _Queries) -> GpuPart:
    fill = _fill(_ratio(figures.get("FB_USED"), _total(figures)))
    url = queries.url(figures, "FB_USED", _IN_BYTES, number)
    return GpuPart(number, labels.get("GPU_I_PROFILE"), _memory(figures), url, fill)


def _added_up(parts: Iterable[_Figures]) -> _Figures:
    sums: _Figures = defaultdict(float)
    for figures in parts:
        for name, value in figures.items():
            sums[name] += value
    return dict(sums)


def _total(figures: _Figures) -> float | None:
    used, free = figures.get("FB_USED"), figures.get("FB_FREE")
    if "FB_TOTAL" in figures:
        return figures["FB_TOTAL"]
    return None if used is None or free is None else used + free


def _memory(figures: _Figures) -> str:
    used, total = figures.get("FB_USED"), _total(figures)
    if used is None:
        return text.NOTHING
    shown = text.size(used * _MEBIBYTE)
    return shown if total is None else f"{shown} of {text.size(total * _MEBIBYTE)}"


def _power(figures: _Figures) -> str:
    usage, limit = figures.get("POWER_USAGE"), figures.get("ENFORCED_POWER_LIMIT")
    if usage is None:
        return text.NOTHING
    return _with_unit(usage, "W") if limit is None else f"{text.digits(usage)} of {_with_unit(limit, 'W')}"


def _with_unit(value: float | None, unit: str) -> str:
    return text.NOTHING if value is None else f"{text.digits(value)} {unit}"


def _slowed(figures: _Figures) -> str:
    bits = int(figures.get("CLOCK_THROTTLE_REASONS", 0))
    reasons = dict.fromkeys(reason for bit, reason in _SLOWED_BY.items() if bits & bit)
    return f"Slowed by {', '.join(reasons)}." if reasons else ""


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _fill(ratio: float | None) -> str:
    return "" if ratio is None else f"{min(100.0, max(0.0, ratio * 100)):.1f}"


def _largest(processes: Mapping[str, float], queries: _Queries) -> tuple[GpuProcess, ...]:
    ordered = sorted(processes.items(), key=lambda item: (-item[1], item[0]))
    return tuple(GpuProcess(name, text.size(memory), queries.process_url(name)) for name, memory in ordered)


def gpu_panels(cards: Sequence[GpuCard]) -> list[PanelSpec]:
    """Return the panels of the page: a line for each card."""
    if not cards:
        return []
    # Where all cards are in one machine its name says nothing.
    card = "Hostname, gpu" if len({each.host for each in cards}) > 1 else "gpu"
    memory = f"sum by ({card}) (max by ({card}, GPU_I_ID) ({_PREFIX}FB_USED)){_IN_BYTES}"
    return [
        _panel(
            "utilization", "Utilization", "How busy the processors are.", "ratio", f"{_most(card, 'GPU_UTIL')} / 100"
        ),
        _panel("memory", "Memory", "How much memory is used.", "bytes", memory),
        _panel("temperature", "Temperature", "Of the chip.", "celsius", _most(card, "GPU_TEMP")),
        _panel("power", "Power", "What the whole card draws.", "watts", _most(card, "POWER_USAGE")),
    ]


def _most(card: str, figure: str) -> str:
    return f"max by ({card}) ({_PREFIX}{figure})"


def _panel(key: str, title: str, help_text: str, unit: str, query: str) -> PanelSpec:
    return PanelSpec(Panel(key, title, help_text, unit), (Line(query, "GPU"),), most=16)
