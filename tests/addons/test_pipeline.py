"""Several addons as one."""

import logging

import pytest

from mitmclaude.addons.pipeline import Pipeline


class Part:
    def __init__(self, heard: list[str], name: str, fails: bool = False) -> None:
        self.heard, self.name, self.fails = heard, name, fails

    def request(self, flow: object) -> None:
        self.heard.append(f"{self.name} request {flow}")
        if self.fails:
            raise RuntimeError("broken")

    def configure(self, updated: set[str]) -> None:
        if self.fails:
            raise ValueError("wrong option")


class Waiting(Part):
    async def request(self, flow: object) -> None:  # type: ignore[override]
        super().request(flow)


async def test_parts_are_called_in_order_whatever_fails(caplog: pytest.LogCaptureFixture) -> None:
    """A fault is logged and costs no other part its call, be it sync or async."""
    heard: list[str] = []
    pipeline = Pipeline([Part(heard, "a", fails=True), Waiting(heard, "b", fails=True), Part(heard, "c")])
    with caplog.at_level(logging.ERROR):
        await pipeline.request("f")  # type: ignore[attr-defined]
    assert heard == ["a request f", "b request f", "c request f"]
    assert len(caplog.records) == 2


def test_a_wrong_option_reaches_mitmproxy() -> None:
    """What goes wrong at the start is not hidden."""
    with pytest.raises(ValueError, match="wrong option"):
        Pipeline([Part([], "a", fails=True)]).configure(set())  # type: ignore[attr-defined]


def test_it_has_only_the_hooks_of_its_parts() -> None:
    """mitmproxy asks each addon for each hook: one that nobody wants is not there."""
    pipeline = Pipeline([Part([], "a")])
    assert not hasattr(pipeline, "response")
    assert hasattr(pipeline, "request")
