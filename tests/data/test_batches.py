from __future__ import annotations

import numpy as np
import pytest

from minicnn.data import batch_indices
from minicnn.errors import ArgumentError


def test_keeps_the_order_without_a_generator() -> None:
    batches = [batch.tolist() for batch in batch_indices(7, 3)]
    assert batches == [[0, 1, 2], [3, 4, 5], [6]]


def test_drops_a_last_batch_that_is_not_full() -> None:
    assert [len(batch) for batch in batch_indices(7, 3, drop_last=True)] == [3, 3]
    assert [len(batch) for batch in batch_indices(6, 3, drop_last=True)] == [3, 3]


def test_shuffles_with_a_generator_and_takes_each_image_once() -> None:
    batches = list(batch_indices(50, 8, np.random.default_rng(3)))
    order = np.concatenate(batches)
    assert sorted(order) == list(range(50))
    assert order.tolist() != list(range(50))
    again = np.concatenate(list(batch_indices(50, 8, np.random.default_rng(3))))
    assert np.array_equal(order, again)


def test_takes_the_generator_at_the_call() -> None:
    rng = np.random.default_rng(0)
    batches = batch_indices(5, 2, rng)
    after = rng.bit_generator.state
    list(batches)
    assert rng.bit_generator.state == after


def test_an_evaluation_may_take_all_images_at_once() -> None:
    assert [len(batch) for batch in batch_indices(7, 100)] == [7]


@pytest.mark.parametrize("options", [{"rng": np.random.default_rng(0)}, {"drop_last": True}])
def test_refuses_a_training_batch_larger_than_the_data(options: dict) -> None:
    with pytest.raises(ArgumentError, match="batch_size is 8 but there are only 7 images"):
        batch_indices(7, 8, **options)


@pytest.mark.parametrize("size", [0, -1, 2.0, True])
def test_refuses_sizes_that_are_no_count(size: object) -> None:
    with pytest.raises(ArgumentError, match="batch_size is"):
        batch_indices(7, size)  # type: ignore[arg-type]
