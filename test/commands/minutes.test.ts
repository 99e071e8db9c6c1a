import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { writePictures } from '../pictures/tiny-pictures.js';
import { jsonLines } from './run-cli.js';
import { TINY_MODEL } from './tiny-model.js';
import { MINUTES, useWorkFolder } from './work-folder.js';

const { path, succeeding, failing } = useWorkFolder();
const PRETRAIN = ['pretrain', '--data', 'photos', '--batch-size', '4', '--workers', '0', ...TINY_MODEL];

interface Config {
  readonly minutes: number | null;
  readonly epochs: number;
  readonly evaluation: { readonly everyEpochs: number };
}
const configOf = async (run: string): Promise<Config> =>
  parse(await readFile(path(run, 'config.yaml'), 'utf8')) as Config;

describe('a run of some minutes', () => {
  let plan: string;
  beforeAll(async () => {
    await writePictures(path('photos'), 12);
    plan = await succeeding(...PRETRAIN, '--minutes', '0.3', '--val-fraction', '0.3', '--out', 'timed');
  }, 3 * MINUTES);

  it('says what was chosen, keeps it in its configuration, and trains that long', async () => {
    const { minutes, epochs } = await configOf('timed');
    expect(minutes).toBe(0.3);
    expect(plan).toMatch(new RegExp(`${epochs} epochs of 2 steps, about \\d+(\\.\\d)? s`, 'u'));
    const steps = jsonLines(await readFile(path('timed', 'metrics.jsonl'), 'utf8')).filter(
      ({ phase }) => phase === 'train',
    );
    expect(steps).toHaveLength(epochs * 2);
    expect(steps.at(-1)).toMatchObject({ epoch: epochs });
  });

  it('evaluates at its end whatever lies between evaluations', async () => {
    const { epochs } = await configOf('timed');
    const evaluated = jsonLines(await readFile(path('timed', 'metrics.jsonl'), 'utf8')).filter(
      ({ phase }) => phase === 'val',
    );
    expect(evaluated.at(-1)).toMatchObject({ epoch: epochs });
    expect(evaluated.length).toBeLessThanOrEqual(13);
  });

  it('is resumed by what it chose, and not for other minutes', async () => {
    const before = await configOf('timed');
    await succeeding('pretrain', '--resume', 'timed');
    expect(await configOf('timed')).toEqual(before);
    expect(await failing('pretrain', '--resume', 'timed', '--minutes', '1')).toMatch(/minutes/u);
  });

  it('has its whole time said before it starts where only epochs are given', async () => {
    const printed = await succeeding(...PRETRAIN, '--epochs', '20', '--out', 'plain');
    expect(printed).toMatch(/20 epochs of 3 steps, about \d+(\.\d)? s/u);
    expect((await configOf('plain')).minutes).toBeNull();
    // Measuring would take a large part of a run of a few steps.
    expect(await succeeding(...PRETRAIN, '--epochs', '2', '--out', 'short')).toMatch(/2 epochs of 3 steps, peak/u);
  });
});
