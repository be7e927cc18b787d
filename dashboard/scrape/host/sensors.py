"""Temperatures, as the kernel's drivers tell them, under node_exporter's names (collector/hwmon_linux.go)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dashboard.scrape.host.families import Family, gauge

_FOLDER = Path("/sys/class/hwmon")
_SENSOR = re.compile(r"(temp\d+)_input")
_OTHER_SIGNS = re.compile(r"[^a-z0-9:_]")
_LABELS = ("chip", "sensor")
_MILLIDEGREE = 1 / 1000


def temperatures(folder: Path = _FOLDER) -> Iterator[Family]:
    """Yield every temperature, with the limits that its driver knows; most virtual machines have none."""
    now = gauge("node_hwmon_temp_celsius", "Hardware monitor for temperature (input).", _LABELS)
    critical = gauge("node_hwmon_temp_crit_celsius", "Hardware monitor for temperature (crit).", _LABELS)
    highest = gauge("node_hwmon_temp_max_celsius", "Hardware monitor for temperature (max).", _LABELS)
    label = gauge("node_hwmon_sensor_label", "Label of a sensor.", (*_LABELS, "label"))
    names = gauge("node_hwmon_chip_names", "What a chip's driver is called.", ("chip", "chip_name"))
    for chip in sorted(folder.iterdir()) if folder.exists() else ():
        name = _chip(chip)
        names.add(1, name, _clean(_told(chip / "name")))
        for sensor in _sensors(chip):
            for family, kind in ((now, "input"), (critical, "crit"), (highest, "max")):
                _add(family, chip / f"{sensor}_{kind}", name, sensor)
            text = _told(chip / f"{sensor}_label")
            if text:
                label.add(1, name, sensor, _clean(text))
    yield from (now, critical, highest, label, names)


def _sensors(chip: Path) -> list[str]:
    return sorted(found[1] for file in chip.iterdir() if (found := _SENSOR.fullmatch(file.name)))


def _add(family: Family, file: Path, chip: str, sensor: str) -> None:
    text = _told(file)
    if text:
        family.add(int(text) * _MILLIDEGREE, chip, sensor)


def _chip(chip: Path) -> str:
    """Return a chip's name, of the device that it is on where it tells one: that stays the same over restarts."""
    device = chip / "device"
    if device.exists():
        place = device.resolve()
        kind, name = _clean(place.parent.name), _clean(place.name)
        if name:
            return f"{kind}_{name}" if kind else name
    return _clean(_told(chip / "name")) or _clean(chip.name)


def _clean(name: str) -> str:
    return _OTHER_SIGNS.sub("_", name.lower()).strip("_")


def _told(file: Path) -> str:
    # A sensor that is asleep fails to be read.
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
