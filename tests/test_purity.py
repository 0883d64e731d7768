"""The core is pure: its modules import neither the edges nor what does I/O."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "addons" / "mitmclaude"
EDGES = (
    "addons",
    "stores",
    "recorder",
    "cli",
    "__main__.py",
    "library/library.py",
    "library/folder.py",
    "library/local",
)
"""What does I/O; a new folder is pure until it is listed here."""


def is_edge(path: Path) -> bool:
    name = path.relative_to(PACKAGE).as_posix()
    return any(name == edge or name.startswith(f"{edge}/") for edge in EDGES)


CORE = sorted(path for path in PACKAGE.rglob("*.py") if not is_edge(path))
IMPURE = ("mitmproxy", "boto3", "os", "io", "pathlib", "time", "random", "secrets", "socket", "asyncio", "threading", "logging")  # fmt: skip
WRONG = (*(f"mitmclaude.{edge.removesuffix('.py').replace('/', '.')}" for edge in EDGES), *IMPURE)


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_core_imports_nothing_impure(path: Path) -> None:
    """Arrows point one way: values in, values out."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    wrong = {name for name in imported for bad in WRONG if name == bad or name.startswith(f"{bad}.")}
    assert not wrong
