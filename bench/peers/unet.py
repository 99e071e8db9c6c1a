"""The peer of the segmentation experiments: a plain U-Net from random weights (Ronneberger et al. 2015), in PyTorch eager.

Pictures lie in memory; AdamW, a cosine over the whole budget, flips and random scales. Prints one line of JSON with the IoU
over all pixels of `val`: {"objectIoU", "meanIoU", "seconds", "processorSeconds", "epochs"}.
"""

import argparse
import json
import math
import resource
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pycocotools.coco import COCO
from torch import nn
from torch.nn import functional


def double(inputs, outputs):
    layers = []
    for index in range(2):
        layers += [nn.Conv2d(inputs if index == 0 else outputs, outputs, 3, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    def __init__(self, width, depth=4, classes=2):
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList(double(3 if level == 0 else widths[level - 1], widths[level]) for level in range(depth + 1))
        self.up = nn.ModuleList(nn.ConvTranspose2d(widths[level + 1], widths[level], 2, 2) for level in range(depth))
        self.join = nn.ModuleList(double(2 * widths[level], widths[level]) for level in range(depth))
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        kept = []
        for level, down in enumerate(self.down):
            x = down(x if level == 0 else functional.max_pool2d(x, 2))
            kept.append(x)
        for level in reversed(range(len(self.up))):
            x = self.join[level](torch.cat([self.up[level](x), kept[level]], 1))
        return self.head(x)


def load(data, split):
    coco = COCO(str(data / "annotations" / f"instances_{split}.json"))
    pictures = []
    for image in coco.loadImgs(coco.getImgIds()):
        pixels = Image.open(data / "images" / split / Path(image["file_name"]).name).convert("RGB")
        mask = np.zeros((image["height"], image["width"]), np.int64)
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=image["id"])):
            mask |= coco.annToMask(annotation).astype(np.int64)
        pictures.append((torch.from_numpy(np.asarray(pixels).copy()).permute(2, 0, 1).float() / 255, torch.from_numpy(mask)))
    return pictures


def crop(picture, mask, size, random):
    scale = random.uniform(0.75, 1.33)
    height, width = (max(16, round(side * scale)) for side in mask.shape)
    picture = functional.interpolate(picture[None], (height, width), mode="bilinear")[0]
    mask = functional.interpolate(mask[None, None].float(), (height, width))[0, 0].long()
    rows, columns = max(0, size - height), max(0, size - width)
    picture = functional.pad(picture, (0, columns, 0, rows))
    mask = functional.pad(mask, (0, columns, 0, rows), value=255)
    top, left = random.integers(mask.shape[0] - size + 1), random.integers(mask.shape[1] - size + 1)
    picture, mask = picture[:, top : top + size, left : left + size], mask[top : top + size, left : left + size]
    if random.random() < 0.5:
        picture, mask = picture.flip(2), mask.flip(1)
    return picture, mask


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seconds", type=float, help="of processor time, instead of minutes")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    random = np.random.default_rng(options.seed)
    clock = time.process_time if options.seconds is not None else time.time
    budget = options.seconds if options.seconds is not None else 60 * options.minutes
    began = time.time()
    started = clock()
    train, val = load(options.data, "train"), load(options.data, "val")
    model = UNet(options.width)
    optimizer = torch.optim.AdamW(model.parameters(), options.rate)
    step = 0
    # The evaluation at the end takes its share of the budget.
    while (share := (clock() - started) / (0.93 * budget)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = options.rate * min(1, (step + 1) / 20) * 0.5 * (1 + math.cos(math.pi * share))
        chosen = [crop(*train[index], options.size, random) for index in random.integers(len(train), size=options.batch)]
        pictures, masks = (torch.stack(each) for each in zip(*chosen))
        loss = functional.cross_entropy(model(pictures), masks, ignore_index=255)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
    model.eval()
    counts = np.zeros((2, 2))
    with torch.no_grad():
        for picture, mask in val:
            height, width = mask.shape
            padded = functional.pad(picture[None], (0, -width % 16, 0, -height % 16))
            found = model(padded)[0, :, :height, :width].argmax(0)
            counts += np.bincount((2 * mask + found).reshape(-1).numpy(), minlength=4).reshape(2, 2)
    ious = [counts[k, k] / (counts[k].sum() + counts[:, k].sum() - counts[k, k]) for k in range(2)]
    used = resource.getrusage(resource.RUSAGE_SELF)
    numbers = {"objectIoU": ious[1], "meanIoU": sum(ious) / 2, "seconds": time.time() - began}
    numbers |= {"processorSeconds": used.ru_utime + used.ru_stime, "epochs": step * options.batch / len(train)}
    print(json.dumps(numbers))


main()
