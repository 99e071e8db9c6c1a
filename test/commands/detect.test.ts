import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as onnx from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import { toFloat32 } from '#core/checkpoint/files/stored-tensor.js';
import { createLoader } from '#core/data/loading/loader.js';
import { pictureList } from '#core/data/readers/picture-list.js';
import { createRandom } from '#core/base/random.js';
import { exportedDetector, type RunProgram } from '@mae-tasks/plugin-detect';
import { fixturePath } from '../fixture-path.js';
import { writeObjectPictures } from '../pictures/object-pictures.js';
import { TINY_DETECTOR } from '../detect/tiny-detector.js';
import { expectClose, readReference, toChannelsLast } from '../models/reference.js';
import { finished, jsonLines, runCli, startCli } from './run-cli.js';

const MINUTES = 60_000;

interface CocoResult {
  readonly image_id: number | string;
  readonly category_id: number;
  readonly bbox: [number, number, number, number];
  readonly score: number;
  readonly segmentation?: { size: [number, number]; counts: string };
}

let folder: string;
const run = (...args: string[]) => runCli(args, { cwd: folder });
const succeeding = async (...args: string[]): Promise<string> => {
  const { status, stdout, stderr } = await run(...args);
  expect(status, stderr).toBe(0);
  return stdout;
};
const failing = async (...args: string[]): Promise<string> => {
  const { status, stderr } = await run(...args);
  expect(status, args.join(' ')).toBe(1);
  expect(stderr).not.toMatch(/^\s+at /m);
  return stderr;
};
const resultsIn = (stdout: string): CocoResult[] => JSON.parse(stdout.slice(stdout.indexOf('['))) as CocoResult[];

const TRAIN = [
  ...['finetune', 'detect', '--data', 'shapes', '--config', 'detect.json', '--batch-size', '4'],
  ...['--seed', '3', '--workers', '0'],
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mae-tasks-detect-'));
  await writeFile(join(folder, 'package.json'), '{}');
  await writeObjectPictures(join(folder, 'shapes'), 12, 6);
  const model = { imageSize: 64, patchSize: 8, embedDim: 32, depth: 4, numHeads: 2 };
  await writeFile(
    join(folder, 'detect.json'),
    JSON.stringify({ model, detect: TINY_DETECTOR, optimizer: { lr: 2e-3, layerDecay: 1 }, samples: { count: 2 } }),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('mae-tasks finetune detect, evaluate, predict, export', () => {
  it(
    'learns, measures, answers in COCO’s format, and exports programs that answer the same',
    async () => {
      await succeeding(...TRAIN, '--epochs', '8', '--out', 'run');
      const metrics = await readFile(join(folder, 'run/metrics.jsonl'), 'utf8');
      const steps = jsonLines(metrics).filter(({ phase }) => phase === 'train') as Array<Record<string, number>>;
      expect(steps.at(-1)!.loss).toBeLessThan(0.8 * steps[0]!.loss!);
      const terms = ['lossCls', 'lossBoxReg', 'lossMask', 'lossRpnCls', 'lossRpnLoc'];
      for (const step of steps) {
        const sum = terms.reduce((total, term) => total + step[term]!, 0);
        expect(sum).toBeCloseTo(step.loss!, 4);
      }
      expect((await readdir(join(folder, 'run/samples'))).length).toBeGreaterThan(0);

      const evaluated = jsonLines(await succeeding('evaluate', 'run', '--json'))[0] as unknown as {
        metrics: Record<string, number>;
      };
      expect(evaluated.metrics.valBoxAP).toBeGreaterThanOrEqual(0);
      const summary = await readFile(join(folder, 'run/evaluation/summary.csv'), 'utf8');
      expect(summary.trimEnd().split('\n')).toHaveLength(13);
      expect(await readFile(join(folder, 'run/evaluation/classes.csv'), 'utf8')).toMatch(/^class,.*\ndisc,.*\nblock,/);
      for (const name of ['box', 'mask']) await access(join(folder, `run/evaluation/precision-recall-${name}.png`));

      const answers = await succeeding('predict', 'run', 'shapes/val', '--format', 'json', '--save', 'drawn');
      const results = resultsIn(answers);
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
      const drawn = await sharp(join(folder, 'drawn/shapes/val/000100.png.png')).metadata();
      expect([drawn.width, drawn.height]).toEqual([640, 560]);

      // The same numbers by the scorer of results files.
      await writeFile(join(folder, 'results.json'), JSON.stringify(results));
      const files = ['--annotations', 'shapes/annotations/instances_val.json', '--results', 'results.json'];
      for (const [type, metric] of [
        ['bbox', 'valBoxAP'],
        ['segm', 'valMaskAP'],
      ] as const) {
        const scored = await succeeding('data', 'evaluate', ...files, '--type', type, '--json');
        const { stats } = jsonLines(scored).find((line) => 'stats' in line) as unknown as { stats: number[] };
        expect(stats[0]).toBeCloseTo(evaluated.metrics[metric]!, 9);
      }

      const one = await succeeding(
        ...['predict', 'run', 'shapes/val', '--format', 'csv'],
        ...['--set', 'detect.classes=[block]', 'detect.scoreThreshold=0.1'],
      );
      const [header, ...rows] = one.trimEnd().split('\n');
      expect(header).toBe('picture,class,score,x,y,width,height');
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row).toMatch(/^shapes\/val\/\d+\.png,block,0\.[1-9]/);

      await succeeding('export', 'run', '--out', 'model.onnx');
      await expectExportAgrees(results);
    },
    3 * MINUTES,
  );

  it(
    'resumes where a signal stopped it, and ends as if there had been none',
    async () => {
      const args = [...TRAIN, '--epochs', '3', '--set', 'dropPath=0.2'];
      await succeeding(...args, '--out', 'unharmed');
      const child = startCli([...args, '--out', 'stopped', '--json'], { cwd: folder });
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('"step":4')) child.kill('SIGTERM');
      });
      expect((await finished(child)).status).toBe(143);
      await succeeding('finetune', 'detect', '--resume', 'stopped');
      const weights = (name: string) => readSafetensors(join(folder, name, 'weights', 'last.safetensors'));
      const [expected, actual] = [await weights('unharmed'), await weights('stopped')];
      expect([...actual.tensors.keys()]).toEqual([...expected.tensors.keys()]);
      for (const [name, tensor] of expected.tensors) {
        expect(toFloat32(actual.tensors.get(name)!, name), name).toEqual(toFloat32(tensor, name));
      }
    },
    3 * MINUTES,
  );

  it(
    'learns boxes alone from a pretrained encoder of another size, and cascades',
    async () => {
      const sizes = ['model.embedDim=32', 'model.depth=4', 'model.numHeads=2', 'model.decoderEmbedDim=8'];
      const decoder = ['model.decoderDepth=1', 'model.decoderNumHeads=2'];
      await succeeding(
        ...['pretrain', '--data', 'shapes/train', '--image-size', '32', '--patch-size', '8', '--epochs', '1'],
        ...['--batch-size', '6', '--out', 'pre', '--set', ...sizes, ...decoder],
      );
      const lines = jsonLines(
        await succeeding(
          ...[...TRAIN, '--checkpoint', 'pre', '--masks', 'off', '--epochs', '1', '--out', 'boxes', '--json'],
          ...['--set', 'detect.cascade=true'],
        ),
      );
      const merge = lines.find(({ type }) => type === 'loaded') as unknown as Record<string, unknown[]>;
      expect(merge.unexpected).toEqual(['cls_token', 'norm.weight', 'norm.bias']);
      expect(merge.reshaped).toMatchObject([{ name: 'pos_embed' }]);
      expect(merge.missing).toContain('blocks.0.attn.rel_pos_h');
      const { metrics } = lines.at(-1) as { metrics: Record<string, number> };
      expect(Object.keys(metrics).some((name) => name.startsWith('valMask'))).toBe(false);
      const first = jsonLines(await readFile(join(folder, 'boxes/metrics.jsonl'), 'utf8'))[0]!;
      expect(Object.keys(first)).toEqual(expect.arrayContaining(['lossClsStage0', 'lossBoxRegStage2']));
      expect(Object.keys(first)).not.toContain('lossMask');
      await succeeding('export', 'boxes', '--out', 'cascade.onnx');
      const written = (await readdir(folder)).filter((name) => name.startsWith('cascade.'));
      expect(written.sort()).toEqual([
        'cascade.box0.onnx',
        'cascade.box1.onnx',
        'cascade.box2.onnx',
        'cascade.json',
        'cascade.trunk.onnx',
      ]);
    },
    3 * MINUTES,
  );

  /** Runs the exported files through ONNX Runtime, and the library call around them. */
  async function expectExportAgrees(expected: readonly CocoResult[]): Promise<void> {
    const description = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as Record<string, string>;
    const sessions = new Map<string, onnx.InferenceSession>();
    for (const program of ['trunk', 'box', 'mask']) {
      sessions.set(program, await onnx.InferenceSession.create(join(folder, `model.${program}.onnx`)));
    }
    const runProgram =
      (program: string): RunProgram =>
      async (batch) => {
        const feeds = Object.entries(batch).map(([name, { data, dtype, shape }]) => {
          return [name, new onnx.Tensor(dtype as 'float32', data as Float32Array, [...shape])];
        });
        const outputs = await sessions.get(program)!.run(Object.fromEntries(feeds) as Record<string, onnx.Tensor>);
        return Object.fromEntries(
          Object.entries(outputs).map(([name, { data, dims }]) => [
            name,
            { data: data as Float32Array, shape: dims, dtype: 'float32' },
          ]),
        );
      };
    const detector = exportedDetector(description, runProgram);
    const loader = await createLoader({
      dataset: await pictureList([join(folder, 'shapes/val')]),
      pipeline: { decode: { channels: 3 }, transforms: detector.transforms },
      batchSize: detector.batchSize,
      random: createRandom(0),
      shuffle: false,
      workers: 0,
    });
    const found: CocoResult[] = [];
    for await (const samples of loader.batches(0)) {
      const predictions = await detector.detect(samples);
      samples.forEach((sample, i) => {
        found.push(...(detector.records(sample, predictions[i]!) as unknown as CocoResult[]));
      });
    }
    expect(found.map(({ image_id, category_id }) => [image_id, category_id])).toEqual(
      expected.map(({ image_id, category_id }) => [image_id, category_id]),
    );
    expectClose(
      found.map(({ score }) => score),
      expected.map(({ score }) => score),
      1e-4,
      'scores',
    );
    expectClose(
      found.flatMap(({ bbox }) => bbox),
      expected.flatMap(({ bbox }) => bbox),
      1e-4,
      'boxes',
    );
  }
});

describe("detectron2's weights", () => {
  it(
    'find what detectron2 finds, by their task and data of the same classes',
    async () => {
      const reference = await readReference('vitdet/vitdet_forward.safetensors');
      const pixels = Uint8Array.from(toChannelsLast(reference.float32('image'), [1, 3, 128, 112]));
      await sharp(pixels, { raw: { width: 112, height: 128, channels: 3 } })
        .png()
        .toFile(join(folder, '12.png'));
      await mkdir(join(folder, 'five'));
      const categories = [0, 1, 2, 3, 4].map((index) => ({ id: 10 + index, name: `c${index}` }));
      const object = { id: 1, image_id: 12, category_id: 10, bbox: [1, 1, 9, 9], area: 81, iscrowd: 0 };
      const annotation = { ...object, segmentation: [[1, 1, 10, 1, 10, 10, 1, 10]] };
      const images = [{ id: 12, file_name: '12.png', width: 112, height: 128 }];
      await sharp(join(folder, '12.png')).toFile(join(folder, 'five/12.png'));
      await writeFile(
        join(folder, 'five/annotations.json'),
        JSON.stringify({ images, categories, annotations: [annotation] }),
      );
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
  it(
    'in the data and the settings',
    async () => {
      const short = [...TRAIN, '--epochs', '1'];
      await mkdir(join(folder, 'boxesOnly'));
      const coco = JSON.parse(await readFile(join(folder, 'shapes/annotations/instances_train.json'), 'utf8')) as {
        annotations: object[];
      };
      const annotations = coco.annotations.map((each) => ({ ...each, segmentation: undefined }));
      await writeFile(join(folder, 'boxesOnly/annotations.json'), JSON.stringify({ ...coco, annotations }));
      const images = ['--set', 'data.path=boxesOnly'];
      expect(await failing(...short, ...images)).toMatch(/none of the \d+ objects has a mask.*--masks off/s);
      expect(await failing(...short, '--set', 'detect.classes=[disk]')).toContain(
        '`detect.classes` names "disk", which is no class',
      );
      expect(await failing(...short, '--set', 'detect.windowSise=4')).toContain('did you mean `detect.windowSize`?');
      expect(await failing(...short, '--image-size', '72')).toMatch(/imageSize.*72×72.*divisible/);
      expect(await failing(...short, '--recipe', 'vitdet-x')).toContain('has no recipe "vitdet-x"');
      expect(await failing(...short, '--mode', 'linear-probe')).toContain('cannot be tuned by');
      expect(await failing('predict', fixturePath('vitdet/vitdet.pkl'), '12.png')).toContain('--task');
    },
    2 * MINUTES,
  );
});
