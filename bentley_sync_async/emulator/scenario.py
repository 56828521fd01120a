"""Scenario files: TOML whose tables have the keys of `Settings`, `RunRule`, `FileRule` and `FaultRule`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import attrs
from attrs import field, frozen

from bentley_sync_async.errors import ConfigurationError

from .fields import shown
from .platform.faults import FaultRule
from .platform.ids import is_pair
from .settings import Options, Settings
from .synchronization.rules import FileRule, RunRule

T = TypeVar("T")

# What the parser gives up on, without saying where.
_DEEP = re.compile(r"(?:[\[{][^\[{\]}]*){50}")
_LONG = re.compile(r"[0-9_]{4300}")


@frozen(kw_only=True)
class Scenario:
    """The content of a scenario file.

    Attributes:
        options: `[emulator]`: options of the emulator, which keyword arguments override.
        run_rules: `[[runs]]`, the first rule wins.
        file_rules: `[[files]]`, the first rule wins.
        fault_rules: `[[faults]]`, the first rule wins.
        file_names: `[file_names]`: names of files in Storage, by id.
    """

    options: Options = field(factory=Options)
    run_rules: tuple[RunRule, ...] = ()
    file_rules: tuple[FileRule, ...] = ()
    fault_rules: tuple[FaultRule, ...] = ()
    file_names: Mapping[str, str] = field(factory=dict)


def load_scenario(path: str | Path) -> Scenario:
    """Read a scenario file.

    Raises:
        ConfigurationError: The file cannot be read, is not TOML, or has an unknown key or an invalid value; the message
            names the file and the key.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as exc:  # a path may be invalid, too
        reason = "it is not UTF-8" if isinstance(exc, UnicodeDecodeError) else getattr(exc, "strerror", None) or exc
        raise ConfigurationError(f"{path}: cannot be read: {reason}.") from exc
    try:
        return parse_scenario(text)
    except ConfigurationError as exc:
        raise ConfigurationError(f"{path}: {exc}.") from exc


def parse_scenario(text: str) -> Scenario:
    """Read the text of a scenario file.

    Raises:
        ConfigurationError: As for `load_scenario`; the message names the key.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(f"not TOML: {exc}") from exc
    except RecursionError:
        raise ConfigurationError(f"nested too deeply (at line {_line_of(_DEEP, text)})") from None
    except ValueError as exc:
        raise ConfigurationError(f"a number has too many digits (at line {_line_of(_LONG, text)})") from exc
    _refuse_unknown(tables, "", ["emulator", "runs", "files", "faults", "file_names"])
    options = _table(tables, "emulator")
    _built(Settings, options, "emulator.")
    return Scenario(
        options=cast("Options", options),
        run_rules=_rules(tables, "runs", RunRule),
        file_rules=_rules(tables, "files", FileRule),
        fault_rules=_rules(tables, "faults", FaultRule),
        file_names=_file_names(tables),
    )


def _line_of(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return text.count("\n", 0, found.start()) + 1 if found is not None else 1


def _table(tables: Mapping[str, Any], key: str) -> dict[str, Any]:
    table = tables.get(key, {})
    if not isinstance(table, dict):
        raise ConfigurationError(f"{key} must be a table, not {shown(table)}")
    return table


def _rules(tables: Mapping[str, Any], key: str, kind: Callable[..., T]) -> tuple[T, ...]:
    rules = tables.get(key, [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise ConfigurationError(f"{key} must be a list of tables: [[{key}]]")
    return tuple(_built(kind, rule, f"{key}[{number}].") for number, rule in enumerate(rules))


def _built(kind: Callable[..., T], table: Mapping[str, Any], where: str) -> T:
    names = [attribute.name for attribute in attrs.fields(cast("type[Any]", kind)) if attribute.init]
    _refuse_unknown(table, where, names)
    try:
        return kind(**table)
    except ConfigurationError as exc:
        raise ConfigurationError(f"{where}{exc}") from exc


def _refuse_unknown(table: Mapping[str, Any], where: str, names: list[str]) -> None:
    for key in table:
        if key not in names:
            raise ConfigurationError(f"{where}{key[:80]} is not a key; the keys are {', '.join(names)}")


def _file_names(tables: Mapping[str, Any]) -> dict[str, str]:
    names = _table(tables, "file_names")
    for key, name in names.items():
        if not is_pair(key):
            raise ConfigurationError(
                f"file_names.{key[:80]} must be the id of a file in Storage: 43 characters of base64url"
            )
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"file_names.{key} must be the file's name, not {shown(name)}")
    return names
