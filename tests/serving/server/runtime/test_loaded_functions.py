"""What a loaded version keeps of the requests that it has answered."""

import subprocess
import sys

import pytest

CODE = """
import ctypes, gc, sys
from pathlib import Path

import numpy as np

from serving.server.runtime.callers import PATIENT
from serving.server.runtime.loaded_functions import LoadedFunctions

functions = LoadedFunctions(Path(sys.argv[1]))
inputs = {"text": np.array([b"a"], object), "times": np.array([2], np.int32)}


def kibibytes():
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmRSS"))
    return int(line.split()[1])


def ask(times):
    for _ in range(times):
        functions.run("repeat", inputs, ["text"], [PATIENT])
    return kibibytes()


ask(500)
print(-ask(500) + ask(5000))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_it_keeps_nothing_of_a_request(repeater):
    command = [sys.executable, "-c", CODE, str(repeater / "1")]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert int(ran.stdout) < 1000  # KiB, after 5,000 requests
