"""The peer of the classification experiments: a timm model from random weights, in PyTorch eager.

Pictures lie in memory, scaled once; AdamW, warm-up and a cosine over the whole budget, random crops and flips. Prints one line
of JSON with the accuracy on `val`: {"top1", "seconds", "processorSeconds", "epochs"}.
"""

import argparse
import json
import math
import resource
import time
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from torch.nn import functional
from torchvision.transforms import v2


def load(folder, classes, size):
    pictures, labels = [], []
    shrink = v2.Compose([v2.Resize(size), v2.CenterCrop(size)])
    for label, name in enumerate(classes):
        # A split need not have pictures of every class.
        for path in sorted((folder / name).glob("*")):
            picture = Image.open(path).convert("RGB")
            pictures.append(torch.from_numpy(np.asarray(shrink(picture)).copy()).permute(2, 0, 1))
            labels.append(label)
    return torch.stack(pictures), torch.tensor(labels)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="vit_tiny_patch16_224")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seconds", type=float, help="of processor time, instead of minutes")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    clock = time.process_time if options.seconds is not None else time.time
    budget = options.seconds if options.seconds is not None else 60 * options.minutes
    began = time.time()
    started = clock()
    classes = sorted(path.name for path in (options.data / "train").iterdir())
    train, labels = load(options.data / "train", classes, options.size)
    val, truth = load(options.data / "val", classes, options.size)
    sized = {"img_size": options.size} if options.model.startswith("vit") else {}
    model = timm.create_model(options.model, num_classes=len(classes), **sized)
    optimizer = torch.optim.AdamW(model.parameters(), options.rate, weight_decay=0.05)
    augment = v2.Compose([v2.RandomResizedCrop(options.size, (0.35, 1)), v2.RandomHorizontalFlip()])
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    step = 0
    while (share := (clock() - started) / (0.98 * budget)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = options.rate * min(1, share / 0.05) * 0.5 * (1 + math.cos(math.pi * share))
        index = torch.randint(len(train), (options.batch,))
        pictures = torch.stack([augment(train[each]) for each in index]).float() / 255
        loss = functional.cross_entropy(model((pictures - mean) / std), labels[index], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
    model.eval()
    right = 0
    with torch.no_grad():
        for start in range(0, len(val), 64):
            found = model((val[start : start + 64].float() / 255 - mean) / std).argmax(1)
            right += (found == truth[start : start + 64]).sum().item()
    used = resource.getrusage(resource.RUSAGE_SELF)
    numbers = {"top1": right / len(val), "seconds": time.time() - began}
    numbers |= {"processorSeconds": used.ru_utime + used.ru_stime, "epochs": step * options.batch / len(train)}
    print(json.dumps(numbers))


main()
