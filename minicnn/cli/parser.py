"""argparse with errors as exceptions, near-match hints, and no guessing of shortened options."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from minicnn.errors import MinicnnError

INVALID_CHOICE = re.compile(r"^argument (.+?): invalid choice: (\S+).*\(choose from (.*)\)$")
OPTION = re.compile(r"(?<![\w-])--?[a-z][\w-]*")


class UsageError(MinicnnError):
    """The command line cannot be understood."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `UsageError` instead of printing the usage and leaving."""

    def __init__(self, *args: Any, **options: Any) -> None:
        # An option cut short today may mean another one tomorrow.
        options.setdefault("allow_abbrev", False)
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **options)

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` with a hint where to look."""
        choice = INVALID_CHOICE.match(message)
        if choice:
            name, given, known = choice.groups()
            given, names = given.strip(",'\""), [k.strip("' \"") for k in known.split(",")]
            # Commands are shown by their place, options by their own name.
            what = f"{name} " if name.startswith("-") else ""
            message = f"{what}{given!r} is unknown; {did_you_mean(given, names)}"
            message += f"known: {', '.join(names)}"
        raise UsageError(f"{message} (help: {self.prog} --help)")

    def refuse_leftovers(self, leftovers: list[str]) -> NoReturn:
        """Raise `UsageError` about the first argument nobody asked for."""
        first = leftovers[0]
        if first.startswith("-") and len(first) > 1:
            name = first.split("=", 1)[0]
            known = OPTION.findall(self.format_usage())
            if name in known:
                self.error(
                    f"{name} is in the wrong place; options go after {self.prog} and before any --"
                )
            self.error(f"there is no option {name}; {did_you_mean(name, known)}".rstrip("; "))
        self.error(f"unexpected argument {first!r}")


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return ``"did you mean ...? "`` with the nearest name, or nothing."""
    near = difflib.get_close_matches(given, list(dict.fromkeys(known)), n=1, cutoff=0.6)
    return f"did you mean {near[0]}? " if near else ""
