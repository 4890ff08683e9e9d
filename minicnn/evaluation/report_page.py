"""The frame of every report: a page that loads nothing, its warning, and who made it."""

from __future__ import annotations

from collections.abc import Iterable

from minicnn.evaluation.html import escape
from minicnn.evaluation.report_style import STYLE

NOT_FOR_CLINICAL_USE = (
    "Not for clinical use. This model was made for teaching and research; it must not be "
    "used to diagnose or treat anybody."
)


def page(title: str, body: Iterable[str]) -> str:
    """Return a whole page that loads nothing."""
    text = "\n".join(part for part in body if part)
    return _PAGE.format(title=escape(title), style=STYLE, body=text)


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def footer() -> str:
    """Say what made the page."""
    import platform

    import numpy as np

    from minicnn import __version__

    made_by = (
        f"minicnn {__version__}, NumPy {np.__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}"
    )
    return f"<footer>{escape(made_by)}</footer>"
