"""Augmentation: small random changes that leave the diagnosis as it is.

No two patients stand alike before the film, and no two machines expose alike. A network
that has seen each image slightly turned, moved, scaled, brightened and stretched cannot
learn a position or an exposure by heart.

=================  ==========================================================
``changes``        `Augment`: all changes with their strengths, on a batch
``geometry``       rotation, scale, shift and mirror image: one affine map
``exposure``       gamma, contrast and brightness
``cutout``         a square goes missing
``mixup``          one image shines through another, and so do the labels
=================  ==========================================================
"""

from __future__ import annotations

from minicnn.data.augment.changes import Augment, parse_strengths
from minicnn.data.augment.mixup import Mix

__all__ = ["Augment", "Mix", "parse_strengths"]
