# The peer of coco-parse.ts: pycocotools' constructor, which reads the file and builds its index.
import json, resource, sys, time
from importlib.metadata import version
from pycocotools.coco import COCO

start = time.perf_counter()
truth = COCO(sys.argv[1])
seconds = time.perf_counter() - start
print(len(truth.anns), 'annotations')
print(json.dumps({
    'seconds': seconds,
    'peakMiB': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    'setting': f'pycocotools {version("pycocotools")}, Python {sys.version.split()[0]}',
}))
