"""What a search may vary, and how.

A space is a table of options of ``minicnn train``, as JSON or TOML::

    lr = {log_uniform = [1e-3, 1e-2]}     a real number, its logarithm uniform
    augment_strength = {uniform = [0, 2]} a real number
    epochs = {int = [4, 12]}              a whole number, both ends possible
    batch_size = {log_int = [16, 128]}    a whole number, its logarithm uniform
    model = ["lungnet", "lenet"]          one of a list, each as likely
    l2 = {choices = [0, 1e-5, 1e-4]}      the same, spelt out
    optimizer = "adamw"                   fixed

Rates and penalties act by factors, so search them on a logarithmic scale: uniform draws from
0.0001 to 0.1 would hardly ever fall below 0.001.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from minicnn.errors import ArgumentError, MinicnnError
from minicnn.training.options import Options

TUNABLE = (
    "model",
    "width",
    "epochs",
    "batch_size",
    "optimizer",
    "lr",
    "l1",
    "l2",
    "weight_decay",
    "augment",
    "augment_strength",
    "augment_with",
)
WHOLE = ("epochs", "batch_size")
DEFAULT: dict[str, Any] = {
    "lr": {"log_uniform": [1e-3, 2e-2]},
    "batch_size": [16, 32, 64, 128],
    "epochs": {"int": [4, 12]},
    "width": [0.5, 0.75, 1, 1.5],
    "augment_strength": {"uniform": [0, 1.5]},
    "weight_decay": {"log_uniform": [1e-3, 0.1]},
    "l1": [0, 1e-6, 1e-5],
    "l2": [0, 1e-5, 1e-4],
}


@dataclasses.dataclass(frozen=True)
class Choices:
    """One of a list, each as likely."""

    values: tuple[Any, ...]
    scale = "category"

    def draw(self, rng: np.random.Generator) -> Any:
        """Draw one value."""
        return self.values[int(rng.integers(len(self.values)))]

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values that must all be possible for the rest to be."""
        return self.values


@dataclasses.dataclass(frozen=True)
class Range:
    """A number between two ends, uniform or with a uniform logarithm, whole or real."""

    low: float
    high: float
    logarithmic: bool
    whole: bool

    @property
    def scale(self) -> str:
        """``"log"`` or ``"linear"``."""
        return "log" if self.logarithmic else "linear"

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values that must all be possible for the rest to be."""
        return self.low, self.high

    def draw(self, rng: np.random.Generator) -> Any:
        """Draw one value."""
        if self.whole and not self.logarithmic:
            return int(rng.integers(int(self.low), int(self.high), endpoint=True))
        if not self.logarithmic:
            return _short(float(rng.uniform(self.low, self.high)))
        # Half a step on each side gives the end numbers their share of a whole number's range.
        edge = 0.5 if self.whole else 0.0
        low, high = math.log(self.low - edge), math.log(self.high + edge)
        value = math.exp(rng.uniform(low, high))
        if self.whole:
            return int(min(max(round(value), self.low), self.high))
        return min(max(_short(value), self.low), self.high)


KINDS = {
    "uniform": (False, False),
    "log_uniform": (True, False),
    "int": (False, True),
    "log_int": (True, True),
}


@dataclasses.dataclass(frozen=True)
class Space:
    """What varies, by name, and what is fixed."""

    varied: dict[str, Choices | Range]
    fixed: dict[str, Any]
    table: dict[str, Any]

    def draw(self, seed: int, trial: int) -> dict[str, Any]:
        """Draw the values of a trial.

        Each option has its own stream of random numbers, told by its name, so that a space
        with one option more leaves the draws of the others as they were.
        """
        values = dict(self.fixed)
        for name, kind in self.varied.items():
            key = (trial, zlib.crc32(name.encode()))
            values[name] = kind.draw(
                np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
            )
        return values


def parse_space(table: Mapping[str, Any]) -> Space:
    """Read a space from the table described above.

    Raises
    ------
    ArgumentError
        If a name is unknown, a range is empty or upside down, a logarithm would be of 0, or
        a value is one the option cannot have.
    """
    varied: dict[str, Choices | Range] = {}
    fixed: dict[str, Any] = {}
    for name, entry in table.items():
        if name not in TUNABLE:
            near = difflib.get_close_matches(name, TUNABLE, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise ArgumentError(
                f"the space names {name!r}, which cannot be searched; {hint}known: "
                f"{', '.join(TUNABLE)}"
            )
        kind = _parse_entry(name, entry)
        for value in kind.ends:
            _check_value(name, value)
        if isinstance(kind, Choices) and len(kind.values) == 1:
            fixed[name] = kind.values[0]
        else:
            varied[name] = kind
    return Space(varied, fixed, dict(table))


def _parse_entry(name: str, entry: Any) -> Choices | Range:
    if isinstance(entry, list):
        return _choices(name, entry)
    if not isinstance(entry, Mapping):
        return Choices((entry,))
    if len(entry) != 1 or next(iter(entry)) not in ("choices", *KINDS):
        raise ArgumentError(
            f"the space gives {name} as {dict(entry)!r}; expected one of choices, "
            f"{', '.join(KINDS)}, such as {{'uniform': [0, 1]}}"
        )
    kind, ends = next(iter(entry.items()))
    if kind == "choices":
        return _choices(name, ends)
    logarithmic, whole = KINDS[kind]
    if not isinstance(ends, list) or len(ends) != 2 or not all(map(_is_number, ends)):
        raise ArgumentError(f"{name}: {kind} is {ends!r}; expected two finite numbers, [low, high]")
    low, high = ends
    if whole and not all(float(end).is_integer() for end in ends):
        raise ArgumentError(f"{name}: {kind} is {ends!r}; expected two whole numbers")
    if name in WHOLE and not whole:
        raise ArgumentError(
            f"{name}: {kind} gives real numbers but {name} is a whole one; use int, log_int or "
            f"choices"
        )
    if not low < high:
        raise ArgumentError(
            f"{name}: {kind} is {ends!r}, an empty range; the first number must be below the second"
        )
    if logarithmic and low <= 0:
        raise ArgumentError(
            f"{name}: {kind} starts at {low!r}, which has no logarithm; start above 0, or use "
            f"{kind.removeprefix('log_')}"
        )
    return Range(low, high, logarithmic, whole)


def _choices(name: str, values: Any) -> Choices:
    if not isinstance(values, list) or not values:
        raise ArgumentError(f"{name}: choices is {values!r}; expected a list with a value or more")
    if any(values.count(value) > 1 for value in values):
        raise ArgumentError(f"{name}: choices {values!r} names a value twice; each once")
    return Choices(tuple(values))


def _check_value(name: str, value: Any) -> None:
    texts = ("model", "optimizer", "augment_with")
    expected = "a text" if name in texts else "true or false" if name == "augment" else "a number"
    fits = isinstance(value, str) if name in texts else isinstance(value, bool)
    if expected == "a number":
        fits = _is_number(value)
    if not fits:
        raise ArgumentError(f"the space gives {name} the value {value!r}; expected {expected}")
    try:
        Options(data="phantom", **{name: value})
    except MinicnnError as error:
        raise ArgumentError(f"the space cannot be searched: {error}") from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _short(value: float) -> float:
    """Round to four digits: more would only make the table hard to read."""
    return float(f"{value:.4g}")
