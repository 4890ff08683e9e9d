"""The search for good hyper-parameters, on train and val, never on test.

============  ===============================================================
``space``     what may vary and how: choices, ranges, logarithmic ranges
``halving``   who trains on: the arithmetic of successive halving
``trial``     one training with one set of values, and its score on val
``workers``   several trials at once, each in a process of its own
``folder``    the search's folder: a file per finished trial, so a kill loses none
``settings``  what was asked for
``search``    the whole: draw, train, keep, choose
``ranking``   the order of trials; ``display`` shows it while they run
============  ===============================================================
"""
