"""The library's exceptions.

Every message has three parts: what was wrong with which argument, what was
expected (with the numbers), and what to do. Each class also inherits the
built-in exception a Python programmer would expect, so ``except ValueError``
keeps working. The command line turns any of them into one line and exit code 2.
"""


class MinicnnError(Exception):
    """Base of everything the library raises on purpose."""


class ShapeError(MinicnnError, ValueError):
    """An array or a geometry (kernel, stride, padding, ...) does not fit."""


class DtypeError(MinicnnError, TypeError):
    """An array has a dtype the operation does not accept, or two dtypes differ."""


class ArgumentError(MinicnnError, ValueError):
    """An argument is out of range or unknown (a rate of 1.2, a model named ``lenett``)."""


class StateError(MinicnnError, RuntimeError):
    """A call came at the wrong time, such as ``backward`` before ``forward``."""


class DataError(MinicnnError, ValueError):
    """A data set is missing, malformed or contradicts itself."""


class DownloadError(DataError):
    """A download failed, or what arrived is not what was asked for."""


class ModelFileError(MinicnnError, ValueError):
    """A model file is truncated, foreign, or of a format this version cannot read."""


class RunFolderError(MinicnnError, ValueError):
    """A run folder is not empty, not writable, or holds nothing to resume."""


class DivergedError(MinicnnError, ArithmeticError):
    """Training produced a loss that is NaN or infinite."""
