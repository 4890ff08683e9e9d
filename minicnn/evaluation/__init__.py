"""From scores to honest numbers: metrics, their intervals, and the report.

Everything here works on plain arrays of labels and scores and knows nothing of models.
"""
