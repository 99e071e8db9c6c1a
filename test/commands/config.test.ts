import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { useWorkFolder } from './work-folder.js';

const { path, succeeding, failing } = useWorkFolder();

describe('mae-tasks config', () => {
  it('writes a configuration, and reads and prints what it wrote', async () => {
    const flags = ['--model', 'small', '--epochs', '7', '--set', 'optimizer.blr=1e-4'];
    await succeeding('config', ...flags, '--write', 'pretrain.yaml');
    const printed = await succeeding('config', '--config', 'pretrain.yaml', '--json');
    expect(JSON.parse(printed)).toMatchObject({ epochs: 7, model: { preset: 'small' }, optimizer: { blr: 1e-4 } });
  });

  it('writes a schema beside it that an editor finds, and that describes every setting', async () => {
    await succeeding('config', 'finetune', 'detect', '--write', 'my detector.yaml');
    const text = await readFile(path('my detector.yaml'), 'utf8');
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/my%20detector\.schema\.json\ntask: detect\n/u);
    const schema = JSON.parse(await readFile(path('my detector.schema.json'), 'utf8')) as Schema;
    expect(JSON.parse(await succeeding('config', 'finetune', 'detect', '--schema'))).toEqual(schema);
    expect([...undescribed(parse(text), schema)]).toEqual([]);
    expect([...undescribed({ epoch: 3, data: { path: 'a', pth: 'b' } }, schema)]).toEqual(['epoch', 'data.pth']);
  });

  it('names a file that is not YAML', async () => {
    await writeFile(path('broken.yaml'), 'epochs: [1\nseed: 2');
    expect(await failing('config', '--config', 'broken.yaml')).toMatch(/not valid YAML.*broken\.yaml/);
  });
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** Settings that the schema has no description of. */
function* undescribed(value: unknown, schema: Schema, above: readonly string[] = []): Generator<string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const options = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  for (const [key, below] of Object.entries(value)) {
    const path = [...above, key];
    const described = options.map(({ properties }) => properties?.[key]).find((each) => each !== undefined);
    if (described === undefined) yield path.join('.');
    else yield* undescribed(below, described, path);
  }
}
