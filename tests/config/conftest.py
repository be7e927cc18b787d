import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "compare_configs.py"


@pytest.fixture(scope="session")
def compare_configs() -> ModuleType:
    """The script that puts files to promtool and to us; it is no package, and loaded from its file."""
    spec = importlib.util.spec_from_file_location("compare_configs", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look up the module that they are made in.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
