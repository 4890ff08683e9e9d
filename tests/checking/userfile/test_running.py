"""The process that checks a file, and its end; what each file can do wrong is in tests/cli."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minicnn.checking import CheckError
from minicnn.checking.userfile import check_file

LAYER = (
    "class L:\n    def forward(self, x): return 3 * x\n    def backward(self, dy): return 3 * dy\n"
)


def write(folder: Path, text: str) -> Path:
    path = folder / "hw.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_report_comes_back_with_its_arrays(tmp_path: Path) -> None:
    file = write(tmp_path, "print('hello')\n" + LAYER.replace("3 * dy", "2 * dy"))
    outcome = check_file(file, "L", ["2,3"], seed=4, arrays=True)
    assert outcome.report.diagnosis == ["scale"] and outcome.report.seed == 4
    assert outcome.printed.split() == ["hello"]
    x = outcome.report.tensors[0]
    assert x.analytic_values is not None and x.numeric_values is not None
    np.testing.assert_allclose(x.analytic_values / x.numeric_values, np.full((2, 3), 2 / 3))


def test_the_same_seed_gives_the_same_numbers_even_from_shared_generators(tmp_path: Path) -> None:
    text = "import numpy as np, random\nw = np.random.randn() + random.random()\n" + LAYER.replace(
        "3", "w"
    )
    file = write(tmp_path, text)
    one, two, other = (check_file(file, "L", ["4"], seed=s, arrays=True).report for s in (0, 0, 1))
    assert one.tensors == two.tensors != other.tensors


def test_inputs_differ_from_each_other_and_between_seeds(tmp_path: Path) -> None:
    text = (
        "def f(x, y):\n    print(x[0], y[0])\n    return x.sum() + y.sum(), x * 0 + 1, y * 0 + 1\n"
    )
    file = write(tmp_path, text)
    drawn = []
    for seed in (0, 1):
        (note,) = check_file(file, "f", ["3", "3"], seed=seed).report.notes
        drawn += re.findall(r"-?\d\.\d+", note)
    assert len(set(drawn)) == len(drawn) == 4


def test_the_process_has_no_window_no_keyboard_and_a_limit_of_memory(tmp_path: Path) -> None:
    text = (
        "import os, sys\nassert os.environ['MPLBACKEND'] == 'Agg'\nassert sys.stdin.read() == ''\n"
    )
    if sys.platform == "linux":  # macOS keeps no limit of memory
        text += "import resource\nassert 0 < resource.getrlimit(resource.RLIMIT_AS)[0] <= 2**33\n"
    reading, writing = os.pipe()
    os.write(writing, b"typed by somebody\n")
    os.close(writing)
    own = os.dup(0)
    try:
        os.dup2(reading, 0)
        assert check_file(write(tmp_path, text + LAYER), "L", ["2"]).report.ok
    finally:
        os.dup2(own, 0)
        os.close(own)
        os.close(reading)


def test_the_current_folder_and_this_process_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Neither a numpy.py where the user stands nor what the file does to its process matters here.
    for name in ("numpy.py", "json.py", "minicnn.py"):
        (tmp_path / name).write_text("raise RuntimeError('not that one')\n")
    (tmp_path / "x.npy").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    before = set(sys.modules)
    folder = tmp_path / "files"
    folder.mkdir()
    text = "import os, sys\nassert os.path.exists('x.npy')\nos.environ['A_MARK'] = '1'\n" + LAYER
    assert check_file(write(folder, text), "L", ["2"]).report.ok
    assert "A_MARK" not in os.environ
    assert "hw" not in set(sys.modules) - before
    assert [path.name for path in folder.iterdir()] == ["hw.py"]  # no __pycache__


@pytest.mark.skipif(os.name == "nt", reason="signals and process groups of POSIX")
def test_nothing_survives_the_time_limit(tmp_path: Path) -> None:
    # It ignores every polite signal, and so does the process it starts.
    mark = tmp_path / "alive"
    ignoring = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    loop = f"while True:\n    open({str(mark)!r}, 'w').close()\n    time.sleep(0.05)\n"
    starting = (
        f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {ignoring + loop!r}])\n"
    )
    file = write(tmp_path, ignoring + starting + "while True:\n    time.sleep(1)\n")
    with pytest.raises(CheckError, match="not done after 2.5 s and was stopped"):
        check_file(file, "L", ["2"], time_limit=2.5)
    mark.unlink(missing_ok=True)
    time.sleep(0.4)
    assert not mark.exists()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_an_endless_loop_outlives_a_killed_parent_only_until_its_time_is_up(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    file = write(
        tmp_path, f"import os\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\nwhile True: pass\n"
    )
    call = f"check_file({str(file)!r}, 'L', ['2'], time_limit=5)"
    parent = subprocess.Popen(
        [sys.executable, "-c", f"from minicnn.checking.userfile import check_file\n{call}"]
    )
    wait_for(lambda: mark.exists() and mark.read_text() != "")
    parent.kill()
    parent.wait()
    child = int(mark.read_text())
    assert runs(child)
    wait_for(lambda: not runs(child))


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Nobody may be there to take note of its end.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def wait_for(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_the_code_prints_cannot_block_it_or_spoil_the_answer(tmp_path: Path) -> None:
    text = (
        "import os, sys\n"
        "for i in range(3000):\n"
        "    print('{\"report\": 1}', i, 'x' * 100)\n"
        "print('\\udcff\\x1b[31m', file=sys.stderr)\n"
        "os.write(1, b'\\xff\\xfe')\n"
        "sys.stdout.close()\n"
    )
    outcome = check_file(write(tmp_path, text + LAYER), "L", ["2"])
    assert outcome.report.ok
    assert outcome.printed.startswith('{"report": 1} 0') and len(outcome.printed) <= 20_000


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="no limit of memory on this system")
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS keeps no limit of memory")
def test_a_program_that_eats_memory_is_stopped_before_the_computer_is(tmp_path: Path) -> None:
    text = (
        "import numpy as np\nclass L:\n    def forward(self, x):\n        kept = []\n"
        "        while True:\n            kept.append(np.empty(10**8))\n"
        "    def backward(self, dy): return dy\n"
    )
    with pytest.raises(CheckError, match=r"MemoryError.*hw.py, line 6"):
        check_file(write(tmp_path, text), "L", ["2"])
