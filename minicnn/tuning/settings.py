"""What the user of ``minicnn tune`` asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from minicnn.arguments import check_count
from minicnn.errors import ArgumentError, MinicnnError, RunFolderError
from minicnn.training.options import Options
from minicnn.tuning.halving import Rung, plan_rungs
from minicnn.tuning.ranking import METRICS
from minicnn.tuning.space import Space, parse_space

METHODS = ("random", "halving")
SHARED = ("data", "size", "id_pattern", "split_by", "seed")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What was asked for.

    Parameters
    ----------
    data, size, id_pattern, split_by
        What to load, as in `minicnn.data.load`; the test part never is.
    space
        The table of a `minicnn.tuning.space.Space`.
    method
        ``"random"`` trains every trial to its end; ``"halving"`` trains many a little and the
        better ones more, see `minicnn.tuning.halving`.
    trials
        How many sets of values are drawn.
    epochs
        For halving the epochs of the last rung, 9 unless given; for random those of every
        trial, in place of what the space or the recipe says.
    smallest, eta
        For halving: the fewest epochs, and one of how many goes on.
    metric
        What decides, measured on val: ``"auc"``, ``"accuracy"`` or ``"loss"``.
    seed
        Decides the values drawn, and the training of each.

    Raises
    ------
    ArgumentError
        If a value is out of range or two contradict each other.
    """

    data: str
    space: Mapping[str, Any]
    size: int | None = None
    id_pattern: str | None = None
    split_by: str | None = None
    method: str = "random"
    trials: int = 20
    epochs: int | None = None
    smallest: int = 1
    eta: int = 3
    metric: str = "auc"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (("method", METHODS), ("metric", tuple(METRICS))):
            if getattr(self, name) not in known:
                raise ArgumentError(
                    f"{name} is {getattr(self, name)!r}; expected one of {', '.join(known)}"
                )
        check_count("trials", self.trials)
        Options(**self.base())
        if self.method == "halving" and "epochs" in self.space:
            raise ArgumentError(
                "the space names epochs, but successive halving decides them; drop them from "
                "the space and say the most with --epochs"
            )
        self.rungs()
        parse_space(self.space)

    def base(self) -> dict[str, Any]:
        """Return the options that all trials share."""
        return {name: getattr(self, name) for name in SHARED}

    def rungs(self) -> list[Rung]:
        """Return the plan; for random one rung, whose epochs are 0 where each trial has its own."""
        if self.method == "random":
            return [Rung(self.trials, self.epochs or 0)]
        return plan_rungs(self.trials, self.epochs or 9, self.smallest, self.eta)

    def parsed(self) -> Space:
        """Return the space; epochs given beside it fix them."""
        table = dict(self.space)
        if self.epochs is not None:
            table.pop("epochs", None)
        return parse_space(table)

    def to_json(self) -> dict[str, Any]:
        """Return all settings as JSON values."""
        return dataclasses.asdict(self) | {"space": dict(self.space)}

    @classmethod
    def from_json(cls, values: Any) -> Settings:
        """Read what `to_json` returned, from a file somebody may have changed."""
        try:
            return cls(**values)
        except (TypeError, MinicnnError) as error:
            raise RunFolderError(
                f"the settings of the search are damaged or those of another version ({error}); "
                f"start a new search"
            ) from error
