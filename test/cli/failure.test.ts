import { afterEach, describe, expect, it, vi } from 'vitest';
import { pictureLibraryFailure, reportFailure } from '../../packages/cli/src/terminal/failure.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** What sharp 0.35 throws while it is imported where none of its libraries is installed. */
const withoutLibrary = new Error(`Could not load the "sharp" module using the linux-x64 runtime
Possible solutions:
- Ensure optional dependencies can be installed:
    npm install --include=optional sharp`);

describe('a command without the library that reads pictures', () => {
  it('ends with one sentence and the command that brings it back', () => {
    let shown = '';
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      shown += String(text);
      return true;
    });
    expect(reportFailure(withoutLibrary)).toBe(1);
    expect(shown.trimEnd().split('\n')).toHaveLength(1);
    expect(shown).toMatch(/error:.* the library that reads pictures is missing: sharp has none for linux-x64/);
    expect(shown).toMatch(/ npm install --include=optional\n$/);
  });

  it('is told without the variable where shells set it otherwise', () => {
    expect(pictureLibraryFailure(withoutLibrary, 'linux')).toContain('ONNXRUNTIME_NODE_INSTALL=skip npm install');
    expect(pictureLibraryFailure(withoutLibrary, 'win32')).toContain('run: npm install --include=optional');
  });

  it('is told apart from other failures', () => {
    expect(pictureLibraryFailure(new Error('Could not load the "other" module'))).toBeUndefined();
    expect(pictureLibraryFailure('Could not load the "sharp" module using the linux-x64 runtime')).toBeUndefined();
  });
});
