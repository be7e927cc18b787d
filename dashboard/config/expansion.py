"""Variables of the environment in external labels, as Go's ``os.Expand`` reads them."""

from __future__ import annotations

import re
from collections.abc import Callable

_REFERENCE = re.compile(
    r"\$(?:\{(?P<braced>[^}]*)\}|(?P<open>\{)|(?P<single>[*#$@!?0-9-])|(?P<name>[A-Za-z_]\w*))", re.ASCII
)


def expand(text: str, value_of: Callable[[str], str]) -> str:
    """Replace ``$NAME`` and ``${NAME}`` by their values; ``$$`` is a dollar sign."""

    def replaced(match: re.Match[str]) -> str:
        name = match["braced"] or match["single"] or match["name"]
        if not name:
            return ""
        return "$" if name == "$" else value_of(name)

    return _REFERENCE.sub(replaced, text)
