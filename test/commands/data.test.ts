import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixturePath } from '../fixture-path.js';
import { labelMapPng } from '#core/data/targets/label-map-png.js';
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
      'layout   COCO, annotations.json, pictures beside it\n' +
        'data     4 pictures, 3 objects of 1 class, 1 of them without objects\n' +
        'classes  thing 3\n' +
        'coco: 4 pictures, 3 annotations in 1 files: 0 errors, 0 warnings\n',
    ]);
    expect(clean.stderr).toContain('1 class has fewer than 5 training pictures: thing (3)');
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

  it('check, stats and show take folders by class and index maps', { timeout: 60_000 }, async () => {
    const picture = readFileSync(join(folder, 'set', '1.png'));
    for (const id of [1, 2]) {
      put(`nest/train/Fruit/Apple/${id}.png`, picture);
      put(`nest/train/Fruit/Pear/Anjou/${id}.png`, picture);
      put(`nest/val/Fruit/Apple/${id}.png`, picture);
      put(`maps/train/${id}.png`, picture);
      const labels = Uint8Array.from({ length: 40 * 30 }, (_, i) => (i % 4 === 0 ? 255 : 0));
      put(`maps/trainannot/${id}.png`, labelMapPng({ width: 40, height: 30, labels }));
    }
    const checked = await run('check', 'nest');
    expect(checked.status, checked.stderr).toBe(0);
    expect(checked.stdout).toMatch(/^layout +a folder for each class, 2 to 3 levels deep, where the pictures lie/mu);
    expect(checked.stdout).toMatch(/^train +4 pictures, 2 classes$/mu);
    expect(checked.stdout).toMatch(/^val +2 pictures, 2 classes$/mu);
    expect(checked.stdout).toMatch(/^folder: 6 pictures.*0 errors/mu);
    const level = await run('stats', 'nest', '--set', 'data.classLevel=1', '--json');
    expect(jsonLines(level.stdout)[0]).toMatchObject({ format: 'folder', classes: [{ name: 'Fruit', pictures: 4 }] });

    const mapped = ['--set', 'data.classMap={0: background, 255: nucleus}'];
    const stats = await run('stats', 'maps', ...mapped);
    expect(stats.stdout).toMatch(/^classes +background 75 %, nucleus 25 % \(share of pixels\)$/mu);
    expect(stats.stdout).toMatch(/nucleus +600 +2$/mu);
    const unmapped = await run('check', 'maps');
    expect([unmapped.status, unmapped.stdout]).toEqual([1, expect.stringContaining("--set 'data.classMap={0: back")]);
    expect((await run('check', 'maps', ...mapped)).status).toBe(0);

    for (const [name, ...flags] of [
      ['nest', '--split', 'val'],
      ['maps', ...mapped],
      ['set', '--no-labels'],
    ] as const) {
      const shown = await run('show', name, '--out', `sheets/${name}.png`, ...flags);
      expect(shown.status, shown.stderr).toBe(0);
      expect((await sharp(join(folder, `sheets/${name}.png`)).metadata()).width).toBeGreaterThan(300);
    }
    const misplaced = await run('stats', 'nest', '--set', 'data.ignoreIndex=0');
    expect(misplaced.stderr).toMatch(/`data\.ignoreIndex` says nothing of data of the format `folder`/u);
    expect((await run('stats', 'nest', '--set', 'epochs=3')).stderr).toMatch(/`epochs` is no setting of data/u);
  });

  it('check, stats and show name the command that converts a YOLO folder', async () => {
    put('darknet/images/train/1.png', readFileSync(join(folder, 'set', '1.png')));
    put('darknet/labels/train/1.txt', '0 0.5 0.5 0.5 0.5\n');
    for (const command of ['check', 'stats', 'show']) {
      const { status, stderr } = await run(command, 'darknet');
      expect([status, stderr]).toEqual([1, expect.stringContaining('mae-tasks data convert darknet --from yolo')]);
    }
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
