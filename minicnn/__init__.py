"""minicnn: convolutional networks by hand."""

__version__ = "0.1.0"
