"""Saving, and texts that come from the data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from minicnn.plots import style
from minicnn.plots.curves import plot_curves

ROWS = [{"epoch": 1, "loss": 0.7}, {"epoch": 2, "loss": 0.4}]


def test_the_same_figure_gives_the_same_bytes_and_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "curves.png"
    path.write_bytes(b"old")
    plot_curves(ROWS, path)
    first = path.read_bytes()
    plot_curves(ROWS, path)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["curves.png"]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("plain", None, "plain"),
        ("two\n lines\t", None, "two lines"),
        ("a long name", 7, "a long…"),
        ("exactly", 7, "exactly"),
        ("$x_1$", None, r"\$x_1\$"),
    ],
)
def test_plain(text: str, limit: int | None, expected: str) -> None:
    assert style.plain(text, limit) == expected


def test_matplotlib_comes_late_and_without_windows() -> None:
    code = (
        "import io, sys\n"
        "from minicnn.plots.curves import plot_curves\n"
        "assert 'matplotlib' not in sys.modules\n"
        "plot_curves([{'epoch': 1, 'loss': 1.0}], io.BytesIO())\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
