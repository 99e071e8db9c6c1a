import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './run-cli.js';

const MINUTE = 60_000;
const DETECT = ['config', 'finetune', 'detect', '--json'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mae-flags-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (args: readonly string[], env: Record<string, string> = {}) => runCli(args, { cwd: folder, env });

async function configured(...args: string[]): Promise<Record<string, Record<string, unknown>>> {
  const { status, stdout, stderr } = await run(args);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, Record<string, unknown>>;
}

describe("a task's own flags", { timeout: MINUTE }, () => {
  it('are in the help of its command, and in no other', async () => {
    const { stdout } = await run(['finetune', 'detect', '--help']);
    expect(stdout).toMatch(/Options of detect:\s+--masks <on\|off> +whether pixels.*\(choices: "on", "off"\)/s);
    for (const other of [['finetune', '--help'], ['finetune', 'classify', '--help'], ['--help']]) {
      expect((await run(other)).stdout, other.join(' ')).not.toContain('--masks');
    }
    expect((await run(['config', 'finetune', 'detect', '--help'])).stdout).toContain('--masks <on|off>');
  });

  it('set what they say, wherever they stand, and --set wins', async () => {
    expect((await configured(...DETECT)).detect!.masks).toBeNull();
    expect((await configured(...DETECT, '--masks', 'on')).detect!.masks).toBe(true);
    expect((await configured(...DETECT, '--masks', 'off')).detect!.masks).toBe(false);
    expect((await configured('config', 'finetune', '--masks', 'off', 'detect', '--json')).detect!.masks).toBe(false);
    expect((await configured(...DETECT, '--masks', 'off', '--set', 'detect.masks=true')).detect!.masks).toBe(true);
  });

  it('are refused with another value, and for another task', async () => {
    const wrong = await run([...DETECT, '--masks', 'maybe']);
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining('Allowed choices are on, off')]);
    const other = await run(['config', 'finetune', 'classify', '--masks', 'off']);
    expect([other.status, other.stderr]).toEqual([1, expect.stringContaining("unknown option '--masks'")]);
    const missing = await run(['finetune', 'pose', '--masks', 'off']);
    expect([missing.status, missing.stderr]).toEqual([1, expect.stringContaining('Task "pose" is not installed')]);
    // Help is there all the same.
    expect(await run(['finetune', 'pose', '--help'])).toMatchObject({ status: 0 });
  });

  it("may be those of a third party's plugin, named by a flag or in a file of settings", async () => {
    const plugin = join(folder, 'turning.mjs');
    await writeFile(plugin, turningPlugin([{ name: 'turns', description: 'how many', setting: 'turns' }]));
    const turning = ['config', 'finetune', 'turning', '--json'];
    expect((await configured(...turning, '--plugin', './turning.mjs', '--turns', '3')).turning).toEqual({ turns: 3 });
    await writeFile(join(folder, 'plugins.yaml'), 'plugins: [./turning.mjs]\n');
    const stranger = await run([...turning, '--config', 'plugins.yaml']);
    expect([stranger.status, stranger.stderr]).toEqual([
      1,
      expect.stringMatching(
        /asks for "\.\/turning\.mjs", which is no dependency.*plugins\.yaml.*--plugin \.\/turning\.mjs/u,
      ),
    ]);
    const both = [...turning, '--config', 'plugins.yaml', '--plugin', './turning.mjs'];
    expect((await configured(...both, '--turns', '2')).turning).toEqual({ turns: 2 });
    const many = await run([...both, '--turns', 'many']);
    expect([many.status, many.stderr]).toEqual([1, expect.stringMatching(/`turning\.turns`.*number/)]);
  });

  it("may not be those that the command has itself, nor odd ones: the plugin's author is to hear of it", async () => {
    for (const [name, reason] of [
      ['epochs', 'which the command has already'],
      ['help', 'which the command has already'],
      ['no-turns', 'which is no name of a flag'],
      ['Turns', 'which is no name of a flag'],
    ] as const) {
      const plugin = join(folder, `${name}.mjs`);
      await writeFile(plugin, turningPlugin([{ name, description: 'how many', setting: 'turns' }]));
      const { status, stderr } = await run(['finetune', 'turning', '--plugin', `./${name}.mjs`]);
      expect(status).toBe(1);
      expect(stderr).toContain(`the task "turning" declares the flag \`--${name}\`, ${reason}`);
    }
  });
});

describe('help', { timeout: MINUTE }, () => {
  it('loads neither core nor a task where no task is named', async () => {
    // A loader that refuses what is heavy.
    const hooks = `export function resolve(name, context, next) {
      if (/^@mae-tasks.core-mae(?!.find-plugins)/.test(name)) throw new Error('core is loaded');
      return next(name, context);
    }`;
    const url = JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`);
    await writeFile(join(folder, 'register.mjs'), `import { register } from 'node:module'; register(${url});`);
    const env = { NODE_OPTIONS: `--import ${join(folder, 'register.mjs')}` };
    for (const args of [['--help'], ['--version'], ['finetune', '--help'], ['config', '--help']]) {
      const { status, stderr } = await run(args, env);
      expect(stderr).toBe('');
      expect(status, args.join(' ')).toBe(0);
    }
    // It does refuse.
    expect((await run(['finetune', 'detect'], env)).stderr).toContain('core is loaded');
  });
});

/** A plugin with a task that can be configured, as a module. */
function turningPlugin(flags: readonly object[]): string {
  const place = (name: string): string => JSON.stringify(import.meta.resolve(name));
  return `
    import { definePlugin, Task } from ${place('@mae-tasks/core-mae/task')};
    import { z } from ${place('zod')};
    const task = {
      name: 'turning',
      description: 'Tell turns.',
      settings: z.strictObject({ turns: z.number().default(4) }),
      flags: ${JSON.stringify(flags)},
      examine: () => ({}),
      createModel() {},
    };
    export default definePlugin({
      name: 'turning', apiVersion: 2, register: ({ bind }) => bind(Task).toConstantValue(task),
    });`;
}
