import { configDefaults, defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

/** `npm run dev`: sources alone, without a build. What runs the built command or packs packages is left to `npm test`. */
export default mergeConfig(
  base,
  defineConfig({
    test: {
      globalSetup: './test/build-workers.ts',
      exclude: [...configDefaults.exclude, 'test/commands/**', 'test/packaging/**'],
    },
  }),
);
