"""``minicnn train`` until its first step is done: ``command_line FOLDER``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.children import age


def main(folder: str) -> None:
    from minicnn.optimizers.base import Optimizer

    usual = Optimizer.step

    def step(self: Any) -> None:
        usual(self)
        os.write(1, (json.dumps({"first_step": age()}) + "\n").encode())
        os._exit(0)

    Optimizer.step = step  # type: ignore[method-assign]
    run = str(Path(folder) / str(os.getpid()))
    sys.argv = ["minicnn", "train", "--data", "phantom", "--epochs", "1", "--out", run]
    from minicnn.cli.entry import main as program

    raise SystemExit(f"minicnn train ended with {program()} before its first step")


if __name__ == "__main__":
    main(*sys.argv[1:])
