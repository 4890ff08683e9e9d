"""Small layers and losses that are right: what the planted mistakes are made from.

They know nothing of the library. Each has ``forward`` and ``backward`` and, with parameters,
the dicts ``params`` and ``grads``; the parts of backward are methods of their own (``dx``,
``dw``, ``db``), so that a mistake can replace just one of them.
"""
