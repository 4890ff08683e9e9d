"""Plain Python out of NumPy, null out of NaN."""

from __future__ import annotations

import math

import numpy as np

from minicnn.evaluation.jsonable import to_json


def test_to_json() -> None:
    value = {"a": np.float32(0.5), "b": [np.nan, math.inf, np.int64(3)], 1: np.eye(2), "c": (None,)}
    assert to_json(value) == {
        "a": 0.5,
        "b": [None, None, 3],
        "1": [[1.0, 0.0], [0.0, 1.0]],
        "c": [None],
    }
