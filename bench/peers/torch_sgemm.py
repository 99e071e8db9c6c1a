"""The peer of bench/sgemm-share.ts: products of square float32 matrices in PyTorch.

usage: torch_sgemm.py SIZE RUNS
Prints one line of JSON: {"seconds", "peakMiB", "setting"}; `seconds` is the fastest product.
"""

import json
import resource
import sys
import time

# Importing this first starts the process again with the fastest BLAS.
from fastest_blas import SETTING

import torch


def main():
    size, runs = int(sys.argv[1]), int(sys.argv[2])
    a, b = torch.randn(size, size), torch.randn(size, size)
    times = []
    for _ in range(runs + 2):
        start = time.perf_counter()
        torch.mm(a, b)
        times.append(time.perf_counter() - start)
    print(
        json.dumps(
            {
                "seconds": min(times),
                "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "setting": f"PyTorch {torch.__version__}, {SETTING}, {torch.get_num_threads()} threads",
            }
        )
    )


if __name__ == "__main__":
    main()
