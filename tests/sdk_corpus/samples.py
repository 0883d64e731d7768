"""Turns a parameter type of the SDK into values that between them use all of it."""

from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args, get_origin

from tests.sdk_corpus.params import arms, is_dict, is_list, is_model, is_struct, params


def samples(hint: Any) -> list[Any]:
    """Values of a type that between them take each arm of each union, each literal and each field."""
    return [value for arm in arms(hint) for value in _samples(arm)]


def _samples(arm: Any) -> Iterator[Any]:
    if get_origin(arm) is Literal:
        yield from get_args(arm)
    elif is_list(arm):
        yield from ([], samples(get_args(arm)[0]))
    elif is_dict(arm):
        yield from ({}, {f"key_{n}": value for n, value in enumerate(samples(get_args(arm)[1]))})
    elif is_struct(arm):
        yield from _structs(arm)
    else:
        yield {str: "x", int: 1, float: 0.5, bool: True, type(None): None}.get(arm, {"any": [1, None]})


def _structs(struct: Any) -> Iterator[Any]:
    make: Callable[..., Any] = struct.model_construct if is_model(struct) else dict
    choices = {name: (samples(param.hint), param.required) for name, param in params(struct).items()}
    least = {name: values[0] for name, (values, required) in choices.items() if required}
    yield make(**least)
    for name, (values, required) in choices.items():
        for value in values[1:] if required else values:
            yield make(**{**least, name: value})
