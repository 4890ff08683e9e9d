from __future__ import annotations

import numpy as np
import pytest

from minicnn.data.preprocess import Preprocess
from minicnn.errors import ArgumentError, DataError
from minicnn.training.predicting import evaluating, predict_scores


def test_the_scores_are_those_of_evaluation_mode(make_model, train):
    model, preprocess = make_model(), Preprocess().fit(train.images)
    expected = model.eval().forward(preprocess(train.images))
    model.train()
    scores = predict_scores(model, train.images, preprocess, batch_size=16)
    assert scores.dtype == np.float64
    assert scores.shape == (len(train), 2)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)
    assert model.training


def test_the_batch_size_does_not_matter(make_model, train):
    model, preprocess = make_model(), Preprocess().fit(train.images)
    one, many = (predict_scores(model, train.images, preprocess, batch_size=b) for b in (1, 70))
    np.testing.assert_allclose(one, many, rtol=1e-4, atol=1e-5)


def test_nothing_of_the_model_changes(make_model, train):
    model = make_model()
    before = model.state_dict()
    random = model.layers[4].rng.bit_generator.state
    predict_scores(model, train.images, Preprocess().fit(train.images))
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert model.layers[4].rng.bit_generator.state == random


def test_every_layer_gets_its_own_mode_back(make_model):
    model = make_model()
    model.layers[1].eval()
    with pytest.raises(RuntimeError), evaluating(model):
        assert not any(m.training for m in model.modules())
        raise RuntimeError
    assert [m.training for m in model.modules()].count(False) == 1
    assert not model.layers[1].training


def test_progress_is_told(make_model, train):
    told = []
    preprocess = Preprocess().fit(train.images)
    predict_scores(make_model(), train.images, preprocess, batch_size=32, progress=told.append)
    assert told == [32, 64, 70]


def test_a_float64_model_computes_in_float64(make_model, train):
    model = make_model().astype(np.float64)
    scores = predict_scores(model, train.images[:3], Preprocess().fit(train.images))
    assert not np.array_equal(scores, scores.astype(np.float32))


def test_impossible_input(make_model, train):
    preprocess = Preprocess().fit(train.images)
    with pytest.raises(ArgumentError, match="batch_size"):
        predict_scores(make_model(), train.images, preprocess, batch_size=0)
    with pytest.raises(DataError, match="no images"):
        predict_scores(make_model(), train.images[:0], preprocess)
