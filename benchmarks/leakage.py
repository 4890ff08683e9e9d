"""How much too good an AUC is that was measured on patients the network has met.

python -m benchmarks.leakage chest_xray/ --seeds 5 --out benchmark-results

Two comparisons, both with the same recipe and several seeds:

*Naive*: the split by image beside the split by patient, each judged on its own test part, as
two papers would do it. The test parts differ, and with them how hard they are.

*Controlled*: the same test images twice. Of each test patient one image stays in test; the
others form a pool. The clean training set holds nothing of these patients; in the leaking one,
as many images of the same classes are exchanged for the pool. So size, classes and test images
are equal, and what differs is the acquaintance.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.leakage",
        description="Measure what patients on both sides of a split do to the AUC.",
    )
    parser.add_argument("data", help="a folder of class folders whose file names tell patients")
    parser.add_argument("--size", type=int, default=28)
    parser.add_argument("--model", default="lenet")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--augment", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--out", type=Path, default=Path("benchmark-results"))
    args = parser.parse_args()
    settings = {
        "model": args.model,
        "epochs": args.epochs,
        "augment": args.augment,
    }
    results = {
        "settings": settings | {"size": args.size, "seeds": args.seeds},
        "naive": naive(args, settings),
        "controlled": controlled(args, settings),
    }
    print(table(results))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "leakage.json").write_text(json.dumps(results, indent=1) + "\n")


def naive(args: argparse.Namespace, settings: dict[str, Any]) -> dict[str, Any]:
    """Train on both splits and judge each on its own test part."""
    from minicnn import data

    aucs: dict[str, list[float]] = {}
    for kind, split_by in (("clean", "patient"), ("leaking", "image")):
        splits = data.load(args.data, size=args.size, split_by=split_by)
        aucs[kind] = [
            auc_of(splits.train, splits.test, settings, seed) for seed in range(args.seeds)
        ]
    return aucs


def controlled(args: argparse.Namespace, settings: dict[str, Any]) -> dict[str, Any]:
    """Train with and without images of the test patients, and judge on the same images."""
    from minicnn import data

    splits = data.load(args.data, size=args.size)
    kept, pool = take_out(splits.test.ids, np.random.default_rng(0))
    test, known = splits.test.subset(kept), splits.test.subset(pool)
    aucs: dict[str, list[float]] = {"clean": [], "leaking": []}
    for seed in range(args.seeds):
        leave = room_for(known.labels, splits.train.labels, np.random.default_rng(seed))
        rest = np.setdiff1d(np.arange(len(splits.train)), leave)
        aucs["clean"].append(auc_of(splits.train, test, settings, seed))
        aucs["leaking"].append(auc_of(join(splits.train.subset(rest), known), test, settings, seed))
    return aucs | {"test_images": len(test), "exchanged": len(known)}


def take_out(ids: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """Keep one image of each patient; return its index, and those of all the others."""
    kept, pool = [], []
    for patient in np.unique(ids):
        members = rng.permutation(np.flatnonzero(ids == patient))
        kept.append(members[0])
        pool += members[1:].tolist()
    return np.sort(kept), np.sort(pool)


def room_for(labels: Any, train_labels: Any, rng: np.random.Generator) -> Any:
    """Choose training images to leave out, as many of each class as come in."""
    leave = [
        rng.choice(np.flatnonzero(train_labels == k), size=int((labels == k).sum()), replace=False)
        for k in np.unique(labels)
    ]
    return np.concatenate(leave)


def join(first: Any, second: Any) -> Any:
    from minicnn.data import Dataset

    return Dataset(
        np.concatenate([first.images, second.images]),
        np.concatenate([first.labels, second.labels]),
        first.classes,
    )


def auc_of(train: Any, test: Any, settings: dict[str, Any], seed: int) -> float:
    """Train by the recipe and return the AUC on ``test``."""
    from minicnn.training.assemble import make_trainer
    from minicnn.training.options import Options
    from minicnn.training.recipe import Task, choose

    task = Task(len(train), train.image_shape, train.multilabel)
    recipe = choose(Options(data="phantom", **settings), task)
    trainer = make_trainer(recipe, train, seed)
    trainer.fit(train, None, recipe.epochs, progress=False)
    auc = trainer.evaluate(test)["auc"]
    print(f"  seed {seed}: {len(train)} train, {len(test)} test, AUC {auc:.4f}", flush=True)
    return auc


def table(results: dict[str, Any]) -> str:
    lines = [
        "| comparison | AUC, patients apart | AUC, patients on both sides | difference (95 %) |",
        "|---|---|---|---|",
    ]
    for name in ("naive", "controlled"):
        clean, leaking = (np.array(results[name][kind]) for kind in ("clean", "leaking"))
        gap = leaking - clean  # by seed
        lines.append(
            f"| {name} | {clean.mean():.4f} | {leaking.mean():.4f} | {gap.mean():+.4f} "
            f"± {half_width(gap):.4f} |"
        )
    controlled_ = results["controlled"]
    lines.append(
        f"\ncontrolled: {controlled_['exchanged']} training images exchanged, "
        f"{controlled_['test_images']} test images; the interval is over seeds alone"
    )
    return "\n".join(lines)


def half_width(values: Any) -> float:
    """Half the 95 % interval of a mean, by Student's t (up to ten values)."""
    quantiles = (math.nan, math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
    count = len(values)
    if count < 2:
        return math.nan
    t = quantiles[count] if count < len(quantiles) else 2.0
    return float(t * values.std(ddof=1) / math.sqrt(count))


if __name__ == "__main__":
    main()
