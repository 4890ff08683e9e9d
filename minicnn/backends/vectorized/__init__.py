"""The same functions in NumPy: whole arrays instead of loops."""
