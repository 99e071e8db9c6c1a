import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as onnx from 'onnxruntime-node';
import sharp from 'sharp';
import { parse } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import type { BatchedFunction } from '#core/contracts/objective.js';
import { createPipeline } from '#core/data/transforms/pipeline.js';
import { createEngine } from '#core/engine/select.js';
import { createRandom } from '#core/base/random.js';
import { evaluationTransforms } from '#core/train/inputs/transform-recipes.js';
import { referenceClassifier } from '../classify/classifier.js';
import { fixturePath } from '../fixture-path.js';
import { readParameters } from '../models/reference.js';
import { labelledPictures } from '../pictures/labelled-pictures.js';
import { TINY_MODEL } from './tiny-model.js';
import { expectSameWeights } from './weights.js';
import { finished, jsonLines, startCli } from './run-cli.js';
import { MINUTES, useWorkFolder } from './work-folder.js';

const { path, run, succeeding, failing } = useWorkFolder();
const CLASSES = ['across', 'both', 'down'];
/** What teaches a tiny model these classes in seconds. */
const QUICK = ['classify.augmentation.randAugment=null', 'classify.mixup=0', 'classify.cutmix=0', 'optimizer.lr=3e-3'];
/** The statistics of ImageNet's pixels, which runs of other data start from. */
const STATISTICS = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const TRAIN = [
  ...['finetune', 'classify', '--data', 'photos', '--checkpoint', 'pre'],
  ...['--batch-size', '16', '--seed', '3', '--workers', '0'],
];

async function writeClasses(into: string, count: number, classNames = CLASSES): Promise<void> {
  const data = labelledPictures({ count, classNames });
  for (let index = 0; index < count; index++) {
    const { image, target } = data.item(index);
    if (image.kind !== 'pixels') continue;
    const place = path(into, classNames[target as number]!);
    await mkdir(place, { recursive: true });
    const raw = { width: image.width, height: image.height, channels: 3 as const };
    await sharp(image.data, { raw })
      .png()
      .toFile(join(place, `${index}.png`));
  }
}

beforeAll(async () => {
  await writeFile(path('package.json'), '{}');
  await writeClasses('photos/train', 48);
  await writeClasses('photos/val', 12);
  await succeeding(
    ...['pretrain', '--data', 'photos', ...TINY_MODEL],
    ...['--epochs', '1', '--batch-size', '16', '--out', 'pre'],
  );
}, 2 * MINUTES);

describe('mae-tasks config finetune', () => {
  it('writes the recipe and the dimensions that hold for a checkpoint, and finetune takes it', async () => {
    const flags = ['--checkpoint', 'pre', '--data', 'photos', '--epochs', '1', '--set', ...QUICK];
    const written = await succeeding('config', 'finetune', 'classify', ...flags, '--write', 'finetune.yaml');
    expect(written).toMatch(/mae-tasks finetune classify --config finetune\.yaml/);
    const printed = await succeeding('config', 'finetune', 'classify', '--config', 'finetune.yaml', '--json');
    expect(JSON.parse(printed)).toMatchObject({
      task: 'classify',
      recipe: 'small-data',
      pretrained: 'pre',
      epochs: 1,
      model: { embedDim: 16, depth: 2 },
      optimizer: { layerDecay: 0.75, lr: 3e-3 },
      classify: { labelSmoothing: 0.1, mixup: 0 },
    });
    await succeeding('finetune', 'classify', '--config', 'finetune.yaml', '--out', 'configured');
    const config = await readFile(path('configured', 'config.yaml'), 'utf8');
    // Replicas are settled when a run starts.
    expect(parse(config)).toEqual(parse(await readFile(path('finetune.yaml'), 'utf8')));
  });

  it('needs no data', async () => {
    const probe = await succeeding('config', 'finetune', 'classify', '--mode', 'linear-probe', '--json');
    expect(JSON.parse(probe)).toMatchObject({ recipe: 'linear-probe-cached', data: { path: 'photos/' } });
  });

  it('says what is wrong with a task or a setting', async () => {
    expect(await failing('config', 'finetune', 'nothing')).toMatch(/Task "nothing" is not installed/);
    expect(await failing('config', 'finetune', 'classify', '--set', 'classify.mixupp=1')).toMatch(/classify\.mixup`\?/);
  });

  it('leaves the configuration of pretraining where it was', async () => {
    const [short, long] = await Promise.all([
      succeeding('config', '--data', 'photos', '--mask-ratio', '0.5'),
      succeeding('config', 'pretrain', '--data', 'photos', '--mask-ratio', '0.5'),
    ]);
    expect(parse(short)).toMatchObject({ maskRatio: 0.5, data: { path: 'photos' } });
    expect(long).toBe(short);
  });
});

describe('a classifier from a pretrained encoder', () => {
  let lines: Array<Record<string, unknown>>;
  beforeAll(async () => {
    lines = jsonLines(await succeeding(...TRAIN, '--epochs', '25', '--out', 'run', '--json', '--set', ...QUICK));
  }, 3 * MINUTES);

  const predictions = async (...flags: string[]) => {
    const text = await succeeding('predict', 'run', 'photos/val', '--format', 'json', ...flags);
    return JSON.parse(text.slice(text.indexOf('['))) as Array<{
      picture: string;
      classes: Array<{ name: string; probability: number }>;
    }>;
  };

  it('begins with what it learns from', () => {
    expect(lines.find(({ type }) => type === 'start')).toMatchObject({
      train: { layout: 'a folder for each class, in train/', unit: 'picture', classes: [{ name: 'across' }, {}, {}] },
      heldOut: { pictures: 12, classes: [{ pictures: 4 }, { pictures: 4 }, { pictures: 4 }] },
      heldOutBy: "the data's own val split",
    });
  });

  it('takes what fits and names the rest, and learns', () => {
    expect(lines.find(({ type }) => type === 'loaded')).toMatchObject({
      missing: ['fc_norm.weight', 'fc_norm.bias', 'head.weight', 'head.bias'],
      unexpected: ['norm.weight', 'norm.bias'],
    });
    expect((lines.at(-1) as { metrics: { valTop1: number } }).metrics.valTop1).toBe(100);
  });

  it('is measured', async () => {
    const { status, stdout, stderr } = await run('evaluate', 'run', '--json');
    expect(status, stderr).toBe(0);
    expect(jsonLines(stdout)).toMatchObject([{ metrics: { valTop1: 100 } }]);
    expect(stderr).not.toContain('held nothing out');
    const table = await readFile(path('run', 'evaluation', 'classes.csv'), 'utf8');
    expect(table).toBe('class,pictures,recall %,precision %\nacross,4,100,100\nboth,4,100,100\ndown,4,100,100\n');
  });

  it('is measured on the split that is named, by its name, and drawn', async () => {
    const shown = await succeeding('evaluate', 'run', '--split', 'train', '--draw', 'sheets/a.png', '--out', 'other');
    expect(shown).toMatch(/^trainTop1 /mu);
    expect(shown).not.toMatch(/^val/mu);
    expect((await sharp(path('sheets', 'a.png')).metadata()).format).toBe('png');
    const { metrics } = JSON.parse(await readFile(path('other', 'metrics.json'), 'utf8')) as { metrics: object };
    expect(Object.keys(metrics)).toContain('trainTop1');
  });

  it('writes drawings and answers to the very files that are named, in folders that it makes', async () => {
    await succeeding('predict', 'run', 'photos/val', '--draw', 'more/sheet.png', '--out', 'more/answers.csv');
    expect(await readdir(path('more'))).toEqual(['answers.csv', 'sheet.png']);
    const asJpeg = await run('predict', 'run', 'photos/val', '--draw', 'sheet.jpg');
    expect(asJpeg.stderr).toMatch(/drawings are PNG files — --draw sheet\.jpg — name it sheet\.png/u);
  });

  it('names the likeliest classes of pictures', async () => {
    const answers = await predictions('--set', 'classify.topK=2', '--draw', 'drawn');
    expect(answers).toHaveLength(12);
    for (const { picture, classes } of answers) {
      expect(classes).toHaveLength(2);
      expect(classes[0]!.probability).toBeGreaterThan(classes[1]!.probability);
      expect(picture).toContain(`/${classes[0]!.name}/`);
    }
  });

  it('embeds pictures', async () => {
    await succeeding('embed', 'run', 'photos/val', '--out', 'features.safetensors');
    const { tensors, metadata } = await readSafetensors(path('features.safetensors'));
    expect(tensors.get('features')!.shape).toEqual([12, 16]);
    const pictures = JSON.parse(metadata.pictures!) as string[];
    expect(new Set(pictures).size).toBe(12);
    expect(pictures.every((name) => name.includes('photos/val/'))).toBe(true);
  });

  it('gives the same answers as an exported ONNX file', async () => {
    await succeeding('export', 'run', '--out', 'models/new/model.onnx');
    const session = await onnx.InferenceSession.create(path('models', 'new', 'model.onnx'));
    const pipeline = await createPipeline({ transforms: evaluationTransforms([16, 16], STATISTICS) });
    for (const { picture, classes } of await predictions()) {
      const item = { id: picture, image: { kind: 'file', path: path(picture) } } as const;
      const { sample } = await pipeline(item, createRandom(0));
      const images = new onnx.Tensor('float32', sample.pixels as Float32Array, [1, 16, 16, 3]);
      const { logits } = await session.run({ images });
      const probabilities = softmax(logits!.data as Float32Array);
      for (const { name, probability } of classes) {
        expect(probability, picture).toBeCloseTo(probabilities[CLASSES.indexOf(name)]!, 4);
      }
    }
    await session.release();
  });

  it('is exported for any number of pictures, or for the one that is given', async () => {
    const load = (name: string) => onnx.InferenceSession.create(path('models', 'new', name));
    const session = await load('model.onnx');
    const pixels = Float32Array.from({ length: 5 * 16 * 16 * 3 }, (_, index) => Math.sin(index));
    const logitsOf = async (from: number, to: number, by = session): Promise<number[]> => {
      const data = pixels.slice(from * 768, to * 768);
      const { logits } = await by.run({ images: new onnx.Tensor('float32', data, [to - from, 16, 16, 3]) });
      expect(logits!.dims).toEqual([to - from, 3]);
      return [...(logits!.data as Float32Array)];
    };
    const alone = (await Promise.all([0, 1, 2, 3, 4].map((row) => logitsOf(row, row + 1)))).flat();
    for (const count of [2, 5]) {
      (await logitsOf(0, count)).forEach((value, index) => expect(value).toBeCloseTo(alone[index]!, 4));
    }
    await succeeding('export', 'run', '--batch', '3', '--out', 'models/new/three.onnx');
    const three = await load('three.onnx');
    (await logitsOf(0, 3, three)).forEach((value, index) => expect(value).toBeCloseTo(alone[index]!, 4));
    await expect(logitsOf(0, 2, three)).rejects.toThrow(/Got: 2 Expected: 3/);
    expect((await run('export', 'run', '--batch', '0')).stderr).toMatch(/at least 1, or dynamic/);
    await session.release();
    await three.release();
  });
});

describe('what a run is measured on', () => {
  const started = ['finetune', 'classify', '--data', 'photos/train', '--checkpoint', 'pre', '--epochs', '1'];

  it(
    'are the very pictures that it held out, or the split that is named',
    async () => {
      await succeeding(...started, '--val-fraction', '0.25', '--limit', '20', '--out', 'part', '--json');
      // A quarter of 48, whatever the limit.
      expect(await succeeding('evaluate', 'part')).toContain('on photos/train, 12 pictures');
      expect(await succeeding('evaluate', 'part', '--split', 'train')).toContain('on photos/train, 48 pictures');
    },
    2 * MINUTES,
  );

  it(
    'is said where it held none out',
    async () => {
      await succeeding(...started, '--out', 'all');
      const onTraining = await run('evaluate', 'all', '--limit', '7');
      expect(onTraining.stdout).toContain('on photos/train, 7 pictures');
      expect(onTraining.stderr).toContain('held nothing out');
    },
    2 * MINUTES,
  );
});

describe('mae-tasks finetune', () => {
  it(
    'resumes where a signal stopped it, and ends as if there had been none',
    async () => {
      const args = [...TRAIN, '--epochs', '4'];
      await succeeding(...args, '--out', 'unharmed');
      const child = startCli([...args, '--out', 'stopped', '--json'], { cwd: path() });
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('"step":5')) child.kill('SIGTERM');
      });
      expect((await finished(child)).status).toBe(143);
      await succeeding('finetune', 'classify', '--resume', 'stopped');
      await expectSameWeights(path('stopped'), path('unharmed'));
    },
    3 * MINUTES,
  );

  it(
    'ends early without a better value',
    async () => {
      const flags = ['--epochs', '50', '--patience', '2', '--set', 'optimizer.lr=1e-9'];
      const epochs = jsonLines(await succeeding(...TRAIN, ...flags, '--out', 'patient', '--json')).filter(
        ({ phase }) => phase === 'val',
      );
      expect(epochs.length).toBeGreaterThanOrEqual(3);
      expect(epochs.length).toBeLessThan(10);
    },
    2 * MINUTES,
  );

  it(
    'cross-validates: a run a fold, then mean and deviation of their last values',
    async () => {
      const summary = jsonLines(
        await succeeding(
          ...['finetune', 'classify', '--data', 'photos/train', '--checkpoint', 'pre', '--mode', 'linear-probe'],
          ...['--folds', '3', '--epochs', '3', '--out', 'folds', '--json'],
        ),
      ).at(-1) as {
        type: string;
        metrics: Array<{ name: string; mean: number; deviation: number; values: number[] }>;
      };
      expect(summary.type).toBe('folds');
      expect(summary.metrics.map(({ name }) => name)).toEqual(expect.arrayContaining(['valTop1', 'valLoss']));
      const last: Array<Record<string, unknown>> = [];
      for (const [index, name] of ['fold1', 'fold2', 'fold3'].entries()) {
        const config: unknown = parse(await readFile(path('folds', name, 'config.yaml'), 'utf8'));
        expect(config).toMatchObject({ data: { fold: index, folds: 3 } });
        const records = jsonLines(await readFile(path('folds', name, 'metrics.jsonl'), 'utf8'));
        last.push(records.filter(({ phase }) => phase === 'val').at(-1)!);
      }
      for (const { name, mean, deviation, values } of summary.metrics) {
        expect(values, name).toEqual(last.map((record) => record[name]));
        const [a, b, c] = values as [number, number, number];
        expect(mean).toBeCloseTo((a + b + c) / 3, 9);
        expect(2 * deviation ** 2).toBeCloseTo((a - mean) ** 2 + (b - mean) ** 2 + (c - mean) ** 2, 6);
      }
      // Three parts of the data are three different measurements.
      expect(new Set(summary.metrics.find(({ name }) => name === 'valLoss')!.values).size).toBe(3);
    },
    2 * MINUTES,
  );
});

describe('mistakes in the data of a fine-tuning, each with its error', () => {
  beforeAll(async () => {
    await writeClasses('single', 4, ['only']);
    await writeClasses('hollow', 6);
    await mkdir(path('hollow', 'nothing'));
    await mkdir(path('flat'));
    await cp(path('single/only/0.png'), path('flat/0.png'));
  });

  it.each([
    { data: 'single', message: 'there is one class (only)' },
    { data: 'hollow', message: 'there are no pictures in the class folder nothing' },
    { data: 'flat', message: 'the pictures have no classes' },
  ])('in $data: $message', async ({ data, message }) => {
    expect(await failing('finetune', 'classify', '--data', data, '--checkpoint', 'pre')).toContain(message);
  });
});

describe('mistakes in the settings and the checkpoint of a fine-tuning, each with its error', () => {
  it.each([
    {
      what: 'an unknown task',
      args: ['finetune', 'clasify', '--data', 'photos'],
      message: /Task "clasify" is not installed .*did you mean "classify"\?\n/,
    },
    {
      what: 'a misspelt setting',
      args: [...TRAIN, '--set', 'classify.mixxup=1'],
      message: /did you mean `classify\.mixup`\?/,
    },
    { what: 'a misspelt recipe', args: [...TRAIN, '--recipe', 'hugh'], message: /did you mean "huge"\?/ },
    {
      what: 'another size of model',
      args: [...TRAIN, '--model', 'small'],
      message: /the checkpoint does not fit the model/,
    },
    {
      what: 'a rate at which training diverges',
      args: [...TRAIN, '--set', 'optimizer.lr=1e12', 'optimizer.warmupEpochs=0'],
      message: /(?:loss is|gradients are not finite).*the last good checkpoint is/s,
    },
    {
      what: 'the checkpoint of a pretraining',
      args: ['evaluate', 'pre', '--data', 'photos'],
      message: /not the checkpoint of a fine-tuning run/,
    },
  ])('$what', async ({ args, message }) => {
    expect(await failing(...args)).toMatch(message);
  });
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
      const stdout = await succeeding(
        ...['finetune', 'classify', ...args, '--checkpoint', fixturePath(file), '--out', out, '--json'],
        ...['--set', 'model.numHeads=2'],
      );
      const loaded = jsonLines(stdout).find(({ type }) => type === 'loaded') as Record<string, string[]>;
      expect(loaded.loaded).toHaveLength(numMatched);
      expect(loaded.missing).toEqual(['fc_norm.weight', 'fc_norm.bias']);
      expect(loaded.unexpected!.toSorted()).toEqual(['norm.bias', 'norm.weight']);
      expect(loaded.mismatched).toMatchObject([{ name: 'head.weight' }, { name: 'head.bias' }]);
    },
    MINUTES,
  );

  it(
    "evaluate gives the loss of the official code's fine-tuned classifier, by its task and data",
    async () => {
      const names = Array.from({ length: 7 }, (_, index) => `c${index}`);
      await writeClasses('seven', 14, names);
      const stdout = await succeeding(
        ...['evaluate', fixturePath('mae/vit_pool.safetensors'), '--task', 'classify', '--data', 'seven'],
        // Heads leave no trace in the shapes.
        ...['--out', 'foreign', '--json', '--set', 'model.numHeads=4'],
      );
      const lines = jsonLines(stdout) as Array<{ type: string; metrics: { valLoss: number } }>;
      expect(lines.map(({ type }) => type)).toEqual(['evaluation']);
      expect(lines[0]!.metrics.valLoss).toBeCloseTo(await lossOfReference('seven', names), 4);
    },
    MINUTES,
  );

  /** The mean cross entropy by the model that has the official code's logits, with the weights as they were stored. */
  async function lossOfReference(data: string, names: readonly string[]): Promise<number> {
    const { objective } = referenceClassifier({ pool: 'mean' });
    const evaluation = objective.evaluation as BatchedFunction;
    const engine = await createEngine({ device: 'javascript' });
    const program = await engine.compile({
      name: 'logits',
      fn: evaluation.fn,
      parameters: Object.fromEntries(Object.entries(objective.parameters).map(([name, { shape }]) => [name, shape])),
      batch: evaluation.batchSpec(1),
    });
    const parameters = await readParameters('mae/vit_pool.safetensors');
    const pipeline = await createPipeline({ transforms: evaluationTransforms([48, 48], STATISTICS) });
    let loss = 0;
    for (let index = 0; index < 14; index++) {
      const file = path(data, names[index % 7]!, `${index}.png`);
      const { sample } = await pipeline({ id: file, image: { kind: 'file', path: file } }, createRandom(0));
      const images = { shape: [1, 48, 48, 3], dtype: 'float32' as const, data: sample.pixels as Float32Array };
      const { logits } = await program.run(parameters, { images });
      loss -= Math.log(softmax(logits!.data as Float32Array)[index % 7]!) / 14;
    }
    await engine.dispose();
    return loss;
  }
});

function softmax(logits: Float32Array): number[] {
  const powers = Array.from(logits, (value) => Math.exp(value - Math.max(...logits)));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

describe('mae-tasks create plugin', () => {
  let written: string;
  beforeAll(async () => {
    written = await succeeding('create', 'plugin', 'pose-2d', '--out', 'mine');
  });

  it('writes a package named after the task', async () => {
    expect(written).toContain('mine/src/pose-2d-task.ts');
    const manifest = JSON.parse(await readFile(path('mine/package.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest).toMatchObject({
      name: 'mae-tasks-plugin-pose-2d',
      maeTasks: { tasks: ['pose-2d'], apiVersion: 2 },
    });
    expect(await readFile(path('mine/src/index.ts'), 'utf8')).toContain(
      "import { pose2dTask } from './pose-2d-task.js';",
    );
    const names = await readdir(path('mine'), { recursive: true });
    expect(names).toEqual(
      expect.arrayContaining(['.gitignore', 'README.md', 'src/pose-2d-task.ts', 'test/pose-2d.test.js']),
    );
    for (const name of names.filter((each) => /\.\w+$/u.test(each))) {
      const text = await readFile(path('mine', name), 'utf8');
      expect(`${name} ${text}`).not.toMatch(/rotation/iu);
    }
    expect(await readFile(path('mine/src/pose-2d-task.ts'), 'utf8')).toContain('type Pose2dSettings =');
  });

  it('says what to do next, in the folder that one stands in', () => {
    const next = written.split('Next, from here:\n')[1]!.trimEnd().split('\n');
    expect(next).toEqual([
      '  npm install ./mine',
      '  npm run --prefix mine build',
      '  npm test --prefix mine',
      '  npx mae-tasks finetune pose-2d --data <pictures>',
    ]);
  });

  it('refuses a folder that exists, and a name that is none', async () => {
    expect(await failing('create', 'plugin', 'pose-2d', '--out', 'mine')).toContain('the folder exists already');
    expect(await failing('create', 'plugin', '../evil')).toContain("cannot be a task's name");
  });

  it('writes a package that compiles and loads', async () => {
    // Beside the workspace's packages, as `npm install` would put it.
    const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
    await symlink(modules, path('mine/node_modules'), 'dir');
    const tsc = join(modules, 'typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: path('mine') });
    const listed = await run('plugins', '--plugin', './mine', '--json');
    expect(jsonLines(listed.stdout)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'mae-tasks-plugin-pose-2d', tasks: ['pose-2d'], works: true }),
      ]),
    );
  });
});
