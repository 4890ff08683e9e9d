"""The options for preprocessing and augmentation, as several commands take them."""

from __future__ import annotations

import argparse

# Said here and not asked from minicnn.data.preprocess, which is too slow to import for --help;
# a test compares the two.
STEPS = """steps of the preprocessing, in the order in which they are given, with their usual
parameters; NAME alone takes all of them, NAME:KEY=VALUE,KEY=VALUE changes some:
  align:rotation=12,shift=0.15,scale=0.25,fill=0.8
                      turn upright by at most 12 degrees, and centre and scale the lungs
                      to 0.8 of the image, by at most these shares; 0 leaves one out
  crop:size=N         keep N x N pixels in the middle
  resize:size=N,antialias=yes
                      show it all with N x N pixels; without anti-aliasing only those
                      at the centres are taken
  median:size=3       the median of 3 x 3 pixels
  gaussian:sigma=0.8  a Gaussian mean
  nlm:strength=0.03,patch=3,search=9
                      non-local means of a window of 9 x 9 places
  equalize            every grey level as often
  clahe:clip=2,tiles=4
                      the same in 4 x 4 tiles, no curve steeper than 2
  normalize           mean 0 and deviation 1 over the training images (if none is given)
  normalize:mean=0.5,std=0.25
                      fixed numbers; for colours as mean=0.5/0.4/0.4
  normalize-image     mean 0 and deviation 1 in every image
"""


def add_steps(parser: argparse.ArgumentParser) -> None:
    """Add ``--step``."""
    parser.add_argument(
        "--step",
        action="append",
        metavar="STEP",
        help="a step of the preprocessing, as clahe:clip=3; may be repeated, see below",
    )


def add_augment_with(parser: argparse.ArgumentParser) -> None:
    """Add ``--augment-with``."""
    parser.add_argument(
        "--augment-with",
        metavar="LIST",
        help="strengths instead of the usual: rotation=10 (degrees), translation=0.08, "
        "scale=0.12, brightness=0.12, contrast=0.25, gamma=0, flip=0, noise=0, blur=0 (pixels), "
        "cutout=0, mixup=0",
    )
