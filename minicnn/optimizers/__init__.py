"""Optimizers: rules that turn gradients into new weights.

    optimizer = Adam(model, lr=1e-3)
    ...
    loss.forward(model.forward(x), target)
    model.backward(loss.backward())
    optimizer.step()

Each follows the optimizer of the same name in ``torch.optim``, update for update.
"""

from minicnn.optimizers.adagrad import Adagrad
from minicnn.optimizers.adam import Adam, AdamW
from minicnn.optimizers.base import Optimizer
from minicnn.optimizers.rmsprop import RMSprop
from minicnn.optimizers.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop"]
