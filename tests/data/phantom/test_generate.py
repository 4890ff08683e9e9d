from __future__ import annotations

import numpy as np
import pytest

from minicnn.data.phantom import CLASSES, FINDINGS, generate, make_phantoms
from minicnn.data.phantom.findings import PREVALENCE
from minicnn.errors import ArgumentError


def phantoms(count: int, size: int = 28, seed: int = 3, **options) -> tuple[np.ndarray, np.ndarray]:
    return make_phantoms(count, size, rng=np.random.default_rng(seed), **options)


def test_names() -> None:
    assert CLASSES == ("normal", "pneumonia")
    assert len(FINDINGS) == 14
    assert list(FINDINGS) == sorted(FINDINGS)
    assert {"Hernia", "Pleural_Thickening", "Pneumothorax"} <= set(FINDINGS)


@pytest.mark.parametrize("size", [28, 33, 64, 100, 130])
def test_shapes_and_types(size: int) -> None:
    images, labels = phantoms(3, size)
    assert images.shape == (3, 1, size, size)
    assert images.dtype == np.uint8
    assert labels.shape == (3,)
    assert labels.dtype == np.int64
    _, findings = phantoms(2, size, task="multilabel")
    assert findings.shape == (2, 14)
    assert findings.dtype == np.uint8


def test_none_at_all() -> None:
    images, labels = phantoms(0)
    assert images.shape == (0, 1, 28, 28)
    assert labels.shape == (0,)
    assert phantoms(0, task="multilabel")[1].shape == (0, 14)


@pytest.mark.parametrize("task", ["binary", "multilabel"])
def test_a_seed_means_the_same_images_however_many_are_asked(task: str) -> None:
    many, labels = phantoms(45, task=task)
    few, first = phantoms(4, task=task)
    assert np.array_equal(many[:4], few)
    assert np.array_equal(labels[:4], first)
    assert not np.array_equal(many, phantoms(45, seed=4, task=task)[0])


def test_the_batch_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, _ = phantoms(7, task="multilabel")
    monkeypatch.setattr(generate, "RAYS_AT_ONCE", 1)
    assert np.array_equal(usual, phantoms(7, task="multilabel")[0])


def test_a_generator_goes_on() -> None:
    rng = np.random.default_rng(0)
    first, _ = make_phantoms(2, rng=rng)
    second, _ = make_phantoms(2, rng=rng)
    assert not np.array_equal(first, second)


def test_the_same_patient_at_every_size() -> None:
    small, labels = phantoms(6, 28)
    large, again = phantoms(6, 112)
    assert np.array_equal(labels, again)
    shrunk = large.reshape(6, 28, 4, 28, 4).mean(axis=(2, 4))
    for a, b in zip(small[:, 0].astype(float), shrunk, strict=True):
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.99
        assert np.abs(a - b).mean() < 5
    # Another patient is another patient.
    assert np.corrcoef(small[0].ravel(), shrunk[1].ravel())[0, 1] < 0.985


def test_labels_have_their_prevalence() -> None:
    # One ray per image: only the labels matter here.
    draws = generate.draw_numbers(5, range(2000), 1)
    binary = generate.draw_labels(draws, "binary")
    assert 0.46 < binary.mean(axis=0)[FINDINGS.index("Pneumonia")] < 0.54
    assert binary.sum() == binary[:, FINDINGS.index("Pneumonia")].sum()
    several = generate.draw_labels(draws, "multilabel")
    assert np.all(np.abs(several.mean(axis=0) - PREVALENCE) < 4 * np.sqrt(PREVALENCE / 2000))
    assert 0.42 < (several.sum(axis=1) == 0).mean() < 0.5
    assert (several.sum(axis=1) > 1).any()


def test_a_chest_is_light_and_dark_where_it_should_be() -> None:
    images, _ = phantoms(150, 28)
    mean = images.mean(axis=0)[0]
    lungs = np.r_[mean[8:16, 7:10].ravel(), mean[8:13, 18:21].ravel()].mean()
    spine, belly, corner = mean[10:22, 13:15].mean(), mean[25:, 8:20].mean(), mean[:2, :2].mean()
    assert corner < 60 < lungs < 150 < min(belly, spine)
    # The heart leans to the patient's left, the image's right; the right dome is higher.
    assert mean[16:19, 16:19].mean() > mean[16:19, 9:12].mean() + 30
    assert mean[21:23, 7:10].mean() > mean[21:23, 19:22].mean()
    # Films differ, and use the range.
    assert images.min() == 0
    assert images.max() > 250
    assert images.std(axis=0)[0, 4:24, 6:22].min() > 8


def test_progress_is_told() -> None:
    calls: list[tuple[int, int]] = []
    phantoms(70, progress=lambda done, total: calls.append((done, total)))
    assert len(calls) > 1
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})
    assert calls[-1] == (70, 70)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"count": -1}, "count is -1.* at least 0"),
        ({"count": 2.5}, "count is 2.5"),
        ({"count": True}, "count is True"),
        ({"size": 27}, "size is 27.* at least 28"),
        ({"size": "28"}, "size is '28'"),
        ({"task": "three"}, "task is 'three'.*'binary', 'multilabel'"),
        ({"rng": 0}, "rng is of type int.*default_rng"),
    ],
)
def test_bad_arguments(options: dict, words: str) -> None:
    good = {"count": 1, "size": 28, "rng": np.random.default_rng(0)}
    with pytest.raises(ArgumentError, match=words):
        make_phantoms(**(good | options))


def test_the_pixels_alone_do_not_give_it_away() -> None:
    """Logistic regression must not solve what convolutions are for."""
    linear = pytest.importorskip(
        "sklearn.linear_model", reason="scikit-learn is the judge here: pip install scikit-learn"
    )
    from sklearn.metrics import roc_auc_score

    images, labels = phantoms(1600, seed=8)
    pixels = images.reshape(len(images), -1).astype(np.float32)
    pixels = (pixels - pixels[:1200].mean(axis=0)) / (pixels[:1200].std(axis=0) + 1)
    aucs = []
    for c in (1e-3, 1e-2):
        model = linear.LogisticRegression(C=c, max_iter=200)
        scores = model.fit(pixels[:1200], labels[:1200]).decision_function(pixels[1200:])
        aucs.append(roc_auc_score(labels[1200:], scores))
    assert 0.6 < max(aucs) <= 0.85
