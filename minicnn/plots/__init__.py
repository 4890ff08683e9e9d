"""Pictures of a training and of an evaluation, as PNG files.

Every function takes arrays or dicts and where to write. matplotlib is used through `Figure`
objects alone: no window, no global state, and no import before the first picture.
"""
