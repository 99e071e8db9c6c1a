import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { saveCheckpoint } from '#core/checkpoint/save.js';
import { labelMapPng } from '#core/data/targets/label-map-png.js';
import { fixturePath } from '../fixture-path.js';

/** A faultless file of a format, what reads it, and what it is called. */
export interface Victim {
  readonly format: string;
  /** See `eater.ts`. */
  readonly reader: string;
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly isText: boolean;
}

const [width, height] = [12, 9];

/** One file of each format that commands read. @param folder to write a checkpoint into */
export async function victims(folder: string): Promise<Victim[]> {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256);
  const picture = sharp(pixels, { raw: { width, height, channels: 3 } });
  const grey = sharp(pixels.subarray(0, width * height), { raw: { width, height, channels: 1 } });
  const binary = (format: string, reader: string, name: string, bytes: Uint8Array): Victim => ({
    ...{ format, reader, name, bytes },
    isText: false,
  });
  const text = (format: string, reader: string, name: string, content: string): Victim => ({
    ...{ format, reader, name, bytes: Buffer.from(content) },
    isText: true,
  });
  const idx = Buffer.concat([Buffer.from([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4]), Buffer.alloc(24, 7)]);
  const weights = `${folder}/weights.safetensors`;
  const tensors = ['cls_token', 'blocks.0.attn.qkv.weight'].map((name) => ({
    ...{ name, shape: [2, 3], data: new Float32Array(6).fill(0.5) },
  }));
  await saveCheckpoint(weights, new Map(tensors.map((tensor) => [tensor.name, tensor])), {
    metadata: { maeTasks: '{"version": 1}' },
  });
  return [
    binary('JPEG', 'picture', 'a.jpg', await picture.clone().jpeg().toBuffer()),
    binary('progressive JPEG', 'picture', 'a.jpg', await picture.clone().jpeg({ progressive: true }).toBuffer()),
    binary('PNG', 'picture', 'a.png', await picture.clone().png().toBuffer()),
    binary('PNG of 16 bits', 'picture', 'a.png', await picture.clone().toColourspace('rgb16').png().toBuffer()),
    binary('WebP', 'picture', 'a.webp', await picture.clone().webp().toBuffer()),
    binary('GIF', 'picture', 'a.gif', await picture.clone().gif().toBuffer()),
    binary('TIFF', 'picture', 'a.tif', await picture.clone().tiff({ compression: 'lzw' }).toBuffer()),
    binary(
      'TIFF of floats',
      'picture',
      'a.tif',
      await grey.clone().toColourspace('b-w').tiff({ compression: 'none' }).toBuffer(),
    ),
    binary('BMP', 'picture', 'a.bmp', bmp()),
    binary('index map', 'map', 'a.png', labelMapPng({ width, height, labels: pixels.subarray(0, width * height) })),
    binary('IDX', 'idx', 'train-images-idx3-ubyte', idx),
    binary('compressed IDX', 'idx', 'train-images-idx3-ubyte.gz', gzipSync(idx)),
    binary('safetensors', 'weights', 'a.safetensors', readFileSync(weights)),
    binary('PyTorch archive', 'weights', 'a.pth', readFileSync(fixturePath('pickle/zip.pth'))),
    binary('PyTorch pickle', 'weights', 'a.pth', readFileSync(fixturePath('pickle/legacy.pth'))),
    binary('pickle of NumPy', 'weights', 'a.pkl', readFileSync(fixturePath('pickle/numpy-4.pkl'))),
    text('COCO', 'coco', 'annotations.json', JSON.stringify(coco())),
    text('COCO results', 'results', 'results.json', JSON.stringify(results())),
    text('VOC', 'voc', 'Annotations/a.xml', voc()),
    text('YOLO labels', 'yolo', 'labels/train/a.txt', '0 0.5 0.5 0.25 0.25\n1 0.1 0.1 0.2 0.1 0.2 0.3\n'),
    text('YOLO classes', 'yolo', 'data.yaml', 'path: .\ntrain: images/train\nnc: 2\nnames:\n  0: cat\n  1: dog\n'),
    text('list of classes', 'classes', 'objectInfo150.txt', 'Idx\tRatio\tName\n1\t0.5\twall\n2\t0.25\tsky\n'),
    text(
      'configuration',
      'config',
      'config.yaml',
      'epochs: 3\ndata: {path: photos, mean: [0.5, 0.5, 0.5]}\nmodel: &a {preset: tiny}\n',
    ),
    text('metrics of a run', 'metrics', 'metrics.jsonl', metrics()),
    binary('pictures of a run', 'names', 'pictures.json.gz', gzipSync('{"train":["a.jpg"],"heldOut":["b.jpg"]}')),
    text(
      'lock of a run',
      'lock',
      'run.lock',
      JSON.stringify({ host: 'elsewhere', pid: 12, started: '34', since: '2024-05-01T00:00:00.000Z' }),
    ),
  ];
}

function metrics(): string {
  return [1, 2, 3]
    .map((step) => `${JSON.stringify({ step, epoch: 1, phase: 'train', loss: 0.5 / step, lr: 1e-3 })}\n`)
    .join('');
}

/** 24 bits a pixel, from the bottom up. */
function bmp(): Buffer {
  const row = Math.ceil((3 * width) / 4) * 4;
  const bytes = Buffer.alloc(54 + row * height, 100);
  bytes.fill(0, 0, 54);
  bytes.write('BM');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}

export function coco(): object {
  return {
    images: [{ id: 1, file_name: 'a.jpg', width, height }],
    categories: [{ id: 1, name: 'cat', supercategory: 'animal' }],
    annotations: [
      {
        id: 1,
        image_id: 1,
        category_id: 1,
        bbox: [1, 2, 4, 3],
        area: 12,
        iscrowd: 0,
        segmentation: [[1, 2, 5, 2, 5, 5]],
      },
      {
        id: 2,
        image_id: 1,
        category_id: 1,
        bbox: [0, 0, 2, 2],
        area: 4,
        iscrowd: 1,
        segmentation: { size: [9, 12], counts: [0, 4, 104] },
      },
    ],
  };
}

function results(): object {
  return [
    { image_id: 1, category_id: 1, score: 0.5, bbox: [1, 2, 4, 3] },
    { image_id: 'a.jpg', file_name: 'a.jpg', category_id: 1, score: 0.25, bbox: [1, 2, 4, 3] },
  ];
}

function voc(): string {
  return `<annotation><filename>a.jpg</filename><size><width>${width}</width><height>${height}</height></size>
<object><name>cat</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>6</xmax><ymax>7</ymax></bndbox></object>
</annotation>`;
}
