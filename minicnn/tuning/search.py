"""A whole search, from a space to the best configuration, and on again after a kill.

Everything random is decided by the seed and the number of the trial, and nothing by the order
in which trials finish: with one process or four, interrupted or not, the table is the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minicnn.arguments import check_count
from minicnn.data.development import Development, load_development
from minicnn.errors import ArgumentError, DataError, DivergedError, RunFolderError
from minicnn.files import write_text
from minicnn.training.measures import auc
from minicnn.tuning.folder import SearchDir
from minicnn.tuning.ranking import best_of, last_rungs, ranked, score_of, table_csv
from minicnn.tuning.settings import Settings
from minicnn.tuning.space import Choices, Space
from minicnn.tuning.trial import Assignment
from minicnn.tuning.workers import run_apart, run_here, share

OPTIMISTIC = (
    "The best of many trials is partly the luckiest on val: its val score is optimistic. Judge it "
    "once, on test, with minicnn train --config."
)


class Watcher:
    """What a search tells while it runs; this one keeps still."""

    def begin(self, settings: Settings, data: Development, done: Sequence[Any]) -> None:
        """The data are loaded; so many trainings were done before."""

    def epoch(self, trial: int, epoch: int, epochs: int) -> None:
        """Tell that a trial finished an epoch; 0 when it begins."""

    def finished(self, result: Mapping[str, Any]) -> None:
        """Tell that a trial is done and kept."""

    def end(self) -> None:
        """Tell that nothing more comes, for whatever reason."""


def search(
    folder: SearchDir,
    settings: Settings,
    *,
    jobs: int = 1,
    watcher: Watcher | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Do what is left of a search and return the content of ``results.json``.

    Parameters
    ----------
    folder
        A new folder, or one that a kill left behind at any moment.
    settings
        What the folder was made for.
    jobs
        How many processes; 1 trains in this one.
    watcher
        Is told what happens.
    progress
        Show a bar while the data are loaded.

    Raises
    ------
    DataError
        If the data cannot be loaded or are not those the search began with.
    ArgumentError
        If a batch is larger than the data.
    DivergedError
        If not one trial came to a score.
    RunFolderError
        If another process is at work in the folder, or it cannot be written to.
    """
    check_count("jobs", jobs)
    watcher = Watcher() if watcher is None else watcher
    with folder.alone():
        folder.tidy()
        if folder.finished:
            return folder.read_metrics()
        space = settings.parsed()
        data = load_development(
            settings.data,
            size=settings.size,
            id_pattern=settings.id_pattern,
            split_by=settings.split_by,
            progress=progress,
        )
        _check(settings, space, data)
        _compare_fingerprint(folder, data)
        results = folder.read_trials()
        with folder.writing(lambda: f"{len(results)} trials are safe"):
            watcher.begin(settings, data, list(results.values()))
            with contextlib.ExitStack() as stack:
                stack.callback(watcher.end)
                if jobs > 1:
                    share(data, folder.data)
                    stack.callback(folder.tidy)
                _climb(folder, settings, space, data, jobs, results, watcher)
            return _write_results(folder, settings, space, data, list(results.values()))


def _climb(
    folder: SearchDir,
    settings: Settings,
    space: Space,
    data: Development,
    jobs: int,
    results: dict[tuple[int, int], dict[str, Any]],
    watcher: Watcher,
) -> None:
    """Do all rungs, adding to ``results``."""
    trials = list(range(settings.trials))
    for number, rung in enumerate(settings.rungs()):
        if number:
            # Those who fell over do not go on, however many places there are.
            before = [results[trial, number - 1] for trial in trials]
            order = [
                r
                for r in ranked(before, settings.metric)
                if score_of(r, settings.metric) is not None
            ]
            trials = sorted(r["trial"] for r in order[: rung.trials])
        wanted = [
            Assignment(trial, number, space.draw(settings.seed, trial), rung.epochs or None)
            for trial in trials
        ]
        todo = []
        for one in wanted:
            done = results.get((one.trial, number))
            if done is None:
                todo.append(one)
            elif done["values"] != dict(one.values):
                raise RunFolderError(
                    f"trial {one.trial} in {folder.trials} has other values than this search "
                    f"draws; it was changed, or another version wrote it: start a new search"
                )
        for result in _run(todo, folder, settings, data, jobs, watcher):
            folder.write_trial(result)
            results[result["trial"], number] = result
            watcher.finished(result)


def _run(
    todo: list[Assignment],
    folder: SearchDir,
    settings: Settings,
    data: Development,
    jobs: int,
    watcher: Watcher,
) -> Iterator[dict[str, Any]]:
    if not todo:
        return iter(())
    if jobs == 1:
        return run_here(todo, data, settings.base(), watcher.epoch)
    return run_apart(todo, folder.data, settings.base(), jobs, watcher.epoch)


def _check(settings: Settings, space: Space, data: Development) -> None:
    """Complain about what no trial could do, before the first begins."""
    batch = space.varied.get("batch_size") or Choices((space.fixed.get("batch_size", 1),))
    if max(batch.ends) > len(data.train):
        raise ArgumentError(
            f"the space has batches of up to {max(batch.ends)} images but train has only "
            f"{len(data.train)}; take at most {len(data.train)}"
        )
    labels = data.val.labels
    flat = np.zeros((len(labels), len(data.val.classes)))
    if settings.metric == "auc" and not np.isfinite(auc(labels, flat)):
        raise DataError(
            f"val of {data.name} has no class with positives and negatives, so no AUC; choose "
            f"another metric: --metric loss"
        )


def _compare_fingerprint(folder: SearchDir, data: Development) -> None:
    config, found = folder.read_config(), data.fingerprint()
    if config.setdefault("fingerprint", found) != found:
        raise DataError(
            f"{data.name} holds other train or val images or labels than when the search in "
            f"{folder.path} began; bring the data back, or start a new search"
        )
    folder.write_config(config)


def _write_results(
    folder: SearchDir,
    settings: Settings,
    space: Space,
    data: Development,
    results: list[dict[str, Any]],
) -> dict[str, Any]:
    from minicnn.plots.parallel import plot_parallel
    from minicnn.tuning.picture import axes_of

    write_text(folder.table, table_csv(results, space, settings.metric))
    best = best_of(results, settings.metric)
    if best is None:
        reasons = sorted({str(r["reason"]) for r in results if r["reason"]})
        raise DivergedError(
            f"not one of {len(results)} trials came to a score; the first reason: "
            f"{(reasons or ['none'])[0]}; search smaller learning rates (see {folder.table})"
        )
    options = settings.base() | dict(best["values"]) | {"epochs": best["epochs"]}
    config = {name: value for name, value in options.items() if value is not None}
    folder.write_json(folder.best, config)
    last = last_rungs(results)
    axes = axes_of(last, space, settings)
    plot_parallel(
        axes,
        [score_of(r, settings.metric) for r in last],
        folder.picture,
        title=f"{len(last)} trials on {data.name}",
    )
    summary = {
        "data": data.name,
        "method": settings.method,
        "metric": settings.metric,
        "seed": settings.seed,
        "best": {"trial": best["trial"], "config": config}
        | {name: best[name] for name in ("val_auc", "val_accuracy", "val_loss", "parameters")},
        "trials": ranked(results, settings.metric),
        "counts": {
            status: sum(r["status"] == status for r in results)
            for status in ("ok", "diverged", "failed")
        },
        "seconds": round(sum(r["seconds"] for r in results), 1),
        "folder": str(folder.path),
        "notes": [*data.notes, OPTIMISTIC],
    }
    folder.write_json(folder.metrics, summary)
    return summary
