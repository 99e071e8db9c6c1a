import { strict as assert } from 'node:assert';
import type { Drawing } from './contracts/objective.js';
import type { Task, TaskFlag, TaskModel } from './contracts/task.js';
import type { PredictedBatch } from './train/finetuning/use-model.js';

/** How a PNG file begins. */
const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47];

/** Requires one answer for each picture, and tables, records, files and drawings of them that hold what they must. */
export async function requireAnswers({ prediction }: TaskModel, batches: readonly PredictedBatch[]): Promise<void> {
  const { columns } = prediction;
  const paths = new Set<string>();
  for (const { samples, results } of batches) {
    assert.equal(results.length, samples.length, 'the number of answers to a batch');
    for (const [index, sample] of samples.entries()) {
      const result = results[index];
      for (const row of prediction.rows(result)) assert.equal(row.length, columns.length, 'cells of a row of results');
      const records = prediction.records?.(sample, result) ?? [];
      assert.deepEqual(JSON.parse(JSON.stringify(records)), records, 'records are not plain JSON');
    }
    for (const { path, bytes } of (await prediction.files?.(samples, results)) ?? []) {
      const parts = path.split('/');
      assert.ok(!parts.some((part) => ['', '.', '..'].includes(part)), `the file ${path} is not below a folder`);
      assert.ok(!paths.has(path), `two pictures share the file ${path}`);
      assert.ok(bytes.length > 0, `the file ${path} is empty`);
      paths.add(path);
    }
    requirePictures((await prediction.draw?.(samples, results)) ?? []);
  }
}

/** Requires drawings to be PNG files of different names. */
export function requirePictures(drawings: readonly Drawing[]): void {
  const names = drawings.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, `drawings share a name: ${names.join(', ')}`);
  for (const { name, png } of drawings) {
    assert.deepEqual([...png.subarray(0, 4)], PNG_SIGNATURE, `the drawing ${name} is not a PNG file`);
  }
}

/** Requires that each flag sets what it says: a setting that there is, to values that it takes. */
export function requireFlags({ flags = [], settings }: Task): void {
  const names = flags.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, `flags share a name: ${names.join(', ')}`);
  for (const flag of flags) {
    assert.match(flag.name, /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, 'a flag has lower-case words joined by dashes');
    assert.ok(flag.description.length > 0, `the flag ${flag.name} has no description`);
    const current = settingAt(settings.parse({}), flag);
    assert.notEqual(current, undefined, `the flag ${flag.name} stands for no setting: \`${flag.setting}\``);
    for (const [text, value] of Object.entries(flag.choices ?? {})) {
      const parsed = settings.safeParse(nested(flag.setting.split('.'), value));
      assert.ok(parsed.success, `the setting \`${flag.setting}\` does not take what --${flag.name} ${text} gives it`);
      assert.deepEqual(settingAt(parsed.data, flag), value, `--${flag.name} ${text}`);
    }
  }
}

function settingAt(settings: unknown, { setting }: TaskFlag): unknown {
  return setting
    .split('.')
    .reduce((tree: unknown, key) => (tree as Readonly<Record<string, unknown>> | undefined)?.[key], settings);
}

function nested(keys: readonly string[], value: unknown): unknown {
  return keys.reduceRight((below, key) => ({ [key]: below }), value);
}
