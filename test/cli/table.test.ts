import { beforeAll, describe, expect, it } from 'vitest';
import { loadTextMeasures } from '../../packages/cli/src/terminal/display-width.js';
import { formatTable, type TableOptions } from '../../packages/cli/src/terminal/table.js';
import { looking, plainText, type Text } from '../../packages/cli/src/terminal/text.js';

const red = (text: string): Text => looking('red', text);
const shown = (rows: ReadonlyArray<readonly Text[]>, options?: TableOptions): string[] =>
  formatTable(rows, options).map(plainText);

beforeAll(loadTextMeasures);

describe('a table', () => {
  it('aligns its columns', () => {
    const rows = [
      ['tiny', '5.5 M'],
      ['large', '303.3 M'],
    ];
    expect(shown(rows, { header: ['model', 'parameters'], align: ['left', 'right'], indent: 2 })).toEqual([
      '  model  parameters',
      '  tiny        5.5 M',
      '  large     303.3 M',
    ]);
  });

  it('has rows of different length, no spaces at line ends, and may be empty', () => {
    expect(shown([['a'], ['long', 'b'], ['c', '']])).toEqual(['a', 'long  b', 'c']);
    expect(shown([])).toEqual([]);
  });

  it('does not count colours, and counts wide characters as two columns', () => {
    expect(
      shown([
        [red('ab'), 'x'],
        ['写真', 'y'],
        ['café', 'z'],
      ]),
    ).toEqual(['ab    x', '写真  y', 'café  z']);
  });
});

it('keeps a row on its line, whatever its cells say', () => {
  expect(
    shown([
      ['a\nb', 'x'],
      ['\u001b[2J', 'y'],
    ]),
  ).toEqual(['a\\nb     x', '\\x1b[2J  y']);
});
