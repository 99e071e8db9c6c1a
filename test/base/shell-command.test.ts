import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withoutControls } from '#core/base/harmless-text.js';
import { shellWord } from '#core/base/shell-command.js';

describe('a word of a command that is shown', () => {
  it.each([
    'plain/path-1.jpg',
    'my photos',
    "it's",
    '"quoted"',
    '$HOME `id` $(id) \\ !',
    '~/photos',
    'a;b|c&d>e<f*g?h[i]{j,k}#l',
    '',
    'naïve 写真',
    'a\nb',
    'esc\u001b[2J\u0007\r\ttab',
    '100% \u009b \u202e %s %d \\n \'"$x`y`',
    '\u001b\'"$(id)`id`\\',
  ])('%j is pasted as itself', (text) => {
    const word = shellWord(text);
    // As it is seen: nothing in it is changed by the terminal.
    expect(withoutControls(word)).toBe(word);
    expect(execFileSync('sh', ['-c', `printf %s ${word}`]).toString()).toBe(text);
    expect(execFileSync('sh', ['-c', `printf '%s\\n' ${word} x | tail -n 1`]).toString()).toBe('x\n');
  });

  it('is no option', () => {
    expect(shellWord('-rf')).toBe('./-rf');
    expect(execFileSync('sh', ['-c', `printf %s ${shellWord('-my photos')}`]).toString()).toBe('./-my photos');
  });

  it('is written by no other means', () => {
    const folders = ['cli', 'core-mae', 'plugin-classify', 'plugin-detect', 'plugin-segment'];
    const bare = folders.flatMap((folder) => {
      const root = join('packages', folder, 'src');
      return readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .flatMap((name) =>
          // A command in a template with a value in it that is no word for a shell.
          [
            ...readFileSync(join(root, name), 'utf8').matchAll(
              /`[^`\n]*(?:mae-tasks [a-z]+|npm i|cd) [^`\n]*\$\{(?!shellWord\()[^`\n]*`/gu,
            ),
          ]
            .map(([text]) => `${name}: ${text}`)
            .filter((text) => !/\$\{(?:followed\.command|command|from|commandOf\(\w+\)|doing|task)\}/u.test(text)),
        );
    });
    expect(bare).toEqual([]);
  });
});
