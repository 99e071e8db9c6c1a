import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TINY_MODEL } from './tiny-model.js';
import { type CliResult, jsonLines, runCli } from './run-cli.js';

const MINUTES = 60_000;

interface Trace {
  readonly otherData: { readonly kept: string };
  readonly traceEvents: ReadonlyArray<{
    readonly name: string;
    readonly ph: string;
    readonly ts?: number;
    readonly dur?: number;
  }>;
}
interface Phase {
  readonly name: string;
  readonly milliseconds: number;
  readonly count: number;
  readonly phases: readonly Phase[];
}
interface ProfileRecord {
  readonly seconds: number;
  readonly phases: readonly Phase[];
  readonly operators: ReadonlyArray<{ readonly program: string; readonly operator: string }>;
}

let folder: string;
const run = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: folder });
const pretrain = (...args: string[]): Promise<CliResult> =>
  run('pretrain', '--data', 'photos', '--batch-size', '4', ...args, ...TINY_MODEL);
const finetune = (...args: string[]): Promise<CliResult> =>
  run('finetune', 'classify', '--data', 'photos', '--batch-size', '4', '--epochs', '1', '--checkpoint', 'pre', ...args);
const traceIn = async (file: string): Promise<Trace> => JSON.parse(await readFile(join(folder, file), 'utf8')) as Trace;
const names = ({ traceEvents }: Trace): Set<string> => new Set(traceEvents.map(({ name }) => name));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mae-tasks-inspection-'));
  await writeFile(join(folder, 'package.json'), '{}');
  for (const [name, background] of [
    ['teal', 'teal'],
    ['orange', 'orange'],
  ] as const) {
    await mkdir(join(folder, 'photos', name), { recursive: true });
    for (let index = 0; index < 6; index++) {
      await sharp({ create: { width: 16, height: 16, channels: 3, background } })
        .png()
        .toFile(join(folder, 'photos', name, `${index}.png`));
    }
  }
}, MINUTES);

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Fills a parameter of a checkpoint with NaN. */
async function poison(file: string, parameter: string): Promise<void> {
  const path = join(folder, file);
  const bytes = await readFile(path);
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes)) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const [start, end] = header[parameter]!.data_offsets;
  for (let at = 8 + headerBytes + start; at < 8 + headerBytes + end; at += 4) bytes.writeFloatLE(3e38, at);
  await writeFile(path, bytes);
}

describe('--profile', () => {
  it(
    'shows where the time of a pretraining went, and writes a trace of phases, programs and operators',
    async () => {
      const { status, stdout, stderr } = await pretrain(
        ...['--epochs', '2', '--val-fraction', '0.34', '--out', 'pre', '--profile', 'pretrain.json', '--json'],
      );
      expect(status, stderr).toBe(0);
      const profile = jsonLines(stdout).find(({ type }) => type === 'profile') as unknown as ProfileRecord;
      const phase = (name: string): Phase => profile.phases.find((each) => each.name === name)!;
      expect(phase('forward and backward')).toMatchObject({ count: 4, phases: [{ name: 'pretrain.train', count: 4 }] });
      expect(phase('optimizer').count).toBe(4);
      expect(
        phase('evaluation')
          .phases.map(({ name }) => name)
          .toSorted(),
      ).toEqual(['compiling pretrain.evaluate', 'pretrain.evaluate', 'waiting for data']);
      for (const name of ['waiting for data', 'drawing', 'saving', 'logging', 'reports']) {
        expect(phase(name).milliseconds, name).toBeGreaterThan(0);
      }
      const sum = profile.phases.reduce((total, { milliseconds }) => total + milliseconds, 0);
      expect(sum).toBeLessThanOrEqual(profile.seconds * 1000);
      expect(new Set(profile.operators.map(({ program }) => program))).toContain('pretrain.train');

      const trace = await traceIn('pretrain.json');
      for (const wanted of ['optimizer', 'pretrain.train', 'evaluation', 'Gelu'])
        expect(names(trace)).toContain(wanted);
      for (const { ph, ts, dur } of trace.traceEvents) {
        if (ph !== 'X') continue;
        expect(ts).toBeGreaterThanOrEqual(0);
        expect(dur).toBeGreaterThanOrEqual(0);
      }
      expect(stderr).toMatch(/^Where \d+:\d\d went$/m);
      expect(stderr).toMatch(/^ {2}forward and backward +\S+ m?s +[\d.]+ % +4$/m);
      expect(stderr).toMatch(/^ {4}pretrain\.train +\S+ m?s/m);
    },
    2 * MINUTES,
  );

  it.each([
    ['replicas', ['--replicas', '2']],
    ['an engine that runs op by op', ['--device', 'javascript']],
  ])(
    'goes with %s, and with fine-tuning',
    async (name, flags) => {
      const file = `${name}.json`;
      const { status, stdout, stderr } = await finetune('--profile', file, '--out', name, ...flags);
      expect(status, stderr).toBe(0);
      expect(stdout).toMatch(/^ {4}classify\.train +\S+ m?s/m);
      expect(stdout).toMatch(/^ {2}operator +program/m);
      const trace = await traceIn(file);
      expect(names(trace)).toContain('classify.train');
      expect(trace.otherData.kept).toMatch(/the first 1000 spans/);
    },
    2 * MINUTES,
  );

  it('says so before it begins where its file cannot be written', async () => {
    await writeFile(join(folder, 'taken'), '');
    const { status, stderr } = await pretrain('--epochs', '1', '--out', 'never', '--profile', 'taken/trace.json');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: .*taken/);
    await expect(readFile(join(folder, 'never', 'config.yaml'))).rejects.toThrow('ENOENT');
  });
});

describe('--debug nan', () => {
  it(
    'names the first operator whose numbers are not finite, and the parameter that it met',
    async () => {
      await poison('pre/weights/last.safetensors', 'blocks.1.mlp.fc1.weight');
      const plain = await finetune('--out', 'plain');
      expect(plain.status).toBe(1);
      expect(plain.stderr).toMatch(/the loss is NaN — step 1, .* --debug nan .*the last good checkpoint is /);
      const { status, stdout, stderr } = await finetune(
        '--out',
        'debugged',
        '--debug',
        'nan',
        '--profile',
        'failed.json',
      );
      expect(status).toBe(1);
      expect(stderr).toMatch(/^error: the loss of classify\.train is NaN$/m);
      expect(stderr).toMatch(/^ {2}parameters: all \d+ are finite/m);
      expect(stderr).toMatch(/^ {2}batch: all \d+ are finite$/m);
      expect(stderr).toMatch(
        /^ {2}operators: the first is \w*(Gemm|MatMul), in .* › mlp( › \w+)* \(.*near "blocks\.1\.mlp\.fc1\.weight"/m,
      );
      expect(stderr).toMatch(/^ {2}gradients: \d+ of \d+ not finite, the first is /m);
      // A profile is worth most where a run has failed.
      expect(stdout).toMatch(/^Where /m);
      expect(names(await traceIn('failed.json'))).toContain('classify.train');
    },
    2 * MINUTES,
  );

  it('changes nothing of a run that is well', async () => {
    const losses = async (...flags: string[]): Promise<unknown[]> => {
      const { status, stdout, stderr } = await pretrain('--epochs', '1', '--json', ...flags);
      expect(status, stderr).toBe(0);
      return jsonLines(stdout)
        .filter(({ type }) => type === 'metrics')
        .map(({ loss }) => loss);
    };
    const expected = await losses('--out', 'well');
    expect(expected).toHaveLength(3);
    expect(await losses('--out', 'watched', '--debug', 'nan', '--profile', 'watched.json')).toEqual(expected);
  });
});
