"""Checking the values of a recipe's options against the function's own signature."""

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

import pydantic

from sparring.errors import UsageError


def default_values(function: Callable[..., Any]) -> dict[str, Any]:
    """The keyword parameters that need not be given, and what they are then."""
    return {p.name: p.default for p in _keywords(function) if p.default is not p.empty}


def check_values(recipe: str, function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = _keywords(function)
    fields: dict[str, Any] = {
        p.name: (hints.get(p.name, Any), ... if p.default is p.empty else p.default) for p in parameters
    }
    config = pydantic.ConfigDict(
        extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True, arbitrary_types_allowed=True
    )
    model = pydantic.create_model("Options", __config__=config, **fields)
    given = {name: _as_word(value, hints.get(name, Any)) for name, value in options.items()}
    faults: dict[str, list[Any]] = {}
    checked: dict[str, Any] = {}
    try:
        valid = model.model_validate(given)
        checked = {p.name: getattr(valid, p.name) for p in parameters}
    except pydantic.ValidationError as error:
        for fault in error.errors():
            faults.setdefault(str(fault["loc"][0]), []).append(fault)
    for name, value in checked.items():
        if name in given and _is_stretched(given[name], value):
            faults[name] = []
    if faults:
        raise UsageError(
            "\n".join(_sentence(recipe, name, hints.get(name, Any), found, options) for name, found in faults.items())
        )
    return checked


def _keywords(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return [p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]


def check_spec(recipe: str, function: Callable[..., Any], spec: Any) -> None:
    """Raise UsageError where a recipe says, by the type of `spec`, that it is for another kind of data."""
    kind = data_kind(function)
    if kind is not None and spec.kind != kind:
        raise UsageError(
            f"recipe {recipe} is for {kind} data. Received: {spec.kind} data; `sparring recipes` lists all recipes."
        )


def data_kind(function: Callable[..., Any]) -> str | None:
    """The kind of data that a recipe is for by the type of its `spec`; None where that says nothing."""
    fields = getattr(typing.get_type_hints(function).get("spec"), "model_fields", {})
    kind = fields["kind"].default if "kind" in fields else None
    return kind if isinstance(kind, str) else None


def _is_stretched(given: Any, value: Any) -> bool:
    """Whether pydantic made a number of a text, or of a truth, or the other way round: it would hide a slip."""
    return (
        isinstance(value, bool | int | float)
        and type(given) is not type(value)
        and (isinstance(given, bool | str) or isinstance(value, bool))
    )


def _as_word(value: Any, hint: Any) -> Any:
    """A choice such as "none" or "2" as the text it was, where `parse_setting` could not know that it is one."""
    members = _members(hint)
    words = [
        word for member in members if typing.get_origin(member) is typing.Literal for word in typing.get_args(member)
    ]
    is_plain = value is None or isinstance(value, bool | int | float)
    if is_plain and value not in words and type(value) not in members and str(value).lower() in words:
        return str(value).lower()
    return value


def _members(hint: Any) -> list[Any]:
    """The types a union is made of, without their limits."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _members(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return [member for argument in arguments for member in _members(argument)]
    return [hint]


def _sentence(recipe: str, name: str, hint: Any, faults: list[Any], options: Mapping[str, Any]) -> str:
    kinds = {fault["type"] for fault in faults}
    if "missing" in kinds:
        return f"`{name}` of {recipe} must be given."
    limits = [
        fault["msg"]
        for fault in faults
        if not fault["type"].endswith(("_type", "_parsing"))
        and fault["type"] not in ("literal_error", "int_from_float", "is_instance_of", "enum")
    ]
    if limits:
        must = " or ".join(re.sub(r"^\w+ should (be )?", r"", limit) for limit in limits)
        must = f"be {must}" if limits[0].startswith("Input should be") else must
    else:
        must = "be " + " or ".join(map(_type_text, _members(hint)))
    return f"`{name}` of {recipe} must {must}. Received: {name}={options[name]!r}"


def _type_text(member: Any) -> str:
    if member is types.NoneType:
        return "None"
    if typing.get_origin(member) is typing.Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(member)))
    return member.__name__ if isinstance(member, type) and not typing.get_args(member) else str(member)
