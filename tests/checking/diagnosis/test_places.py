from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking.diagnosis.places import border, diagonal, mask
from tests.checking.diagnosis.suspects import said, slug, suspect
from tests.checking.functions import SIN, TANH, Spoil, pointwise, softmax, spoilt, times
from tests.checking.plain import Array, normal

X, PICTURE = normal(4, 5), normal(2, 2, 6, 6)


def frame(width: int) -> Spoil:
    def spoil(g: Array) -> None:
        inside = g[..., width:-width, width:-width].copy()
        g *= np.linspace(2, 3, g.size).reshape(g.shape)
        g[..., width:-width, width:-width] = inside

    return spoil


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (times(2, ..., 0), {"axis": 3, "index": 0}),
        (times(0, ..., 5, slice(None)), {"axis": 2, "index": 5}),
        (times(2, 0, 0, 0, slice(1, 4)), {"axis": 2, "index": 0}),
        (frame(1), {"width": 1}),
        (frame(2), {"width": 2}),
        (times(2, 0, 1, 0, 0), {"axis": 2, "index": 0}),  # a corner
        (times(2, 0, 1, 0, 2), None),  # one entry that happens to be at an edge
        (times(2, 0, 1, 2, 3), None),
        (times(2, ..., 2), None),
        (times(2, ..., slice(2, 4)), None),
        (times(2), None),
    ],
)
def test_border(spoil: Spoil, expected: dict[str, int] | None) -> None:
    finding = said(border, spoilt(SIN, spoil), PICTURE)
    if expected is None:
        assert finding is None
    else:
        assert finding is not None and finding.slug == "border"
        assert expected.items() <= finding.evidence.items()


def test_the_first_sample_is_no_border() -> None:
    assert slug(border, spoilt(SIN, times(2, 0)), PICTURE) is None


def test_what_acts_entry_by_entry() -> None:
    pair = diagonal(suspect(spoilt(SIN, times(2, 0)), X))
    assert pair is not None
    true, taken = pair
    assert np.allclose(true, np.cos(X).ravel(), rtol=1e-6)
    assert np.allclose(taken[:5], 2 * true[:5]) and np.allclose(taken[5:], true[5:])
    assert diagonal(suspect(spoilt(softmax(), times(2, 0)), X)) is None
    turned = (SIN[0], lambda dy, x: dy[::-1] * np.cos(x))
    assert diagonal(suspect(turned, X)) is None


def relu(slope: Any) -> Any:
    return pointwise(lambda x: np.maximum(x, 0), slope)


@pytest.mark.parametrize(
    ("pair", "passes", "stops"),
    [
        (relu(lambda x: np.ones_like(x)), True, False),
        (relu(lambda x: x < 0), True, True),
        (relu(lambda x: x > 0.5), False, True),
        (relu(lambda x: x > -0.5), True, False),
        (pointwise(lambda x: np.clip(x, -1, 1), lambda x: x < 1), True, False),
        (pointwise(lambda x: np.where(x > 0, x, 0.1 * x), np.ones_like), True, False),
        (pointwise(lambda x: np.where(x > 0, x, 0.1 * x), lambda x: x > 0), False, True),
        (spoilt(TANH, times(0, 0, 1)), False, True),
    ],
)
def test_mask(pair: Any, passes: bool, stops: bool) -> None:
    finding = said(mask, pair, X)
    assert finding is not None and finding.slug == "mask"
    assert (finding.evidence["passes_wrongly"] > 0) == passes
    assert (finding.evidence["stops_wrongly"] > 0) == stops


def row_maximum(wrong: bool) -> Any:
    def backward(dy: Array, x: Array) -> Array:
        dx = np.zeros_like(x)
        rows = np.arange(len(x))
        dx[rows, (x.argmin if wrong else x.argmax)(axis=1)] = dy if wrong else 1.5 * dy
        return dx

    return lambda x: (x.max(axis=1), x), backward


def test_a_mask_of_what_does_not_act_entry_by_entry() -> None:
    assert slug(mask, row_maximum(wrong=True), X) == "mask"
    assert slug(mask, row_maximum(wrong=False), X) is None


@pytest.mark.parametrize("spoil", [times(2, 0, 1), times(-1, 0), times(1.01)])
def test_what_is_no_mask(spoil: Spoil) -> None:
    assert slug(mask, spoilt(TANH, spoil), X) is None


def test_a_mask_passes_or_stops_something() -> None:
    s = suspect(pointwise(lambda x: np.maximum(x, 0), lambda x: 1.01 * (x > 0)), normal(4, 5))
    s.wrong[:] = False  # a direction was wrong, no entry
    assert mask(s) is None
