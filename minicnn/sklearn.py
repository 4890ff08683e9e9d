"""A network as a scikit-learn classifier: for GridSearchCV, pipelines, cross_val_score.

Needs scikit-learn: ``pip install minicnn-edu[sklearn]``. Nothing else in the library does.

Examples
--------
>>> from minicnn.sklearn import MiniCNNClassifier  # doctest: +SKIP
>>> search = GridSearchCV(  # doctest: +SKIP
...     MiniCNNClassifier(image_shape=(1, 28, 28), random_state=0),
...     {"lr": [1e-3, 3e-3], "width": [0.5, 1]},
...     scoring="roc_auc",
...     cv=3,
...     n_jobs=2,
... )
>>> search.fit(images.reshape(len(images), -1), labels)  # doctest: +SKIP
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn import zoo
from minicnn.arguments import check_count, check_number
from minicnn.errors import ArgumentError, ShapeError
from minicnn.layers.base import Layer
from minicnn.training.recipe import LARGEST_BATCH, OPTIMIZERS

try:
    from sklearn.base import BaseEstimator, ClassifierMixin  # type: ignore[import-untyped]
    from sklearn.utils import check_random_state, compute_class_weight  # type: ignore[import-untyped]
    from sklearn.utils.multiclass import check_classification_targets, type_of_target  # type: ignore[import-untyped]
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data  # type: ignore[import-untyped]
except ImportError as error:  # pragma: no cover
    raise ImportError(
        "minicnn.sklearn needs scikit-learn 1.6 or newer: pip install 'minicnn-edu[sklearn]'"
    ) from error

SEEDS = 2**31 - 1
# uint8 stays as it is, everything else is computed with as float32.
DTYPES = (np.float32, np.uint8)


class MiniCNNClassifier(ClassifierMixin, BaseEstimator):
    """A small convolutional network with scikit-learn's interface.

    Parameters
    ----------
    image_shape : tuple of int, optional
        (C, H, W), into which each row of X is folded. None takes the shape of a 4-D X; of a
        2-D one a square grey image where the number of features is a square, else one row of
        pixels.
    model : str or callable
        A name from `minicnn.zoo`, or a function ``(input_shape, classes, *, rng)`` that
        returns a `Layer` with that many scores.
    width : float
        Multiplies the channels of a network from the zoo.
    epochs, batch_size : int
        Passes over the images; images per step, or all of them where there are fewer.
    lr : float, optional
        The highest learning rate of the cycle; None takes that of ``minicnn train``.
    optimizer : str
        ``"adamw"``, ``"adam"``, ``"sgd"``, ``"rmsprop"`` or ``"adagrad"``.
    weight_decay : float, optional
        None takes the optimizer's usual one.
    l1, l2 : float
        Strength of the penalties.
    augment : bool
        Change the training images at random, as ``minicnn train`` does. For uint8, or floats
        from 0 to 1.
    label_smoothing : float
        From 0 up, below 1; not for several labels.
    class_weight : dict, "balanced" or None
        As elsewhere in scikit-learn; not for several labels.
    random_state : int, RandomState or None
        Decides weights, order and augmentation.
    verbose : bool
        Show a line per epoch.

    Attributes
    ----------
    classes_ : NDArray
        (K,) the labels in the order of the columns of `predict_proba`.
    n_features_in_ : int
        The number of pixels, C H W.
    image_shape_ : tuple of int
        (C, H, W).
    model_ : Layer
        The trained network.
    preprocess_ : Preprocess
        The normalisation, fitted on the training images.
    history_ : History
        One row per epoch.

    Notes
    -----
    X is (N, C H W) or (N, C, H, W), uint8 or numbers; y is (N,) classes, or (N, L) zeros and
    ones for several labels. Pixels are normalised inside, so no scaler is needed. There is no
    validation part and no early stopping: hold data out with scikit-learn's own tools.
    """

    classes_: NDArray
    n_features_in_: int

    def __init__(
        self,
        image_shape: Sequence[int] | None = None,
        *,
        model: str | Callable[..., Layer] = "lungnet",
        width: float = 1.0,
        epochs: int = 10,
        batch_size: int = LARGEST_BATCH,
        lr: float | None = None,
        optimizer: str = "adamw",
        weight_decay: float | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        augment: bool = False,
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.image_shape = image_shape
        self.model = model
        self.width = width
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.l1 = l1
        self.l2 = l2
        self.augment = augment
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train a new network.

        Parameters
        ----------
        X
            (N, C H W) or (N, C, H, W).
        y
            (N,) classes, or (N, L) zeros and ones.

        Raises
        ------
        ArgumentError, ShapeError
            If a parameter is out of range, or the images do not have ``image_shape``. Both are
            ValueErrors.
        DivergedError
            If the loss became NaN or infinite.
        """
        from minicnn.data.augment import Augment
        from minicnn.data.dataset import Dataset
        from minicnn.penalties import ElasticNet
        from minicnn.schedules import one_cycle
        from minicnn.training.loop import Trainer
        from minicnn.training.randomness import generator

        rule = self._check_parameters()
        rows, shape = _flatten(X)
        rows, y = validate_data(self, rows, y, dtype=DTYPES, multi_output=True)
        self.image_shape_ = self._image_shape(shape, rows.shape[1])
        labels = self._read_labels(np.asarray(y))
        scores = labels.shape[1] if labels.ndim == 2 else len(self.classes_)
        names = tuple(str(number) for number in range(max(scores, 2)))[:scores]
        train = Dataset(rows.reshape(-1, *self.image_shape_), labels, names)
        batch = min(self.batch_size, len(train))
        lr = rule.lr * math.sqrt(batch / LARGEST_BATCH) if self.lr is None else self.lr
        decay = rule.weight_decay if self.weight_decay is None else self.weight_decay
        seed = int(check_random_state(self.random_state).randint(SEEDS))
        network = self._build(scores, generator(seed, "weights"))
        trainer = Trainer(
            network,
            self._make_loss(labels),
            rule.make(network, lr, decay),
            ElasticNet(self.l1, self.l2) if self.l1 or self.l2 else None,
            one_cycle(lr, self.epochs * -(-len(train) // batch)),
            augment=Augment() if self.augment else None,
            batch_size=batch,
            seed=seed,
        )
        self.history_ = trainer.fit(train, None, self.epochs, progress=bool(self.verbose))
        self.preprocess_ = trainer.preprocess
        # Drops what the last backward pass would need, which a pickle must not carry.
        self.model_ = network.eval().astype(np.float32)
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return raw scores: (N,) for two classes, positive for the second; else (N, K)."""
        scores = self._scores(X)
        if self._multilabel or scores.shape[1] != 2:
            return scores
        difference: NDArray[np.float64] = scores[:, 1] - scores[:, 0]
        return difference

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities (N, K): of each class, or of each label by itself."""
        from minicnn.evaluation.scores import probabilities

        chances: NDArray[np.float64] = probabilities(self._scores(X), multilabel=self._multilabel)
        return chances

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the likeliest class (N,), or zeros and ones (N, L) at probability 0.5."""
        scores = self._scores(X)
        if self._multilabel:
            return (scores > 0).astype(np.int64)
        chosen: NDArray = self.classes_[scores.argmax(axis=1)]
        return chosen

    def __sklearn_tags__(self) -> Any:
        """Say what this takes: flat images, and several labels too."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    # ---- inside ---------------------------------------------------------------------

    def _scores(self, X: ArrayLike) -> NDArray[np.float64]:
        from minicnn.training.predicting import predict_scores

        check_is_fitted(self)
        rows, shape = _flatten(X)
        if shape is not None and shape != self.image_shape_:
            raise ShapeError(
                f"X holds images of shape {shape} but the network was fitted on "
                f"{self.image_shape_}; give images of that shape"
            )
        rows = validate_data(self, rows, dtype=DTYPES, reset=False)
        assert self.preprocess_ is not None
        return predict_scores(self.model_, rows.reshape(-1, *self.image_shape_), self.preprocess_)

    def _check_parameters(self) -> Any:
        check_count("epochs", self.epochs)
        check_count("batch_size", self.batch_size)
        for name in ("l1", "l2"):
            check_number(name, getattr(self, name), minimum=0)
        if self.weight_decay is not None:
            check_number("weight_decay", self.weight_decay, minimum=0)
        if self.lr is not None:
            check_number("lr", self.lr, above=0)
        check_number("label_smoothing", self.label_smoothing, minimum=0, below=1)
        if self.optimizer not in OPTIMIZERS:
            raise ArgumentError(
                f"there is no optimizer {self.optimizer!r}; known: {', '.join(OPTIMIZERS)}"
            )
        return OPTIMIZERS[self.optimizer]

    def _image_shape(self, given: tuple[int, ...] | None, pixels: int) -> tuple[int, int, int]:
        if self.image_shape is None:
            side = math.isqrt(pixels)
            if given is None:
                given = (1, side, side) if side * side == pixels else (1, 1, pixels)
            channels, height, width = given
            return channels, height, width
        shape = tuple(self.image_shape)
        if len(shape) != 3:
            raise ShapeError(f"image_shape is {shape}; expected (C, H, W)")
        for size in shape:
            check_count("image_shape", size)
        if given not in (None, shape) or math.prod(shape) != pixels:
            what = f"images of shape {given}" if given else f"{pixels} features"
            raise ShapeError(
                f"X has {what} but image_shape is {shape}, {math.prod(shape)} pixels; give one "
                f"that fits"
            )
        return shape

    def _read_labels(self, y: NDArray) -> NDArray:
        """Return class numbers (N,) or zeros and ones (N, L), and set ``classes_``."""
        check_classification_targets(y)
        self._multilabel = type_of_target(y) == "multilabel-indicator"
        if self._multilabel:
            self.classes_ = np.arange(y.shape[1])
            return np.asarray(y, dtype=np.uint8)
        # Warns of a column where a row was expected, as elsewhere in scikit-learn.
        self.classes_, labels = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        if len(self.classes_) < 2:
            raise ArgumentError(
                f"y holds one class, {self.classes_[0]!r}; a classifier needs two or more"
            )
        return labels.astype(np.int64)

    def _build(self, scores: int, rng: np.random.Generator) -> Layer:
        if callable(self.model):
            return self.model(self.image_shape_, scores, rng=rng)
        return zoo.build(
            self.model, input_shape=self.image_shape_, classes=scores, width=self.width, rng=rng
        )

    def _make_loss(self, labels: NDArray) -> Any:
        from minicnn.losses import BCEWithLogitsLoss, CrossEntropyLoss

        if self._multilabel:
            if self.class_weight is not None or self.label_smoothing:
                raise ArgumentError(
                    "class_weight and label_smoothing are for one class per image, and y holds "
                    "several labels; leave them out"
                )
            return BCEWithLogitsLoss()
        weight = None
        if self.class_weight is not None:
            weight = compute_class_weight(
                self.class_weight, classes=self.classes_, y=self.classes_[labels]
            )
        return CrossEntropyLoss(weight, label_smoothing=self.label_smoothing)


def _flatten(X: Any) -> tuple[Any, tuple[int, int, int] | None]:
    """Unfold images (N, C, H, W) into rows, and remember their shape."""
    if getattr(X, "ndim", 0) != 4:
        return X, None
    channels, height, width = X.shape[1:]
    return np.asarray(X).reshape(len(X), -1), (channels, height, width)
