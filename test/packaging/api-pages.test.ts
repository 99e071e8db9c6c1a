import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { doors } from './doors.js';
import { repositoryPath } from './install-project.js';

const execute = promisify(execFile);

async function pagesIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const pages: Record<string, string> = {};
  for (const file of (await readdir(folder)).sort()) pages[file] = await readFile(join(folder, file), 'utf8');
  return pages;
}

it('docs/api says of every door what its sources say; `npm run docs:api` writes it again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mae-api-pages-'));
  try {
    const typedoc = repositoryPath('node_modules/typedoc/bin/typedoc');
    await execute(process.execPath, [typedoc, '--out', folder, '--logLevel', 'Warn'], { cwd: repositoryPath('.') });
    const pages = await pagesIn(folder);
    expect(Object.keys(pages)).toEqual(['README.md', ...doors.map((door) => `${door}.md`).sort()]);
    expect(pages).toEqual(await pagesIn(repositoryPath('docs/api')));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 300_000);
