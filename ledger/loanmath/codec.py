"""Terms as plain values that JSON can hold, and back: dates in ISO form, decimals as text, defaults left out."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from ledger.loanmath.terms import LoanTerms


def terms_to_dict(terms: LoanTerms) -> dict[str, Any]:
    """The fields of `terms` that differ from their default."""
    return _plain_fields(terms)


def terms_from_dict(said: Mapping[str, Any]) -> LoanTerms:
    """The terms that `terms_to_dict` wrote. Raises ValueError naming the field that is missing, unknown or wrong."""
    terms = _read_fields(LoanTerms, said, "")
    assert isinstance(terms, LoanTerms)
    return terms


def _plain_fields(value: Any) -> dict[str, Any]:
    return {
        item.name: _plain(getattr(value, item.name))
        for item in fields(value)
        if item.default is MISSING or getattr(value, item.name) != item.default
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _plain_fields(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value


@cache
def shape(of: type) -> dict[str, tuple[Field[Any], Any]]:
    """The fields of a dataclass by name, each with its type."""
    hints = get_type_hints(of)
    return {item.name: (item, hints[item.name]) for item in fields(of)}


def _read_fields(of: type, said: Any, path: str) -> Any:
    if not isinstance(said, Mapping):
        raise ValueError(f"{path or 'terms'}: must be an object")
    known = shape(of)
    for name in said:
        if name not in known:
            raise ValueError(f"{path}{name}: unknown field")
    missing = [name for name, (item, _) in known.items() if name not in said and item.default is MISSING]
    if missing:
        raise ValueError(f"{path}{missing[0]}: missing")
    return of(**{name: _read(known[name][1], value, f"{path}{name}") for name, value in said.items()})


def _read(hint: Any, value: Any, path: str) -> Any:
    try:
        return _read_value(hint, value, path)
    except (InvalidOperation, TypeError) as error:
        raise ValueError(f"{path}: {value!r} is not what belongs here") from error
    except ValueError as error:
        raise ValueError(str(error) if str(error).startswith(path) else f"{path}: {error}") from error


def _read_value(hint: Any, value: Any, path: str) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        return _read_value(next(one for one in inner if one is not type(None)), value, path)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise TypeError
        return tuple(_read(inner[0], item, f"{path}[{index}]") for index, item in enumerate(value))
    if is_dataclass(hint):
        return _read_fields(hint, value, f"{path}.")  # type: ignore[arg-type]
    return _read_scalar(hint, value)


def _read_scalar(hint: Any, value: Any) -> Any:
    if hint is date:
        return date.fromisoformat(value)
    if hint is Decimal:
        number = Decimal(value if isinstance(value, int) else str(value))
        if not number.is_finite():
            raise TypeError
        return number
    if hint is bool or hint is int or hint is str:
        if type(value) is not hint:
            raise TypeError
        return value
    return hint(value)
