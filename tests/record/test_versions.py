"""Records of each version as files: what is written today, and what was written before, is read."""

from pathlib import Path

import orjson
import pytest

from mitmclaude.record.record import Record, to_json

GOLDEN = Path(__file__).parents[1] / "golden" / "records"


def stored(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes()


@pytest.mark.parametrize("name", ["version_2", "version_2_cut"])
def test_version_2_comes_back_as_it_was_written(name: str) -> None:
    """A record of this version has the very fields that it was stored with."""
    record = Record.model_validate_json(stored(name))
    assert orjson.loads(to_json(record)) == orjson.loads(stored(name))
    assert record.made_by is not None


@pytest.mark.parametrize("name", ["", "_cut"])
def test_version_1_is_read_as_version_2(name: str) -> None:
    """A record of version 1 differs from that of the same exchange in version 2 by what version 1 did not have."""
    old, new = (Record.model_validate_json(stored(f"version_{number}{name}")) for number in (1, 2))
    assert (old.version, old.made_by) == (2, None)
    assert old.request.cache.messages
    assert (old.request.cache.breakpoints, old.request.cache.settings) == (None, None)
    assert old.response is not None
    assert new.response is not None
    kept = {"unplaced": new.response.unplaced}
    assert old.response.model_copy(update=kept) == new.response
    assert old.request.model_copy(update={"cache": new.request.cache}) == new.request
    assert old.timing.model_copy(update={"blocks": new.timing.blocks}) == new.timing
    assert old.usage_is_partial is new.usage_is_partial is bool(name)
    whole = {"request", "response", "timing", "made_by"}
    assert old.model_dump(exclude=whole) == new.model_dump(exclude=whole)


def test_an_upgraded_record_can_be_stored() -> None:
    """What was read of version 1 is stored, and read again, as version 2."""
    old = Record.model_validate_json(stored("version_1"))
    assert Record.model_validate_json(to_json(old)) == old


@pytest.mark.parametrize("version", [0, 3, "2", None])
def test_other_versions_are_refused(version: object) -> None:
    """A record of a version that is not known is an error that names the field."""
    fields = orjson.loads(stored("version_2")) | {"version": version}
    with pytest.raises(ValueError, match="version"):
        Record.model_validate_json(orjson.dumps(fields))


@pytest.mark.parametrize("part", ["request", "response", "timing", "usage"])
@pytest.mark.parametrize(
    "value", [None, 5, [], {}, {"hashes": 5, "message": [], "message_start": "x"}, {"hashes": {"tools": 5}}]
)
def test_a_foreign_version_1_raises_value_error_alone(part: str, value: object) -> None:
    """A document that calls itself version 1 and is none is a ValueError, whatever it holds, or a record."""
    fields = orjson.loads(stored("version_1")) | {part: value}
    try:
        record = Record.model_validate(fields)
    except ValueError:
        return
    assert record.version == 2
