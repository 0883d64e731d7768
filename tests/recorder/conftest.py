"""Each kind of recorder, on a directory of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.recorder.calls import Running


@pytest.fixture(params=["inline", "process"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def running(kind: str, tmp_path: Path) -> AsyncIterator[Running]:
    made = Running(tmp_path, kind)
    yield made
    made.recorder.close(10)
