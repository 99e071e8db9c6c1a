import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { useWorkFolder } from './work-folder.js';

const { succeeding, failing } = useWorkFolder();
const commands = readdirSync(fileURLToPath(new URL('../../packages/cli/src/commands', import.meta.url)))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3));

describe('mae-tasks --help', () => {
  it('lists every command', async () => {
    const stdout = await succeeding('--help');
    expect(commands).toEqual(expect.arrayContaining(['pretrain', 'finetune', 'visualize', 'doctor']));
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ +${command}\\b`, 'm'));
  });

  it('answers a misspelt command with the nearest', async () => {
    expect(await failing('pretrian')).toMatch(/Did you mean pretrain/);
  });
});
