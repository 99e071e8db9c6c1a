import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.js';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@mae-tasks\/core-mae$/, replacement: source('packages/core-mae/src/index.ts') },
      {
        find: /^@mae-tasks\/core-mae\/(task|coco|run|testing|find-plugins)$/,
        replacement: source('packages/core-mae/src/$1.ts'),
      },
      { find: /^@mae-tasks\/(plugin-\w+)$/, replacement: source('packages/$1/src/index.ts') },
      { find: /^#core\/(.*)\.js$/, replacement: source('packages/core-mae/src/$1.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Native libraries (ONNX Runtime, sharp) want a process of their own.
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './test/summary-reporter.ts'],
  },
});
