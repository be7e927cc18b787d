"""What every page has around its content: names of files to load, the title, the footer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from dashboard.web.assets import Assets

_STATIC = "/static/"


@dataclass(frozen=True, slots=True)
class Frame:
    """What the base of all pages is given."""

    title: Annotated[str, "The page's own title."]
    section: Annotated[str, "Which link of the navigation is the present page, such as alerts, or none."]
    firing: Annotated[int, "How many alerts fire, for the title, the icon and the navigation."]
    at: Annotated[int, "When the page was made, in milliseconds since 1970."]
    version: Annotated[str, "The version of this server."]
    started: Annotated[str, "Since when this server runs."]
    store: Annotated[str, "How much is stored, in words."]
    live_url: Annotated[str, "What the page polls, or nothing."]
    gpus: Annotated[bool, "Whether any graphics card is known."]
    styles: Annotated[tuple[str, ...], "Addresses of style sheets."]
    boot: Annotated[str, "Address of the script that runs before the page is painted, or nothing."]
    scripts: Annotated[tuple[str, ...], "Addresses of module scripts."]
    preloads: Annotated[tuple[str, ...], "Addresses of the modules that the scripts import."]
    plain_reason: Annotated[str, "Why the page has no scripts and reloads itself instead, or nothing."]


def asset_fields(assets: Assets, entry: str) -> dict[str, object]:
    """Return the fields of a frame that say what to load for an entry of the front end."""
    styles = [assets.style]
    found = assets.entries.get(f"entries/{entry}.js")
    boot = assets.entries.get("entries/boot.js")
    if found is None or boot is None:
        reason = assets.problem or f"The front end has no entry {entry}."
        return {"styles": _addresses(styles), "boot": "", "scripts": (), "preloads": (), "plain_reason": reason}
    return {
        "styles": _addresses([*styles, *found.styles]),
        "boot": _STATIC + boot.script,
        "scripts": (_STATIC + found.script,),
        "preloads": _addresses(found.imports),
        "plain_reason": "",
    }


def _addresses(names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_STATIC + name for name in names)
