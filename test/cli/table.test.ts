import { describe, expect, it } from 'vitest';
import { displayWidth, singleLine, truncateToWidth } from '../../packages/cli/src/display-width.js';
import { formatTable } from '../../packages/cli/src/table.js';

const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;

describe('a table', () => {
  it('aligns its columns', () => {
    const rows = [
      ['tiny', '5.5 M'],
      ['large', '303.3 M'],
    ];
    expect(formatTable(rows, { header: ['model', 'parameters'], align: ['left', 'right'], indent: 2 })).toBe(
      ['  model  parameters', '  tiny        5.5 M', '  large     303.3 M'].join('\n'),
    );
  });

  it('has rows of different length, no spaces at line ends, and may be empty', () => {
    expect(formatTable([['a'], ['long', 'b']])).toBe('a\nlong  b');
    expect(formatTable([])).toBe('');
  });

  it('does not count colours, and counts wide characters as two columns', () => {
    expect(
      formatTable([
        [red('ab'), 'x'],
        ['写真', 'y'],
        ['café', 'z'],
      ]),
    ).toBe(`${red('ab')}    x\n写真  y\ncafé  z`);
  });
});

describe('display width', () => {
  it.each([
    ['loss 0.5', 8],
    [red('loss'), 4],
    ['写真', 4],
    ['👩‍👩‍👧', 2],
    ['❤️', 2],
    ['e\u0301', 1],
    ['\u200b', 0],
    ['', 0],
  ])('of %j is %d', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  it('is never exceeded by truncated text', () => {
    for (const text of ['epoch 3/20  loss 0.4321', '写真写真写真', red('abcdefgh')]) {
      for (let columns = 0; columns < 30; columns++) {
        expect(displayWidth(truncateToWidth(text, columns))).toBeLessThanOrEqual(columns);
      }
    }
    expect(truncateToWidth('abcdef', 4)).toBe('abc…');
  });

  it('does not let a file name move the cursor', () => {
    expect(singleLine('a\u001b[2Jb\nc\rd\u0007')).toBe('ab c d ');
  });
});
