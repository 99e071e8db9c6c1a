# The peer of coco-evaluate.ts: pycocotools, as its own demo uses it.
import json, resource, sys, time
from importlib.metadata import version
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

kind, annotations, results = sys.argv[1:4]
start = time.perf_counter()
truth = COCO(annotations)
evaluation = COCOeval(truth, truth.loadRes(results), kind)
evaluation.evaluate()
evaluation.accumulate()
evaluation.summarize()
seconds = time.perf_counter() - start
print(*evaluation.stats)
print(json.dumps({
    'seconds': seconds,
    'peakMiB': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    'setting': f'pycocotools {version("pycocotools")}, Python {sys.version.split()[0]}, single process',
}))
