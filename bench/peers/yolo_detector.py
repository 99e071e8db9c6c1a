"""The peer of the detection experiments: an Ultralytics detector from random weights, in its own trainer.

Its whole schedule is fitted to the epochs or minutes. Pictures lie in memory, as its `cache` has it. Prints one line of
JSON with pycocotools' numbers on `val`: {"boxAP", "boxAP50", "maskAP", "maskAP50", "seconds", "processorSeconds", "epochs"}.
"""

import argparse
import json
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np


def write_yolo_labels(data, split, folder, masks):
    """COCO's annotations as Ultralytics reads them: a text file a picture, beside links to the pictures."""
    from pycocotools.coco import COCO

    coco = COCO(str(data / "annotations" / f"instances_{split}.json"))
    categories = sorted(coco.getCatIds())
    images, labels = folder / "images" / split, folder / "labels" / split
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    for image in coco.loadImgs(coco.getImgIds()):
        name = Path(image["file_name"]).name
        source = next(p for p in (data / "images" / split / name, data / "images" / name, data / split / name) if p.exists())
        os.symlink(source.resolve(), images / name)
        width, height = image["width"], image["height"]
        lines = []
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=image["id"])):
            if annotation.get("iscrowd"):
                continue
            label = categories.index(annotation["category_id"])
            if masks:
                for polygon in polygons_of(coco.annToMask(annotation)):
                    values = (polygon / [width, height]).reshape(-1)
                    lines.append(" ".join([str(label), *(f"{value:.6f}" for value in values)]))
                    break
            else:
                x, y, w, h = annotation["bbox"]
                values = ((x + w / 2) / width, (y + h / 2) / height, w / width, h / height)
                lines.append(" ".join([str(label), *(f"{value:.6f}" for value in values)]))
        (labels / name).with_suffix(".txt").write_text("\n".join(lines) + "\n")
    return coco, categories


def polygons_of(mask):
    import cv2

    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contours = sorted((c.reshape(-1, 2) for c in contours), key=len, reverse=True)
    return [contour for contour in contours if len(contour) >= 3]


def measure(model, coco, categories, folder, size, masks):
    from pycocotools import mask as rle
    from pycocotools.cocoeval import COCOeval

    results = []
    for image in coco.loadImgs(coco.getImgIds()):
        path = folder / "images" / "val" / Path(image["file_name"]).name
        (found,) = model.predict(str(path), imgsz=size, conf=0.001, iou=0.7, max_det=300, retina_masks=masks, verbose=False)
        for index, box in enumerate(found.boxes):
            x1, y1, x2, y2 = box.xyxy[0].tolist()
            result = {
                "image_id": image["id"],
                "category_id": categories[int(box.cls)],
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "score": float(box.conf),
            }
            if masks and found.masks is not None:
                pixels = np.asfortranarray(found.masks.data[index].numpy().astype(np.uint8))
                result["segmentation"] = rle.encode(pixels)
            results.append(result)
    numbers = {}
    for name, kind in [("box", "bbox"), ("mask", "segm")][: 2 if masks else 1]:
        if not results:
            numbers |= {f"{name}AP": 0.0, f"{name}AP50": 0.0}
            continue
        evaluation = COCOeval(coco, coco.loadRes([dict(each) for each in results]), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        numbers |= {f"{name}AP": evaluation.stats[0], f"{name}AP50": evaluation.stats[1]}
    return numbers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="yolo11n.yaml")
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    import torch
    import yaml
    from ultralytics import YOLO

    torch.set_num_threads(options.threads)
    masks = "seg" in options.model
    folder = Path(tempfile.mkdtemp())
    try:
        write_yolo_labels(options.data, "train", folder, masks)
        coco, categories = write_yolo_labels(options.data, "val", folder, masks)
        names = {index: coco.cats[each]["name"] for index, each in enumerate(categories)}
        description = folder / "data.yaml"
        description.write_text(yaml.safe_dump({"path": str(folder), "train": "images/train", "val": "images/val", "names": names}))
        started = time.time()
        model = YOLO(options.model)
        budget = {"epochs": options.epochs} if options.minutes is None else {"time": options.minutes / 60}
        model.train(
            data=str(description),
            imgsz=options.size,
            batch=options.batch,
            seed=options.seed,
            device="cpu",
            workers=options.threads,
            cache="ram",
            project=str(folder / "runs"),
            pretrained=False,
            plots=False,
            verbose=False,
            **budget,
        )
        seconds = time.time() - started
        used = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = used.ru_utime + used.ru_stime + children.ru_utime + children.ru_stime
        epochs = model.trainer.epoch + 1
        best = YOLO(str(model.trainer.best))
        numbers = measure(best, coco, categories, folder, options.size, masks)
        print(json.dumps({**numbers, "seconds": seconds, "processorSeconds": processor, "epochs": epochs}))
    finally:
        shutil.rmtree(folder)


main()
