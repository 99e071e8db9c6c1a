import { access, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixturePath } from '../fixture-path.js';
import { writeObjectPictures } from '../pictures/object-pictures.js';
import { TINY_DETECTOR } from '../detect/tiny-detector.js';
import { expectClose, readReference, toChannelsLast } from '../models/reference.js';
import { type CocoResult, expectExportAgrees, resultsIn } from './exported-answers.js';
import { finished, jsonLines, startCli } from './run-cli.js';
import { expectSameWeights } from './weights.js';
import { MINUTES, useWorkFolder } from './work-folder.js';

const { path, run, succeeding, failing } = useWorkFolder();

const TRAIN = [
  ...['finetune', 'detect', '--data', 'shapes', '--config', 'detect.json', '--batch-size', '4'],
  ...['--seed', '3', '--workers', '0'],
];

beforeAll(async () => {
  await writeFile(path('package.json'), '{}');
  await writeObjectPictures(path('shapes'), 12, 6);
  const model = { imageSize: 64, patchSize: 8, embedDim: 32, depth: 4, numHeads: 2 };
  await writeFile(
    path('detect.json'),
    JSON.stringify({
      model,
      detect: { head: 'two-stage', ...TINY_DETECTOR },
      optimizer: { lr: 2e-3, layerDecay: 1 },
      samples: { count: 2 },
    }),
  );
});

describe('a detector', () => {
  let measured: Readonly<Record<string, number>>;
  let results: readonly CocoResult[];
  beforeAll(async () => {
    await succeeding(...TRAIN, '--epochs', '8', '--out', 'run');
    const [evaluated] = jsonLines(await succeeding('evaluate', 'run', '--json')) as unknown as [
      { metrics: typeof measured },
    ];
    measured = evaluated.metrics;
    results = resultsIn(await succeeding('predict', 'run', 'shapes/val', '--format', 'json', '--save', 'drawn'));
  }, 3 * MINUTES);

  it('learns, its loss the sum of five', async () => {
    const metrics = await readFile(path('run/metrics.jsonl'), 'utf8');
    const steps = jsonLines(metrics).filter(({ phase }) => phase === 'train') as Array<Record<string, number>>;
    expect(steps.at(-1)!.loss).toBeLessThan(0.8 * steps[0]!.loss!);
    const terms = ['lossCls', 'lossBoxReg', 'lossMask', 'lossRpnCls', 'lossRpnLoc'];
    for (const step of steps) {
      const sum = terms.reduce((total, term) => total + step[term]!, 0);
      expect(sum).toBeCloseTo(step.loss!, 4);
    }
    expect(await readdir(path('run/samples'))).not.toEqual([]);
  });

  it('is measured, with tables and curves', async () => {
    expect(measured.valBoxAP).toBeGreaterThanOrEqual(0);
    const summary = await readFile(path('run/evaluation/summary.csv'), 'utf8');
    expect(summary.trimEnd().split('\n')).toHaveLength(13);
    expect(await readFile(path('run/evaluation/classes.csv'), 'utf8')).toMatch(/^class,.*\ndisc,.*\nblock,/);
    for (const name of ['box', 'mask']) await access(path(`run/evaluation/precision-recall-${name}.png`));
  });

  it('answers in COCO’s format, within the pictures', async () => {
    expect(results.length).toBeGreaterThan(0);
    for (const { image_id, category_id, bbox, score, segmentation } of results) {
      expect(image_id).toBeGreaterThanOrEqual(100);
      expect([3, 7]).toContain(category_id);
      expect(score).toBeGreaterThan(0.05);
      const [height, width] = segmentation!.size;
      expect([bbox[0], bbox[1], bbox[2], bbox[3]].every((value) => value >= 0)).toBe(true);
      expect(bbox[0] + bbox[2]).toBeLessThanOrEqual(width + 1e-3);
      expect(bbox[1] + bbox[3]).toBeLessThanOrEqual(height + 1e-3);
    }
    const drawn = await sharp(path('drawn/shapes/val/000100.png.png')).metadata();
    expect([drawn.width, drawn.height]).toEqual([640, 560]);
  });

  it.each([
    { type: 'bbox', metric: 'valBoxAP' },
    { type: 'segm', metric: 'valMaskAP' },
  ])('has the $metric that the scorer of results files gives', async ({ type, metric }) => {
    await writeFile(path(`${type}.json`), JSON.stringify(results));
    const files = ['--annotations', 'shapes/annotations/instances_val.json', '--results', `${type}.json`];
    const scored = await succeeding('data', 'evaluate', ...files, '--type', type, '--json');
    const { stats } = jsonLines(scored).find((line) => 'stats' in line) as unknown as { stats: number[] };
    expect(stats[0]).toBeCloseTo(measured[metric]!, 9);
  });

  it('calls pictures by the ids of their annotation file, or by names that are scored as well', async () => {
    const text = await readFile(path('shapes/annotations/instances_val.json'), 'utf8');
    const coco = JSON.parse(text) as {
      images: Array<{ id: number; file_name: string }>;
      annotations: Array<{ image_id: number }>;
    };
    // Each picture is called by the number that is its neighbour's id, and the file's ids are texts.
    const nameOf = new Map(
      coco.images.map(({ id }, i) => [id, `${coco.images[(i + 1) % coco.images.length]!.id}.png`]),
    );
    const idOf = (id: number): string => `picture-${id}`;
    await mkdir(path('renamed/images'), { recursive: true });
    for (const { id, file_name } of coco.images) {
      await cp(path('shapes/val', file_name), path('renamed/images', nameOf.get(id)!));
    }
    const renamed = {
      ...coco,
      images: coco.images.map((image) => ({ ...image, id: idOf(image.id), file_name: nameOf.get(image.id) })),
      annotations: coco.annotations.map((each) => ({ ...each, image_id: idOf(each.image_id) })),
    };
    await writeFile(path('renamed/annotations.json'), JSON.stringify(renamed));
    for (const flags of [['--data', 'renamed'], []]) {
      const answers = await succeeding('predict', 'run', 'renamed/images', '--format', 'json', ...flags);
      const entries = resultsIn(answers);
      expect(entries.every(({ image_id }) => /^picture-\d+$/u.test(String(image_id)))).toBe(flags.length > 0);
      await writeFile(path('renamed.json'), answers);
      const files = ['--annotations', 'renamed/annotations.json', '--results', 'renamed.json'];
      const scored = await succeeding('data', 'evaluate', ...files, '--json');
      const { stats } = jsonLines(scored).find((line) => 'stats' in line) as unknown as { stats: number[] };
      expect(stats[0]).toBeCloseTo(measured.valBoxAP!, 9);
    }
    // Numbers of names alone are other pictures' ids: said, and not scored.
    await writeFile(
      path('plain.json'),
      JSON.stringify({ ...coco, images: renamed.images.map((each, i) => ({ ...each, id: coco.images[i]!.id })) }),
    );
    const perfect = coco.annotations.map(({ image_id, ...each }) => ({
      ...each,
      ...{ image_id: Number.parseInt(nameOf.get(image_id)!, 10), score: 0.9, segmentation: undefined },
    }));
    await writeFile(path('numbers.json'), JSON.stringify(perfect));
    const { stderr } = await run('data', 'evaluate', '--annotations', 'plain.json', '--results', 'numbers.json');
    expect(stderr).toMatch(/numbers of file names stand for ids.*predict --data/su);
  });

  it('answers for one class above a score, as a table of values', async () => {
    const one = await succeeding(
      ...['predict', 'run', 'shapes/val', '--format', 'csv'],
      ...['--set', 'detect.classes=[block]', 'detect.scoreThreshold=0.1'],
    );
    const [header, ...rows] = one.trimEnd().split('\n');
    expect(header).toBe('picture,class,score,x,y,width,height');
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toMatch(/^shapes\/val\/\d+\.png,block,0\.[1-9]/);
  });

  it('is exported as programs that answer the same', async () => {
    await succeeding('export', 'run', '--out', 'model.onnx');
    await expectExportAgrees({ stem: path('model'), pictures: path('shapes/val') }, ['trunk', 'box', 'mask'], results);
  });
});

describe('mae-tasks finetune detect', () => {
  it(
    'goes on where a signal stopped it, and ends as if there had been none',
    async () => {
      const args = [...TRAIN, '--epochs', '3', '--set', 'dropPath=0.2'];
      await succeeding(...args, '--out', 'unharmed');
      const child = startCli([...args, '--out', 'stopped', '--json'], { cwd: path() });
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('"step":4')) child.kill('SIGTERM');
      });
      expect((await finished(child)).status).toBe(143);
      await succeeding('finetune', 'detect', '--resume', 'stopped');
      await expectSameWeights(path('stopped'), path('unharmed'));
    },
    3 * MINUTES,
  );
});

describe('a cascade of boxes alone, from a pretrained encoder of another size', () => {
  let lines: Array<Record<string, unknown>>;
  beforeAll(async () => {
    const sizes = ['model.embedDim=32', 'model.depth=4', 'model.numHeads=2', 'model.decoderEmbedDim=8'];
    const decoder = ['model.decoderDepth=1', 'model.decoderNumHeads=2'];
    await succeeding(
      ...['pretrain', '--data', 'shapes/train', '--image-size', '32', '--patch-size', '8', '--epochs', '1'],
      ...['--batch-size', '6', '--out', 'pre', '--set', ...sizes, ...decoder],
    );
    lines = jsonLines(
      await succeeding(
        ...[...TRAIN, '--checkpoint', 'pre', '--masks', 'off', '--epochs', '1', '--out', 'boxes', '--json'],
        ...['--set', 'detect.cascade=true'],
      ),
    );
  }, 3 * MINUTES);

  it('takes what fits of the encoder, and names the rest', () => {
    const merge = lines.find(({ type }) => type === 'loaded') as Record<string, unknown[]>;
    expect(merge.unexpected).toEqual(['cls_token', 'norm.weight', 'norm.bias']);
    expect(merge.reshaped).toMatchObject([{ name: 'pos_embed' }]);
    expect(merge.missing).toContain('blocks.0.attn.rel_pos_h');
  });

  it('learns by two losses a stage and none of masks, and is measured by boxes', async () => {
    const { metrics } = lines.at(-1) as { metrics: Record<string, number> };
    expect(Object.keys(metrics).filter((name) => name.startsWith('valMask'))).toEqual([]);
    expect(metrics.valBoxAP).toBeGreaterThanOrEqual(0);
    const first = jsonLines(await readFile(path('boxes/metrics.jsonl'), 'utf8'))[0]!;
    expect(Object.keys(first)).toEqual(expect.arrayContaining(['lossClsStage0', 'lossBoxRegStage2']));
    expect(Object.keys(first)).not.toContain('lossMask');
  });

  it('is exported as a program a stage', async () => {
    await succeeding('export', 'boxes', '--out', 'cascade.onnx');
    const written = (await readdir(path())).filter((name) => name.startsWith('cascade.'));
    expect(written.sort()).toEqual([
      'cascade.box0.onnx',
      'cascade.box1.onnx',
      'cascade.box2.onnx',
      'cascade.json',
      'cascade.trunk.onnx',
    ]);
  });
});

describe("detectron2's weights", () => {
  it(
    'find what detectron2 finds, by their task and data of the same classes',
    async () => {
      const reference = await readReference('vitdet/vitdet_forward.safetensors');
      const pixels = Uint8Array.from(toChannelsLast(reference.float32('image'), [1, 3, 128, 112]));
      await sharp(pixels, { raw: { width: 112, height: 128, channels: 3 } })
        .png()
        .toFile(path('12.png'));
      await mkdir(path('five'));
      const categories = [0, 1, 2, 3, 4].map((index) => ({ id: 10 + index, name: `c${index}` }));
      const object = { id: 1, image_id: 12, category_id: 10, bbox: [1, 1, 9, 9], area: 81, iscrowd: 0 };
      const annotation = { ...object, segmentation: [[1, 1, 10, 1, 10, 10, 1, 10]] };
      const images = [{ id: 12, file_name: '12.png', width: 112, height: 128 }];
      await sharp(path('12.png')).toFile(path('five/12.png'));
      await writeFile(path('five/annotations.json'), JSON.stringify({ images, categories, annotations: [annotation] }));
      const settings = [
        ...['detect.positionGrid=[4,4]', 'detect.windowSize=3', 'detect.globalBlocks=[2]', 'detect.pyramidChannels=16'],
        ...['detect.anchors.sizes=[8,16,32,64,128]', 'detect.rpn.test={beforeNms: 100, afterNms: 40}'],
        ...['detect.boxHead.numConvs=2', 'detect.boxHead.convChannels=16', 'detect.boxHead.hiddenFeatures=32'],
        ...['detect.maskHead.numConvs=2', 'detect.maskHead.convChannels=16'],
      ];
      const stdout = await succeeding(
        ...['predict', fixturePath('vitdet/vitdet.pkl'), '12.png', '--task', 'detect', '--data', 'five'],
        ...['--format', 'json', '--set', ...settings],
      );
      const results = resultsIn(stdout);
      expect(results.map(({ category_id }) => category_id - 10)).toEqual(reference.numbers('detections.classes'));
      expect(results.every(({ image_id }) => image_id === 12)).toBe(true);
      expectClose(
        results.map(({ score }) => score),
        reference.float32('detections.scores'),
        2e-5,
        'scores',
      );
      const corners = results.flatMap(({ bbox: [x, y, w, h] }) => [x, y, x + w, y + h]);
      expectClose(corners, reference.float32('detections.boxes'), 1e-5, 'boxes');
    },
    MINUTES,
  );
});

describe('mistakes in detection, each with its error', () => {
  beforeAll(async () => {
    await mkdir(path('boxesOnly'));
    await cp(path('shapes/train'), path('boxesOnly/images'), { recursive: true });
    const coco = JSON.parse(await readFile(path('shapes/annotations/instances_train.json'), 'utf8')) as {
      annotations: object[];
    };
    const annotations = coco.annotations.map((each) => ({ ...each, segmentation: undefined }));
    await writeFile(path('boxesOnly/annotations.json'), JSON.stringify({ ...coco, annotations }));
  });

  it.each([
    {
      what: 'objects without masks',
      flags: ['--set', 'data.path=boxesOnly', 'detect.masks=true'],
      message: /none of the \d+ objects has a mask.*--masks off/s,
    },
    {
      what: 'a class that is none',
      flags: ['--set', 'detect.classes=[disk]'],
      message: /`detect\.classes` names "disk", which is no class/,
    },
    {
      what: 'a misspelt setting',
      flags: ['--set', 'detect.windowSise=4'],
      message: /did you mean `detect\.windowSize`\?/,
    },
    { what: 'a size that patches do not fill', flags: ['--image-size', '72'], message: /imageSize.*72×72.*divisible/ },
    { what: 'an unknown recipe', flags: ['--recipe', 'vitdet-x'], message: /has no recipe "vitdet-x"/ },
    { what: 'a mode that detection has not', flags: ['--mode', 'linear-probe'], message: /cannot be tuned by/ },
  ])('$what', async ({ flags, message }) => {
    expect(await failing(...TRAIN, '--epochs', '1', ...flags)).toMatch(message);
  });

  it('weights that do not say whose they are', async () => {
    expect(await failing('predict', fixturePath('vitdet/vitdet.pkl'), 'shapes/val')).toContain('--task');
  });
});
