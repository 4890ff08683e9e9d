"""Train a few steps with torch: ``torch_training FILE STEPS``.

The file holds a network and a batch, so that minicnn need not be imported to make them.
"""

from __future__ import annotations

import json
import sys

from benchmarks import threads
from benchmarks.children import age, memory


def main(path: str, steps: str) -> None:
    import numpy  # noqa: F401  # what everybody who uses torch has imported as well
    import torch

    import benchmarks.peers.torch_modules  # noqa: F401  # classes in the file

    torch.set_num_threads(threads.count())
    imported, baseline = age(), memory.peak()
    module, x, target = torch.load(path, weights_only=False)
    loss = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(module.parameters(), 1e-3)
    losses: list[float] = []
    first = 0.0
    for _ in range(int(steps)):
        optimizer.zero_grad()
        value = loss(module(x), target)
        value.backward()
        optimizer.step()
        losses.append(value.item())
        first = first or age()
    report = {"imported": imported, "first_step": first, "losses": losses}
    print(json.dumps(report | {"baseline": baseline, "peak": memory.peak()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
