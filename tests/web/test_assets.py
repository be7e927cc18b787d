"""Static files: named by content, compressed once; a missing build is told, not raised."""

import gzip
import json
from pathlib import Path

import pytest

from dashboard.web.assets import load_assets
from dashboard.web.views.frame import asset_fields

MANIFEST = {
    "entries/boot.js": {"file": "boot-A.js", "css": [], "imports": []},
    "entries/app.js": {"file": "app-B.js", "css": ["app-C.css"], "imports": ["chunk-D.js"]},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a build leaves behind."""
    dist = tmp_path / "dist"
    dist.mkdir()
    (tmp_path / "cockpit.css").write_text("body{color:red}" * 20)
    (dist / "manifest.json").write_text(json.dumps(MANIFEST))
    (dist / "STAMP").write_text("x")
    for name in ("boot-A.js", "app-B.js", "app-C.css", "chunk-D.js", "LICENSES.txt"):
        (dist / name).write_text(name)
    return tmp_path


def test_files_are_served_under_names_that_change_with_them(folder: Path) -> None:
    before = load_assets(folder)
    (folder / "cockpit.css").write_text("body{color:blue}")
    after = load_assets(folder)
    assert before.style != after.style
    found = before.files[before.style]
    assert gzip.decompress(found.zipped) == found.body
    assert "immutable" in found.cache_control
    assert found.content_type == "text/css; charset=utf-8"


def test_what_the_build_keeps_for_itself_is_not_served(folder: Path) -> None:
    served = set(load_assets(folder).files)
    assert {"app-B.js", "chunk-D.js", "LICENSES.txt"} < served
    assert not {"manifest.json", "STAMP"} & served


def test_a_page_loads_what_its_entry_needs(folder: Path) -> None:
    assets = load_assets(folder)
    assert asset_fields(assets, "app") == {
        "styles": (f"/static/{assets.style}", "/static/app-C.css"),
        "boot": "/static/boot-A.js",
        "scripts": ("/static/app-B.js",),
        "preloads": ("/static/chunk-D.js",),
        "plain_reason": "",
    }


def test_a_missing_entry_makes_a_plain_page(folder: Path) -> None:
    assert asset_fields(load_assets(folder), "page")["plain_reason"] == "The front end has no entry page."


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "The front end has not been built."),
        ({"FAILED.txt": "npm could not be reached.\n"}, "npm could not be reached."),
        ({"manifest.json": "[]"}, "What was built cannot be read"),
        ({"manifest.json": '{"entries/app.js": 5}'}, "What was built cannot be read"),
        ({"manifest.json": "{"}, "What was built cannot be read"),
    ],
)
def test_without_a_build_the_style_remains_and_the_reason_is_told(
    folder: Path, files: dict[str, str], reason: str
) -> None:
    (folder / "dist" / "manifest.json").unlink()
    for name, content in files.items():
        (folder / "dist" / name).write_text(content)
    assets = load_assets(folder)
    assert list(assets.files) == [assets.style]
    assert reason in assets.problem
    fields = asset_fields(assets, "page")
    assert fields["scripts"] == ()
    assert reason in str(fields["plain_reason"])
