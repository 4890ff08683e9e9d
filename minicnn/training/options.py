"""What the user of ``minicnn train`` asked for; what was left open is None."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from minicnn import zoo
from minicnn.arguments import check_count, check_number
from minicnn.data.splits import SPLIT_BY
from minicnn.errors import ArgumentError, RunFolderError
from minicnn.training.recipe import OPTIMIZERS

# Ten times as wide a network has a hundred times the weights; three times the usual change
# turns a chest by 30 degrees.
WIDTHS = {"minimum": 0.1, "maximum": 10.0}
STRENGTHS = {"minimum": 0.0, "maximum": 3.0}


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of a training. None leaves the choice to the recipe.

    Parameters
    ----------
    data : str
        What to load, as in `minicnn.data.load`.
    size : int, optional
        Pixels along each side, for folders of images and named data sets.
    id_pattern : str, optional
        How file names tell the patient, as in `minicnn.data.load`.
    split_by : str, optional
        Who stays together where the data decide the split, as in `minicnn.data.load`.
    model, optimizer : str, optional
        A name from the zoo; one of ``sgd``, ``adam``, ``adamw``, ``rmsprop``, ``adagrad``.
    width : float, optional
        The number of channels in multiples of the usual ones, as in `minicnn.zoo.build`.
    epochs, batch_size : int, optional
        Passes over the training images; images per step.
    lr : float, optional
        The largest learning rate, above 0.
    l1, l2 : float, optional
        Strength of the penalties, from 0 up. Given one, the recipe's weight decay is off.
    weight_decay : float, optional
        The optimizer's own shrinking of the weights, from 0 up.
    augment : bool, optional
        Whether to change the training images at random.
    augment_strength : float, optional
        From 0, which changes nothing, to 3: multiplies every change the recipe makes.
    augment_with : str, optional
        Strengths that replace the recipe's, in words: ``noise=0.05,mixup=0.2``.
    step : sequence of str, optional
        Steps of the preprocessing in words, as in `minicnn.data.preprocess.spec`.
    patience : int, optional
        Stop after so many epochs without a better validation loss.
    seed : int
        Decides weights, order and augmentation; never the split.

    Raises
    ------
    ArgumentError
        A value is out of range, or a name unknown.
    """

    data: str
    size: int | None = None
    id_pattern: str | None = None
    split_by: str | None = None
    model: str | None = None
    width: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    optimizer: str | None = None
    lr: float | None = None
    l1: float | None = None
    l2: float | None = None
    weight_decay: float | None = None
    augment: bool | None = None
    augment_strength: float | None = None
    augment_with: str | None = None
    step: tuple[str, ...] | None = None
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("size", "epochs", "batch_size", "patience"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        check_count("seed", self.seed, minimum=0)
        if self.lr is not None:
            check_number("lr", self.lr, above=0)
        for name in ("l1", "l2", "weight_decay"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), minimum=0)
        if self.width is not None:
            check_number("width", self.width, **WIDTHS)
        if self.augment_strength is not None:
            check_number("augment_strength", self.augment_strength, **STRENGTHS)
            if self.augment is False and self.augment_strength > 0:
                raise ArgumentError(
                    f"augment_strength is {self.augment_strength:g} but augmentation is off; "
                    f"give one of the two"
                )
        self._check_augment_with()
        self._check_step()
        _check_name("split_by", self.split_by, dict.fromkeys(SPLIT_BY))
        _check_name("model", self.model, zoo.MODELS)
        _check_name("optimizer", self.optimizer, OPTIMIZERS)

    def _check_augment_with(self) -> None:
        if self.augment_with is None:
            return
        from minicnn.data.augment import parse_strengths

        if self.augment is False:
            raise ArgumentError(
                f"augment_with is {self.augment_with!r} but augmentation is off; "
                f"give one of the two"
            )
        parse_strengths(self.augment_with)

    def _check_step(self) -> None:
        if self.step is None:
            return
        from minicnn.data.preprocess.spec import parse_preprocess

        if isinstance(self.step, str) or not all(isinstance(word, str) for word in self.step):
            raise ArgumentError(
                f"step is {self.step!r}; give a list of texts, one per step of the preprocessing"
            )
        object.__setattr__(self, "step", tuple(self.step))  # a list, where it comes from JSON
        parse_preprocess(self.step)

    def to_json(self) -> dict[str, Any]:
        """Return all options as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Any) -> Self:
        """Read what `to_json` returned, from a file somebody may have changed."""
        known = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(values, Mapping) or "data" not in values or not set(values) <= known:
            raise RunFolderError(
                "the options of the run are damaged or those of another version; "
                "start a new training"
            )
        return cls(**values)


def settled_spec(spec: str) -> str:
    """Return a spec that means the same from any folder: a path becomes absolute.

    A name goes before a file or folder of the same name, as in `minicnn.data.load`.
    """
    from minicnn.data import registry

    path = Path(spec).expanduser()
    if registry.find(spec) is None and spec and path.exists():
        return str(path.resolve())
    return spec


def _check_name(what: str, name: str | None, known: Mapping[str, Any]) -> None:
    if name is None or name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ArgumentError(f"there is no {what} {name!r}; {hint}known: {', '.join(known)}")
