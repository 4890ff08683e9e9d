"""From scores to honest numbers: metrics, their intervals, and the report.

Everything here works on plain arrays of labels and scores and knows nothing of models.

================  ===========================================================
``scores``        logits to probabilities, margins and decisions
``metrics``       of decisions; ``averages``: per class, micro and macro
``ranking``       ROC and precision-recall curves with their areas
``intervals``     bootstrap and Wilson; ``resampled``: what is drawn again
``summary``       the headline figures, as in ``metrics.json``
``operating``     thresholds, predictive values over prevalence
``calibration``   Brier, reliability, ECE; ``temperature``: scaling
``chosen``        what was chosen on val; ``assessment``: measured on test
``delong``        two areas; ``mcnemar``: two sets of decisions
``comparison``    two models on the same images
``robustness``    the balanced error on corrupted images
``report``        ``report.html``; ``report_comparison``: of two models
================  ===========================================================
"""
