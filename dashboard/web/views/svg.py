"""Small drawings that the server makes itself: the path of a line, of the area beneath it, and the favicon."""

from __future__ import annotations

import math
from collections.abc import Sequence

SPARK_WIDTH = 240
SPARK_HEIGHT = 56
_BEAT_WIDTH = 4

Point = tuple[int, int]
Values = Sequence[float | None]


def line_path(values: Values, *, top: float, width: int = SPARK_WIDTH, height: int = SPARK_HEIGHT) -> str:
    """Return the path of a line through values spread evenly over the width; ``None`` breaks it. Zero is the ground."""
    return "".join(_stroke(points) for points in _segments(values, top, width, height))


def area_path(values: Values, *, top: float, width: int = SPARK_WIDTH, height: int = SPARK_HEIGHT) -> str:
    """Return the path of the area beneath the line of :func:`line_path`."""
    return "".join(
        f"M{points[0][0]} {height}L{_stroke(points)[1:]}L{points[-1][0]} {height}z"
        for points in _segments(values, top, width, height)
    )


def _stroke(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def _segments(values: Values, top: float, width: int, height: int) -> list[list[Point]]:
    across = width / max(1, len(values) - 1)
    segments: list[list[Point]] = []
    drawing = False
    for index, value in enumerate(values):
        if value is None or not math.isfinite(value):
            drawing = False
            continue
        if not drawing:
            segments.append([])
        drawing = True
        up = min(1.0, max(0.0, value / top)) if top > 0 else 0.0
        segments[-1].append((round(across * index), round(height - 2 - up * (height - 4))))
    return segments


def beat_path(beats: str, letter: str, *, top: int, height: int) -> str:
    """Return the path of the strokes of all beats that have a letter, a stroke every 4 units from ``top`` down."""
    places = (place for place, beat in enumerate(beats) if beat == letter)
    return "".join(f"M{place * _BEAT_WIDTH + 2} {top}v{height}" for place in places)


def highest(values: Values) -> float:
    """Return the greatest value, or 0.0."""
    return max((value for value in values if value is not None and math.isfinite(value)), default=0.0)


_ICON = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
_CALM = (
    f'{_ICON}<rect width="32" height="32" rx="8" fill="#14344a"/>'
    '<path d="M0 18 32 13v11a8 8 0 0 1-8 8H8a8 8 0 0 1-8-8z" fill="#3fae7f"/>'
    '<path d="M7 17h6l3 3 3-3h6" fill="none" stroke="#fff" stroke-width="2.4" '
    'stroke-linecap="round" stroke-linejoin="round"/></svg>'
)


def favicon(firing: int) -> str:
    """Return the icon: a calm horizon, or the number of alerts that fire, on red."""
    if firing <= 0:
        return _CALM
    shown = str(min(firing, 99))
    size = 20 if len(shown) == 1 else 17
    return (
        f'{_ICON}<rect width="32" height="32" rx="8" fill="#d13f4f"/>'
        f'<text x="16" y="{16 + size * 0.36:.1f}" text-anchor="middle" font-family="system-ui,sans-serif" '
        f'font-weight="700" font-size="{size}" fill="#fff">{shown}</text></svg>'
    )
