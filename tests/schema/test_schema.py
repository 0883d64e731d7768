"""The shape of the schema itself: open, told apart without guessing, quick to load."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter

from mitmclaude import schema
from mitmclaude.schema.base import OneOf, Opaque, Wire

ROOTS: list[Any] = [
    schema.MessagesRequest,
    schema.CountTokensRequest,
    schema.Message,
    schema.ErrorResponse,
]


def models(model: type[BaseModel] = Wire) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        yield child
        yield from models(child)


def nodes(value: object) -> Iterator[dict[str, Any]]:
    """All objects in a core schema."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for child in value:
            yield from nodes(child)


@pytest.mark.parametrize("root", ROOTS, ids=str)
def test_no_union_is_left_to_trial_and_error(root: Any) -> None:
    """Each union is told apart by JSON type and tag, so that one fault is one error."""
    kinds = [node.get("type") for node in nodes(TypeAdapter(list[root]).core_schema)]
    assert "union" not in kinds
    assert "model" in kinds


def test_every_union_of_tagged_objects_has_an_opaque_arm() -> None:
    """A block, tool or event of an unknown type is taken in, not refused."""
    unions = [
        (model.__name__, name, hint)
        for model in models()
        for name, field in model.model_fields.items()
        for hint in unions_in(field.annotation, field.metadata)
    ]
    assert len(unions) > 40
    for model, name, arms in unions:
        tagged = [
            arm for arm in arms if isinstance(arm, type) and issubclass(arm, BaseModel) and "type" in arm.model_fields
        ]
        assert not tagged or any(issubclass(arm, Opaque) for arm in tagged), f"{model}.{name}"


def unions_in(hint: Any, metadata: tuple[Any, ...] | list[Any] = ()) -> Iterator[tuple[Any, ...]]:
    if any(isinstance(mark, OneOf) for mark in metadata):
        yield get_args(hint)
    for arg in get_args(hint):
        if hasattr(arg, "__metadata__"):
            yield from unions_in(arg.__origin__, arg.__metadata__)
        else:
            yield from unions_in(arg)


@pytest.mark.filterwarnings("error")
def test_models_keep_what_they_do_not_know() -> None:
    """Unless asked to report, models take unknown fields, values, blocks and roles, and give them back as they came."""
    body: dict[str, Any] = {
        "model": "m",
        "max_tokens": 1,
        "new": {"a": [1]},
        "service_tier": "gold",
        "messages": [
            {"role": "user", "content": [{"type": "hologram", "depth": 3}]},
            {"role": "critic", "verdict": None},
        ],
        "tools": [{"type": "laser_20300101", "name": "laser"}],
    }
    parsed = schema.MessagesRequest.model_validate(body)
    assert parsed.model_dump(exclude_unset=True, by_alias=True) == body
    assert parsed.model_extra == {"new": {"a": [1]}}


def test_models_are_frozen() -> None:
    """A parsed value does not change."""
    parsed = schema.CountTokensRequest.model_validate({"model": "m", "messages": []})
    with pytest.raises(ValueError, match="frozen"):
        parsed.__setattr__("model", "n")


def test_loading_is_quick() -> None:
    """Importing the schema and building what checks a request is a tenth of a second's work, pydantic aside."""
    code = (
        "import pydantic, orjson, time; start = time.process_time();"
        "from mitmclaude.request import check; check.check('messages', {});"
        "print(time.process_time() - start)"
    )
    seconds = min(
        float(subprocess.check_output([sys.executable, "-c", code], env={"PYTHONPATH": "addons"})) for _ in range(3)
    )
    assert seconds < 0.3
