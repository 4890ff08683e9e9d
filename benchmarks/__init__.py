"""Time and memory of minicnn beside its peers; ``python -m benchmarks --help``."""
