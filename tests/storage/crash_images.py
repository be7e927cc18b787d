"""What a disk may hold after a power cut: file operations are recorded, and replayed up to any moment.

What was synced is there. Of what came later, any part may be: each write whole, not at all, or torn between sectors,
where noise may stand, too; of new, renamed and removed names the first few.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

SECTORS = (512, 4096)

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes that a file got."""

    path: str
    offset: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    """A file was cut, or made longer."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    """All that a file, or the names in a directory, had got before is on the disk."""

    path: str
    begun: int
    """The place, among all operations, at which the call began: what came after that may not be on the disk."""


@dataclass(frozen=True, slots=True)
class Named:
    """A file was made, renamed or removed: ``old`` is no name of it any more, ``new`` is one."""

    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """A line that the process wrote on its standard output."""

    text: str


Operation = Written | Resized | Synced | Named | Said


# -- recording

_CALLS = "openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,unlink"
_HEX = r"((?:\\x[0-9a-f]{2})*)"
_PATTERNS = {
    "openat": re.compile(rf'\(.*, "{_HEX}", (\S*)[,)].* = \d'),
    "write": re.compile(rf'\((\d+)<{_HEX}>, "{_HEX}", \d+\) += \d'),
    "pwrite64": re.compile(rf'\(\d+<{_HEX}>, "{_HEX}", \d+, (\d+)\) += \d'),
    "ftruncate": re.compile(rf"\(\d+<{_HEX}>, (\d+)\) += 0"),
    "fsync": re.compile(rf"\(\d+<{_HEX}>\) += 0"),
    "fdatasync": re.compile(rf"\(\d+<{_HEX}>\) += 0"),
    "rename": re.compile(rf'\("{_HEX}", "{_HEX}"\) += 0'),
    "unlink": re.compile(rf'\("{_HEX}"\) += 0'),
}


def record(command: Sequence[str | Path], trace: Path) -> list[Operation]:
    """Run a command until it ends and return what it did to files, in this order; ``trace`` is written for it."""
    options = ["-f", "-y", "-xx", "-s", "1000000", "--seccomp-bpf", "-e", f"trace={_CALLS}", "-o", str(trace)]
    subprocess.run(["strace", *options, *command], check=True, stdout=subprocess.DEVNULL)
    known: set[str] = set()
    found: list[Operation] = []
    for name, line, begun in _calls(trace, found):
        # Calls that failed fit no pattern.
        if match := _PATTERNS[name].search(line):
            found += _operations(name, match.groups(), begun, known)
    return found


def _calls(trace: Path, found: Sequence[Operation]) -> Iterator[tuple[str, str, int]]:
    """Yield name and text of each call that ended, and how many operations there were when it began."""
    begun: dict[str, tuple[str, int]] = {}
    with trace.open(encoding="ascii") as lines:
        for line in lines:
            process, _, call = line.partition(" ")
            if call.endswith("<unfinished ...>\n"):
                begun[process] = call.removesuffix(" <unfinished ...>\n"), len(found)
                continue
            place = len(found)
            if call.lstrip().startswith("<... "):
                first, place = begun.pop(process)
                call = first + call.partition(" resumed>")[2]
            name, _, rest = call.strip().partition("(")
            if name in _PATTERNS:
                yield name, f"({rest}", place


def _operations(name: str, groups: Sequence[str], begun: int, known: set[str]) -> Iterator[Operation]:
    if name == "openat":
        path = _text(groups[0])
        if "O_CREAT" in groups[1] and path not in known:
            known.add(path)
            yield Named(None, path)
    elif name == "write":
        if groups[0] == "1":
            yield from map(Said, _text(groups[2]).splitlines())
    elif name == "pwrite64":
        yield Written(_text(groups[0]), int(groups[2]), _octets(groups[1]))
    elif name == "ftruncate":
        yield Resized(_text(groups[0]), int(groups[1]))
    elif name in ("fsync", "fdatasync"):
        yield Synced(_text(groups[0]), begun)
    else:
        old, new = _text(groups[0]), _text(groups[1]) if len(groups) > 1 else None
        known.discard(old)
        known |= {new} if new else set()
        yield Named(old, new)


def _octets(shown: str) -> bytes:
    return bytes.fromhex(shown.replace("\\x", ""))


def _text(shown: str) -> str:
    return _octets(shown).decode()


# -- replaying


@dataclass(eq=False)
class _File:
    synced: bytearray = field(default_factory=bytearray)
    later: list[tuple[int, Written | Resized]] = field(default_factory=list)
    """What was done since, with its place among all operations."""


class Disk:
    """The files of one directory while operations are replayed."""

    def __init__(self, directory: Path, files: Mapping[str, bytes]) -> None:
        """Begin with files that are on the disk, by name."""
        self._directory = str(directory)
        self._names = {name: _File(bytearray(octets)) for name, octets in files.items()}
        self._synced = dict(self._names)
        self._later: list[tuple[int, tuple[str, str, _File | None]]] = []
        self._count = 0

    def replay(self, operation: Operation) -> None:
        """Let the next operation happen."""
        if isinstance(operation, Synced):
            self._sync(operation)
        elif isinstance(operation, Named):
            self._name(operation)
        elif isinstance(operation, Written | Resized) and (file := self._names.get(self._inside(operation.path))):
            file.later.append((self._count, operation))
        self._count += 1

    def image(self, chance: random.Random) -> dict[str, bytes]:
        """Return files as they may be found after a power cut now."""
        names = dict(self._synced)
        count = len(self._later)
        for _, renamed in self._later[: chance.choice((0, count, chance.randint(0, count)))]:
            _rename(names, *renamed)
        return {name: _torn(file, chance) for name, file in names.items()}

    def _inside(self, path: str | None) -> str:
        """Return the name of a file in the directory, nothing for others and for what SQLite builds anew."""
        folder, _, name = (path or "").rpartition("/")
        return name if folder == self._directory and not name.endswith("-shm") else ""

    def _sync(self, operation: Synced) -> None:
        if operation.path == self._directory:
            for renamed in _take(self._later, operation.begun):
                _rename(self._synced, *renamed)
        elif file := self._names.get(self._inside(operation.path)):
            for change in _take(file.later, operation.begun):
                _apply(file.synced, change)

    def _name(self, operation: Named) -> None:
        old, new = self._inside(operation.old), self._inside(operation.new)
        file = self._names.get(old) if old else self._names.get(new, _File())
        if old != new and (old in self._names or new not in self._names):
            _rename(self._names, old, new, file)
            self._later.append((self._count, (old, new, file)))


def _take(later: list[tuple[int, Done]], before: int) -> list[Done]:
    """Take out and return what was done before that place."""
    taken = [done for place, done in later if place < before]
    del later[: len(taken)]
    return taken


def _rename(names: dict[str, _File], old: str, new: str, file: _File | None) -> None:
    names.pop(old, None)
    if new and file:
        names[new] = file


def _apply(octets: bytearray, change: Written | Resized) -> None:
    size = change.size if isinstance(change, Resized) else change.offset + len(change.octets)
    if len(octets) < size:
        octets.extend(bytes(size - len(octets)))
    if isinstance(change, Resized):
        del octets[size:]
    else:
        octets[change.offset : size] = change.octets


def _torn(file: _File, chance: random.Random) -> bytes:
    """Return what may have become of a file."""
    octets = bytearray(file.synced)
    changes = [change for _, change in file.later]
    # All, nothing, the first few, or some of what was not synced.
    kept = chance.choice((0.0, 0.5, 0.9, 1.0))
    for change in changes[: chance.choice((len(changes), chance.randint(0, len(changes))))]:
        if chance.random() >= kept:
            continue
        if isinstance(change, Resized) or chance.random() < 0.7:
            _apply(octets, change)
            continue
        for part in _sectors(change, chance):
            _apply(octets, part)
    return bytes(octets)


def _sectors(change: Written, chance: random.Random) -> Iterator[Written]:
    """Yield some sectors of a write; in few of them, noise."""
    size, end = chance.choice(SECTORS), change.offset + len(change.octets)
    at = change.offset
    while at < end:
        border = min((at // size + 1) * size, end)
        luck = chance.random()
        octets = change.octets[at - change.offset : border - change.offset]
        if luck < 0.5:
            yield Written(change.path, at, chance.randbytes(len(octets)) if luck < 0.05 else octets)
        at = border
