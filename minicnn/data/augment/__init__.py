"""Augmentation: small random changes that leave the diagnosis as it is."""

from __future__ import annotations

from minicnn.data.augment.changes import Augment

__all__ = ["Augment"]
