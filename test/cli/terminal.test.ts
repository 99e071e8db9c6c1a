import { describe, expect, it } from 'vitest';
import stringWidth from 'string-width';
import { looking, withoutControls } from '../../packages/cli/src/terminal/text.js';
import { openScreen } from './terminal-screen.js';

const escape = '\u001b';

describe('a terminal', () => {
  it('keeps the live line below what is printed', () => {
    const { terminal, visible } = openScreen();
    terminal.showLive('step 1');
    terminal.print('saved');
    terminal.showLive('step 2');
    expect(visible()).toEqual(['saved', 'step 2']);
    terminal.clearLive();
    terminal.print('done');
    expect(visible()).toEqual(['saved', 'done', '']);
  });

  it('never lets the live line wrap', () => {
    for (const columns of [1, 2, 10, 40]) {
      const { terminal, visible } = openScreen({ columns: () => columns });
      terminal.showLive('x'.repeat(200));
      expect(stringWidth(visible().at(-1)!)).toBeLessThan(columns);
    }
  });

  it('takes 80 columns where the width is not known', () => {
    expect(openScreen({ columns: () => undefined }).terminal.columns()).toBe(80);
    expect(openScreen({ columns: () => 0 }).terminal.columns()).toBe(80);
  });

  it('hides the cursor once and brings it back when it closes', () => {
    const { terminal, stdout } = openScreen();
    terminal.showLive('a');
    terminal.showLive('b');
    terminal.close();
    terminal.close();
    const written = stdout.join('');
    expect(written.split(`${escape}[?25l`)).toHaveLength(2);
    expect(written.split(`${escape}[?25h`)).toHaveLength(2);
    expect(written.endsWith(`${escape}[?25h`)).toBe(true);
  });

  it.each([
    ['a pipe', { isTTY: false }],
    ['CI', { env: { CI: 'true' } }],
    ['a dumb terminal', { env: { TERM: 'dumb' } }],
  ])('shows no live line on %s', (_, options) => {
    const { terminal, stdout } = openScreen(options);
    expect(terminal.interactive).toBe(false);
    terminal.showLive('step 1');
    terminal.print('plain');
    terminal.close();
    expect(stdout).toEqual(['plain\n']);
  });

  it('is interactive where CI says no', () => {
    expect(openScreen({ env: { CI: 'false' } }).terminal.interactive).toBe(true);
  });

  it('writes JSON lines alone to stdout, and words to stderr', () => {
    const { terminal, stdout, stderr } = openScreen({ json: true });
    terminal.showLive('step 1');
    terminal.print('reading pictures');
    terminal.warn('2 were skipped');
    terminal.record({ type: 'metrics', loss: Number.NaN, text: 'a\nb' });
    terminal.close();
    expect(stdout).toEqual(['{"type":"metrics","loss":null,"text":"a\\nb"}\n']);
    expect(stderr.join('')).toContain('reading pictures\n');
    expect(stderr.join('')).toContain('2 were skipped\n');
  });

  it('writes no records without --json', () => {
    const { terminal, stdout, stderr } = openScreen();
    terminal.record({ type: 'metrics' });
    expect([...stdout, ...stderr]).toEqual([]);
  });

  it.each([
    ['on a window', {}, true],
    ['not with NO_COLOR', { env: { NO_COLOR: '1' } }, false],
    ['also with an empty NO_COLOR', { env: { NO_COLOR: '' } }, true],
    ['not on a pipe', { isTTY: false }, false],
    ['on a pipe with FORCE_COLOR', { isTTY: false, env: { FORCE_COLOR: '1' } }, true],
    ['not with both', { env: { NO_COLOR: '1', FORCE_COLOR: '1' } }, false],
    ['not on a dumb terminal', { env: { TERM: 'dumb' } }, false],
  ])('uses colours: %s', (_, options, expected) => {
    const { terminal, stdout, stderr } = openScreen(options);
    terminal.error('no such folder');
    terminal.print(looking('green', 'done'));
    expect(stderr.join('').includes(escape)).toBe(expected);
    expect(stdout.join('').includes(escape)).toBe(expected);
  });
});

describe('text of unknown origin', () => {
  const hostile = `a${escape}[2Jb\nc\rd\u0007\u009b31m\u202ee\u2028f\u200b\ufeff`;
  const shown = 'a\\x1b[2Jb\\nc\\rd\\x07\\x9b31m\\u202ee\\u2028f\\u200b\\ufeff';

  it('is shown and not obeyed, wherever it is printed', () => {
    const { terminal, stdout, stderr } = openScreen({ env: { NO_COLOR: '1' } });
    terminal.print(hostile, ['file ', looking('dim', hostile)]);
    terminal.warn(hostile);
    terminal.showLive(hostile);
    expect(stdout.slice(0, 1)).toEqual([`${shown}\nfile ${shown}\n`]);
    expect(stderr).toEqual([`warning: ${shown}\n`]);
    expect(stdout.at(-1)).toBe(`\r${escape}[2K${shown}`);
  });

  it('has no colours of its own beside those of the command', () => {
    const { terminal, stdout } = openScreen({ env: { FORCE_COLOR: '1' } });
    terminal.print(looking('green', `${escape}[31mred`));
    expect(stdout).toEqual([`${escape}[32m\\x1b[31mred${escape}[39m\n`]);
  });

  it('cannot pass for a message of its own', () => {
    const { terminal, stderr } = openScreen({ isTTY: false });
    terminal.error('cannot be read\nerror: everything was deleted', 'error: so were others\nwarning: beware');
    expect(stderr).toEqual([
      'error: cannot be read\\nerror: everything was deleted\n  error: so were others\\nwarning: beware\n',
    ]);
  });

  it('is shown where a person looks at data', () => {
    const { terminal, stdout } = openScreen({ isTTY: true, env: { CI: 'true' } });
    terminal.data(`${hostile}\n`);
    expect(stdout).toEqual([`${shown.replaceAll('\\n', '\n')}\n`]);
  });

  it('stays exact where it is data', () => {
    const { terminal, stdout } = openScreen({ json: true, isTTY: false });
    terminal.data(hostile);
    terminal.record({ name: hostile });
    expect(stdout[0]).toBe(hostile);
    expect(withoutControls(stdout[1]!, { lines: true })).toBe(stdout[1]);
    expect(JSON.parse(stdout[1]!)).toEqual({ name: hostile });
  });

  it.each(['写真', 'café', '👩‍👩‍👧', '❤️', 'می‌خواهم', 'e\u0301'])('keeps the letters of %s', (text) => {
    expect(withoutControls(text)).toBe(text);
  });
});
