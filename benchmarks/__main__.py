"""``python -m benchmarks``: run tables, print them, write JSON and a picture."""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time minicnn beside its peers, interleaved in one run.",
        epilog="example: python -m benchmarks train-step backends --seconds 20 --out results",
    )
    parser.add_argument("tables", nargs="+", choices=["train-step", "backends", "augment"])
    parser.add_argument("--seconds", type=float, default=20, help="budget per row (default 20)")
    parser.add_argument("--threads", type=int, default=2, help="threads of everyone (default 2)")
    parser.add_argument("--out", type=Path, default=Path("benchmark-results"))
    args = parser.parse_args()

    # Before numpy, numba and torch are imported: they read these once.
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{name}_NUM_THREADS"] = str(args.threads)
    from benchmarks import augment, backends, tables, train_step

    runs = {"train-step": train_step.run, "backends": backends.run, "augment": augment.run}
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.tables:
        print(f"\n# {name}, {args.threads} threads, {platform.machine()}\n")
        results = runs[name](args.seconds)
        print(tables.markdown(results))
        rows = {work: [asdict(t) for t in timings] for work, timings in results.items()}
        (args.out / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")
        tables.picture(results, args.out / f"{name}.png", name)
    print(f"\nwritten to {args.out}")


if __name__ == "__main__":
    main()
