"""What augmentation costs beside a training step of ``lungnet``, on grey images of 28 x 28.

The step is what the trainer does with a batch whose images are ready: forward, loss,
backward, optimizer. The rows below it are the work done before it; a ratio of 0.1 means that
this adds a tenth to the step.
"""

from __future__ import annotations

import numpy as np

from benchmarks import tables
from benchmarks.harness import Step, race
from benchmarks.outcome import Outcome, Settings
from benchmarks.peers import minicnn_peer
from benchmarks.work import Work
from minicnn.data.augment import Augment
from minicnn.data.preprocess import Preprocess
from minicnn.data.preprocess.pipeline import to_float

WORK = Work("lungnet", 28, 64)
STEP = "training step"
RATIO = "it / step"
# Each change that the recipe does not make, alone; then all of them beside the usual ones.
ALONE = {
    "gamma": {"gamma": 0.3},
    "noise": {"noise": 0.05},
    "blur": {"blur": 1.0},
    "cut-out": {"cutout": 0.4},
}
EVERYTHING = {"gamma": 0.3, "noise": 0.05, "blur": 1.0, "cutout": 0.4, "mixup": 0.2}


def run(settings: Settings) -> Outcome:
    """Race the work before a step against the step; ratios are to the step."""
    x, target = WORK.data()
    contestants: dict[str, Step] = {STEP: minicnn_peer.TrainingStep(WORK.build(), x, target)}
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, x.shape).astype(np.uint8)
    preprocess = Preprocess().fit(images)
    pixels = to_float(images)
    contestants["uint8 to float"] = lambda: to_float(images)
    contestants["normalisation"] = lambda: preprocess.after_augmentation(pixels)
    contestants["augmentation of the recipe"] = augmenting(Augment(), pixels, rng)
    nothing = dict.fromkeys(Augment().to_config(), 0.0)
    for name, strengths in ALONE.items():
        contestants[f"{name} alone"] = augmenting(Augment(**nothing | strengths), pixels, rng)
    contestants["every augmentation"] = augmenting(Augment(**EVERYTHING), pixels, rng)
    result = race(contestants, seconds=settings.seconds, title="augment", block=settings.block)
    rows = tables.rows(str(WORK), result, STEP, ours_by_theirs=False)
    return Outcome(
        tables.markdown(rows, RATIO),
        tables.jsonable(rows),
        lambda path: tables.picture(rows, path, "before a step", RATIO),
    )


def augmenting(augment: Augment, pixels: np.ndarray, rng: np.random.Generator) -> Step:
    """Return a function that augments the batch (N, C, H, W), mix-up included."""

    def step() -> object:
        y = augment(pixels, rng)
        mix = augment.mix(len(y), rng)
        return y if mix is None else mix(y)

    return step
