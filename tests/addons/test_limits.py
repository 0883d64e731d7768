"""The limit of open files."""

import subprocess
import sys
from pathlib import Path

ADDONS = Path(__file__).parents[2] / "addons"


def limits(code: str) -> list[int]:
    """What a process of its own prints after `code`, in which `resource` and `raise_file_limit` are there."""
    before = "import resource; from mitmclaude.addons.limits import raise_file_limit; "
    after = "; print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    command = [sys.executable, "-c", before + code + after]
    done = subprocess.run(command, env={"PYTHONPATH": str(ADDONS)}, capture_output=True, text=True, check=True)
    return [int(number) for number in done.stdout.split()]


def test_the_soft_limit_is_raised_and_never_lowered() -> None:
    """It goes up to what is wanted or to the hard limit; a higher one stays."""
    start = "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1024)); "
    assert limits(start + "raise_file_limit(500)") == [500, 1024]
    assert limits(start + "raise_file_limit()") == [1024, 1024]
    assert limits(start + "raise_file_limit(100)") == [256, 1024]
