"""A run that compiles its kernels computes the same bits as the next, which finds them on disk."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import hashlib
import numpy as np
import minicnn as m

rng = np.random.default_rng(0)
model = m.Sequential(
    m.Conv2d(1, 12, 3, padding=1, rng=rng), m.BatchNorm2d(12), m.ReLU(), m.MaxPool2d(2),
    m.Conv2d(12, 9, 3, rng=rng), m.BatchNorm2d(9), m.ReLU(),
    m.GlobalAvgPool2d(), m.Linear(9, 3, rng=rng),
).astype(np.float64)
fused = model.compile()
x = rng.normal(size=(37, 1, 18, 17))
digest = hashlib.sha256()
for _ in range(2):
    y = fused.forward(x)
    digest.update(y.tobytes() + fused.backward(y).tobytes())
for array in (*fused.grads.values(), *fused.buffers.values()):
    digest.update(array.tobytes())
fused.eval()
for n in (37, 1):
    digest.update(fused.forward(x[:n]).tobytes())
print(digest.hexdigest())
"""


def test_the_first_run_and_the_second(tmp_path):
    found = []
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(run.stdout)
    assert len(found[0]) > 60
    assert found[0] == found[1]
