"""The peer of bench/train-step.ts: the same masked autoencoder's training step in PyTorch eager.

Prints one line of JSON: {"seconds", "peakMiB", "setting"}.
"""

import argparse
import json
import math
import resource
import time

# Importing this first starts the process again with the fastest BLAS.
from fastest_blas import SETTING

import torch
from torch import nn
from torch.nn import functional

NORM_EPS = 1e-6


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        scores = (query @ key.transpose(-2, -1)) * (width // self.heads) ** -0.5
        mixed = scores.softmax(dim=-1) @ value
        return self.proj(mixed.transpose(1, 2).reshape(batch, tokens, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=NORM_EPS)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=NORM_EPS)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class MaskedAutoencoder(nn.Module):
    """Visible patches through the encoder, all through the decoder, normalised pixels of removed patches compared."""

    def __init__(self, options):
        super().__init__()
        self.patch = options.patch
        self.tokens = (options.image // options.patch) ** 2
        self.visible = self.tokens // 4
        values = 3 * options.patch**2
        self.embed = nn.Linear(values, options.dim)
        self.cls = nn.Parameter(0.02 * torch.randn(1, 1, options.dim))
        self.mask = nn.Parameter(0.02 * torch.randn(1, 1, options.decoder_dim))
        self.register_buffer("positions", 0.02 * torch.randn(self.tokens, options.dim))
        self.register_buffer("decoder_positions", 0.02 * torch.randn(1 + self.tokens, options.decoder_dim))
        self.encoder = nn.Sequential(*(Block(options.dim, options.heads) for _ in range(options.depth)))
        self.norm = nn.LayerNorm(options.dim, eps=NORM_EPS)
        self.bridge = nn.Linear(options.dim, options.decoder_dim)
        decoder = (Block(options.decoder_dim, options.decoder_heads) for _ in range(options.decoder_depth))
        self.decoder = nn.Sequential(*decoder)
        self.decoder_norm = nn.LayerNorm(options.decoder_dim, eps=NORM_EPS)
        self.predict = nn.Linear(options.decoder_dim, values)

    def patchify(self, images):
        batch, _, size, _ = images.shape
        grid = size // self.patch
        cut = images.reshape(batch, 3, grid, self.patch, grid, self.patch)
        return cut.permute(0, 2, 4, 3, 5, 1).reshape(batch, self.tokens, -1)

    def forward(self, images, orders):
        batch = images.shape[0]
        row = torch.arange(batch).unsqueeze(1)
        kept, removed = orders[:, : self.visible], orders[:, self.visible :]
        patches = self.patchify(images)
        seen = self.embed(patches[row, kept]) + self.positions[kept]
        latent = self.norm(self.encoder(torch.cat([self.cls.expand(batch, -1, -1), seen], dim=1)))
        shrunk = self.bridge(latent)
        together = torch.cat([shrunk[:, 1:], self.mask.expand(batch, removed.shape[1], -1)], dim=1)
        restored = together[row, orders.argsort(dim=1)]
        whole = torch.cat([shrunk[:, :1], restored], dim=1) + self.decoder_positions
        # As in our model, only what the loss compares is predicted.
        decoded = self.decoder(whole)[:, 1:][row, removed]
        target = patches[row, removed]
        spread = target.var(dim=-1, keepdim=True)
        target = (target - target.mean(dim=-1, keepdim=True)) / (spread + 1e-6).sqrt()
        return functional.mse_loss(self.predict(self.decoder_norm(decoded)), target)


def parse():
    parser = argparse.ArgumentParser()
    for name in ("image", "patch", "dim", "depth", "heads", "decoder-dim", "decoder-depth", "decoder-heads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    return parser.parse_args()


def main():
    options = parse()
    torch.manual_seed(0)
    model = MaskedAutoencoder(options)
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.95))
    images = torch.randn(options.batch, 3, options.image, options.image)
    times = []
    for step in range(options.steps + 2):
        orders = torch.rand(options.batch, model.tokens).argsort(dim=1)
        start = time.perf_counter()
        loss = model(images, orders)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step >= 2:
            times.append(time.perf_counter() - start)
    assert math.isfinite(loss.item())
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
