"""Images and labels: where they come from, how they are split, how they become batches.

::

    files -> data (uint8, N C H W) -> preprocess -> augment -> the network

=================  ==========================================================
``load``           the door: a name, a file or a folder becomes `Splits`
``default``        what to take where the user names nothing
``registry``       the data sets that have a name
``medmnist``       .npz files; ``download`` and ``cache`` fetch and keep them
``folder``         class folders of images; ``image`` and ``decode`` read them
``nih``            the layout of NIH ChestX-ray14
``phantom``        synthetic radiographs
``splits``         a split that the data alone decide; ``patients`` from names; ``folds``
``preprocess``     what every image goes through; ``augment`` only in training;
                   ``filters`` for both
``batches``        which images go together
``montage``        a contact sheet
=================  ==========================================================
"""

from __future__ import annotations

from minicnn.data.augment import Augment
from minicnn.data.batches import batch_indices
from minicnn.data.dataset import Dataset, Splits
from minicnn.data.default import default_spec
from minicnn.data.folds import k_folds
from minicnn.data.image import read_image
from minicnn.data.load import load
from minicnn.data.montage import montage, save_montage
from minicnn.data.preprocess import Preprocess

__all__ = [
    "Augment",
    "Dataset",
    "Preprocess",
    "Splits",
    "batch_indices",
    "default_spec",
    "k_folds",
    "load",
    "montage",
    "read_image",
    "save_montage",
]
