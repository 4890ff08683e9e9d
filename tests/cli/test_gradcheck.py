"""``minicnn gradcheck``: three pieces of homework, and everything a file can do wrong."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

Cli = Callable[..., Any]
HOMEWORK = Path(__file__).parents[1] / "checking" / "homework"
CONV = ("--input", "2,3,6,5", "--input", "4,3,3,3", "--input", "4")
PARAM = ("--input", 'json:{"stride": 2, "pad": 1}')
HEAD = "import numpy as np\nclass L:\n    "
IDENTITY = "def forward(self, x): return 2 * x\n    def backward(self, dy): return 2 * dy\n"


def flat(text: str) -> str:
    return " ".join(text.split())


# ---- homework -----------------------------------------------------------------------------


def test_a_right_convolution_passes(cli: Cli) -> None:
    result = cli(
        "gradcheck", f"{HOMEWORK / 'conv_right.py'}:Conv2D", "--init", "[3, 4, 3, 2, 1]",
        "--input", "2,3,7,6",
    )  # fmt: skip
    assert result.code == 0 and result.err == ""
    assert result.out.startswith("PASS  Conv2D: the backward pass is right; all 3 gradients agree")
    rows = [line.split()[0] for line in result.out.splitlines() if "PASS" in line][1:]
    assert rows == ["x", "W", "b"]


def test_a_bias_summed_over_the_wrong_axis(cli: Cli) -> None:
    # Its file brings the input: as many samples as outputs, so that the shape is right.
    result = cli(
        "gradcheck", f"{HOMEWORK / 'dense_wrong_bias.py'}:Dense", "--init",
        '{"n_in": 6, "n_out": 4}',
    )  # fmt: skip
    assert result.code == 1 and result.err == ""
    text = flat(result.out)
    assert text.startswith("FAIL Dense: the gradient is wrong for b, and right for x, W 1. wrong-")
    assert "wrong-axis: grads['b']" in text and "axis 1" in text
    assert "next: sum over exactly the axes" in text and "dy.sum(axis=0)" in text
    assert "b (4,) FAIL 4 of 4" in text


def test_a_flipped_kernel_in_a_pair_of_functions(cli: Cli) -> None:
    result = cli("gradcheck", f"{HOMEWORK / 'conv_flipped.py'}:conv", *CONV, *PARAM, "--json")
    found = result.json
    assert result.code == 1 and result.err == ""
    assert found["verdict"] == "FAIL" and not found["ok"] and found["diagnosis"][0] == "flipped"
    finding = found["findings"][0]
    assert finding["tensor"] == "x" and "turned around" in finding["sentence"]
    assert "the kernel as it is" in finding["next"]
    assert [t["verdict"] for t in found["tensors"]] == ["FAIL", "PASS", "PASS"]
    assert (found["name"], found["picture"], found["markdown"]) == ("conv", None, None)


def test_a_picture_and_a_page_are_written(cli: Cli, tmp_path: Path) -> None:
    target = f"{HOMEWORK / 'conv_flipped.py'}:conv_forward,conv_backward"
    out = ("--plot", tmp_path / "a.png", "--markdown", tmp_path / "a.md")
    result = cli("gradcheck", target, *CONV, *PARAM, "--wrt", "x", *out, "--seed", 3)
    assert result.code == 1 and f"picture: {tmp_path / 'a.png'}" in result.out
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "a.md").read_text(encoding="utf-8")
    assert page.startswith("## FAIL: ") and "seed 3" in page
    assert "| x |" in page and "| w |" not in page


# ---- files that cannot be checked -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("def f(x:\n", (), ["hw.py is no valid Python: SyntaxError in line 1"]),
        ("import nosuchthing\n", (), ["needs the module 'nosuchthing' (hw.py, line 1)"]),
        ("x = 1 / 0\n", (), ["ZeroDivisionError: division by zero (hw.py, line 1)"]),
        ("import sys\nsys.exit(0)\n", (), ["ends the program", "line 2"]),
        ("input('n? ')\n", (), ["waits for input from the keyboard", "hw.py, line 1"]),
        ("import os\nos._exit(0)\n", (), ["ended Python with exit code 0", "os._exit"]),
        ("class Layer: pass\n", (), ["no 'L'", "NAME_forward and NAME_backward"]),
        (
            "class M:\n    def forward(self, x): return x\n    def backward(self, dy): return dy\n",
            (),
            ["no 'L'; what can be checked there: M"],
        ),
        (HEAD + "def forward(self, x): return x\n", (), ["L has no backward", "write backward"]),
        (HEAD + "def backward(self, x): return x\n", (), ["L has no forward", "write forward"]),
        (HEAD + IDENTITY, ("--init", "[1]"), ["L cannot be made", "it takes ()"]),
        (HEAD + IDENTITY, ("--init", "{"), ["--init '{' is not JSON"]),
        (HEAD + IDENTITY, ("--input", "3"), ["cannot be called with 2 inputs"]),
        (HEAD + IDENTITY, ("--wrt", ","), ["--wrt ',' names nothing", "leave it out"]),
        (
            HEAD + IDENTITY.replace("return 2 * x", "raise KeyboardInterrupt"),
            (),
            ["L raised KeyboardInterrupt (hw.py, line 3)", "mend that line"],
        ),
        (
            HEAD + "@property\n    def forward(self): raise ValueError('no')\n"
            "    def backward(self, dy): return dy\n",
            (),
            ["L raised ValueError: no (hw.py, line 4)"],
        ),
        (
            HEAD + IDENTITY.replace("return 2 * x", "return self.forward(x)"),
            (),
            ["RecursionError", "calls itself without end"],
        ),
        (
            HEAD + IDENTITY.replace("return 2 * x", "raise SystemExit(0)"),
            (),
            ["forward raised SystemExit: 0 (hw.py, line 3)", "take the call of exit out"],
        ),
        (HEAD + IDENTITY, ("--wrt", "w"), ["wrt names 'w'", "choose from 'x'"]),
        (
            HEAD + "def forward(self, x): return x @ np.ones((5, 2))\n    "
            "def backward(self, dy): return dy\n",
            (),
            ["forward raised ValueError", "(hw.py, line 3)", "float64 of shape (2, 3)", "--input"],
        ),
        (
            HEAD + "def forward(self, x): raise NotImplementedError\n    "
            "def backward(self, dy): return dy\n",
            (),
            ["NotImplementedError (hw.py, line 3)", "write forward first"],
        ),
        (
            "import ctypes\nclass L:\n    def forward(self, x): return ctypes.string_at(0)\n"
            "    def backward(self, dy): return dy\n",
            (),
            ["crashed Python itself", "in forward (hw.py, line 3)"],
        ),
    ],
)  # fmt: skip
def test_a_check_that_cannot_be_made_is_one_line(
    cli: Cli, tmp_path: Path, text: str, words: tuple[str, ...], expected: list[str]
) -> None:
    file = tmp_path / "hw.py"
    file.write_text(text)
    result = cli("gradcheck", f"{file}:L", "--input", "2,3", *words, "--json")
    result.assert_error(*expected)
    line = next(x for x in result.err.splitlines() if x.startswith("minicnn: error: "))
    assert line.count(";") >= 1  # what was wrong, why or what was expected, what to do


def test_an_endless_loop_is_stopped_and_found(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "hw.py"
    file.write_text(HEAD + IDENTITY.replace("return 2 * x", "\n        while True: pass"))
    result = cli("gradcheck", f"{file}:L", "--input", "2", "--time-limit", "4")
    result.assert_error("not done after 4 s", "in forward (hw.py, line 4)", "--time-limit")


def test_integers_alone_have_no_gradient(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "hw.py"
    file.write_text(HEAD + IDENTITY)
    words = ("no input of L is an array of floats (int64 of shape (4,))", "--input 4,3")
    cli("gradcheck", f"{file}:L", "--input", "labels:4:3").assert_error(*words)


def test_without_inputs_it_says_which_arguments_there_are(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "hw.py"
    file.write_text("def f(x, w): return 0.0, x\n")
    cli("gradcheck", f"{file}:f").assert_error("f_inputs() nor gradcheck_inputs()", "each of x, w")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["nothing to check", "FILE.py:NAME", "--library"]),
        (("nothere.py:L", "--input", "3"), ["there is no file nothere.py"]),
        (("hv.py:L", "--input", "3"), ["there is no file", "did you mean hw.py?"]),
        (("hw.py", "--input", "3"), ["not what to check in it; name one of L, affine: hw.py:L"]),
        (("hw.py:", "--input", "3"), ["name one of L"]),
        ((".:L",), ["is a folder", "FILE.py:NAME"]),
        (("hw.txt:L",), ["does not end in .py"]),
        (("hw.ipynb:L",), ["is a notebook", "nbconvert"]),
        (("",), ["empty path"]),
        (("hw.py:L", "--input", "2,x"), ["--input '2,x' is no input", "labels:SHAPE:K"]),
        (("hw.py:L", "--input", "labels:3"), ["names no number of classes"]),
        (("hw.py:L", "--input", "99999,99999"), ["entries; at most"]),
        (("hw.py:L", "--plot", "a.jpg"), ["ending in .png"]),
        (("hw.py:L", "--plot", "no/a.png"), ["cannot be written", "existing folder"]),
        (("hw.py:L", "--markdown", "no/a.md"), ["cannot be written"]),
        (("hw.py:L", "--markdown", "hw.py"), ["hw.py is the file to be checked"]),
        (("hw.py:L", "--time-limit", "0"), ["--time-limit: '0'"]),
        (("hw.py:L", "--time-limit", "nan"), ["--time-limit: 'nan'"]),
        (("hw.py:L", "--seed", "-1"), ["--seed: '-1'"]),
        (("hw.py:L", "--library"), ["FILE.py:NAME and --library exclude each other"]),
        (("--planted", "--library"), ["--library and --planted exclude each other"]),
        (("--library", "--input", "3"), ["--input is for a file of yours"]),
        (("--library", "--seeds", "3"), ["--seeds is for --planted"]),
        (("--library", "--time-limit", "3"), ["--time-limit is for a file"]),
        (("--fuzz", "0"), ["--fuzz: '0'", "at least 1"]),
        (("--fuzz",), ["--fuzz"]),
    ],
    ids=str,
)  # fmt: skip
def test_bad_usage_starts_no_process(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Any, expected: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = "def affine_forward(x): pass\ndef affine_backward(dy, c): pass\n"
    Path("hw.py").write_text(HEAD + IDENTITY + source)
    for name in ("hw.txt", "hw.ipynb"):
        Path(name).write_text("")
    running = importlib.import_module("minicnn.checking.userfile.running")
    monkeypatch.setattr(running, "_run", lambda *_: pytest.fail("a process was started"))
    cli("gradcheck", *words).assert_error(*expected)


@pytest.mark.skipif(os.name == "nt", reason="devices of POSIX")
def test_a_device_is_not_replaced_by_a_report(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "hw.py").write_text(HEAD + IDENTITY)
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    for option in ("--markdown", "--plot"):
        result = cli("gradcheck", f"{tmp_path / 'hw.py'}:L", "--input", "2", option, pipe)
        result.assert_error("pipe.png cannot be written", "give another name")
    assert pipe.is_fifo()


def test_what_is_no_file_is_said(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "hw.py").write_text("def fw_a(x): pass\n")
    cli("gradcheck", f"{tmp_path / 'hw'}:L").assert_error(f"did you mean {tmp_path / 'hw.py'}?")
    link = tmp_path / "link.py"
    try:
        link.symlink_to(tmp_path / "gone.py")
    except OSError:
        pytest.skip("no links here")
    cli("gradcheck", f"{link}:L").assert_error("a link that leads nowhere; only a Python file")


# ---- files that can ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        (HEAD + IDENTITY.replace("2 * dy", "dy[9]"), 1, ["FAIL", "backward raised IndexError"]),
        (HEAD + IDENTITY.replace("2 * x", "np.log(-x*x)"), 1, ["error: forward returned", "NaN"]),
        (
            HEAD + IDENTITY.replace("2 * x", "np.random.rand() * x"),
            1,
            ["nondeterministic: forward draws from the global random generator"],
        ),
        (HEAD + IDENTITY.replace("2 * dy", "(2 * dy)[:1]"), 1, ["shape", "(1, 3)", "(2, 3)"]),
        (
            "L_forward = lambda x: 2 * x\nL_backward = lambda dy, cache: 2 * dy\n",
            1,
            ["error: forward returned an array", "return y, cache"],
        ),
        ("def L(x):\n    return (x * x).sum(), 2 * x\n", 0, ["PASS"]),
        (
            "from types import SimpleNamespace as S\n"
            "def L(k=3): return S(forward=lambda x: k * x, backward=lambda dy: k * dy)\n",
            0,
            ["PASS"],
        ),
    ],
)
def test_verdicts_and_exit_codes(
    cli: Cli, tmp_path: Path, text: str, code: int, expected: list[str]
) -> None:
    file = tmp_path / "hw.py"
    file.write_text(text)
    result = cli("gradcheck", f"{file}:L", "--input", "2,3")
    assert result.code == code, result
    for word in expected:
        assert word in flat(result.out)


def test_a_name_in_wrt_counts_once(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "hw.py").write_text(HEAD + IDENTITY)
    found = cli("gradcheck", f"{tmp_path / 'hw.py'}:L", "--input", "2", "--wrt", "x, x,", "--json")
    assert [tensor["name"] for tensor in found.json["tensors"]] == ["x"]


def test_weights_that_stand_in_no_params_are_told(cli: Cli, tmp_path: Path) -> None:
    source = IDENTITY.replace("2 * x", "x * self.W").replace("2 * dy", "dy * self.W")
    (tmp_path / "hw.py").write_text(HEAD + "def __init__(self): self.W = np.ones(3)\n    " + source)
    found = cli("gradcheck", f"{tmp_path / 'hw.py'}:L", "--input", "2,3", "--json").json
    assert found["ok"] and "only inputs were checked: W is in no" in found["notes"][0]


def test_the_names_of_a_course_are_understood(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "hw.py"
    source = "def max_pool_forward_naive(x): return 2 * x, 0\n"
    file.write_text(source + "def max_pool_backward_naive(dy, cache): return 2 * dy\n")
    assert cli("gradcheck", f"{file}:max_pool_forward_naive", "--input", "2").code == 0
    cli("gradcheck", str(file)).assert_error(f"name max_pool_forward_naive: {file}:max_pool_f")


def test_prints_and_windows_do_not_reach_stdout(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "hw.py"
    file.write_text(
        "import sys\nprint('{\"a\": 1}\\x1b[31m')\nprint('line\\n' * 40)\n"
        "import matplotlib\nassert matplotlib.get_backend().lower() == 'agg'\n"
        + HEAD
        + IDENTITY.replace("return 2 * x", "print('forward'); return 2 * x")
    )
    result = cli("gradcheck", f"{file}:L", "--input", "2,3", "--json")
    assert result.code == 0 and result.json["ok"]
    assert any("printed while it was checked" in note for note in result.json["notes"])
    assert "the code under test printed:" in result.err
    assert '  | {"a": 1}\\x1b[31m' in result.err and "\x1b" not in result.err
    assert "more other lines" in result.err and result.err.count("\n") < 30


def test_labels_files_and_constants_are_inputs(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "hw.py").write_text(
        "import numpy as np\n"
        "def loss(x, y, w, how):\n"
        "    assert y.dtype.kind == 'i' and y.max() < 3 and w.sum() == 6.0 and how is None\n"
        "    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)\n"
        "    d = p.copy()\n"
        "    d[np.arange(len(x)), y] -= 1\n"
        "    return -np.log(p[np.arange(len(x)), y]).sum(), d\n"
    )
    np.save(tmp_path / "w.npy", np.array([1.0, 5.0]))
    words = ("4,3", "labels:4:3", tmp_path / "w.npy", "json:null")
    options = [part for word in words for part in ("--input", word)]
    result = cli("gradcheck", f"{tmp_path / 'hw.py'}:loss", *options, "--wrt", "x")
    assert result.code == 0, result


# ---- the library and the checker itself ---------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "name", "words", "arguments"),
    [
        ("library", "check_library", ["--library", "--seed", "3"], {"seed": 3}),
        ("planted.table", "run_table", ["--planted"], {"seeds": range(1)}),
        (
            "planted.table",
            "run_table",
            ["--planted", "--seeds", "5", "--seed", "2"],
            {"seeds": range(2, 7)},
        ),
        ("mutants", "run_mutants", ["--mutants"], {"count": 250, "seed": 0, "seconds": None}),
        (
            "mutants",
            "run_mutants",
            ["--mutants", "7", "--time-limit", "9"],
            {"count": 7, "seconds": 9.0},
        ),
        ("fuzz", "fuzz", ["--fuzz", "5", "--seed", "8"], {"count": 5, "seed": 8, "seconds": None}),
    ],
)
def test_modes_call_the_selfchecks(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    name: str,
    words: list[str],
    arguments: dict[str, Any],
) -> None:
    import inspect

    home = importlib.import_module(f"minicnn.selfcheck.{module}")
    signature = inspect.signature(getattr(home, name))
    seen: dict[str, Any] = {}

    def run(ok: bool) -> Any:
        def fake(*args: Any, **options: Any) -> Any:
            seen.update(signature.bind(*args, **options).arguments)
            return SimpleNamespace(
                ok=ok, to_text=lambda: "the table", to_dict=lambda: {"ok": ok, "n": 1}
            )

        return fake

    monkeypatch.setattr(home, name, run(True))
    result = cli("gradcheck", *words)
    assert (result.code, result.out, result.err) == (0, "the table\n", "")
    assert {key: seen[key] for key in arguments} == arguments
    monkeypatch.setattr(home, name, run(False))
    result = cli("gradcheck", *words, "--json")
    assert result.code == 1
    assert json.loads(result.out) == {"mode": words[0].removeprefix("--"), "ok": False, "n": 1}


def test_on_a_terminal_progress_takes_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    selfchecks = importlib.import_module("minicnn.cli.selfchecks")
    fuzz = importlib.import_module("minicnn.selfcheck.fuzz")

    def fake(count: int, seed: int, seconds: float | None, progress: Any) -> Any:
        progress(0, 2, "first\nnetwork")
        progress(1, 2, "b")
        return SimpleNamespace(ok=True, to_text=lambda: "done", to_dict=dict)

    monkeypatch.setattr(fuzz, "fuzz", fake)
    monkeypatch.setattr(selfchecks, "shows_bars", lambda: True)
    result = cli("gradcheck", "--fuzz", "2")
    assert result.out == "done\n" and "\n" not in result.err
    assert "\r0 of 2  first network" in result.err and result.err.endswith(" \r")
