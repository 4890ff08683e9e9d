"""Long lists in JSON: the same text as in one go, whatever their length."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from minicnn.cli import spool
from minicnn.cli.output import print_json
from minicnn.cli.spool import Spool, print_object

ENTRIES = [
    {"file": 'a\n"b"\u2028é\udcff', "class": "x", "probabilities": {"x": 0.25, "y": np.float64(1)}},
    {"file": "c", "findings": [], "nested": [1, [2, {"a": None}]], "nan": float("nan")},
    "text\nwith lines",
]


@pytest.mark.parametrize("in_memory", [1, 1 << 20])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_it_is_what_one_go_prints(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    in_memory: int,
    count: int,
) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY", in_memory)
    facts: dict[str, Any] = {"model": "m", "classes": ("a", "b"), "empty": {}}
    stream = io.StringIO()
    with Spool() as first, Spool() as second:
        for entry in ENTRIES[:count]:
            first.append(entry)
        second.append({"file": "d"})
        assert first.count == count
        print_object(facts, {"predictions": first, "failed": second}, stream)
    print_json(facts | {"predictions": ENTRIES[:count], "failed": [{"file": "d"}]})
    assert stream.getvalue() == capsys.readouterr().out
    json.loads(stream.getvalue())
