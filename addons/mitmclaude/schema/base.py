"""Turns type annotations into open models that take what they do not know, and name it when they are asked to.

The models accept unknown fields, values and tags, so they can hold any traffic. Validated with a `Reporting`
context they raise a ``drift`` error for each of these, so that one pass of pydantic finds what is malformed and what
is new, each with its path: https://docs.pydantic.dev/latest/concepts/validators/#validation-context
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import NoneType
from typing import Annotated, Any, Final, Literal, TypeVar, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

T = TypeVar("T")

PIECE: Final = 1000
"""Entries checked in one go: long enough that real bodies are one piece, short enough that a hostile one stops soon."""


class Reporting:
    """The validation context that asks the models to report drift, and to stop looking after about `limit` errors.

    The limit keeps a hostile body cheap: pydantic would collect ten million errors as readily as ten. It is not exact,
    as an error in a list within a list counts for both.
    """

    def __init__(self, limit: int) -> None:
        self._left = limit

    @property
    def spent(self) -> bool:
        return self._left <= 0

    def spend(self, errors: int) -> None:
        self._left -= errors


def _report(drift: Literal["unknown field", "unknown value"], known: tuple[str, ...], info: ValidationInfo) -> None:
    if isinstance(info.context, Reporting) and not info.context.spent:
        info.context.spend(1)
        # A short list of what is known helps; one of thirty block types would only bury the path.
        wanted = f"; known: {', '.join(known)}" if 0 < len(known) <= 8 else ""
        raise PydanticCustomError("drift", f"{drift}{wanted}")


def _unknown_field(value: object, info: ValidationInfo) -> object:
    _report("unknown field", (), info)
    return value


class Wire(BaseModel):
    """An object on the wire: strict about the fields it declares, open to all others."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, defer_build=True)
    __pydantic_extra__: dict[str, Annotated[object, AfterValidator(_unknown_field)]]


@dataclass(frozen=True)
class Known:
    """Marks a string with the values known so far; any other is drift, never a violation."""

    values: tuple[str, ...]

    def __init__(self, *values: str) -> None:
        object.__setattr__(self, "values", values)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self._check, handler(source))

    def _check(self, value: str, info: ValidationInfo) -> str:
        if value not in self.values:
            _report("unknown value", self.values, info)
        return value


class Opaque(Wire):
    """The arm of a union for objects whose `type` is not known: kept as they came, not looked into."""

    __pydantic_extra__: dict[str, object]

    type: Annotated[str, Known()]  # whatever it is, it is new


@dataclass(frozen=True)
class OneOf:
    """Tells the arms of a union apart by JSON type, and objects by their tag, so that a fault is reported once.

    An arm's tags are the values of its `Literal` field `key`; where that field may be absent, so may the tag. The arm
    without tags takes all other objects. The chosen arm stands in angle brackets in the location of an error.
    """

    key: str = "type"

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        kinds: dict[type, str] = {}
        tags: dict[str | None, str] = {}
        choices: dict[str, CoreSchema] = {}
        for arm in get_args(source):
            kind = _kind(arm)
            names = list(_tags(arm, self.key)) if kind is dict else []
            label = f"<{names[0] if names else kind.__name__}>"
            choices[label] = handler.generate_schema(arm)
            tags |= dict.fromkeys(names, label)
            if not names:
                kinds[kind] = label

        def arm_of(value: object) -> str | None:
            if isinstance(value, BaseModel):  # on its way out
                value = value.__dict__
            if isinstance(value, dict):
                tag = value.get(self.key)
                if tag is None or isinstance(tag, str):
                    return tags.get(tag) or kinds.get(dict)
            return kinds.get(type(value))

        wanted = {_JSON_TYPE[_kind(arm)]: None for arm in get_args(source)}
        return core_schema.tagged_union_schema(
            choices, arm_of, custom_error_type="wanted", custom_error_message=" or ".join(wanted)
        )


_JSON_TYPE: Final[Mapping[type, str]] = {str: "a string", bool: "a boolean", list: "a list", dict: "an object"}


def _kind(arm: Any) -> type:
    if get_origin(arm) is Annotated:
        return _kind(get_args(arm)[0])
    if get_origin(arm) is list:
        return list
    return dict if issubclass(arm, BaseModel) else arm


def _tags(arm: type[BaseModel], key: str) -> Iterator[str | None]:
    field = arm.model_fields.get(key)
    for part in (field.annotation, *get_args(field.annotation)) if field else ():
        if get_origin(part) is Literal:
            yield from get_args(part)
        elif part is NoneType:
            yield None


# What the aliases below do to a value.


def _whole(value: object) -> object:
    # JSON has one kind of number, so 1024.0 is a whole one.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _in_pieces(items: object, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    """Checks a list piece by piece while errors are reported, so that it can stop once there are enough."""
    reporting = info.context
    if not isinstance(reporting, Reporting) or not isinstance(items, list):
        return check(items)
    errors: list[InitErrorDetails] = []
    for start in range(0, len(items), PIECE):
        if reporting.spent:
            break
        try:
            check(items[start : start + PIECE])
        except ValidationError as error:
            reporting.spend(error.error_count())
            if len(items) <= PIECE:
                raise
            errors += _moved(error, start)
    if errors:
        raise ValidationError.from_exception_data("list", errors)
    return items


def _moved(error: ValidationError, by: int) -> Iterator[InitErrorDetails]:
    """The errors of a piece, with their places in the whole list."""
    for detail in error.errors(include_url=False):
        index, *rest = detail["loc"]
        moved = PydanticCustomError(detail["type"], detail["msg"])
        yield InitErrorDetails(type=moved, loc=(int(index) + by, *rest), input=detail["input"])


def _first_names(names: object, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    # The rest of an object with thousands of names goes unchecked: hostile, or no worse than the first.
    if isinstance(info.context, Reporting) and isinstance(names, dict):
        return check(dict(islice(names.items(), PIECE)))
    return check(names)


Int = Annotated[int, BeforeValidator(_whole)]
Items = Annotated[list[T], WrapValidator(_in_pieces)]
"""A list of any length."""
Named = Annotated[dict[str, T], WrapValidator(_first_names)]
"""An object whose keys the client chooses."""
JsonObject = dict[str, object]
"""Any object; what is in it belongs to the client and is not looked into."""
