import numpy as np
import pytest

from minicnn.selfcheck.planted import Case, cases
from minicnn.selfcheck.planted.peers import FAIL, NOT_POSSIBLE, PASS, ask, available

JUDGES = available()
BY_NAME = {case.name: case for case in cases()}
by_judge = pytest.mark.parametrize("name", list(JUDGES))


def test_the_judges_that_need_nothing_else_are_there():
    assert "CS231n" in JUDGES


@by_judge
@pytest.mark.parametrize(
    "case",
    [
        "linear/right-plain",  # parameters
        "pairs/affine-backward",  # three inputs
        "pairs/softmax-loss",  # one function
        "losses/mse-loss",  # of two floats the first
        "losses/cross-entropy-loss",
        "dropout/right-training",  # a generator
        "normalization/right-batch-plain",  # running statistics
        "manners/lazy",  # parameters that come with the first forward
        "linear/embedding",  # parameters only
        "models/classifier",
    ],
)
def test_each_judge_passes_plain_right_code(name, case):
    assert ask(JUDGES[name], BY_NAME[case]) == PASS


@by_judge
@pytest.mark.parametrize(
    "case",
    [
        "linear/weight-gradient-transposed",
        "pairs/bias-over-the-outputs",
        "pairs/one-hot-minus-p",
        "losses/two-forgotten",
        "linear/repeated-words-count-once",
        "promises/backward-raises",
        "promises/weight-gradient-the-other-way-round",
    ],
)
def test_each_judge_fails_plainly_wrong_code(name, case):
    assert ask(JUDGES[name], BY_NAME[case]) == FAIL


@by_judge
def test_what_has_no_floats_cannot_be_judged(name):
    class Nothing:
        def forward(self, x):
            return x

        def backward(self, dy):
            return None

    case = Case("a/b", "a", lambda: (Nothing(), (np.arange(3),)), (), "")
    assert ask(JUDGES[name], case) == NOT_POSSIBLE


@by_judge
def test_the_shared_generators_are_left_as_they_were(name):
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    ask(JUDGES[name], BY_NAME["dropout/global-randomness"])
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
