"""The peer of bench/inference.ts: ViT-B/16's class token in PyTorch eager, without gradients.

usage: torch_vit.py BATCH RUNS
Prints one line of JSON: {"seconds", "peakMiB", "setting"}.
"""

import json
import resource
import sys
import time

# Importing this first starts the process again with the fastest BLAS.
from fastest_blas import SETTING

from torch_mae_step import Block

import torch
from torch import nn


class Vit(nn.Module):
    def __init__(self, image=224, patch=16, dim=768, depth=12, heads=12):
        super().__init__()
        self.embed = nn.Conv2d(3, dim, patch, stride=patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 1 + (image // patch) ** 2, dim))
        self.blocks = nn.Sequential(*(Block(dim, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, images):
        patches = self.embed(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls.expand(images.shape[0], -1, -1), patches], dim=1) + self.positions
        return self.norm(self.blocks(tokens)[:, 0])


def main():
    batch, runs = int(sys.argv[1]), int(sys.argv[2])
    model = Vit().eval()
    images = torch.full((batch, 3, 224, 224), 0.5)
    times = []
    with torch.inference_mode():
        for index in range(runs + 2):
            start = time.perf_counter()
            model(images)
            if index >= 2:
                times.append(time.perf_counter() - start)
    print(
        json.dumps(
            {
                "seconds": sorted(times)[len(times) // 2],
                "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "setting": f"PyTorch {torch.__version__} eager, {SETTING}, {torch.get_num_threads()} threads",
            }
        )
    )


if __name__ == "__main__":
    main()
