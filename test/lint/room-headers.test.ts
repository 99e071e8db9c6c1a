import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const packages = fileURLToPath(new URL('../../packages/', import.meta.url));
/** Core's own folder is its doors, which say at their tops what they are for. */
const doors = join(packages, 'core-mae', 'src');

/** Folders of sources that hold files of their own. */
const rooms = readdirSync(packages)
  .flatMap((name) => [join(packages, name, 'src')])
  .flatMap((source) => [
    source,
    ...readdirSync(source, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isDirectory())
      .map(({ parentPath, name }) => join(parentPath, name)),
  ])
  .filter((room) => room !== doors && sourcesIn(room).length > 0);

function sourcesIn(room: string): string[] {
  return readdirSync(room).filter((name) => name.endsWith('.ts'));
}

/** The comments that files of a room begin with. */
function headersIn(room: string): string[] {
  return sourcesIn(room).flatMap(
    (name) => /^\/\*\n([^]*?)\n \*\/\n/.exec(readFileSync(join(room, name), 'utf8'))?.[1] ?? [],
  );
}

describe('the entry file of a room', () => {
  it.each(rooms.map((room) => [relative(packages, room).split(sep).join('/'), room]))(
    '%s says what lives there, what does not, and who calls it',
    (path, room) => {
      const headers = headersIn(room);
      expect(headers).toHaveLength(1);
      const lines = headers[0]!.split('\n');
      expect(lines.length).toBeGreaterThanOrEqual(3);
      expect(lines.length).toBeLessThanOrEqual(10);
      const [, title] = /^ \* ([\w/-]+): /.exec(lines[0]!) ?? [];
      const name = path.endsWith('/src')
        ? path.slice(0, -'/src'.length)
        : path.slice(path.indexOf('/src/') + '/src/'.length);
      expect(title?.replace(/\/$/, '')).toBe(name);
      expect(headers[0]).toMatch(/^ \* Not here: /m);
      expect(headers[0]).toMatch(/^ \* Called by: /m);
    },
  );
});
