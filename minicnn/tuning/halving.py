"""Successive halving: train many a little, and the better ones more.

Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter
optimization", AISTATS 2016. With n trials, a largest budget of R epochs and a factor eta, rung
i = 0 .. s trains (Li et al., "Hyperband", JMLR 2018, Algorithm 1)::

    n_i = floor(n / eta^i) trials    for    r_i = R / eta^(s - i) epochs each

and the best n_(i+1) of them go on. The rungs cost about the same, n R / eta^s epochs each.

Here a rung trains anew rather than on from the weights of the rung before: the learning rate
runs through one cycle that ends with the training, and a network stopped in the middle of a
longer cycle says little about where it would have ended.
"""

from __future__ import annotations

import dataclasses

from minicnn.arguments import check_count
from minicnn.errors import ArgumentError


@dataclasses.dataclass(frozen=True)
class Rung:
    """So many trials of so many epochs."""

    trials: int
    epochs: int


def plan_rungs(trials: int, largest: int, smallest: int = 1, eta: int = 3) -> list[Rung]:
    """Plan the rungs of a search.

    Parameters
    ----------
    trials
        n, the trials of the first rung.
    largest, smallest
        The epochs of the last rung, and the fewest that one may have.
    eta
        One of eta trials goes on, for eta times the epochs.

    Raises
    ------
    ArgumentError
        If a number is out of range, or ``smallest`` is above ``largest``.
    """
    check_count("trials", trials)
    check_count("eta", eta, minimum=2)
    check_count("smallest", smallest)
    check_count("largest", largest)
    if smallest > largest:
        raise ArgumentError(
            f"the fewest epochs are {smallest} but the most are {largest}; give at least {smallest}"
        )
    steps = 0
    # Whole numbers throughout: a logarithm of floats calls 243 = 3^5 a little less than that.
    while smallest * eta ** (steps + 1) <= largest and trials // eta ** (steps + 1) >= 1:
        steps += 1
    return [
        Rung(trials // eta**i, max(smallest, largest // eta ** (steps - i)))
        for i in range(steps + 1)
    ]
