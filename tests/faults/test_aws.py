"""S3 and DynamoDB that fail: each object of each call is stored or spooled, in bounded time, and sent later."""

import threading
import time
from pathlib import Path

import pytest

from mitmclaude.stores import Keeper, RefusedError, open_keeper
from tests.faults.endpoint import Endpoint, Fault

CALLS = 20


def objects(number: int) -> dict[str, bytes]:
    """What one call leaves."""
    return {
        f"flows/date=2026-11-22/{number}.mitm.zst": b"flow %d" % number * 1000,
        f"records/date=2026-11-22/{number}.json": b"record %d" % number,
    }


def put_calls(keeper: Keeper) -> None:
    """As many calls as end at once in a busy proxy."""
    threads = [threading.Thread(target=keeper.put_all, args=(objects(number),)) for number in range(CALLS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def assert_all_there(endpoint: Endpoint) -> None:
    wanted = {key: content for number in range(CALLS) for key, content in objects(number).items()}
    assert {key: endpoint.objects[key] for key in endpoint.keys("records/") | endpoint.keys("flows/")} == wanted
    assert {key for key in endpoint.items if key.startswith("records/")} == {key for key in wanted if key[0] == "r"}


def wait_until_sent(keeper: Keeper) -> None:
    deadline = time.monotonic() + 30
    while any(store.held or store.spool.waiting() for store in keeper.stores):
        assert time.monotonic() < deadline
        for store in keeper.stores:
            store.drain(10)


@pytest.mark.parametrize("fault", ["500", "throttle", "reset", "hang", "slow", "flaky"])
def test_fault_amid_calls(endpoint: Endpoint, stores: str, tmp_path: Path, fault: Fault) -> None:
    """The first calls wait for a bounded time, later ones not at all; once it is over all is sent."""
    keeper = open_keeper(stores, str(tmp_path), {})
    assert keeper.check() == []
    for store in keeper.stores:
        store.hold = 2.0
    endpoint.fault = fault
    began = time.monotonic()
    put_calls(keeper)
    assert time.monotonic() - began < 10
    if fault in ("500", "throttle", "reset", "hang"):
        assert all(store.down for store in keeper.stores)
        began = time.monotonic()
        put_calls(keeper)  # the same once more: it replaces what waits
        assert time.monotonic() - began < 3, "nobody waits for a store that is down"
    endpoint.fault = "none"
    wait_until_sent(keeper)
    assert_all_there(endpoint)
    assert keeper.counts.lost == keeper.counts.refused == 0


@pytest.mark.parametrize("fault", ["500", "throttle", "reset", "hang"])
def test_fault_at_the_start(endpoint: Endpoint, stores: str, tmp_path: Path, fault: Fault) -> None:
    """What may mend is told within seconds, and objects are spooled until it has."""
    endpoint.fault = fault
    keeper = open_keeper(stores, str(tmp_path), {})
    began = time.monotonic()
    down = keeper.check()
    assert time.monotonic() - began < 4.5
    assert [line.partition(":")[0] for line in down] == ["s3", "dynamodb"]
    began = time.monotonic()
    put_calls(keeper)
    assert time.monotonic() - began < 3
    endpoint.fault = "none"
    wait_until_sent(keeper)
    assert_all_there(endpoint)


@pytest.mark.parametrize("fault", ["slow", "flaky"])
def test_half_a_fault_is_none_at_the_start(endpoint: Endpoint, stores: str, tmp_path: Path, fault: Fault) -> None:
    """A check that succeeds at last is a success."""
    endpoint.fault = fault
    assert open_keeper(stores, str(tmp_path), {}).check() == []


@pytest.mark.parametrize(("fault", "code"), [("missing", "NoSuchBucket"), ("denied", "AccessDenied")])
def test_what_will_not_mend(endpoint: Endpoint, stores: str, tmp_path: Path, fault: Fault, code: str) -> None:
    """A wrong bucket, table or role stops the start, and all that is wrong is told in one line."""
    endpoint.fault = fault
    with pytest.raises(RefusedError, match=rf"^s3://bucket: PutObject: {code}: .*; dynamodb://table: PutItem: "):
        open_keeper(stores, str(tmp_path), {}).check()


def test_no_credentials(stores: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So do credentials that are not there."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(RefusedError, match="NoCredentialsError: found no AWS credentials"):
        open_keeper(stores, str(tmp_path), {}).check()


def test_end_during_a_fault(endpoint: Endpoint, stores: str, tmp_path: Path) -> None:
    """With the stores silent at the end, all is in the spool within seconds; the next process sends it."""
    keeper = open_keeper(stores, str(tmp_path), {})
    assert keeper.check() == []
    endpoint.fault = "hang"
    keeper.ending()
    began = time.monotonic()
    put_calls(keeper)
    keeper.close(1)
    assert time.monotonic() - began < 8
    assert keeper.counts.lost == 0
    endpoint.fault = "none"
    later = open_keeper(stores, str(tmp_path), {})
    assert later.check() == []
    later.close(10)
    assert_all_there(endpoint)


def test_back_at_the_end(endpoint: Endpoint, stores: str, tmp_path: Path) -> None:
    """With the stores back at the end, one drain sends all that was spooled."""
    endpoint.fault = "throttle"
    keeper = open_keeper(stores, str(tmp_path), {})
    keeper.check()
    put_calls(keeper)
    endpoint.fault = "none"
    keeper.close(10)
    assert_all_there(endpoint)
    assert keeper.counts == (3 * CALLS, 3 * CALLS, 0, 0, 0)
