from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from minicnn.checking import CheckError
from minicnn.checking.userfile.loading import load_module, shadow_note, shadows


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    path, modules = list(sys.path), dict(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]
    sys.modules.update(modules)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_neighbours_and_packages_are_found(tmp_path: Path) -> None:
    write(tmp_path / "a" / "helper_of_mine.py", "k = 3\n")
    found = load_module(write(tmp_path / "a" / "hw_one.py", "from helper_of_mine import k\n"))
    assert found.k == 3 and found.__name__ == "hw_one" and sys.modules["hw_one"] is found

    for name in ("pkg_x/__init__.py", "pkg_x/sub/__init__.py"):
        write(tmp_path / name, "")
    write(tmp_path / "pkg_x" / "c.py", "z = 1\n")
    write(tmp_path / "pkg_x" / "sub" / "b.py", "k = 4\n")
    text = "from .b import k\nfrom ..c import z\nimport b\n"
    found = load_module(write(tmp_path / "pkg_x" / "sub" / "hw.py", text))
    assert (found.k, found.z, found.__name__) == (4, 1, "pkg_x.sub.hw")

    # Relative imports without __init__.py, as many courses write them.
    write(tmp_path / "course_y" / "util.py", "k = 5\n")
    assert load_module(write(tmp_path / "course_y" / "hw.py", "from .util import k\n")).k == 5


def test_a_file_called_like_a_module_takes_nothing_away(tmp_path: Path) -> None:
    import random

    found = load_module(write(tmp_path / "random.py", "mine = 1\n"))
    assert found.mine == 1 and sys.modules["random"] is random


def test_a_file_of_this_library_is_imported_as_such() -> None:
    import minicnn.checking.plain

    assert load_module(Path(minicnn.checking.plain.__file__)) is minicnn.checking.plain


def test_main_is_not_run_and_dataclasses_work(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass A:\n    x: int = 1\nif __name__ == '__main__':\n    1 / 0\n"
    )
    assert load_module(write(tmp_path / "hw_two.py", text)).A().x == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\ndef f(:\n", ["is no valid Python: SyntaxError in line 2", "mend that line"]),
        ("\0", ["is no valid Python"]),
        ("x = 1\ny = x / 0\n", ["ZeroDivisionError: division by zero (hw.py, line 2)", "mend"]),
        ("import nosuchthing\n", ["needs the module 'nosuchthing' (hw.py, line 1)", "install it"]),
        ("import sys\nsys.exit(3)\n", ["ends the program", "(hw.py, line 2 calls exit)"]),
        ("raise KeyboardInterrupt\n", ["cannot be imported: KeyboardInterrupt (hw.py, line 1)"]),
        ("raise EOFError\n", ["waits for input from the keyboard", "hw.py, line 1"]),
        ("from neighbour_z import a\n", ["ValueError: deep down (hw.py, line 1)"]),
    ],
)
def test_what_cannot_be_imported_is_said_with_the_line(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    write(tmp_path / "neighbour_z.py", "raise ValueError('deep\\n down')\n")
    with pytest.raises(CheckError) as caught:
        load_module(write(tmp_path / "hw.py", text))
    for word in words:
        assert word in " ".join(str(caught.value).split())


def test_a_neighbour_that_hides_a_module_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "hw.py", "import numpy as np\nimport helper\n")
    assert shadows(file) == [] and shadow_note(file) == ""
    write(tmp_path / "numpy.py", "")
    write(tmp_path / "helper.py", "")
    write(tmp_path / "statistics.py", "")  # not imported: harmless
    write(tmp_path / "minicnn" / "__init__.py", "")
    assert shadows(file) == ["numpy"]
    assert "holds numpy," in shadow_note(file) and "rename yours" in shadow_note(file)
    write(tmp_path / "hw.py", "from minicnn.layers import Conv2d\nfrom statistics import mean\n")
    assert shadows(file) == ["minicnn", "statistics"]
    assert "holds minicnn, statistics, and" in shadow_note(file)
