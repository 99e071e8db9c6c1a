import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixturePath } from '../fixture-path.js';
import { jsonLines, runCli } from './run-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'mae-data-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const run = (...args: string[]): ReturnType<typeof runCli> => runCli(['data', ...args], { cwd: folder });
function put(name: string, content: string | Uint8Array): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

beforeAll(async () => {
  const picture = await sharp({ create: { width: 40, height: 30, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();
  for (const id of [1, 2, 3, 4]) put(`set/${id}.png`, picture);
  const document = {
    images: [1, 2, 3, 4].map((id) => ({ id, file_name: `${id}.png`, width: 40, height: 30 })),
    categories: [{ id: 3, name: 'thing' }],
    annotations: [1, 2, 3].map((id) => ({
      id,
      image_id: id,
      category_id: 3,
      bbox: [5, 5, 20, 10],
      area: 200,
      iscrowd: 0,
      segmentation: [[5, 5, 25, 5, 25, 15, 5, 15]],
    })),
  };
  put('set/annotations.json', JSON.stringify(document));
  put('broken/annotations.json', JSON.stringify({ ...document, categories: [] }));
});

describe('data evaluate', () => {
  it.each(['bbox', 'segm'])('scores %s as pycocotools does', async (type) => {
    const files = [
      '--annotations',
      fixturePath('coco/instances.json'),
      '--results',
      fixturePath(`coco/detections_${type}.json`),
    ];
    const { status, stdout } = await run('evaluate', ...files, '--type', type, '--json');
    expect(status).toBe(0);
    const [record] = jsonLines(stdout) as [{ stats: number[]; perCategory: Array<{ id: number; ap: number }> }];
    const expected = JSON.parse(readFileSync(fixturePath('coco/expected_eval.json'), 'utf8')) as Record<
      string,
      { stats: number[]; stats_class_agnostic: number[]; ap_per_category: Record<string, number> }
    >;
    expect(record.stats).toHaveLength(12);
    record.stats.forEach((value, i) => {
      expect(Math.abs(value - expected[type]!.stats[i]!)).toBeLessThan(1e-9);
    });
    for (const { id, ap } of record.perCategory) {
      expect(Math.abs(ap - expected[type]!.ap_per_category[id]!)).toBeLessThan(1e-9);
    }
    const agnostic = await run('evaluate', ...files, '--type', type, '--json', '--class-agnostic');
    const [{ stats }] = jsonLines(agnostic.stdout) as [{ stats: number[] }];
    stats.forEach((value, i) => {
      expect(Math.abs(value - expected[type]!.stats_class_agnostic[i]!)).toBeLessThan(1e-9);
    });
  });

  it('prints the usual lines, a table, and draws the curves', async () => {
    const files = [
      '--annotations',
      fixturePath('coco/instances.json'),
      '--results',
      fixturePath('coco/detections_segm.json'),
    ];
    const { stdout } = await run('evaluate', ...files, '--type', 'segm', '--curves', 'curves.png');
    expect(stdout).toContain(' Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.226\n');
    expect(stdout).toContain(' Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = 0.415\n');
    expect(stdout).toMatch(/cat90 +0\.252/);
    expect((await sharp(join(folder, 'curves.png')).metadata()).width).toBe(1280);
  });

  it('names what is wrong with a results file', async () => {
    put('bad.json', '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]');
    const { status, stderr } = await run(
      'evaluate',
      '--annotations',
      fixturePath('coco/instances.json'),
      '--results',
      'bad.json',
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/bad\.json, result 0 is for image 1/);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe('data', () => {
  it('check exits with 1 on errors and names them', async () => {
    const clean = await run('check', 'set');
    expect([clean.status, clean.stdout]).toEqual([
      0,
      'coco: 4 pictures, 3 annotations in 1 files: 0 errors, 0 warnings\n',
    ]);
    const broken = await run('check', 'broken', '--json');
    expect(broken.status).toBe(1);
    const [report] = jsonLines(broken.stdout);
    expect(report).toMatchObject({ format: 'coco', counts: { 'picture-missing': 4, 'unknown-category': 3 } });
    expect(broken.stderr).toMatch(/annotation 2: has category 3/);
  });

  it('stats, show, crop and split do their work', async () => {
    const stats = await run('stats', 'set', '--json');
    expect(jsonLines(stats.stdout)[0]).toMatchObject({ images: 4, annotations: 3, imagesWithoutAnnotations: 1 });
    expect((await run('stats', 'set')).stdout).toMatch(/thing +3 +3/);
    expect((await run('show', 'set', '--limit', '2', '--out', 'sheet.png')).status).toBe(0);
    expect(existsSync(join(folder, 'sheet.png'))).toBe(true);
    expect((await run('crop', 'set', '--out', 'crops')).stdout).toMatch(/Wrote 3 pictures to crops/);
    const split = await run('split', 'set/annotations.json', '--fraction', '0.25', '--out', 'parts', '--json');
    expect(jsonLines(split.stdout)[0]).toMatchObject({ train: { images: 3 }, val: { images: 1 } });
    expect(existsSync(join(folder, 'parts', 'instances_val.json'))).toBe(true);
  });

  it('convert turns a YOLO folder into a COCO one', async () => {
    put('yolo/classes.txt', 'thing\n');
    put('yolo/images/train/1.png', readFileSync(join(folder, 'set', '1.png')));
    put('yolo/labels/train/1.txt', '0 0.5 0.5 0.5 0.5\n');
    const converted = await run('convert', 'yolo', '--from', 'yolo');
    expect(converted.stdout).toMatch(/1 pictures, 1 objects, 1 classes/);
    expect((await run('check', 'yolo', '--format', 'coco')).status).toBe(0);
  });
});
