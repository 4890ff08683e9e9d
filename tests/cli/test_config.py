from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from minicnn.cli import train
from minicnn.cli.config import read_config, read_table
from minicnn.cli.main import main
from minicnn.cli.parser import Parser
from minicnn.errors import ArgumentError, DataError
from minicnn.training.options import STRENGTHS, WIDTHS


def options_of(*words: str) -> dict:
    parser = Parser()
    train.add_parser(parser.add_subparsers())
    args: argparse.Namespace = parser.parse_args(["train", *words])
    return {k: v for k, v in train._options(args).to_json().items() if v is not None}


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_json_and_toml_say_the_same(tmp_path: Path) -> None:
    values = {"data": "phantom", "batch_size": 32, "lr": 0.003, "augment": False}
    first = write(tmp_path / "a.json", json.dumps(values | {"model": None}))
    second = write(
        tmp_path / "a.toml", 'data = "phantom"\nbatch_size = 32\nlr = 3e-3\naugment = false\n'
    )
    assert read_config(first) == read_config(second) == values


def test_the_command_line_wins(tmp_path: Path) -> None:
    values = {"data": "phantom", "lr": 0.003, "epochs": 4, "seed": 9, "augment_strength": 0.5}
    path = write(tmp_path / "a.json", json.dumps(values))
    assert options_of("--config", path) == values
    got = options_of("--config", path, "--lr", "0.1", "--seed", "0", "--data", "phantom-64")
    assert got == values | {"lr": 0.1, "seed": 0, "data": "phantom-64"}


def test_the_command_line_may_switch_augmentation_off_and_on(tmp_path: Path) -> None:
    on = write(tmp_path / "on.json", '{"data": "phantom", "augment_strength": 0.5}')
    assert options_of("--config", on, "--no-augment")["augment"] is False
    off = write(tmp_path / "off.json", '{"data": "phantom", "augment": false}')
    assert options_of("--config", off, "--augment-strength", "2")["augment_strength"] == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"batchsize": 3}', "unknown option 'batchsize'; did you mean batch_size"),
        ('{"lr": -1}', "lr is -1"),
        ('{"lr": "fast"}', "lr is 'fast'"),
        ('{"epochs": 1.5}', "epochs is 1.5"),
        ('{"model": 3}', "model is 3; expected a text"),
        ('{"model": "lenett"}', "did you mean 'lenet'"),
        ('{"split_by": "child"}', "no split_by 'child'"),
        ('{"augment": 1}', "augment is 1; expected true or false"),
        ('{"augment": false, "augment_strength": 1}', "augmentation is off"),
        ('{"augment_strength": 4}', "augment_strength is 4"),
        ('{"width": 0}', "width is 0"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, text: str, words: str, capsys) -> None:
    path = write(tmp_path / "bad.json", text)
    with pytest.raises(ArgumentError, match=words):
        read_config(path)
    assert main(["train", "--config", path]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "is not JSON"),
        ("a.toml", "lr = ", "is not TOML"),
        ("a.json", "[1]", "holds list"),
        ("a.json", "[" * 100_000, "is not JSON"),
    ],
)
def test_files_that_are_no_table_are_refused(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        read_table(write(tmp_path / name, text), "space")
    with pytest.raises(DataError, match="cannot read the space"):
        read_table(tmp_path / "nowhere", "space")
    with pytest.raises(DataError, match="cannot read the space"):
        read_table(tmp_path, "space")


def test_limits_are_said_alike_on_both_floors() -> None:
    assert (train.WIDTHS, train.STRENGTHS) == (WIDTHS, STRENGTHS)
