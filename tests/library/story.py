"""A small store that tells a story: an hour with Claude Code in which about everything happens once.

usage: python -m tests.library.story DIRECTORY
"""

import io
import sys
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import zstandard
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow, tutils

from mitmclaude.record.record import Record, flow_key, record_key, to_json
from mitmclaude.request.session import Session
from mitmclaude.stores.file import FileStore
from tests.library.calls import SESSION, Talk, body_of, record_of, result, text, tool, use, user

Json = dict[str, Any]

REMINDER = "<system-reminder>\nToday is 2026-11-22. Do not mention this.\n</system-reminder>\n"
ENVIRONMENT = "# Environment\n - Working directory: /home/ann/shop\n - Platform: linux\n" + "More of it. " * 40
SOURCE = "".join(f"{number}\tprice_{number} = {number * 5}\n" for number in range(1, 25))
TRACE = "E   assert total(cart) == 30\nE   assert 25 == 30\n1 failed in 0.12s"
OLD = "def total(cart):\n    return sum(cart[:-1])\n"
NEW = "def total(cart):\n    return sum(cart)\n"


class Story(Talk):
    """A talk that keeps raw flows as well."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.bodies: list[Json] = []

    def _keep(self, body: Json, usage: Json, answer: Sequence[Json], first_byte: float) -> Record:
        self.bodies.append(deepcopy(body))
        return super()._keep(body, usage, answer, first_byte)


def told() -> tuple[list[Record], list[Json]]:
    """The records and the bodies of their requests, by time."""
    ann = Story(session=Session(SESSION))
    ann.call(
        user(REMINDER, "The test of the cart fails. Find out why, and repair it."),
        {"role": "system", "content": ENVIRONMENT},
        answer=(
            {"type": "thinking", "thinking": "I look at the source and run the test.", "signature": "c2ln"},
            text("I look at both."),
            use("Read", 1, file_path="/home/ann/shop/cart.py"),
            use("Bash", 2, command="pytest -q tests/test_cart.py"),
        ),
    )
    ann.messages[1] = {"role": "system", "content": ENVIRONMENT}
    ann.call(
        user(result(1, SOURCE), result(2, TRACE) | {"is_error": True}),
        answer=(
            text("The last item is left out. Somebody looks for other places meanwhile."),
            use("Edit", 3, file_path="/home/ann/shop/cart.py", old_string=OLD, new_string=NEW),
            use(
                "Agent", 4, description="look for slices", prompt="Search the shop for slices that drop the last item."
            ),
        ),
    )
    child = Story(ann.cache, Session(SESSION, "a3f09c11d2e4b567", None), start=ann.now)
    child.number = 500
    child.call(
        user(REMINDER, "Search the shop for slices that drop the last item."),
        answer=(use("Grep", 501, pattern=r"\[:-1\]", path="/home/ann/shop"),),
        wait=2,
    )
    child.call(user(result(501, "orders.py:7: items[:-1]")), answer=(text("One more: orders.py, line 7."),), wait=3)
    ann.call(
        user(result(3, "The file was changed."), result(4, "One more: orders.py, line 7.")),
        answer=(use("Read", 5, file_path="/home/ann/shop/cart.py"),),
    )
    ann.call(
        user(result(5, SOURCE)),
        answer=(text("**Done.** The cart counts all items, and orders.py has the same fault."),),
    )
    side = body_of([user("Make a title: The test of the cart fails.")], tools=[], system=[text("Make titles.")])
    for part in (*side["system"], side["messages"][0]["content"][0]):
        part.pop("cache_control", None)
    others = [(record_of(side, ann.cache.call(side, 25), (text("Repair the cart's total"),), 25, number=700), side)]
    lost = body_of([*ann.messages, user("Now the orders.")])
    busy = {"type": "overloaded_error", "message": "Overloaded"}
    others.append((record_of(lost, None, (), ann.now + 30, number=701, status=529, error=busy), lost))
    before = deepcopy(ann.messages)
    ann.call(user("Now the orders."), answer=(text("Shall I change the slice, or write a test first?"),), wait=40)
    ann.messages = before
    ann.call(user("Now the orders, a test first."), answer=(text("Good, a test first."),), wait=60)
    ann.call(user("Go on, I was at lunch."), answer=(text("The test is written."),), wait=2400)
    ann.settings = {"tools": [tool("Bash"), tool("Edit"), tool("Read"), tool("mcp__jira__search")]}
    ann.call(user("Is there an issue for it?"), answer=(text("Yes: SHOP-17."),))
    pairs = [*zip(ann.records, ann.bodies, strict=True), *zip(child.records, child.bodies, strict=True), *others]
    pairs.sort(key=lambda pair: pair[0].started_at)
    return [record for record, _ in pairs], [body for _, body in pairs]


def write(root: Path) -> list[str]:
    """Write the story into a directory as a store; the ids of its calls, oldest first."""
    store = FileStore(root)
    records, bodies = told()
    for record, body in zip(records, bodies, strict=True):
        key = flow_key(record.id, record.started_at)
        store.put(record_key(record.id, record.started_at), to_json(record.model_copy(update={"flow": key})))
        store.put(key, zstandard.compress(_flow(record, body)))
    return [record.id for record in records]


def _flow(record: Record, body: Json) -> bytes:
    file = io.BytesIO()
    answer = orjson.dumps(record.response.message or {"error": record.response.error}) if record.response else b""
    flow = tflow.tflow(req=tutils.treq(content=orjson.dumps(body)), resp=tutils.tresp(content=answer))
    FlowWriter(file).add(flow)
    return file.getvalue()


if __name__ == "__main__":
    print(*write(Path(sys.argv[1])), sep="\n")
