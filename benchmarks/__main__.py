"""``python -m benchmarks``: run tables, print them, write JSON and pictures."""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
from pathlib import Path

from benchmarks import allocator, goals, threads
from benchmarks.outcome import Measured, Outcome, Settings
from benchmarks.quiet import Disturbance

# The module of each table; each has ``run(settings) -> Outcome``.
TABLES = {
    "train-step": "train_step",
    "inference": "inference",
    "kernels": "kernels",
    "startup": "startup",
    "memory": "memory",
    "scaling": "scaling",
    "ladder": "ladder",
    "backends": "backends",
    "augment": "augment",
}


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    # Before numpy, numba and torch are imported.
    threads.limit(args.threads)
    if args.malloc == "kept" and not allocator.keep_freed_memory():
        print("freed memory is kept or not as this C library likes")
    from benchmarks.work import Work

    settings = Settings(
        seconds=args.seconds,
        works=tuple(Work.parse(text) for text in args.work),
        peers=tuple(args.peers),
        block=args.block / 1e3,
    )
    args.out.mkdir(parents=True, exist_ok=True)
    runs: list[list[Measured]] = []
    busy: list[str] = []
    for repetition in range(args.repeat):
        measured: list[Measured] = []
        for name in args.tables:
            which = f", run {repetition + 1} of {args.repeat}" if args.repeat > 1 else ""
            print(f"\n# {name}, {args.threads} threads, {platform.machine()}{which}\n", flush=True)
            disturbance = Disturbance()
            outcome = importlib.import_module(f"benchmarks.{TABLES[name]}").run(settings)
            print(f"{outcome.text}\n\n{disturbance.describe()}", flush=True)
            file = name if args.repeat == 1 else f"{name}-{repetition + 1}"
            write(outcome, disturbance, args.out / file)
            if disturbance.too_much():
                busy.append(file)
            measured += outcome.measured
        runs.append(measured)
    table = goals.summary(runs)
    if table.count("\n") > 1:
        if busy:
            table += f"\n\nNot to be quoted: other programs were at work during {', '.join(busy)}."
        print(f"\n# goals\n\n{table}")
        (args.out / "goals.md").write_text(table + "\n", encoding="utf-8")
    print(f"\nwritten to {args.out}")


def write(outcome: Outcome, disturbance: Disturbance, path: Path) -> None:
    """Write the text, the numbers and the picture beside each other."""
    data = {
        "versions": versions(),
        "threads": threads.count(),
        "others_cores": disturbance.cores(),
        "rows": outcome.data,
    }
    text = f"{outcome.text}\n\n{disturbance.describe()}\n"
    path.with_suffix(".json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    outcome.draw(path.with_suffix(".png"))


def versions() -> dict[str, str]:
    """Return the versions of what took part."""
    names = ("minicnn", "numpy", "numba", "torch", "jax", "onnxruntime", "mygrad")
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in names:
        module = sys.modules.get(name)
        if module is not None:
            found[name] = str(getattr(module, "__version__", "?"))
    return found


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time minicnn beside its peers, in turn and in one run.",
        epilog="example: python -m benchmarks train-step inference --seconds 20 --repeat 3",
    )
    add = parser.add_argument
    add("tables", nargs="+", choices=list(TABLES), metavar="TABLE", help=", ".join(TABLES))
    add("--seconds", type=float, default=20, help="budget per row (default 20)")
    add("--threads", type=int, default=2, help="threads of everyone (default 2)")
    repeat = "run everything N times; goals get median, best and worst"
    add("--repeat", type=int, default=1, metavar="N", help=repeat)
    work = "MODEL:SIZE:BATCH[:WIDTH] instead of the usual five; may be repeated"
    add("--work", action="append", default=[], metavar="WORK", help=work)
    add("--peers", nargs="*", default=[], help="only peers whose names begin so, such as torch")
    block = "calls of one contestant in a row, in ms (default 30); 0: one call"
    add("--block", type=float, default=30, metavar="MS", help=block)
    malloc = "kept (default): freed memory stays with the process, as it suits torch best"
    add("--malloc", choices=["kept", "usual"], default="kept", help=malloc)
    add("--out", type=Path, default=Path("benchmark-results"))
    return parser


if __name__ == "__main__":
    main()
