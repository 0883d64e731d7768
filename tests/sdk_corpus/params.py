"""Turns the parameter types of the installed Anthropic SDK into a plain description of what may be sent.

Imported by `drive.py` under SDKs of several years, so it knows no SDK type by name and needs no more than the SDK does.
"""

import collections.abc
import types
import typing
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import typing_extensions
from pydantic import BaseModel


class Param(NamedTuple):
    hint: Any
    required: bool


def arms(hint: Any) -> Iterator[Any]:
    """The JSON-able alternatives of a type: unions flattened, wrappers off, files and paths left out."""
    origin = get_origin(hint)
    if "Required" in str(origin) or origin in (typing.Annotated, typing_extensions.Annotated):
        yield from arms(get_args(hint)[0])
    elif origin in (Union, types.UnionType):
        for arm in get_args(hint):
            yield from arms(arm)
    elif origin is Literal or is_list(hint) or is_dict(hint) or is_struct(hint):
        yield hint
    elif hint is datetime:
        yield str
    elif hint in (str, int, float, bool, object, Any, type(None)):
        yield hint


def is_list(hint: Any) -> bool:
    return get_origin(hint) in (list, collections.abc.Iterable, collections.abc.Sequence)


def is_dict(hint: Any) -> bool:
    return get_origin(hint) is dict


def is_struct(hint: Any) -> bool:
    """Whether `hint` is an object with named fields: a TypedDict of parameters, or a model of an answer."""
    return typing_extensions.is_typeddict(hint) or is_model(hint)


def is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


def params(struct: Any) -> dict[str, Param]:
    """The fields of a struct, by name."""
    if is_model(struct):
        fields = struct.model_fields.items()
        return {field.alias or name: Param(field.annotation, field.is_required()) for name, field in fields}
    hints = typing_extensions.get_type_hints(struct, include_extras=True)
    return {
        name: Param(hint, "Required" in str(get_origin(hint)) and "Not" not in str(get_origin(hint)))
        for name, hint in hints.items()
    }
