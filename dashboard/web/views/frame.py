"""What every page has around its content: names of files to load, the title, the footer."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.web.assets import Assets
from dashboard.web.views.told import told

_STATIC = "/static/"


@dataclass(frozen=True, slots=True)
class Frame:
    """What the base of all pages is given."""

    title: str = told("The page's own title.")
    section: str = told("Which link of the navigation is the present page: overview, alerts, targets or none.")
    firing: int = told("How many alerts fire, for the title, the icon and the navigation.")
    at: int = told("When the page was made, in milliseconds since 1970.")
    version: str = told("The version of this server.")
    running_for: str = told("How long this server has run.")
    store: str = told("How much is stored, in words.")
    live_url: str = told("What the page polls, or nothing.")
    styles: tuple[str, ...] = told("Addresses of style sheets.")
    boot: str = told("Address of the script that runs before the page is painted, or nothing.")
    scripts: tuple[str, ...] = told("Addresses of module scripts.")
    preloads: tuple[str, ...] = told("Addresses of the modules that the scripts import.")
    plain_reason: str = told("Why the page has no scripts and reloads itself instead, or nothing.")


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
