"""Running several layers as one: what `Layer.compile` returns.

===================  ==========================================================
``plan``             which layers become one stage, and why the others do not
``conv_stage``       convolution, norm, shortcut, activation and pooling in one pass
``residual_stage``   two paths and their sum
``plain_stage``      a layer as it is
``geometry``         the tables of a convolution in blocked memory
``model``            the fused model
===================  ==========================================================
"""

from minicnn.fusion.model import FusedModel

__all__ = ["FusedModel"]
