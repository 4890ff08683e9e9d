"""What a planted case is, and how a family of them is collected."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Setting = Callable[[Any], tuple[Any, tuple[Any, ...]]]
Kind = TypeVar("Kind", bound=Callable[..., Any])


@dataclass(frozen=True)
class Case:
    """One piece of code with a backward pass that is known to be wrong, or known to be right.

    Parameters
    ----------
    name
        Family and name, as in ``"convolution/kernel-not-turned"``; unique.
    family
        The file it stands in.
    make
        Returns ``(target, inputs)``, made afresh at each call and the same each time. Floats
        are float64 unless the case is about another dtype.
    slugs
        What the mistake may be called (`minicnn.checking.slugs`); empty where the code is right.
    why
        What the mistake is and how it comes about, or why right code may look wrong.
    """

    name: str
    family: str
    make: Callable[[], tuple[Any, tuple[Any, ...]]]
    slugs: tuple[str, ...]
    why: str

    @property
    def wrong(self) -> bool:
        """Whether the code has a mistake."""
        return bool(self.slugs)


class Family:
    """The cases of one file, in the order in which they are written there.

    Parameters
    ----------
    name
        The first half of the cases' names.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.cases: list[Case] = []

    def wrong(self, *slugs: str, on: Setting, name: str = "") -> Callable[[Kind], Kind]:
        """Plant what is decorated: a class of layers or a function. Its docstring says why.

        Parameters
        ----------
        *slugs
            What a checker may call the mistake.
        on
            The setting: takes the class or function, returns ``(target, inputs)``.
        name
            Instead of the name of the class or function.
        """
        if not slugs:
            raise ValueError("a wrong case needs at least one slug that names the mistake")
        return lambda kind: self._add(kind, slugs, on, name)

    def right(self, *, on: Setting, name: str = "") -> Callable[[Kind], Kind]:
        """Add what is decorated as a case that a checker must pass."""
        return lambda kind: self._add(kind, (), on, name)

    def _add(self, kind: Kind, slugs: tuple[str, ...], on: Setting, name: str) -> Kind:
        # What is wrong says the code; why right code may be tricky, often what it is given.
        reasons = (kind.__doc__, "" if slugs else on.__doc__)
        why = " ".join(" ".join(reason or "" for reason in reasons).split())
        full = f"{self.name}/{name or _with_hyphens(kind.__name__)}"
        self.cases.append(Case(full, self.name, lambda: on(kind), slugs, why))
        return kind


def _with_hyphens(name: str) -> str:
    """``KernelNotTurned`` and ``kernel_not_turned`` both become ``kernel-not-turned``."""
    name = name.replace("ReLU", "Relu").replace("SiLU", "Silu").replace("PRelu", "Prelu")
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name)
    return parts.replace("_", "-").strip("-").lower()
