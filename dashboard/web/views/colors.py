"""The colours of a chart's lines: one each, and those of server errors from a family of reds and oranges."""

from __future__ import annotations

from collections.abc import Sequence

REST = "series-rest"
"""The class of the line that adds up what is not drawn."""

_ERRORS = tuple(f"series-error-{number}" for number in range(4))
_COOL = tuple(f"series-{number}" for number in (0, 2, 4, 5, 7, 8, 9))
# Beside server errors these would be taken for some.
_WARM = tuple(f"series-{number}" for number in (6, 1, 3))
_ALL = tuple(f"series-{number}" for number in range(10))


def color_classes(errors: Sequence[bool]) -> list[str]:
    """Return the class of each line; ``errors`` says which lines count server errors.

    Up to ten lines have a colour each; then the colours begin anew.
    """
    if not any(errors):
        return [_ALL[place % len(_ALL)] for place in range(len(errors))]
    plain = (*_COOL, *_WARM)
    bad = (*_ERRORS, *reversed(plain))
    seen = {True: 0, False: 0}
    found = []
    for error in errors:
        choice = bad if error else plain
        found.append(choice[seen[error] % len(choice)])
        seen[error] += 1
    return found
