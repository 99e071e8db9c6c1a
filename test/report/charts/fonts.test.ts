import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { useTemporaryFolders } from '../../temporary-folder.js';

const createFolder = useTemporaryFolders();

/** The module as a process finds it that has these fonts in its environment. */
async function fontsWith(named: string) {
  vi.stubEnv('MAE_TASKS_FONT', named);
  return import('#core/report/charts/fonts.js');
}

beforeEach(() => {
  vi.resetModules();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('fonts of labels', () => {
  it('are the named ones first, then DejaVu Sans', async () => {
    const monospaced = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSansMono.ttf');
    const { typeface } = await fontsWith(monospaced);
    // Of a font of one width; letters that it lacks are DejaVu Sans's.
    expect(typeface('regular').glyphOf('i')!.width).toBe(typeface('regular').glyphOf('W')!.width);
    expect(typeface('regular').glyphOf('ࠀ')).toBeUndefined();
  });

  it('that are not there, or no fonts, are refused by name', async () => {
    const folder = await createFolder();
    writeFileSync(join(folder, 'text.ttf'), 'this is no font');
    for (const path of [join(folder, 'text.ttf'), join(folder, 'none.ttf')]) {
      vi.resetModules();
      const { typeface } = await fontsWith(path);
      expect(() => typeface('regular')).toThrow(/MAE_TASKS_FONT names no font that can be read/u);
      expect(() => typeface('bold')).toThrow(path);
    }
  });
});
