"""Strategies by name: `module:Class` or `file.py:Class`, with settings behind a question mark."""

import importlib
import importlib.util
import inspect
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qsl

from papertape.core.errors import InputError
from papertape.paper_trading.strategy import Strategy

_FORM = "module:Class or file.py:Class, with settings such as file.py:Class?fast=5&slow=20"


def load_strategy(text: str) -> Strategy:
    """A strategy made from its name, such as `trend.py:BarTrend?fast=5`; settings are the arguments of its constructor.

    Raises InputError that says what is not there, and what is.
    """
    name, _, query = text.partition("?")
    place, _, class_name = name.rpartition(":")
    if not place or not class_name:
        raise InputError(f"expected a strategy as {_FORM}, was {text!r}")
    kind = _class_of(module_of(place), place, class_name)
    settings = _settings_of(query, text)
    try:
        inspect.signature(kind).bind(**settings)
    except TypeError as error:
        raise InputError(f"{name}: expected settings {_said(kind)}, was {query or 'none'}: {error}") from error
    try:
        return kind(**settings)
    except Exception as error:
        raise InputError(f"{name} cannot be made: {type(error).__name__}: {error}") from error


def module_of(place: str) -> ModuleType:
    """The module of a name or a file; what lies beside it, or in the working folder, can be imported by it."""
    is_file = place.endswith(".py")
    folder = str(Path(place).resolve().parent) if is_file else str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return _module_of_file(Path(place)) if is_file else importlib.import_module(place)
    except InputError:
        raise
    except ModuleNotFoundError as error:
        if error.name != place.split(".", maxsplit=1)[0] and error.name != place:
            raise InputError(f"{place} needs a module that is not there: {error.name}; install it") from error
        raise InputError(
            f"expected a module that can be imported, or a file that ends in .py, was {place!r}"
        ) from error
    except (Exception, SystemExit) as error:
        raise InputError(f"{place} cannot be imported: {type(error).__name__}: {error}") from error


def _module_of_file(file: Path) -> ModuleType:
    if not file.is_file():
        there = ", ".join(sorted(one.name for one in file.parent.glob("*.py"))) or "no file that ends in .py"
        raise InputError(
            f"expected a strategy's file, was {file}, which is not there; {file.parent.resolve()} holds {there}"
        )
    # The full path is the name: two files called strategy.py are two modules.
    name = str(file.resolve())
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InputError(f"expected a Python file, was {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _class_of(module: ModuleType, place: str, class_name: str) -> type[Strategy]:
    found = getattr(module, class_name, None)
    if isinstance(found, type) and issubclass(found, Strategy):
        return found
    there = [
        name
        for name, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, Strategy) and one is not Strategy
    ]
    held = f"its strategies are {', '.join(there)}" if there else "it has none; derive one from papertape's Strategy"
    was = f"{class_name}, which is not there" if found is None else f"{class_name}, which is no Strategy"
    raise InputError(f"expected a strategy of {place}, was {was}; {held}")


def _settings_of(query: str, text: str) -> dict[str, int | Decimal | str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise InputError(f"expected settings such as ?fast=5&slow=20, was {text!r}") from error
    settings = {name: _value_of(value) for name, value in pairs}
    if len(settings) != len(pairs):
        raise InputError(f"expected each setting once, was {text!r}")
    return settings


def _value_of(text: str) -> int | Decimal | str:
    """A whole number, else a decimal number, else text."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite():
        return text
    return int(text) if text.lstrip("+-").isdecimal() else number


def _said(kind: type[Strategy]) -> str:
    """The settings that a strategy takes, as a person types them."""
    parameters = inspect.signature(kind).parameters.values()
    said = [one.name if one.default is one.empty else f"{one.name}={one.default}" for one in parameters]
    return ", ".join(said) or "(none)"
