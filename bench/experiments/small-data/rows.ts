/** What is compared: one plain command, and its peers on the same pictures. */
export interface Row {
  readonly name: string;
  readonly title: string;
  /** The folder below `../shared/data`. */
  readonly data: string;
  readonly task: string;
  /** Ours by its name in the run's metrics, the peer's by its name in its line of JSON. */
  readonly metrics: ReadonlyArray<{
    readonly title: string;
    readonly ours: string;
    readonly peer: string;
    /** What the peer's number is multiplied by to be in our unit. */
    readonly scale: number;
  }>;
  readonly peers: ReadonlyArray<{ readonly title: string; readonly script: string; readonly args: readonly string[] }>;
}

export const rows: readonly Row[] = [
  {
    name: 'cells',
    title: 'cells, boxes',
    data: 'cells',
    task: 'detect',
    metrics: [
      { title: 'AP', ours: 'valBoxAP', peer: 'boxAP', scale: 1 },
      { title: 'AP50', ours: 'valBoxAP50', peer: 'boxAP50', scale: 1 },
    ],
    peers: [{ title: 'YOLO11n', script: 'yolo_detector.py', args: ['--size', '160'] }],
  },
  {
    name: 'nuclei-masks',
    title: 'nuclei, masks',
    data: 'nuclei',
    task: 'detect',
    metrics: [
      { title: 'mask AP', ours: 'valMaskAP', peer: 'maskAP', scale: 1 },
      { title: 'mask AP50', ours: 'valMaskAP50', peer: 'maskAP50', scale: 1 },
    ],
    peers: [
      { title: 'YOLO11n-seg', script: 'yolo_detector.py', args: ['--model', 'yolo11n-seg.yaml', '--size', '256'] },
    ],
  },
  {
    name: 'nuclei-pixels',
    title: 'nuclei, semantic',
    data: 'nuclei',
    task: 'segment',
    metrics: [{ title: 'mIoU, %', ours: 'valMIoU', peer: 'meanIoU', scale: 100 }],
    peers: [{ title: 'U-Net', script: 'unet.py', args: [] }],
  },
  {
    name: 'groceries',
    title: 'groceries',
    data: 'groceries',
    task: 'classify',
    metrics: [{ title: 'top 1, %', ours: 'valTop1', peer: 'top1', scale: 100 }],
    peers: [
      { title: 'ViT-tiny (timm)', script: 'torch_classifier.py', args: ['--model', 'vit_tiny_patch16_224'] },
      { title: 'ResNet-18 (timm)', script: 'torch_classifier.py', args: ['--model', 'resnet18', '--rate', '1e-3'] },
    ],
  },
];
