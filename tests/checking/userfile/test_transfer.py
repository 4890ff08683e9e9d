from __future__ import annotations

from pathlib import Path

import numpy as np

from minicnn.checking.report import FAIL, PASS, Finding, Report, TensorResult
from minicnn.checking.userfile.transfer import read_report, receive, send, send_report

VALUES = np.array([[1.0, np.nan], [np.inf, -2.0]])
X = TensorResult(
    "x", (2, 2), FAIL, 4, 1, (0, 1), float("nan"), 1e-300, 0.5, VALUES, -VALUES, VALUES
)
SIGN = Finding("sign", "dx has the wrong sign \ud800", "x", {"factor": -1.0})
REPORT = Report("Linear", FAIL, (X, TensorResult("", (), PASS)), (SIGN,), 3, 7, 0.5, ("a note",))


def there_and_back(report: Report, folder: Path, arrays: bool) -> Report:
    send_report(report, folder, arrays)
    answer = receive(folder)
    assert answer is not None
    return read_report(answer["report"], folder)


def test_a_report_arrives_as_it_was_sent(tmp_path: Path) -> None:
    found = there_and_back(REPORT, tmp_path, arrays=True)
    x = found.tensors[0]
    assert x.analytic is not None and np.isnan(x.analytic)
    assert (x.numeric, x.error_bar, x.worst_index, x.shape) == (1e-300, 0.5, (0, 1), (2, 2))
    for name, sign in (("analytic_values", 1), ("numeric_values", -1), ("error_bars", 1)):
        np.testing.assert_array_equal(getattr(x, name), sign * VALUES)
    assert found.tensors[1] == REPORT.tensors[1] and found.findings == REPORT.findings
    for name in ("target", "verdict", "seed", "evaluations", "seconds", "notes"):
        assert getattr(found, name) == getattr(REPORT, name)


def test_arrays_travel_only_where_they_are_wanted(tmp_path: Path) -> None:
    assert there_and_back(REPORT, tmp_path, arrays=False).tensors[0].analytic_values is None
    assert [path.name for path in tmp_path.iterdir()] == ["answer.json"]


def test_no_answer_and_half_an_answer_are_none(tmp_path: Path) -> None:
    assert receive(tmp_path) is None
    send(tmp_path, {"error": "a"})
    assert receive(tmp_path) == {"error": "a"}
    (tmp_path / "answer.json").write_text('{"error": ')
    assert receive(tmp_path) is None
    (tmp_path / "answer.json").write_text("[]")
    assert receive(tmp_path) is None
