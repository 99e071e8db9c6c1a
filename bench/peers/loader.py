# The peer of loader.ts: torchvision's transforms on Pillow in one thread, without a DataLoader's own cost.
import json, os, sys, time
import PIL, torch, torchvision
from PIL import Image
from torchvision import transforms

folder, passes = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(1)
transform = transforms.Compose([
    transforms.RandomResizedCrop(224, scale=(0.2, 1.0), interpolation=transforms.InterpolationMode.BICUBIC),
    transforms.RandomHorizontalFlip(),
    transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
])
paths = sorted(os.path.join(folder, name) for name in os.listdir(folder))
for epoch in range(passes + 1):
    # The first pass warms both sides up.
    if epoch == 1:
        start, cpu = time.perf_counter(), time.process_time()
    for path in paths:
        with open(path, 'rb') as file:
            transform(Image.open(file).convert('RGB'))
seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
print(json.dumps({
    'imagesPerSecond': passes * len(paths) / seconds,
    'cpuMsPerImage': 1000 * cpu_seconds / (passes * len(paths)),
    'setting': f'torchvision {torchvision.__version__}, Pillow {PIL.__version__}, torch {torch.__version__}, 1 thread',
}))
