"""The peer of bench/detect-operations.ts: torchvision's NMS and its pasting of masks.

usage: torchvision_operations.py nms|paste NUMBERS RUNS
Prints one line of JSON: {"seconds", "peakMiB", "setting"}.
"""

import json
import resource
import sys
import time

import numpy
import torch
import torchvision
from torchvision.models.detection.roi_heads import paste_masks_in_image
from torchvision.ops import nms

BOXES, MASKS, SIDE, HEIGHT, WIDTH, THRESHOLD = 5000, 100, 28, 800, 1200, 0.7


def main():
    what, path, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    numbers = torch.from_numpy(numpy.fromfile(path, dtype="<f4"))
    boxes, scores, mask_boxes, masks = numbers.split([4 * BOXES, BOXES, 4 * MASKS, MASKS * SIDE**2])
    boxes, mask_boxes, masks = boxes.view(-1, 4), mask_boxes.view(-1, 4), masks.view(-1, 1, SIDE, SIDE)
    times = []
    with torch.inference_mode():
        for index in range(runs + 5):
            start = time.perf_counter()
            if what == "nms":
                outcome = len(nms(boxes, scores, THRESHOLD))
            else:
                outcome = paste_masks_in_image(masks, mask_boxes, (HEIGHT, WIDTH)) >= 0.5
            if index >= 5:
                times.append(time.perf_counter() - start)
    print(f"{what}: {outcome if what == 'nms' else outcome.shape}", file=sys.stderr)
    print(
        json.dumps(
            {
                "seconds": sorted(times)[len(times) // 2],
                "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "setting": f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}, "
                f"{torch.get_num_threads()} threads",
            }
        )
    )


if __name__ == "__main__":
    main()
