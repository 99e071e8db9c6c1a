import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { MINUTES, useWorkFolder } from './work-folder.js';

const { path, run, succeeding, failing } = useWorkFolder();
let picture: Buffer;

beforeAll(async () => {
  picture = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'teal' } })
    .jpeg()
    .toBuffer();
});

function put(name: string, content: string | Buffer): void {
  mkdirSync(dirname(path(name)), { recursive: true });
  writeFileSync(path(name), content);
}

const small = ['--image-size', '32', '--batch-size', '2', '--epochs', '1', '--set', 'samples.count=0'];
const tiny = ['model.patchSize=8', 'model.embedDim=16', 'model.depth=2', 'model.numHeads=2'];

/** What a person does with a converted folder, each as the guides say. */
async function use(folder: string): Promise<void> {
  expect(await succeeding('data', 'check', folder)).toMatch(/coco: 4 pictures.* 0 errors, 0 warnings/);
  expect(await succeeding('data', 'stats', folder)).toContain('train');
  const trained = ['--data', folder, '--out', `${folder}-run`, ...small];
  await succeeding('finetune', 'detect', ...trained, ...tiny, '--masks', 'off');
  await succeeding('pretrain', '--data', folder, '--out', `${folder}-mae`, '--model', 'tiny', ...small);
  await succeeding('data', 'crop', folder, '--out', `${folder}-crops`);
  expect(await succeeding('data', 'check', `${folder}-crops`)).toMatch(/0 errors, 0 warnings/);
  expect(await succeeding('data', 'stats', `${folder}-crops`)).toMatch(/2 classes/);
}

describe('a converted folder', () => {
  it(
    "of Pascal VOC's is used in place",
    async () => {
      for (const name of ['0', '1', '2', '3']) {
        put(`voc/JPEGImages/${name}.jpg`, picture);
        put(
          `voc/Annotations/${name}.xml`,
          `<annotation><filename>${name}.jpg</filename>${['cat', 'train']
            .map(
              (each) =>
                `<object><name>${each}</name><bndbox><xmin>4</xmin><ymin>4</ymin><xmax>40</xmax><ymax>40</ymax></bndbox></object>`,
            )
            .join('')}</annotation>`,
        );
      }
      put('voc/ImageSets/Main/train.txt', '0\n1\n');
      put('voc/ImageSets/Main/val.txt', '2\n3\n');
      const written = await succeeding('data', 'convert', 'voc', '--from', 'voc');
      expect(written).toContain('Wrote voc/instances_train.json, voc/instances_val.json: 4 pictures, 8 objects');
      expect(written).toContain('Next: mae-tasks data check voc');
      await use('voc');
    },
    5 * MINUTES,
  );

  it(
    "of YOLO's is used in place, and replaced only when it is asked for",
    async () => {
      put('yolo/data.yaml', 'train: ../train/images\nval: ../valid/images\nnames: [cat, dog]\n');
      for (const [split, name] of ['train 0', 'train 1', 'valid 2', 'valid 3'].map((each) => each.split(' '))) {
        put(`yolo/${split}/images/${name}.jpg`, picture);
        put(`yolo/${split}/labels/${name}.txt`, '0 0.5 0.5 0.5 0.5\n1 0.4 0.4 0.5 0.5\n');
      }
      await succeeding('data', 'convert', 'yolo', '--from', 'yolo');
      await use('yolo');

      const file = path('yolo/annotations/instances_train.json');
      writeFileSync(file, 'mine');
      expect(await failing('data', 'convert', 'yolo', '--from', 'yolo')).toMatch(/file of this name already.*--force/);
      expect(readFileSync(file, 'utf8')).toBe('mine');
      await succeeding('data', 'convert', 'yolo', '--from', 'yolo', '--force');
      expect(readFileSync(file, 'utf8')).toContain('categories');
    },
    5 * MINUTES,
  );

  it(
    'is split in place, and the file that is split stays',
    async () => {
      cpSync(path('yolo'), path('split'), { recursive: true });
      const whole = path('split/annotations/instances_all.json');
      cpSync(path('yolo/annotations/instances_train.json'), whole);
      const again = await failing('data', 'split', 'split/annotations/instances_all.json', '--fraction', '0.5');
      expect(again).toMatch(/file of this name already/);
      const file = 'split/annotations/instances_train.json';
      expect(await failing('data', 'split', file, '--fraction', '0.5', '--force')).toMatch(/the file that is split/);
      await succeeding('data', 'split', 'split/annotations/instances_all.json', '--fraction', '0.5', '--force');
      expect(existsSync(whole)).toBe(true);
      const { status, stdout } = await run('data', 'stats', 'split', '--split', 'val');
      expect([status, stdout]).toEqual([0, expect.stringMatching(/1 picture/)]);
    },
    MINUTES,
  );

  it('is refused flags of the other format', async () => {
    put('flags/classes.txt', 'cat');
    const message = await failing('data', 'convert', 'flags', '--from', 'yolo', '--first-pixel', '1');
    expect(message).toMatch(/--first-pixel.*--from voc/);
  });
});
