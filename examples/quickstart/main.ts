/**
 * Pretrains a small masked autoencoder on the rendered pictures of npm's `@lobehub/fluent-emoji-3d`, by the same
 * commands that a person would type, then draws what it reconstructs at several mask ratios.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pictures = join(
  dirname(createRequire(import.meta.url).resolve('@lobehub/fluent-emoji-3d/package.json')),
  'assets',
);
const config = fileURLToPath(new URL('pretrain.yaml', import.meta.url));
const latest = join('runs', 'pretrain', 'latest');

/** Runs `mae-tasks` with these arguments in this terminal, showing the command first. */
async function maeTasks(...args: readonly string[]): Promise<void> {
  console.log(
    `\n$ mae-tasks ${args.map((arg) => (arg.startsWith(root) ? relative(process.cwd(), arg) : arg)).join(' ')}\n`,
  );
  const child = spawn(process.execPath, [join(root, 'packages', 'cli', 'dist', 'main.js'), ...args], {
    stdio: 'inherit',
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (status !== 0) process.exit(status ?? 1);
}

// The commands below take Ctrl-C themselves, save, and say how to go on.
process.on('SIGINT', () => undefined);

await maeTasks('pretrain', '--config', config, '--data', pictures);
const sheet = join(latest, 'ratios.png');
await maeTasks('visualize', '--checkpoint', latest, '--data', pictures, '--mask-ratio', '0.5,0.75,0.9', '--out', sheet);

console.log(`
Look at:
  ${join(latest, 'samples')}      reconstructions of pictures that were held out, as training went on
  ${sheet}   more and more of a picture removed
  ${join(latest, 'report.html')}  the whole run on one page

Next, with your own pictures:
  npx mae-tasks pretrain --data <folder of pictures> --model tiny
  npx mae-tasks pretrain --resume          goes on with the latest run after Ctrl-C
  npx mae-tasks doctor                     what this machine can do
`);
