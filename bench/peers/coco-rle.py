# The peer of coco-rle.ts: pycocotools' C code through its own interface.
import json, resource, sys, time
from importlib.metadata import version
import pycocotools.mask as mask

HEIGHT, WIDTH, REPEATS = 480, 640, 5
part, path = sys.argv[1:3]
work = json.load(open(path))
groups = [[{'size': [HEIGHT, WIDTH], 'counts': counts.encode()} for counts in group] for group in work['groups']]
checksum = 0
start = time.perf_counter()
for _ in range(REPEATS):
    if part == 'polygons':
        for polygon in work['polygons']:
            checksum += len(mask.frPyObjects([polygon], HEIGHT, WIDTH)[0]['counts'])
    else:
        for group in groups:
            checksum += mask.iou(group, group, [0] * len(group)).sum()
seconds = time.perf_counter() - start
print('checksum', checksum)
print(json.dumps({
    'seconds': seconds,
    'peakMiB': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    'setting': f'pycocotools {version("pycocotools")} (C), Python {sys.version.split()[0]}',
}))
