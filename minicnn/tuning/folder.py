"""The folder of a search, said once.

search.json        what was asked for and the fingerprint of train and val; written first
trials/0007-1.json the result of trial 7 in rung 1, all or nothing
table.csv          every result, best first
parallel.png       the picture of all trials
best.json          the winner, for ``minicnn train --config``
results.json       everything in one file; written last, so it marks the end
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minicnn.errors import RunFolderError
from minicnn.files import write_text
from minicnn.training.rundir import RunDir


class SearchDir(RunDir):
    """The folder of one search, made, opened and locked as a `RunDir` is."""

    command = "tune"

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.config = self.path / "search.json"
        self.metrics = self.path / "results.json"
        self.trials = self.path / "trials"
        self.table = self.path / "table.csv"
        self.picture = self.path / "parallel.png"
        self.best = self.path / "best.json"
        self.data = self.path / ".data.part"  # what the workers share; gone at the end

    def write_trial(self, result: Mapping[str, Any]) -> None:
        """Keep a finished trial."""
        self.trials.mkdir(exist_ok=True)
        text = json.dumps(result, indent=2, allow_nan=False) + "\n"
        write_text(self.trials / f"{result['trial']:04d}-{result['rung']}.json", text)

    def read_trials(self) -> dict[tuple[int, int], dict[str, Any]]:
        """Return all finished trials by number and rung.

        Raises
        ------
        RunFolderError
            If a file is damaged; each is written all or nothing, so somebody changed it.
        """
        results = {}
        for path in sorted(self.trials.glob("[0-9]*.json")):
            try:
                result = json.loads(path.read_text(encoding="utf-8"))
                results[int(result["trial"]), int(result["rung"])] = result
                result["status"], result["values"], result["seconds"]
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise RunFolderError(
                    f"{path} cannot be read ({error}); delete it, and its trial is done again"
                ) from error
        return results

    def write_json(self, path: Path, value: Mapping[str, Any]) -> None:
        """Write a JSON file, all or nothing."""
        write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")

    def tidy(self) -> None:
        """Remove what a kill left behind."""
        import shutil

        super().tidy()
        for leftover in self.trials.glob(".*.part"):
            leftover.unlink(missing_ok=True)
        shutil.rmtree(self.data, ignore_errors=True)
