/**
 * Trains a detector of blood cells on the pictures of `examples/cells` by the commands that a person would type, then lets
 * it find the cells of pictures that it has not seen.
 */
import { spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cells = join(root, 'examples', 'cells');
const run = join('runs', 'detect', 'latest');
const found = 'found';

/** Runs `mae-tasks` with these arguments in this terminal, showing the command first. */
async function maeTasks(...args: readonly string[]): Promise<void> {
  console.log(
    `\n$ npx mae-tasks ${args.map((arg) => (arg.startsWith(root) ? relative(process.cwd(), arg) : arg)).join(' ')}\n`,
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

await maeTasks('pretrain', '--data', cells, '--minutes', '1');
await maeTasks(
  ...['finetune', 'detect', '--data', cells, '--checkpoint', join('runs', 'pretrain', 'latest')],
  ...['--minutes', '1.5'],
);
await maeTasks(
  ...['predict', run, join(cells, 'images', 'val'), '--draw', `${found}.png`],
  ...['--format', 'csv', '--out', `${found}.csv`],
);

console.log(`
Look at:
  ${found}.png                        what the detector finds on pictures that it has not seen
  ${found}.csv                        the same as a table
  ${join(run, 'report.html')}   the whole training on one page

The same with your own pictures:
  npx mae-tasks data check <folder>                         what is in it, and whether all of it can be used
  npx mae-tasks finetune detect --data <folder> --minutes 10
  npx mae-tasks predict ${run} <pictures> --draw found.png

What else there is:
  npx mae-tasks finetune classify --data <a folder of pictures for each class> --minutes 10
  npx mae-tasks finetune segment --data <pictures with masks> --minutes 10
  npx mae-tasks --help
`);
