"""Synthetic frontal chest radiographs, drawn from a seed.

A radiograph is the shadow of a body: each ray loses a part of its quanta to
every centimetre it crosses. So the package draws a body (`body`), adds up the
thickness of its tissues along each ray (`anatomy`, `bones`, `vessels`), lets
disease change them (`findings`), and exposes a film (`render`). `generate` runs
through these steps.

The pictures are for learning about networks, not about lungs.
"""

from minicnn.data.phantom.findings import FINDINGS
from minicnn.data.phantom.generate import CLASSES, make_phantoms

__all__ = ["CLASSES", "FINDINGS", "make_phantoms"]
