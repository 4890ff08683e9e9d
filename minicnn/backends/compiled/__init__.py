"""The same functions as Numba kernels, compiled on first use and cached."""
