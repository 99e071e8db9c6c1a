import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as onnx from 'onnxruntime-node';
import sharp from 'sharp';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import { toFloat32 } from '#core/checkpoint/files/stored-tensor.js';
import { fixturePath } from '../fixture-path.js';
import { labelledPictures } from '../pictures/labelled-pictures.js';
import { TINY_MODEL } from './tiny-model.js';
import { finished, jsonLines, runCli, startCli } from './run-cli.js';

const MINUTES = 60_000;
const CLASSES = ['across', 'both', 'down'];
/** What teaches a tiny model these classes in seconds. */
const QUICK = ['classify.augmentation.randAugment=null', 'classify.mixup=0', 'classify.cutmix=0', 'optimizer.lr=3e-3'];

let folder: string;
const run = (...args: string[]) => runCli(args, { cwd: folder });
const failing = async (...args: string[]): Promise<string> => {
  const { status, stderr } = await run(...args);
  expect(status, args.join(' ')).toBe(1);
  expect(stderr).not.toMatch(/^\s+at /m);
  return stderr;
};

async function writeClasses(into: string, count: number, classNames = CLASSES): Promise<void> {
  const data = labelledPictures({ count, classNames });
  for (let index = 0; index < count; index++) {
    const { image, target } = data.item(index);
    if (image.kind !== 'pixels') continue;
    const place = join(folder, into, classNames[target as number]!);
    await mkdir(place, { recursive: true });
    const raw = { width: image.width, height: image.height, channels: 3 as const };
    await sharp(image.data, { raw })
      .png()
      .toFile(join(place, `${index}.png`));
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mae-tasks-finetune-'));
  await writeFile(join(folder, 'package.json'), '{}');
  await writeClasses('photos/train', 48);
  await writeClasses('photos/val', 12);
  const pretrained = await run(
    'pretrain',
    '--data',
    'photos',
    ...TINY_MODEL,
    '--epochs',
    '1',
    '--batch-size',
    '16',
    '--out',
    'pre',
  );
  expect(pretrained.status, pretrained.stderr).toBe(0);
}, 2 * MINUTES);
describe('mae-tasks config finetune', () => {
  it('writes the recipe and the dimensions that hold for a checkpoint, and finetune takes it', async () => {
    const flags = ['--checkpoint', 'pre', '--data', 'photos', '--epochs', '1', '--set', ...QUICK];
    const written = await run('config', 'finetune', 'classify', ...flags, '--write', 'finetune.yaml');
    expect(written.status, written.stderr).toBe(0);
    expect(written.stdout).toMatch(/mae-tasks finetune classify --config finetune\.yaml/);
    const printed = await run('config', 'finetune', 'classify', '--config', 'finetune.yaml', '--json');
    expect(JSON.parse(printed.stdout)).toMatchObject({
      task: 'classify',
      recipe: 'base',
      pretrained: 'pre',
      epochs: 1,
      model: { embedDim: 16, depth: 2 },
      optimizer: { layerDecay: 0.65, lr: 3e-3 },
      classify: { labelSmoothing: 0.1, mixup: 0 },
    });
    const trained = await run('finetune', 'classify', '--config', 'finetune.yaml', '--out', 'configured');
    expect(trained.status, trained.stderr).toBe(0);
    const config = await readFile(join(folder, 'configured', 'config.yaml'), 'utf8');
    // Replicas are settled when a run starts.
    expect(parse(config)).toEqual(parse(await readFile(join(folder, 'finetune.yaml'), 'utf8')));
  });

  it('needs no data, and says what is wrong with a task or a setting', async () => {
    const probe = await run('config', 'finetune', 'classify', '--mode', 'linear-probe', '--json');
    expect(JSON.parse(probe.stdout)).toMatchObject({ recipe: 'linear-probe-cached', data: { path: 'photos/' } });
    expect(await failing('config', 'finetune', 'nothing')).toMatch(/Task "nothing" is not installed/);
    expect(await failing('config', 'finetune', 'classify', '--set', 'classify.mixupp=1')).toMatch(/classify\.mixup`\?/);
  });

  it('leaves the configuration of pretraining where it was', async () => {
    const [short, long] = await Promise.all([
      run('config', '--data', 'photos', '--mask-ratio', '0.5'),
      run('config', 'pretrain', '--data', 'photos', '--mask-ratio', '0.5'),
    ]);
    expect(parse(short.stdout)).toMatchObject({ maskRatio: 0.5, data: { path: 'photos' } });
    expect(long.stdout).toBe(short.stdout);
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const TRAIN = [
  'finetune',
  'classify',
  '--data',
  'photos',
  '--checkpoint',
  'pre',
  '--batch-size',
  '16',
  '--seed',
  '3',
  '--workers',
  '0',
];

describe('mae-tasks finetune classify, evaluate, predict, embed, export', () => {
  it(
    'learns from a pretrained encoder and uses what it learned',
    async () => {
      const trained = await run(...TRAIN, '--epochs', '25', '--out', 'run', '--json', '--set', ...QUICK);
      expect(trained.status, trained.stderr).toBe(0);
      const lines = jsonLines(trained.stdout);
      expect(lines.find(({ type }) => type === 'loaded')).toMatchObject({
        missing: ['fc_norm.weight', 'fc_norm.bias', 'head.weight', 'head.bias'],
        unexpected: ['norm.weight', 'norm.bias'],
      });
      const { metrics } = lines.at(-1) as { metrics: { valTop1: number } };
      expect(metrics.valTop1).toBe(100);

      const evaluated = await run('evaluate', 'run', '--json');
      expect(evaluated.status, evaluated.stderr).toBe(0);
      expect(jsonLines(evaluated.stdout)).toMatchObject([{ metrics: { valTop1: 100 } }]);
      expect(evaluated.stderr).not.toContain('held nothing out');
      const table = await readFile(join(folder, 'run', 'evaluation', 'classes.csv'), 'utf8');
      expect(table).toBe('class,pictures,recall %,precision %\nacross,4,100,100\nboth,4,100,100\ndown,4,100,100\n');

      const predicted = await run(
        'predict',
        'run',
        'photos/val',
        '--format',
        'json',
        '--set',
        'classify.topK=2',
        '--draw',
        'drawn',
      );
      expect(predicted.status, predicted.stderr).toBe(0);
      const text = predicted.stdout.slice(predicted.stdout.indexOf('['));
      const answers = JSON.parse(text) as Array<{
        picture: string;
        classes: Array<{ name: string; probability: number }>;
      }>;
      expect(answers).toHaveLength(12);
      for (const { picture, classes } of answers) {
        expect(classes).toHaveLength(2);
        expect(picture).toContain(`/${classes[0]!.name}/`);
      }

      const embedded = await run('embed', 'run', 'photos/val', '--out', 'features.safetensors');
      expect(embedded.status, embedded.stderr).toBe(0);
      const { tensors, metadata } = await readSafetensors(join(folder, 'features.safetensors'));
      expect(tensors.get('features')!.shape).toEqual([12, 16]);
      expect(JSON.parse(metadata.pictures!)).toHaveLength(12);

      const exported = await run('export', 'run', '--out', 'model.onnx');
      expect(exported.status, exported.stderr).toBe(0);
      await expectOnnxAgrees(answers[0]!);
    },
    4 * MINUTES,
  );

  it(
    'measures on the very pictures that a run held out, and says so where it held none out',
    async () => {
      const started = ['finetune', 'classify', '--data', 'photos/train', '--checkpoint', 'pre', '--epochs', '1'];
      const trained = await run(...started, '--val-fraction', '0.25', '--limit', '20', '--out', 'part', '--json');
      expect(trained.status, trained.stderr).toBe(0);
      const evaluated = await run('evaluate', 'part');
      expect(evaluated.status, evaluated.stderr).toBe(0);
      // A quarter of 48, whatever the limit.
      expect(evaluated.stdout).toContain('on photos/train, 12 pictures');
      expect((await run('evaluate', 'part', '--split', 'train')).stdout).toContain('on photos/train, 48 pictures');

      expect((await run(...started, '--out', 'all')).status).toBe(0);
      const onTraining = await run('evaluate', 'all', '--limit', '7');
      expect(onTraining.stdout).toContain('on photos/train, 7 pictures');
      expect(onTraining.stderr).toContain('held nothing out');
    },
    2 * MINUTES,
  );

  it(
    'resumes where a signal stopped it, and ends as if there had been none',
    async () => {
      const args = [...TRAIN, '--epochs', '4'];
      expect((await run(...args, '--out', 'unharmed')).status).toBe(0);
      const child = startCli([...args, '--out', 'stopped', '--json'], { cwd: folder });
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('"step":5')) child.kill('SIGTERM');
      });
      expect((await finished(child)).status).toBe(143);
      const resumed = await run('finetune', 'classify', '--resume', 'stopped');
      expect(resumed.status, resumed.stderr).toBe(0);
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
    'ends early without a better value, cross-validates, and probes',
    async () => {
      const patient = await run(
        ...TRAIN,
        '--epochs',
        '50',
        '--patience',
        '2',
        '--out',
        'patient',
        '--json',
        '--set',
        'optimizer.lr=1e-9',
      );
      const epochs = jsonLines(patient.stdout).filter(({ phase }) => phase === 'val');
      expect(patient.status, patient.stderr).toBe(0);
      expect(epochs.length).toBeLessThan(10);
      const folds = await run(
        'finetune',
        'classify',
        '--data',
        'photos/train',
        '--checkpoint',
        'pre',
        '--mode',
        'linear-probe',
        '--folds',
        '3',
        '--epochs',
        '3',
        '--out',
        'folds',
        '--json',
      );
      expect(folds.status, folds.stderr).toBe(0);
      const summary = jsonLines(folds.stdout).at(-1) as {
        type: string;
        metrics: Array<{ name: string; values: number[] }>;
      };
      expect(summary.type).toBe('folds');
      expect(summary.metrics.find(({ name }) => name === 'valTop1')!.values).toHaveLength(3);
    },
    3 * MINUTES,
  );

  async function expectOnnxAgrees({
    picture,
    classes,
  }: {
    picture: string;
    classes: Array<{ name: string; probability: number }>;
  }) {
    const session = await onnx.InferenceSession.create(join(folder, 'model.onnx'));
    // The evaluation transforms of a 32-pixel picture for a model of 16: shorter side to 18, then the middle.
    const { data } = await sharp(join(folder, picture))
      .removeAlpha()
      .resize(18, 18, { kernel: 'cubic' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const [mean, std] = [
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ] as const;
    const pixels = new Float32Array(16 * 16 * 3);
    for (let y = 0; y < 16; y++) {
      for (let x = 0; x < 16; x++) {
        for (let c = 0; c < 3; c++) {
          pixels[(y * 16 + x) * 3 + c] = (data[((y + 1) * 18 + x + 1) * 3 + c]! / 255 - mean[c]!) / std[c]!;
        }
      }
    }
    const { logits } = await session.run({ images: new onnx.Tensor('float32', pixels, [1, 16, 16, 3]) });
    const values = [...(logits!.data as Float32Array)];
    expect(CLASSES[values.indexOf(Math.max(...values))]).toBe(classes[0]!.name);
    await session.release();
  }
});

describe('mistakes in fine-tuning, each with its error', () => {
  it(
    'in the data',
    async () => {
      await writeClasses('single', 4, ['only']);
      expect(await failing('finetune', 'classify', '--data', 'single', '--checkpoint', 'pre')).toContain(
        'there is one class (only)',
      );
      await writeClasses('hollow', 6);
      await mkdir(join(folder, 'hollow', 'nothing'));
      expect(await failing('finetune', 'classify', '--data', 'hollow', '--checkpoint', 'pre')).toContain(
        'there are no pictures in the class folder nothing',
      );
      await mkdir(join(folder, 'flat'));
      await cp(join(folder, 'single/only/0.png'), join(folder, 'flat/0.png'));
      expect(await failing('finetune', 'classify', '--data', 'flat', '--checkpoint', 'pre')).toContain(
        'the pictures have no classes',
      );
    },
    2 * MINUTES,
  );

  it(
    'in the settings and the checkpoint',
    async () => {
      expect(await failing('finetune', 'clasify', '--data', 'photos')).toContain('Task "clasify" is not installed');
      expect(await failing(...TRAIN, '--set', 'classify.mixxup=1')).toContain('did you mean `classify.mixup`?');
      expect(await failing(...TRAIN, '--recipe', 'hugh')).toContain('did you mean "huge"?');
      expect(await failing(...TRAIN, '--model', 'small')).toContain('the checkpoint does not fit the model');
      expect(await failing(...TRAIN, '--set', 'optimizer.lr=1e12', 'optimizer.warmupEpochs=0')).toMatch(
        /(?:loss is|gradients are not finite).*the last good checkpoint is/s,
      );
      expect(await failing('evaluate', 'pre', '--data', 'photos')).toContain('not the checkpoint of a fine-tuning run');
    },
    2 * MINUTES,
  );
});

describe('weights of others', () => {
  it.each([
    ["Hugging Face's ViT", 'hugging-face/vit-5.23.0.safetensors', 16],
    ["timm's names, as the official classifier has them", 'mae/vit_cls.safetensors', 40],
  ])(
    '%s lend their encoder, and the head starts anew',
    async (_, file, numMatched) => {
      const args = ['--data', 'photos', '--limit', '8', '--epochs', '1', '--batch-size', '8', '--workers', '0'];
      const out = file.replace(/\W/g, '-');
      const { status, stdout, stderr } = await run(
        ...['finetune', 'classify', ...args, '--checkpoint', fixturePath(file), '--out', out, '--json'],
        ...['--set', 'model.numHeads=2'],
      );
      expect(status, stderr).toBe(0);
      const loaded = jsonLines(stdout).find(({ type }) => type === 'loaded') as Record<string, string[]>;
      expect(loaded.loaded).toHaveLength(numMatched);
      expect(loaded.missing).toEqual(['fc_norm.weight', 'fc_norm.bias']);
      expect(loaded.unexpected!.toSorted()).toEqual(['norm.bias', 'norm.weight']);
      expect(loaded.mismatched).toMatchObject([{ name: 'head.weight' }, { name: 'head.bias' }]);
    },
    MINUTES,
  );

  it(
    "evaluates the official code's fine-tuned classifier by its task and data",
    async () => {
      const names = Array.from({ length: 7 }, (_, index) => `c${index}`);
      await writeClasses('seven', 14, names);
      // Heads leave no trace in the shapes.
      const set = ['--set', 'model.numHeads=4'];
      const path = fixturePath('mae/vit_pool.safetensors');
      const { status, stdout, stderr } = await run(
        'evaluate',
        path,
        '--task',
        'classify',
        '--data',
        'seven',
        '--out',
        'foreign',
        '--json',
        ...set,
      );
      expect(status, stderr).toBe(0);
      expect(jsonLines(stdout)).toMatchObject([
        { type: 'evaluation', metrics: { valLoss: expect.any(Number) as number } },
      ]);
    },
    MINUTES,
  );
});

describe('mae-tasks create plugin', () => {
  it('writes a package that compiles', async () => {
    const { status, stdout, stderr } = await run('create', 'plugin', 'pose-2d', '--out', 'mine');
    expect(status, stderr).toBe(0);
    expect(stdout).toContain('mine/src/pose-2d-task.ts');
    const manifest = JSON.parse(await readFile(join(folder, 'mine/package.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest).toMatchObject({
      name: 'mae-tasks-plugin-pose-2d',
      maeTasks: { tasks: ['pose-2d'], apiVersion: 1 },
    });
    expect(await readFile(join(folder, 'mine/src/index.ts'), 'utf8')).toContain(
      "import { pose2dTask } from './pose-2d-task.js';",
    );
    expect(await failing('create', 'plugin', 'pose-2d', '--out', 'mine')).toContain('the folder exists already');
    expect(await failing('create', 'plugin', '../evil')).toContain("cannot be a task's name");
    // Beside the workspace's packages, as `npm install` would put it.
    const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
    await symlink(modules, join(folder, 'mine/node_modules'), 'dir');
    const tsc = join(modules, 'typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: join(folder, 'mine') });
    const listed = await run('plugins', '--plugin', './mine', '--json');
    expect(jsonLines(listed.stdout)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'mae-tasks-plugin-pose-2d', tasks: ['pose-2d'], works: true }),
      ]),
    );
  });
});
