"""What happens to an image before the network sees it, as a list of steps stored with the model.

====================  ======================================================
``pipeline``          `Preprocess`, the list: fits, applies, goes to JSON
``step``              what a step is; ``registry`` knows them by name
``spec``              the grammar of ``--step clahe:clip=2``
``align``             one warp that puts the chest upright and in the middle;
                      ``symmetry`` finds its axis, ``lungs`` its lungs
``resample``          crop, and resize with and without anti-aliasing
``denoise``           median and Gaussian; ``nonlocal_means``
``equalize``          histogram equalisation; ``clahe`` its local relative
``normalize``         fixed, per data set, per image
====================  ======================================================
"""

from __future__ import annotations

from minicnn.data.preprocess.normalize import Normalize, NormalizeImage
from minicnn.data.preprocess.pipeline import Preprocess
from minicnn.data.preprocess.registry import STEPS
from minicnn.data.preprocess.step import PixelStep, Step

__all__ = ["STEPS", "Normalize", "NormalizeImage", "PixelStep", "Preprocess", "Step"]
