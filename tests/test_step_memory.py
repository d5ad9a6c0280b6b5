"""What a training step of a convolutional network needs in memory: the process's resident pages."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import numpy as np
import nnfast as nf

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096

channels, size, threads = (int(a) for a in sys.argv[1:])
nf.set_num_threads(threads)
layers = [nf.Conv2d(channels, 32, 3, padding=1), nf.ReLU(), nf.MaxPool2d(2), nf.Conv2d(32, 64, 5), nf.Tanh(),
          nf.AvgPool2d(2), nf.Conv2d(64, 64, 3, stride=2), nf.Flatten(),
          nf.Linear(out_features=32), nf.ReLU(), nf.Linear(32, 10)]
model = nf.Sequential(*layers, input_shape=(channels, size, size), seed=0)
model.compile(nf.SGD(0.01), "cross_entropy")
rng = np.random.default_rng(0)
x, y = rng.random((96, channels, size, size), np.float32), rng.integers(0, 10, 96)
model.train_batch(x[:1], y[:1])  # parameters, code and the interpreter's own are there
before = resident()
model.train_batch(x, y)
half = size // 2
cells = 32 * size**2 + 32 * half**2 + 64 * (half - 4) ** 2 + 64 * (half // 2 - 2) ** 2
print((resident() - before) / (2 * 4 * len(x) * cells))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 48)])
def test_a_step_needs_little_more_than_activations_and_gradients(channels, size, threads):
    command = [sys.executable, "-c", SCRIPT, str(channels), str(size), str(threads)]
    share = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert 0.3 < share < 1.5
