"""What goes wrong with X-rays on their way to a network, in five severities.

The corruptions are those MedMNIST-C applies to chest X-rays (Di Salvo, Doerrich and Ledig
2024, arXiv 2406.17536), with three more blurs that it applies to other grey images; the
strengths are its own, the code is ours. They change uint8 images (N, C, H, W) into uint8
images of the same shape, and the random ones draw from a seed, the name and the severity,
so that every model meets the same corrupted images.

=============  ================================================================
``noise``      Gaussian, speckle, impulse and shot noise
``blur``       Gaussian, defocus, motion and zoom blur
``exposure``   brightness, contrast and gamma, up and down
``digital``    coarse pixels and JPEG compression
``registry``   all of them by name with their strengths, and `corrupt`
=============  ================================================================
"""

from __future__ import annotations

from minicnn.data.corruptions.registry import NAMES, SEVERITIES, Corruption, corrupt, table_for

__all__ = ["NAMES", "SEVERITIES", "Corruption", "corrupt", "table_for"]
