import { describe, expect, it } from 'vitest';
import { displayWidth } from '../../packages/cli/src/display-width.js';
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
      expect(displayWidth(visible().at(-1)!)).toBeLessThan(columns);
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
    const { terminal, stderr } = openScreen(options);
    terminal.error('no such folder');
    expect(stderr.join('').includes(escape)).toBe(expected);
    expect(terminal.colors.isColorSupported).toBe(expected);
  });
});
