import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixturePath } from '../fixture-path.js';
import { TINY_DETECTOR } from '../detect/tiny-detector.js';
import { writeObjectFolder, writeSemanticFolder } from '../pictures/painted-folders.js';
import { root, writeGuidePlugin } from './guide-code.js';
import { TINY_MODEL } from './tiny-model.js';
import { writePictures } from '../pictures/tiny-pictures.js';
import { runCli } from './run-cli.js';

const MINUTES = 60_000;

/** All guides: each command in them is run, in a folder of the guide's own with everything that they speak of. */
const GUIDES = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const GUIDES_WITH_COMMANDS = GUIDES.filter((file) => commandsOf(file).length > 0);

/** The commands of a guide: lines of its `sh` blocks that begin with `mae-tasks`. */
function commandsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block]) => block!.split('\n'))
    .filter((line) => line.startsWith('mae-tasks '));
}

/** An encoder that trains in milliseconds, for every task: of the pretraining that guides start from. */
const SMALL_ENCODER = ['--image-size', '32', '--patch-size', '8', '--set', 'model.embedDim=32', 'model.depth=4'];
const isFull = process.env.MAE_TASKS_FULL === '1';
/** Trainings that differ from one before them in the same guide by what is built, trained or repeated. */
const VARIATION = /detect\.(?:cascade|neck)=|segment\.(?:decoder|taps)=|--masks off|--mode |--folds |--patience /u;
const BRIEFLY = ['--epochs', '1', '--batch-size', '4'];

/**
 * Commands that would train for hours are made short, and nothing else about them is changed: later flags override
 * earlier ones.
 */
function shortened(command: string): string[] {
  const args = command
    .replace(/--minutes \d+/u, '--minutes 0.05')
    .split(' ')
    .slice(1);
  if (args.includes('--resume')) return args;
  if (args[0] === 'pretrain') return [...args, ...TINY_MODEL, 'optimizer.warmupEpochs=0', ...BRIEFLY];
  if (args[0] !== 'finetune') return args;
  // Of a variation, the settings alone are checked: other tests train it.
  if (!isFull && VARIATION.test(command)) return ['config', ...args];
  const [verb, task, ...rest] = args as [string, string, ...string[]];
  // Before the guide's own settings, which win.
  const small = task === 'detect' ? ['--image-size', '64', '--set', ...assignments('detect', TINY_DETECTOR)] : [];
  return [verb, task, ...small, ...rest, ...BRIEFLY, '--workers', '0', '--set', 'samples.count=0'];
}

/** Settings as `--set` takes them. */
function assignments(path: string, settings: object): string[] {
  return Object.entries(settings).map(([key, value]) => `${path}.${key}=${JSON.stringify(value)}`);
}

let template: string;
beforeAll(async () => {
  template = await realpath(await mkdtemp(join(tmpdir(), 'mae-docs-')));
  for (const name of ['icons', 'holiday']) await writePictures(join(template, name), 8);
  // As many classes as the fine-tuned classifier of the official code that stands for a published one.
  for (const name of ['birds', 'cats', 'cows', 'dogs', 'fish', 'goats', 'hens']) {
    await writePictures(join(template, 'photos', name), 4);
  }
  await cp(fixturePath('mae/mae.pth'), join(template, 'mae.pth'));
  await cp(fixturePath('mae/vit_pool.safetensors'), join(template, 'mae_finetuned.pth'));
  await writeSemanticFolder(join(template, 'ade'));
  await writeObjectFolder(join(template, 'coco'));
  const results = [8, 9, 10].map((id) => ({ image_id: id, category_id: 1, bbox: [2, 2, 12, 12], score: 0.9 }));
  await writeFile(join(template, 'boxes.json'), JSON.stringify(results));
  const cups = await readdir(await writePictures(join(template, 'cups'), 8));
  await writeFile(join(template, 'cups', 'values.csv'), cups.map((name, index) => `${name},${index / 8}\n`).join(''));
  await writeGuidePlugin(join(template, 'regress'));
  const small = [...SMALL_ENCODER, 'model.numHeads=2', 'model.decoderEmbedDim=8', 'model.decoderDepth=1'];
  const pretrain = ['pretrain', '--data', 'photos/', ...small, 'model.decoderNumHeads=2', ...BRIEFLY];
  const { status, stderr } = await runCli(pretrain, { cwd: template });
  expect(status, stderr).toBe(0);
}, MINUTES);
afterAll(() => rm(template, { recursive: true, force: true }));

describe.each(GUIDES_WITH_COMMANDS)('the commands of %s', (file) => {
  it('all work, in their order', { timeout: 5 * MINUTES }, async () => {
    const commands = commandsOf(file);
    const folder = `${template}-${file.replaceAll(/\W+/g, '-')}`;
    try {
      await cp(template, folder, { recursive: true, verbatimSymlinks: true });
      for (const command of commands) {
        const { status, stderr } = await runCli(shortened(command), { cwd: folder });
        expect(status, `${command}\n${stderr}`).toBe(0);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('the guides', () => {
  it('with commands are found', () => {
    expect(GUIDES_WITH_COMMANDS).toEqual(
      expect.arrayContaining(['README.md', 'docs/pretraining.md', 'docs/data.md', 'docs/finetuning.md']),
    );
  });
});

describe('links between the guides', () => {
  it('lead somewhere', async () => {
    for (const guide of [...GUIDES, 'ARCHITECTURE.md', 'CONTRIBUTING.md']) {
      const text = await readFile(join(root, guide), 'utf8');
      for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
        await expect(realpath(join(root, dirname(guide), target!)), `${guide} → ${target}`).resolves.toBeTruthy();
      }
    }
  });
});
