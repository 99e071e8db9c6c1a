"""The peer of bench/detect-step.ts: ViTDet's Mask R-CNN in PyTorch eager, with torchvision's RoIAlign and NMS.

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
import torchvision
from torch import nn
from torch.nn import functional
from torchvision.ops import batched_nms, box_iou, roi_align

STRIDES = (4, 8, 16, 32, 64)
LONGEST = math.log(1000 / 16)


class Attention(nn.Module):
    """Over a grid, with decomposed relative positions; `window` 0 sees the whole grid."""

    def __init__(self, dim, heads, side):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.rows = nn.Parameter(torch.zeros(2 * side - 1, dim // heads))
        self.columns = nn.Parameter(torch.zeros(2 * side - 1, dim // heads))
        distances = torch.arange(side)[:, None] - torch.arange(side)[None, :] + side - 1
        self.register_buffer("distances", distances)

    def forward(self, x):
        batch, side, _, dim = x.shape
        count = batch * self.heads
        query, key, value = (
            self.qkv(x)
            .reshape(batch, side * side, 3, self.heads, -1)
            .permute(2, 0, 3, 1, 4)
            .reshape(3, count, side * side, -1)
            .unbind(0)
        )
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
        grid = query.reshape(count, side, side, -1)
        by_row = torch.einsum("bhwc,hkc->bhwk", grid, self.rows[self.distances])
        by_column = torch.einsum("bhwc,wkc->bhwk", grid, self.columns[self.distances])
        scores = scores.view(count, side, side, side, side) + by_row[..., :, None] + by_column[..., None, :]
        mixed = scores.view(count, side * side, side * side).softmax(dim=-1) @ value
        mixed = mixed.view(batch, self.heads, side, side, -1).permute(0, 2, 3, 1, 4).reshape(batch, side, side, dim)
        return self.proj(mixed)


class Block(nn.Module):
    def __init__(self, dim, heads, grid, window):
        super().__init__()
        self.window = window
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attention = Attention(dim, heads, window or grid)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def attend(self, x):
        if self.window == 0:
            return self.attention(x)
        batch, height, width, dim = x.shape
        side = self.window
        padded = functional.pad(x, (0, 0, 0, -width % side, 0, -height % side))
        rows, columns = padded.shape[1] // side, padded.shape[2] // side
        windows = padded.view(batch, rows, side, columns, side, dim).permute(0, 1, 3, 2, 4, 5)
        mixed = self.attention(windows.reshape(-1, side, side, dim))
        joined = mixed.view(batch, rows, columns, side, side, dim).permute(0, 1, 3, 2, 4, 5)
        return joined.reshape(batch, rows * side, columns * side, dim)[:, :height, :width]

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ChannelNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).square().mean(1, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


def normed(inside, outside, kernel):
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, padding=kernel // 2, bias=False), ChannelNorm(outside)
    )


def stack(inside, outside, count):
    layers = []
    for index in range(count):
        layers += [normed(inside if index == 0 else outside, outside, 3), nn.ReLU()]
    return nn.Sequential(*layers)


class Detector(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.o = o
        grid, dim, channels = o.image // o.patch, o.dim, o.channels
        ends = {round((group + 1) * o.depth / 4) - 1 for group in range(4)}
        self.embed = nn.Conv2d(3, dim, o.patch, stride=o.patch)
        self.positions = nn.Parameter(0.02 * torch.randn(1, grid, grid, dim))
        self.blocks = nn.Sequential(*(Block(dim, o.heads, grid, 0 if i in ends else 14) for i in range(o.depth)))

        def up(inside, outside):
            return nn.ConvTranspose2d(inside, outside, 2, stride=2)

        def out(inside):
            return nn.Sequential(normed(inside, channels, 1), normed(channels, channels, 3))

        self.levels = nn.ModuleList(
            [
                nn.Sequential(
                    up(dim, dim // 2), ChannelNorm(dim // 2), nn.GELU(), up(dim // 2, dim // 4), out(dim // 4)
                ),
                nn.Sequential(up(dim, dim // 2), out(dim // 2)),
                out(dim),
                nn.Sequential(nn.MaxPool2d(2), out(dim)),
            ]
        )
        self.rpn = nn.Sequential(
            *(layer for _ in range(2) for layer in (nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()))
        )
        self.objectness, self.rpn_deltas = nn.Conv2d(channels, 3, 1), nn.Conv2d(channels, 12, 1)
        self.box_convs = stack(channels, o.convs, o.box_convs)
        self.hidden = nn.Linear(o.convs * 49, o.hidden)
        self.classes, self.box_deltas = nn.Linear(o.hidden, o.classes + 1), nn.Linear(o.hidden, 4 * o.classes)
        self.mask_convs = stack(channels, o.convs, o.mask_convs)
        self.mask_up, self.mask_out = up(o.convs, o.convs), nn.Conv2d(o.convs, o.classes, 1)
        nn.init.normal_(self.classes.weight, std=0.3)
        nn.init.normal_(self.box_deltas.weight, std=0.001)
        for conv in (self.objectness, self.rpn_deltas):
            nn.init.normal_(conv.weight, std=0.01)
        self.anchors = [self.make_anchors(level) for level in range(5)]

    def make_anchors(self, level):
        stride = STRIDES[level] * self.o.patch / 16
        size = 8 * stride * min(1, self.o.image / (32 * self.o.patch))
        ratios = torch.tensor([0.5, 1.0, 2.0])
        width, height = size / ratios.sqrt(), size * ratios.sqrt()
        cell = torch.stack([-width, -height, width, height], 1) / 2
        side = math.ceil(self.o.image / stride)
        place = torch.arange(side) * stride
        y, x = torch.meshgrid(place, place, indexing="ij")
        return (torch.stack([x, y, x, y], -1).reshape(-1, 1, 4) + cell).reshape(-1, 4)

    def trunk(self, images):
        x = self.embed(images).permute(0, 2, 3, 1) + self.positions
        x = self.blocks(x).permute(0, 3, 1, 2)
        features = [level(x) for level in self.levels]
        features.append(functional.max_pool2d(features[-1], 1, 2))
        logits, deltas = [], []
        for feature in features:
            hidden = self.rpn(feature)
            batch = hidden.shape[0]
            logits.append(self.objectness(hidden).permute(0, 2, 3, 1).reshape(batch, -1))
            deltas.append(
                self.rpn_deltas(hidden).view(batch, 3, 4, *hidden.shape[2:]).permute(0, 3, 4, 1, 2).reshape(batch, -1, 4)
            )
        return features, logits, deltas

    @torch.no_grad()
    def propose(self, logits, deltas, before, after):
        result = []
        for picture in range(logits[0].shape[0]):
            boxes, scores, groups = [], [], []
            for level, anchors in enumerate(self.anchors):
                best, chosen = logits[level][picture].topk(min(before, anchors.shape[0]))
                boxes.append(decode(anchors[chosen], deltas[level][picture][chosen], (1, 1, 1, 1)))
                scores.append(best)
                groups.append(torch.full_like(chosen, level))
            boxes, scores, groups = torch.cat(boxes).clamp(0, self.o.image), torch.cat(scores), torch.cat(groups)
            kept = batched_nms(boxes, scores, groups, 0.7)[:after]
            result.append(boxes[kept])
        return result

    def pool(self, features, boxes, size):
        """Each box from the level of its size."""
        strides = [stride * self.o.patch / 16 for stride in STRIDES[:4]]
        flat = torch.cat(boxes)
        pictures = torch.cat([torch.full((len(b), 1), float(i)) for i, b in enumerate(boxes)])
        areas = (flat[:, 2:] - flat[:, :2]).prod(1).clamp(min=0)
        levels = torch.floor(torch.log2((areas.sqrt() / 224 + 1e-8) * 16 / strides[0])).clamp(0, 3)
        regions = torch.cat([pictures, flat], 1)
        pooled = features[0].new_zeros(len(flat), self.o.channels, size, size)
        for level in range(4):
            chosen = (levels == level).nonzero()[:, 0]
            part = roi_align(features[level], regions[chosen], size, 1 / strides[level], 0, True)
            pooled = pooled.index_put((chosen,), part)
        return pooled

    def box_head(self, pooled):
        hidden = functional.relu(self.hidden(self.box_convs(pooled).flatten(1)))
        return self.classes(hidden), self.box_deltas(hidden)

    def mask_head(self, pooled):
        return self.mask_out(functional.relu(self.mask_up(self.mask_convs(pooled))))

    def losses(self, images, truth):
        features, logits, deltas = self.trunk(images)
        batch = images.shape[0]
        anchors = torch.cat(self.anchors)
        flat_logits, flat_deltas = torch.cat(logits, 1), torch.cat(deltas, 1)
        proposals = self.propose(logits, deltas, self.o.train_before, self.o.train_after)
        total = 0
        for picture, (boxes, _, _) in enumerate(truth):
            with torch.no_grad():
                labels, matched = match(anchors, boxes, 0.3, 0.7, True)
                positive, negative = sample(labels, 256, 0.5)
                wanted = encode(anchors[positive], boxes[matched[positive]], (1, 1, 1, 1))
            drawn = torch.cat([positive, negative])
            goal = torch.cat([torch.ones(len(positive)), torch.zeros(len(negative))])
            total = total + functional.binary_cross_entropy_with_logits(
                flat_logits[picture, drawn], goal, reduction="sum"
            ) / (256 * batch)
            total = total + (flat_deltas[picture, positive] - wanted).abs().sum() / (256 * batch)
        chosen, labels, wanted, masks, positives = [], [], [], [], []
        for (boxes, classes, bitmaps), found in zip(truth, proposals):
            candidates = torch.cat([found, boxes])
            marks, matched = match(candidates, boxes, 0.5, 0.5, False)
            positive, negative = sample(marks, self.o.regions, 0.25)
            drawn = torch.cat([positive, negative])
            chosen.append(candidates[drawn])
            label = torch.full((len(drawn),), self.o.classes)
            label[: len(positive)] = classes[matched[positive]]
            labels.append(label)
            goal = torch.zeros(len(drawn), 4)
            goal[: len(positive)] = encode(candidates[positive], boxes[matched[positive]], (10, 10, 5, 5))
            wanted.append(goal)
            positives.append(candidates[positive])
            regions = torch.cat([matched[positive][:, None].float(), candidates[positive]], 1)
            masks.append(roi_align(bitmaps[:, None], regions, 28, 1.0, 0, True)[:, 0] >= 0.5)
        label, goal = torch.cat(labels), torch.cat(wanted)
        scores, moved = self.box_head(self.pool(features, chosen, 7))
        total = total + functional.cross_entropy(scores, label)
        objects = (label < self.o.classes).nonzero()[:, 0]
        own = moved.view(-1, self.o.classes, 4)[objects, label[objects]]
        total = total + (own - goal[objects]).abs().sum() / len(label)
        logits = self.mask_head(self.pool(features, positives, 14))
        own = logits[torch.arange(len(objects)), label[objects]]
        return total + functional.binary_cross_entropy_with_logits(own, torch.cat(masks).float())

    @torch.no_grad()
    def detect(self, images):
        features, logits, deltas = self.trunk(images)
        proposals = self.propose(logits, deltas, self.o.test_before, self.o.test_after)
        scores, moved = self.box_head(self.pool(features, proposals, 7))
        scores, moved = scores.softmax(-1)[:, :-1], moved.view(-1, self.o.classes, 4)
        first, boxes, classes, results = 0, [], [], []
        for found in proposals:
            own, shifts = scores[first : first + len(found)], moved[first : first + len(found)]
            first += len(found)
            row, label = (own > 0.05).nonzero().unbind(1)
            candidates = decode(found[row], shifts[row, label], (10, 10, 5, 5)).clamp(0, self.o.image)
            kept = batched_nms(candidates, own[row, label], label, 0.5)[:100]
            boxes.append(candidates[kept])
            classes.append(label[kept])
        logits = self.mask_head(self.pool(features, boxes, 14))
        label = torch.cat(classes)
        return logits[torch.arange(len(label)), label].sigmoid()


def decode(boxes, deltas, weights):
    size = boxes[:, 2:] - boxes[:, :2]
    centre = boxes[:, :2] + size / 2
    centre = centre + deltas[:, :2] / torch.tensor(weights[:2]) * size
    half = (deltas[:, 2:] / torch.tensor(weights[2:])).clamp(max=LONGEST).exp() * size / 2
    return torch.cat([centre - half, centre + half], 1)


def encode(boxes, goals, weights):
    size, goal_size = boxes[:, 2:] - boxes[:, :2], goals[:, 2:] - goals[:, :2]
    shift = (goals[:, :2] + goal_size / 2 - boxes[:, :2] - size / 2) / size
    return torch.cat([shift, (goal_size / size).log()], 1) * torch.tensor(weights)


def match(candidates, truth, low, high, nearest):
    overlaps = box_iou(truth, candidates)
    best, matched = overlaps.max(0)
    labels = torch.full((len(candidates),), -1)
    labels[best < low] = 0
    labels[best >= high] = 1
    if nearest:
        labels[(overlaps == overlaps.max(1, keepdim=True).values).nonzero()[:, 1]] = 1
    return labels, matched


def sample(labels, count, fraction):
    positive, negative = (labels == 1).nonzero()[:, 0], (labels == 0).nonzero()[:, 0]
    positive = positive[torch.randperm(len(positive))[: int(count * fraction)]]
    return positive, negative[torch.randperm(len(negative))[: count - len(positive)]]


def make_truth(options):
    side = options.image
    truth = []
    for _ in range(options.batch):
        corner = torch.rand(options.objects, 2) * side * 0.7
        boxes = torch.cat([corner, corner + side * (0.08 + 0.2 * torch.rand(options.objects, 2))], 1)
        bitmaps = torch.zeros(options.objects, side, side)
        for bitmap, (x0, y0, x1, y1) in zip(bitmaps, boxes.int().tolist()):
            bitmap[y0:y1, x0:x1] = 1
        truth.append((boxes, torch.randint(options.classes, (options.objects,)), bitmaps))
    return truth


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--training", type=int)
    for name in "image patch dim depth heads channels convs hidden classes batch steps objects".split():
        parser.add_argument(f"--{name}", type=int)
    for name in "box-convs mask-convs regions train-before train-after test-before test-after".split():
        parser.add_argument(f"--{name}", type=int)
    options = parser.parse_args()
    torch.manual_seed(0)
    model = Detector(options)
    images = torch.randn(options.batch, 3, options.image, options.image)
    truth = make_truth(options)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.1)
    times = []
    for step in range(options.steps + 2):
        start = time.perf_counter()
        if options.training:
            optimizer.zero_grad()
            model.losses(images, truth).backward()
            optimizer.step()
        else:
            model.detect(images)
        if step >= 2:
            times.append(time.perf_counter() - start)
    versions = f"PyTorch {torch.__version__} eager, torchvision {torchvision.__version__}"
    print(
        json.dumps(
            {
                "seconds": sorted(times)[len(times) // 2],
                "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "setting": f"{versions}, {SETTING}, {torch.get_num_threads()} threads",
            }
        )
    )


if __name__ == "__main__":
    main()
