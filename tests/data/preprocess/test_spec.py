from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from minicnn.cli.steps import STEPS as HELP
from minicnn.data.preprocess import STEPS, Normalize, PixelStep
from minicnn.data.preprocess.align import Align
from minicnn.data.preprocess.clahe import CLAHE
from minicnn.data.preprocess.registry import step_class
from minicnn.data.preprocess.resample import Crop, Resize
from minicnn.data.preprocess.spec import parse_preprocess, parse_step
from minicnn.errors import ArgumentError


def test_words_become_steps():
    assert parse_step("clahe") == CLAHE()
    assert parse_step("clahe:clip=3,tiles=8") == CLAHE(3.0, 8)
    assert parse_step("clahe:tiles=8") == CLAHE(tiles=8)
    assert parse_step("align:rotation=0") == Align(rotation=0)
    assert parse_step("resize:size=14,antialias=no") == Resize(14, antialias=False)
    assert parse_step("resize:antialias=Yes,size=14") == Resize(14)
    fixed = parse_step("normalize:mean=0.5/0.25,std=1/2")
    assert isinstance(fixed, Normalize)
    assert (fixed.mean, fixed.std) == ((0.5, 0.25), (1.0, 2.0))
    assert not parse_step("normalize").fitted


def test_the_order_is_kept_and_the_normalisation_added():
    steps = parse_preprocess(["crop:size=20", "clahe", "equalize"]).steps
    assert [step.name for step in steps] == ["crop", "clahe", "equalize", "normalize"]
    assert [s.name for s in parse_preprocess([]).steps] == ["normalize"]
    assert [s.name for s in parse_preprocess(["normalize-image"]).steps] == ["normalize-image"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no preprocessing step ''; known: align, "),
        ("clahee", "no preprocessing step 'clahee'; did you mean 'clahe'"),
        ("clahe:", "ends in a colon"),
        ("clahe:clip", "holds 'clip'; expected KEY=VALUE"),
        ("clahe:clip=", "expected KEY=VALUE"),
        ("clahe:=2", "expected KEY=VALUE"),
        ("clahe:clip=2,,tiles=3", "holds ''"),
        ("clahe:clip=2,clip=3", "clip twice"),
        ("clahe:strength=2", "no parameter 'strength'; it takes clip, tiles"),
        ("clahe:clip=x", "clip as 'x'; expected a number"),
        ("clahe:tiles=2.5", "tiles as '2.5'; expected a whole number"),
        ("clahe:clip=0", "clip is 0"),
        ("equalize:bins=3", "it takes no parameters"),
        ("normalize-image:mean=3", "it takes no parameters"),
        ("crop", "'crop' lacks size; write crop:size=VALUE"),
        ("resize:size=8,antialias=perhaps", "expected yes or no"),
        ("normalize:mean=0.5", "give both"),
        ("normalize:mean=a,std=1", "a number per channel"),
        ("normalize:mean=0.5,std=0", "above 0"),
    ],
)
def test_impossible_words_are_refused(text, words):
    with pytest.raises(ArgumentError, match=words):
        parse_step(text)


def test_impossible_orders_are_refused():
    with pytest.raises(ArgumentError, match=r"normalize, clahe.*impossible order: normalize turns"):
        parse_preprocess(["normalize", "clahe"])
    with pytest.raises(ArgumentError, match="normalise 2 times"):
        parse_preprocess(["normalize", "normalize-image"])
    smaller_first = parse_preprocess(["crop:size=20", "resize:size=24"])
    with pytest.raises(ArgumentError, match=r"resize: size is 24.*20 x 20 pixels at this step"):
        smaller_first.output_shape((1, 28, 28))
    assert parse_preprocess(["resize:size=24", "crop:size=20"]).output_shape((3, 28, 30)) == (
        3,
        20,
        20,
    )


def example(name):
    return {"crop": Crop(10), "resize": Resize(9)}.get(name) or parse_step(name)


@pytest.mark.parametrize("name", STEPS)
def test_every_step_is_in_the_help_with_its_usual_parameters(name):
    kind = step_class(name)
    assert kind.name == name
    assert kind.__doc__
    line = next(
        words for words in HELP.split() if words.partition(":")[0] == name and "mean" not in words
    )
    if issubclass(kind, PixelStep):
        fields = dataclasses.fields(kind)
        assert line.count("=") == len(fields)
        step = parse_step(line.replace("=N", "=10"))
        assert isinstance(step, PixelStep)
        for field in fields:
            if field.default is not dataclasses.MISSING:
                assert getattr(step, field.name) == field.default


@pytest.mark.parametrize("name", STEPS)
def test_a_round_trip_through_json_keeps_the_step(name):
    import json

    step = example(name)
    step.fit(np.zeros((2, 1, 12, 12), np.uint8))
    back = type(step).from_config(json.loads(json.dumps(step.to_config())))
    assert back.to_config() == step.to_config()
    assert repr(back) == repr(step)
