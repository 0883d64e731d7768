"""The adapter, and a toy function behind it."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest
from scripts.lambda_local import Local, running

from tests.lambda_local.adapter import adapter_binary

__all__ = ["adapter_binary"]

TOY = (sys.executable, str(Path(__file__).with_name("toy.py")), "{port}")
TOY_ENV = {"AWS_LWA_READINESS_CHECK_PATH": "/ready"}


class Start(Protocol):
    """Starts a platform for the toy: more arguments for it, more environment, settings."""

    def __call__(
        self, *arguments: str, env: Mapping[str, str] | None = None, **settings: Any
    ) -> AbstractContextManager[Local]: ...


@pytest.fixture(scope="session")
def toy(adapter_binary: Path) -> Start:
    def start(*arguments: str, env: Mapping[str, str] | None = None, **settings: Any) -> AbstractContextManager[Local]:
        variables = {**TOY_ENV, **(env or {})}
        return running([*TOY, *arguments], adapter=adapter_binary, env=variables, **{"timeout": 20.0, **settings})

    return start


@pytest.fixture(scope="module")
def local(toy: Start) -> Iterator[Local]:
    """One platform for the tests of a module that leave it as it was."""
    with toy() as started:
        yield started
