from __future__ import annotations

import math

import numpy as np
import pytest

import minicnn as m
from minicnn import zoo
from minicnn.errors import ArgumentError, ShapeError


def test_lenet_is_the_network_of_the_readme() -> None:
    model = zoo.build("lenet", input_shape=(1, 28, 28), classes=2)
    kinds = "Conv2d ReLU MaxPool2d Conv2d ReLU MaxPool2d Flatten Linear ReLU Linear"
    assert [type(layer).__name__ for layer in model] == kinds.split()
    assert model.summary((1, 1, 28, 28)).parameters == 160 + 4640 + 200_832 + 258


def test_lungnet_has_at_most_a_hundred_thousand_weights() -> None:
    for size in (28, 64, 224):
        model = zoo.build("lungnet", input_shape=(1, size, size), classes=2)
        assert sum(p.size for p in model.params.values()) <= 100_000
    assert any(isinstance(layer, m.BatchNorm2d) for layer in model)


@pytest.mark.parametrize("name", zoo.MODELS)
@pytest.mark.parametrize(("shape", "classes"), [((1, 28, 28), 2), ((3, 31, 45), 14)])
def test_any_size_and_number_of_classes(name: str, shape: tuple, classes: int) -> None:
    model = zoo.build(name, input_shape=shape, classes=classes, rng=np.random.default_rng(0))
    x = np.random.default_rng(1).normal(size=(2, *shape)).astype(np.float32)
    with m.use_backend("vectorized"):
        scores = model.forward(x)
        assert scores.shape == model.output_shape(x.shape) == (2, classes)
        assert model.backward(scores).shape == x.shape


@pytest.mark.parametrize("name", zoo.MODELS)
@pytest.mark.parametrize("classes", [2, 10])
def test_an_untrained_classifier_starts_near_log_of_classes(name: str, classes: int) -> None:
    losses = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        model = zoo.build(name, input_shape=(1, 28, 28), classes=classes, rng=rng)
        x = rng.normal(size=(64, 1, 28, 28)).astype(np.float32)
        loss = m.CrossEntropyLoss()
        losses.append(loss.forward(model.forward(x), rng.integers(0, classes, 64)))
    assert np.mean(losses) == pytest.approx(math.log(classes), rel=0.15)


def test_the_same_seed_gives_the_same_weights() -> None:
    first, again, other = (
        zoo.build("lungnet", input_shape=(1, 28, 28), classes=2, rng=np.random.default_rng(s))
        for s in (1, 1, 2)
    )
    for name, array in first.params.items():
        np.testing.assert_array_equal(array, again.params[name])
    assert (first.params["0.weight"] != other.params["0.weight"]).any()


def test_lenet_learns_a_hundred_images_by_heart() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 1, 28, 28)).astype(np.float32)
    target = rng.integers(0, 2, 100)
    model = zoo.build("lenet", input_shape=(1, 28, 28), classes=2, rng=rng)
    loss, optimizer = m.CrossEntropyLoss(), m.Adam(model)
    for _ in range(60):
        loss.forward(model.forward(x), target)
        model.backward(loss.backward())
        optimizer.step()
    assert (model.forward(x).argmax(axis=1) == target).all()


def test_unknown_names_and_small_images_are_refused() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'lenet'"):
        zoo.build("lenett", input_shape=(1, 28, 28), classes=2)
    with pytest.raises(ShapeError, match="27x40.*at least 28x28"):
        zoo.build("lenet", input_shape=(1, 27, 40), classes=2)
    with pytest.raises(ArgumentError, match="classes is 0"):
        zoo.build("lenet", input_shape=(1, 28, 28), classes=0)


def torch_norm_block(nn, inputs: int, outputs: int) -> list:
    return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]


def torch_vgg(nn, average) -> object:
    return nn.Sequential(
        *torch_norm_block(nn, 1, 32),
        *torch_norm_block(nn, 32, 32),
        nn.MaxPool2d(2),
        *torch_norm_block(nn, 32, 64),
        *torch_norm_block(nn, 64, 64),
        nn.MaxPool2d(2),
        *torch_norm_block(nn, 64, 128),
        average(),
        nn.Linear(128, 2),
    )


def torch_resnet(nn, average) -> object:
    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
            super().__init__()
            self.main = nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
                nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )
            self.shortcut = nn.Identity()
            if stride > 1:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
                )

        def forward(self, x):
            return self.main(x) + self.shortcut(x)

    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        *(Block(16, 16), nn.ReLU(), Block(16, 16), nn.ReLU()),
        *(Block(16, 32, 2), nn.ReLU(), Block(32, 32), nn.ReLU()),
        *(Block(32, 64, 2), nn.ReLU(), Block(64, 64), nn.ReLU()),
        average(),
        nn.Linear(64, 2),
    )


@pytest.mark.parametrize("name", ["vgg", "resnet"])
@pytest.mark.parametrize("backend", ["vectorized", "compiled"])
def test_a_torch_state_loads_and_ten_steps_end_at_torchs_weights(name: str, backend: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install torch")

    class Average(torch.nn.Module):
        def forward(self, x):
            return x.mean(dim=(2, 3))

    torch.manual_seed(0)
    twin = {"vgg": torch_vgg, "resnet": torch_resnet}[name](torch.nn, Average).double()
    model = zoo.build(name, input_shape=(1, 28, 28), classes=2, dtype=np.float64)
    model.load_state_dict({k: v.numpy() for k, v in twin.state_dict().items()})
    rng = np.random.default_rng(0)
    x, target = rng.normal(size=(4, 1, 28, 28)), rng.integers(0, 2, 4)
    loss, optimizer = m.CrossEntropyLoss(), m.Adam(model, 1e-3)
    torch_optimizer = torch.optim.Adam(twin.parameters(), 1e-3)
    with m.use_backend(backend):
        for _ in range(10):
            expected = twin(torch.tensor(x))
            scores = model.forward(x)
            np.testing.assert_allclose(scores, expected.detach().numpy(), atol=1e-8)
            loss.forward(scores, target)
            model.backward(loss.backward())
            optimizer.step()
            torch_optimizer.zero_grad()
            torch.nn.functional.cross_entropy(expected, torch.tensor(target)).backward()
            torch_optimizer.step()
    for key, value in twin.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            np.testing.assert_allclose(model.state_dict()[key], value.numpy(), atol=1e-6)


@pytest.mark.parametrize("name", zoo.MODELS)
def test_width_multiplies_the_channels_and_is_stored(name: str, tmp_path) -> None:
    def build(width: float) -> m.Sequential:
        rng = np.random.default_rng(0)
        return zoo.build(name, input_shape=(1, 28, 28), classes=3, width=width, rng=rng)

    usual, double = build(1), build(2)
    for first, second in zip(usual.params.values(), double.params.values(), strict=True):
        if first.shape[0] != 3:  # the scores
            assert second.shape[0] == 2 * first.shape[0]
    assert all(len(p) in (3, 4) for p in build(0.01).params.values() if p.ndim == 4)
    narrow = build(0.5)
    m.save(narrow, tmp_path / "narrow.npz")
    x = np.random.default_rng(1).normal(size=(2, 1, 28, 28)).astype(np.float32)
    loaded = m.load(tmp_path / "narrow.npz")
    np.testing.assert_array_equal(loaded.eval().forward(x), narrow.eval().forward(x))
    with pytest.raises(ArgumentError, match="width is 0"):
        build(0)
