"""Random damage to pages, always the same for one seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from .prometheus import Served

_SIGNS = b' \t\n\r"\\{}=,#+-._:eE0123456789naINx<\xc3\xa9\xff/'
_WORDS = (
    b"# ",
    b"# TYPE ",
    b"# HELP ",
    b" 1",
    b"# EOF\n",
    b" # {",
    b'="',
    b'",',
    b'"}',
    b"NaN",
    b"+Inf",
    b"1e5",
    b"\\n",
    b"\n\n",
)


def damaged(pages: Sequence[Served], count: int, seed: int) -> Iterator[Served]:
    """Return ``count`` damaged copies of some of the pages."""
    chance = random.Random(seed)
    for _ in range(count):
        page = chance.choice(pages)
        body = page.body
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            body = _damage(body, chance, pages)
        yield Served(body, page.content_type)


def _damage(body: bytes, chance: random.Random, pages: Sequence[Served]) -> bytes:
    at = chance.randint(0, len(body))
    behind = min(len(body), at + chance.choice((1, 1, 1, 2, 5, 20)))
    kind = chance.randrange(8)
    if kind == 0:
        return body[:at] + body[behind:]
    if kind in (1, 2):
        return body[:at] + bytes((chance.choice(_SIGNS),)) + body[behind:]
    if kind in (3, 4):
        return body[:at] + bytes((chance.choice(_SIGNS),)) + body[at:]
    if kind == 5:
        return body[:at] + chance.choice(_WORDS) + body[at:]
    if kind == 6:
        other = chance.choice(pages).body
        return body[:at] + other[chance.randint(0, len(other)) :]
    lines = body.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines) if chance.randrange(2) else body[:at]
