import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { useWorkFolder } from './work-folder.js';

const { path, succeeding, failing } = useWorkFolder();

describe('mae-tasks config', () => {
  it('writes a configuration, and reads and prints what it wrote', async () => {
    const flags = ['--model', 'small', '--epochs', '7', '--set', 'optimizer.blr=1e-4'];
    await succeeding('config', ...flags, '--write', 'pretrain.yaml');
    const printed = await succeeding('config', '--config', 'pretrain.yaml', '--json');
    expect(JSON.parse(printed)).toMatchObject({ epochs: 7, model: { preset: 'small' }, optimizer: { blr: 1e-4 } });
  });

  it('names a file that is not YAML', async () => {
    await writeFile(path('broken.yaml'), 'epochs: [1\nseed: 2');
    expect(await failing('config', '--config', 'broken.yaml')).toMatch(/not valid YAML.*broken\.yaml/);
  });
});
