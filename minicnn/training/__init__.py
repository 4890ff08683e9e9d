"""Training: the loop, what watches it, the checkpoint, the recipe and the run folder.

==================  ===================================================================
``loop``            `Trainer`: epochs, batches, steps
``batches``         from stored images to the batches of an epoch; ``ahead`` makes them in time
``fast``            which form of a model computes
``callbacks``       early stopping, best weights, CSV; ``progress`` draws the bar
``history``         one row per epoch
``checkpoint``      the file to go on from; ``snapshot`` fills it from a trainer
``recipe``          what ``minicnn train`` does unless told otherwise, and ``options``
``job``             a whole training in a run folder; ``rundir`` is that folder's layout
``results``         metrics, pictures and the report at the end
``predicting``      scores of a model, batch by batch
==================  ===================================================================
"""

from minicnn.training.callbacks import BestCheckpoint, BestWeights, Callback, CSVLog, EarlyStopping
from minicnn.training.history import History
from minicnn.training.loop import Trainer
from minicnn.training.predicting import predict_scores
from minicnn.training.progress import ProgressBar

__all__ = [
    "BestCheckpoint",
    "BestWeights",
    "CSVLog",
    "Callback",
    "EarlyStopping",
    "History",
    "ProgressBar",
    "Trainer",
    "predict_scores",
]
