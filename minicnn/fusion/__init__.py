"""Running several layers as one: what `Layer.compile` returns.

===================  ==========================================================
``plan``             which layers become one stage, and why the others do not
``section``          neighbouring stages, between two arrays
``conv_stage``       convolution, norm, shortcut, activation and pooling in one pass
``residual_stage``   two paths and their sum
``plain_stage``      a layer as it is
``geometry``         the tables of a convolution in blocked memory
``recording``        a step's kernel calls, recorded once and played back
``inference``        the whole network as one call
``model``            the fused model
===================  ==========================================================
"""

from minicnn.fusion.model import FusedModel

__all__ = ["FusedModel"]
