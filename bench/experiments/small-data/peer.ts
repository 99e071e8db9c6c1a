import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What a peer says at its end: numbers by name. */
export type PeerNumbers = Readonly<Record<string, number>>;

/** Runs a peer of `bench/peers` by the Python that `MAE_TASKS_PYTHON` names, or reads what it said before. */
export async function runPeer(name: string, script: string, args: readonly string[]): Promise<PeerNumbers> {
  const folder = join(root, 'runs/experiments/small-data', name);
  const kept = join(folder, 'finished.json');
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as PeerNumbers;
  const python = process.env.MAE_TASKS_PYTHON;
  if (python === undefined) {
    throw new Error(
      'Set MAE_TASKS_PYTHON to a Python that has the peers (pip install torch timm ultralytics pycocotools)',
    );
  }
  console.error(`starting: ${script} ${args.join(' ')}`);
  const child = spawn(python, [join(root, 'bench/peers', script), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (status !== 0) throw new Error(`${script} ended with ${status ?? 'a signal'}`);
  const numbers = JSON.parse(last) as PeerNumbers;
  mkdirSync(folder, { recursive: true });
  writeFileSync(kept, `${JSON.stringify(numbers, null, 2)}\n`);
  console.error(`finished: ${name} ${last}`);
  return numbers;
}
