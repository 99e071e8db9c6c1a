import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { append, largest, smallest } from '#core/base/long-lists.js';
import { categoryTable } from '#core/data/coco/evaluation/report-text.js';
import { parseCoco } from '#core/data/coco/parse.js';
import { classFinder, classFolders } from '#core/data/readers/class-folders.js';
import { formatTable } from '../../packages/cli/src/terminal/table.js';
import { openScreen } from '../cli/terminal-screen.js';
import { memorySource } from '../data/coco/memory-source.js';

const COUNT = 300_000;
const names = Array.from({ length: COUNT }, (_, index) => `class ${index}`);

describe('lists longer than a stack', () => {
  it('have a smallest, a largest and an end', () => {
    const values = Float64Array.from({ length: COUNT }, (_, index) => index - 5);
    expect([smallest(values), largest(values)]).toEqual([-5, COUNT - 6]);
    expect([smallest([]), largest([])]).toEqual([Infinity, -Infinity]);
    const list: number[] = [0];
    append(list, values);
    expect(list).toHaveLength(COUNT + 1);
  });

  it('of class folders are read', () => {
    const folders = classFolders(
      names.map((name) => `${name}/a/1.jpg`),
      undefined,
      'data',
    );
    expect(folders.names).toHaveLength(COUNT);
    expect(classFinder(folders)('class 7/a/2.jpg')).toBeGreaterThanOrEqual(0);
  });

  it('of classes are shown', () => {
    const rows = formatTable(names.map((name) => [name, '1']));
    const { terminal, stdout } = openScreen({ isTTY: false });
    terminal.printAll(rows);
    expect(stdout.join('').split('\n')).toHaveLength(COUNT + 1);
    const scores = { ap: 0, ap50: 0, ap75: 0, apSmall: 0, apMedium: 0, apLarge: 0, ar: 0 };
    const table = categoryTable(names.map((name, id) => ({ id, name, ...scores })));
    expect(table).toHaveLength(COUNT + 1);
  });

  it('of categories beyond any detector are refused', () => {
    const categories = names.map((name, id) => ({ id, name }));
    const text = JSON.stringify({ images: [], annotations: [], categories });
    expect(() => parseCoco(memorySource(text), 'f.json', () => undefined)).toThrow(
      /more than 20000 categories.*f\.json/,
    );
  });

  it('are handed over by no call as its arguments', () => {
    // Sides of pictures, corners, numbers of a network's levels and nodes: a few values, and none of a file's.
    const few =
      /\.imageSize\)|corners|grid\)|shape\)|yTicks|levels\.map|segment\.subarray|strides\)|decoder\.taps|boxOfRegion|writeDrawings|node\.inputs|waiting|\.\.\.numbers|^base\/long-lists/u;
    const found = ['cli', 'core-mae', 'plugin-classify', 'plugin-detect', 'plugin-segment'].flatMap((folder) => {
      const root = join('packages', folder, 'src');
      return readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !/(?:^|\/)testing/u.test(name))
        .flatMap((name) =>
          [
            ...readFileSync(join(root, name), 'utf8').matchAll(
              /^.*(?:Math\.(?:min|max)|\.(?:push|unshift|concat)|fromCharCode|fromCodePoint)\((?:[^()[\]{}\n]*,\s*)?\.\.\..*$/gmu,
            ),
          ]
            .map(([line]) => `${name}: ${line.trim()}`)
            .filter((line) => !few.test(line)),
        );
    });
    expect(found).toEqual([]);
  });
});
