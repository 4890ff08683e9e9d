"""Importing somebody's file as Python would where it lies: with its neighbours, as a package."""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from minicnn.checking.errors import CheckError
from minicnn.checking.plain import one_line

# Names that a file in the user's folder had better not have.
TAKEN = {"numpy", "scipy", "matplotlib", "torch", "minicnn"} | set(sys.stdlib_module_names)


def load_module(path: Path) -> ModuleType:
    """Import a file, so that its neighbours and its package can be imported, too.

    Parameters
    ----------
    path
        A Python file. Its folder becomes the first place where modules are looked for.

    Raises
    ------
    CheckError
        If it is no Python, or raises while it is imported; with the line.
    """
    path = path.resolve()
    tree = _parse(path)
    packages, root = _packages(path, tree)
    sys.path.insert(0, str(root))
    if root != path.parent:
        sys.path.insert(0, str(path.parent))
    name = ".".join([*packages, path.stem])
    known = sys.modules.get(name.partition(".")[0])
    if packages and known is not None and str(root) in map(_parent, getattr(known, "__path__", ())):
        loader = None  # part of something that is imported already, such as this library
    else:
        if known is not None or name in sys.stdlib_module_names:
            name = f"checked_{path.stem}"
        loader = importlib.machinery.SourceFileLoader(name, str(path))
    try:
        if loader is None:
            return importlib.import_module(name)
        spec = importlib.util.spec_from_loader(name, loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        loader.exec_module(module)
        return module
    except BaseException as error:
        raise CheckError(_import_failed(path, error)) from error


def where(error: BaseException, path: Path) -> str:
    """Name the last line of the user's own code that an exception passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename) == path]
    near = [f for f in frames if Path(f.filename).parent == path.parent]
    for found in (own, near):
        if found:
            return f"{Path(found[-1].filename).name}, line {found[-1].lineno}"
    return path.name


def raised(error: BaseException) -> str:
    """Name an exception with its message."""
    text = one_line(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def shadows(path: Path) -> list[str]:
    """List the neighbours of a file that hide, or are hidden by, well-known modules it uses."""
    names = {p.stem for p in path.parent.glob("*.py") if p != path}
    names |= {p.parent.name for p in path.parent.glob("*/__init__.py")}
    wanted = imported_by(path)
    loaded = {
        name
        for name in names
        if Path(getattr(sys.modules.get(name), "__file__", None) or ".").parent == path.parent
    }
    return sorted(name for name in names & TAKEN if name in wanted or name in loaded)


def shadow_note(path: Path) -> str:
    """Say which neighbours of a file have the names of well-known modules; empty if none."""
    try:
        names = shadows(path)
    except CheckError:
        return ""
    if not names:
        return ""
    return (
        f"the file's folder holds {', '.join(names)}, and well-known modules have the same "
        f"name{'s' * (len(names) > 1)}; an import may bring either; rename yours"
    )


def imported_by(path: Path) -> set[str]:
    """Return the first names of all modules a file imports."""
    found: set[str] = set()
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), str(path))
    except OSError as error:
        raise CheckError(
            f"{path.name} cannot be read: {error.strerror or error}; check its name and your rights"
        ) from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        at = f" in line {line}" if line else ""
        raise CheckError(
            f"{path.name} is no valid Python: {type(error).__name__}{at}: "
            f"{one_line(getattr(error, 'msg', None) or error)}; so nothing in it can be run; mend "
            "that line, or the one before it"
        ) from None


def _packages(path: Path, tree: ast.Module) -> tuple[list[str], Path]:
    """Return the packages a file lies in, and the folder of the outermost."""
    packages: list[str] = []
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        packages.insert(0, folder.name)
        folder = folder.parent
    relative = any(isinstance(n, ast.ImportFrom) and n.level for n in ast.walk(tree))
    if not packages and relative and folder.name.isidentifier():
        return [folder.name], folder.parent
    return packages, folder


def _parent(folder: str) -> str:
    return str(Path(folder).resolve().parent)


def _import_failed(path: Path, error: BaseException) -> str:
    place = where(error, path)
    if isinstance(error, SystemExit):
        return (
            f"{path.name} ends the program while it is imported ({place} calls exit); so nothing "
            'in it can be checked; move that line under `if __name__ == "__main__":`'
        )
    if isinstance(error, EOFError):
        return (
            f"{path.name} waits for input from the keyboard while it is imported ({place}), and "
            'there is none; move that line under `if __name__ == "__main__":`'
        )
    if isinstance(error, ModuleNotFoundError) and error.name:
        return (
            f"{path.name} cannot be imported: it needs the module {error.name!r} ({place}), which "
            "is neither installed in this Python nor in the file's folder; install it, or move "
            "the code to be checked into a file that does without"
        )
    return (
        f"{path.name} cannot be imported: {raised(error)} ({place}); the whole file is run when "
        'it is imported; mend that line, or move it under `if __name__ == "__main__":`'
    )
