"""What every test shares: the real data, where it is present, and a backend put back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from minicnn import backends


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real X-rays named by MINICNN_TEST_DATA."""
    folder = os.environ.get("MINICNN_TEST_DATA")
    if not folder:
        pytest.skip("needs real X-rays: set MINICNN_TEST_DATA to their folder")
    path = Path(folder)
    assert path.is_dir(), f"MINICNN_TEST_DATA is {folder!r}, which is not a folder"
    return path


@pytest.fixture(autouse=True)
def _restore_backend() -> Iterator[None]:
    """Let no test change the backend of the next."""
    before = backends._current
    yield
    backends._current = before


@pytest.fixture(params=backends.BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run a test once on every backend."""
    with backends.use_backend(request.param):
        yield request.param
