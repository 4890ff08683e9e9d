"""Scores of a model for many images, batch by batch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_count
from minicnn.errors import DataError
from minicnn.layers.base import Layer
from minicnn.training.fast import fastest

if TYPE_CHECKING:
    from minicnn.data.preprocess import Preprocess

BATCH = 256


def predict_scores(
    model: Layer,
    images: NDArray,
    preprocess: Preprocess,
    batch_size: int = BATCH,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float64]:
    """Compute the raw scores (logits) of all images in evaluation mode.

    Parameters
    ----------
    model : Layer
        Switched to evaluation mode for the call and put back afterwards. Its fused form
        computes (`minicnn.training.fast`); give that for many calls in a row.
    images : NDArray
        (N, C, H, W), uint8 or float, as stored.
    preprocess : Preprocess
        What the model was trained with.
    batch_size : int
        How many images at once; changes the speed and the memory, not the scores.
    progress : callable, optional
        Called with the number of images done after each batch.

    Returns
    -------
    NDArray
        (N, K) float64.
    """
    check_count("batch_size", batch_size)
    if len(images) == 0:
        raise DataError("there are no images to compute scores for; give at least one")
    dtype = dtype_of(model)
    computing = fastest(model)
    parts = []
    with evaluating(model):
        for start in range(0, len(images), batch_size):
            x = preprocess(images[start : start + batch_size], dtype)
            parts.append(computing.forward(x).astype(np.float64))  # (B, K)
            if progress is not None:
                progress(min(start + batch_size, len(images)))
    return np.concatenate(parts)


def dtype_of(model: Layer) -> np.dtype:
    """Return the dtype a model computes in: that of its parameters, else float32."""
    return next((p.dtype for p in model.params.values()), np.dtype(np.float32))


@contextlib.contextmanager
def evaluating(model: Layer) -> Iterator[None]:
    """Put a model into evaluation mode, and every layer back into its own mode after."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
