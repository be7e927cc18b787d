from pathlib import Path

import pytest

from dashboard.config.globs import matching


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.yml", [".hidden.yml", "a.yml", "b.yml"]),
        ("?.yml", ["a.yml", "b.yml"]),
        ("[^a].yml", ["b.yml"]),
        ("a.yml", ["a.yml"]),
        ("none.yml", []),
        ("*/c.yml", ["c.yml"]),
    ],
)
def test_files_are_found_as_by_go(tmp_path: Path, pattern: str, names: list[str]) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("b.yml", "a.yml", ".hidden.yml", "x.txt", "folder/c.yml"):
        (tmp_path / name).touch()
    assert [file.name for file in matching(str(tmp_path / pattern))] == names
