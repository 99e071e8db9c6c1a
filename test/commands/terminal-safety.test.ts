import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, jsonLines, runCli } from './run-cli.js';

const MINUTES = 60_000;
/** Would clear the screen, ring, write over its own line, begin another, and turn what follows round. */
const HOSTILE = 'cat\u001b[2J\u0007\r\nerror: \u202edog';
const SHOWN = 'cat\\x1b[2J\\x07\\r\\nerror: \\u202edog';
/** What a terminal obeys, besides ends of lines. */
const obeyed = /[^\P{Cc}\n]|[\u202a-\u202e]/u;

let folder: string;
const run = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: folder });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mae-tasks-hostile-'));
  await writeFile(join(folder, 'package.json'), '{}');
  for (const [name, background] of [
    [HOSTILE, 'teal'],
    ['plain', 'orange'],
  ] as const) {
    await mkdir(join(folder, 'photos', name), { recursive: true });
    for (let index = 0; index < 4; index++) {
      await sharp({ create: { width: 16, height: 16, channels: 3, background } })
        .png()
        .toFile(join(folder, 'photos', name, `${index}.png`));
    }
  }
  await writeFile(join(folder, 'photos', HOSTILE, 'broken.png'), 'no picture');
}, MINUTES);

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** The output of a command that did its work, with nothing in it that a terminal would obey. */
function harmless({ status, stdout, stderr }: CliResult, expected = 0): string {
  expect(status, stderr).toBe(expected);
  const written = stdout + stderr;
  expect(written).not.toMatch(obeyed);
  expect(written).not.toMatch(/^error: \S*dog/m);
  return written;
}

describe('a class that is named with controls of the terminal', () => {
  it(
    'is shown and not obeyed by training, evaluation and prediction, and stays what it is in data',
    async () => {
      const model = ['--image-size', '16', '--set', 'model.patchSize=4', 'model.embedDim=16', 'model.depth=2'];
      const flags = ['--data', 'photos', '--out', 'run', '--batch-size', '4', '--epochs', '1'];
      expect(harmless(await run('finetune', 'classify', ...flags, ...model, 'model.numHeads=2'))).toContain(
        `${SHOWN}/broken.png`,
      );
      expect(harmless(await run('evaluate', 'run', '--data', 'photos', '--out', 'measured'))).toContain(SHOWN);

      const picture = join('photos', HOSTILE, '0.png');
      expect(harmless(await run('predict', 'run', picture))).toContain(`${SHOWN}/0.png`);
      const { stdout } = await run('predict', 'run', picture, '--format', 'csv');
      expect(stdout).toContain(`"${picture}"`);
      const [record] = jsonLines((await run('predict', 'run', picture, '--json')).stdout);
      expect(record).toMatchObject({ type: 'prediction', picture });
    },
    2 * MINUTES,
  );
});

describe('what a person typed', () => {
  it.each([
    ['a command', [`${HOSTILE}`]],
    ['a flag', ['pretrain', `--${HOSTILE}`]],
    ['a value', ['pretrain', '--epochs', HOSTILE]],
    ['a path', ['evaluate', HOSTILE]],
    ['a setting', ['pretrain', '--data', 'photos', '--set', `${HOSTILE}=1`]],
    ['a plugin', ['plugins', '--plugin', HOSTILE]],
  ])('is shown and not obeyed in the message about %s', async (_, args) => {
    const result = await run(...args);
    expect(result.status).toBe(1);
    expect(result.stdout + result.stderr).not.toMatch(obeyed);
    expect(result.stderr).toContain(SHOWN);
  });
});

describe('what lies in files', () => {
  const picture = { id: 1, file_name: `${HOSTILE}.png`, width: 64, height: 64 };
  const object = { id: 1, image_id: 1, category_id: 1, bbox: [0, 0, 40, 40], area: 1600, iscrowd: 0 };
  const coco = { images: [picture], annotations: [object], categories: [{ id: 1, name: HOSTILE }] };
  const strange = {
    images: [
      picture,
      { ...picture, id: 2, file_name: `gone ${HOSTILE}` },
      { ...picture, id: 3, file_name: `../${HOSTILE}` },
    ],
    annotations: [object, { ...object, id: 2, image_id: 9 }],
    categories: [coco.categories[0], { id: 2, name: HOSTILE }],
  };
  const plain = HOSTILE.replace(/[\r\n]/gu, '');

  beforeAll(async () => {
    const png = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'teal' } })
      .png()
      .toBuffer();
    const files: Record<string, string | Buffer> = {
      [`coco ${HOSTILE}/annotations/instances_train.json`]: JSON.stringify(coco),
      [`coco ${HOSTILE}/images/${HOSTILE}.png`]: png,
      [`coco ${HOSTILE}/images/unlisted ${HOSTILE}.png`]: 'no picture',
      [`strange ${HOSTILE}/annotations/instances_train.json`]: JSON.stringify(strange),
      [`strange ${HOSTILE}/images/${HOSTILE}.png`]: png,
      [`broken ${HOSTILE}.json`]: `{"images": [${HOSTILE}`,
      [`results ${HOSTILE}.json`]: JSON.stringify([{ image_id: 1, category_id: 8, score: 1, bbox: [0, 0, 4, 4] }]),
      [`yolo ${HOSTILE}/data.yaml`]: `names: [${JSON.stringify(HOSTILE)}, ${JSON.stringify(HOSTILE)}]\nval: ${JSON.stringify(HOSTILE)}`,
      [`yolo ${HOSTILE}/images/train/a ${HOSTILE}.png`]: png,
      [`yolo ${HOSTILE}/labels/train/a ${HOSTILE}.txt`]: '0 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1 0.1\n',
      [`yolo ${HOSTILE}/labels/train/lost ${HOSTILE}.txt`]: '0',
      [`labels ${HOSTILE}/classes.txt`]: 'cat',
      [`labels ${HOSTILE}/a ${HOSTILE}.png`]: png,
      [`labels ${HOSTILE}/a ${HOSTILE}.txt`]: `0 ${plain} 1 1 1`,
      [`voc ${HOSTILE}/Annotations/a ${HOSTILE}.xml`]:
        '<annotation><filename>z&#10;&#x202e;b</filename><object><name>a&#10;error: &#x9b;&#x202e;b</name>' +
        '<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>1</xmax><ymax>900</ymax></bndbox></object></annotation>',
      [`voc ${HOSTILE}/JPEGImages/a ${HOSTILE}.png`]: png,
      [`voc ${HOSTILE}/JPEGImages/b ${HOSTILE}.png`]: png,
      [`xml ${HOSTILE}/Annotations/a.xml`]: '<annotation><\u202e\u009b/></annotation>',
      [`settings ${HOSTILE}.yaml`]: `data: {path: x}\n${JSON.stringify(HOSTILE)}: 1\n`,
      [`format ${HOSTILE}.yaml`]: `data: {path: photos, format: ${JSON.stringify(HOSTILE)}}`,
      [`weights ${HOSTILE}.pth`]: 'x',
      [`run ${HOSTILE}/config.yaml`]: `task: ${JSON.stringify(HOSTILE)}`,
      [`plugin ${HOSTILE}/package.json`]: JSON.stringify({
        name: HOSTILE,
        version: HOSTILE,
        maeTasks: { tasks: [HOSTILE], apiVersion: 99 },
      }),
    };
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
  }, MINUTES);

  const commands: ReadonlyArray<readonly string[]> = [
    ['data', 'check', `coco ${HOSTILE}`],
    ['data', 'check', `strange ${HOSTILE}`],
    ['data', 'check', `broken ${HOSTILE}.json`],
    ['data', 'stats', `coco ${HOSTILE}`],
    ['data', 'stats', `coco ${HOSTILE}`, '--split', HOSTILE],
    ['data', 'show', `coco ${HOSTILE}`, '--out', `sheet ${HOSTILE}.png`],
    ['data', 'crop', `coco ${HOSTILE}`, '--out', `crops ${HOSTILE}`],
    ['data', 'split', `strange ${HOSTILE}/annotations/instances_train.json`, '--out', `split ${HOSTILE}`],
    [
      'data',
      'evaluate',
      '--annotations',
      `coco ${HOSTILE}/annotations/instances_train.json`,
      '--results',
      `results ${HOSTILE}.json`,
    ],
    ['data', 'convert', `yolo ${HOSTILE}`, '--from', 'yolo'],
    ['data', 'convert', `labels ${HOSTILE}`, '--from', 'yolo'],
    ['data', 'convert', `voc ${HOSTILE}`, '--from', 'voc'],
    ['data', 'convert', `xml ${HOSTILE}`, '--from', 'voc'],
    ['data', 'convert', 'photos', '--from', HOSTILE],
    ['finetune', 'detect', '--data', `labels ${HOSTILE}`],
    ['pretrain', '--config', `settings ${HOSTILE}.yaml`],
    ['pretrain', '--config', `format ${HOSTILE}.yaml`],
    ['pretrain', '--resume', `run ${HOSTILE}`],
    ['evaluate', `run ${HOSTILE}`],
    ['predict', `weights ${HOSTILE}.pth`, 'photos'],
    ['plugins', '--plugin', `./plugin ${HOSTILE}`],
    ['config', 'pretrain', '--data', HOSTILE],
    ['config', 'pretrain', '--data', 'photos', '--write', `written ${HOSTILE}.yaml`],
    ['create', 'plugin', 'depth', '--out', `depth ${HOSTILE}`],
    ['create', 'plugin', HOSTILE],
    ['export', `run ${HOSTILE}`, '--format', HOSTILE],
    ['data', HOSTILE],
    ['data', 'check', 'photos', HOSTILE],
    ['data', 'split', 'x', '--fraction', HOSTILE],
  ];
  // Each starts the command anew: a third of them in the ordinary suite.
  it.each(process.env.MAE_TASKS_FULL === '1' ? commands : commands.filter((_, index) => index % 3 === 0))(
    'is shown and not obeyed by command %#',
    async (...args) => {
      const { stdout, stderr } = await run(...args);
      const written = stdout + stderr;
      expect(written).not.toMatch(obeyed);
      // No line begins within a name.
      expect(written).not.toMatch(/^\s*(?:error: )?(?:\\u202e)?dog/mu);
      expect(written).not.toMatch(/^\s+at \S+ \(/mu);
      expect(written).not.toBe('');
    },
    MINUTES,
  );

  it('stands in commands as a shell takes it', async () => {
    const place = `it's $HOME \`x\` "new" 100% ${HOSTILE}`;
    const { stdout } = await run('create', 'plugin', 'depth', '--out', place);
    const command = /^ {2}npm test --prefix (.+)$/mu.exec(stdout)![1]!;
    expect(execFileSync('sh', ['-c', `printf %s ${command}`]).toString()).toBe(place);
  });
});
