import type { Options } from 'tsup';

/**
 * CommonJS packages that the built modules load by `require`: an `import` of one has Node.js search its code for the
 * names that it exports, which for TF.js's megabytes takes a quarter of a second of every command's start.
 */
const REQUIRED = [
  '@tensorflow/tfjs',
  'crc-32/crc32c.js',
  'jsonc-parser',
  'pngjs',
  'protobufjs/minimal.js',
  'saxes',
  'sharp',
  'yaml',
  'yauzl',
];

/** What the builds of all packages have in common. */
export const sharedOptions = {
  format: 'esm' as const,
  platform: 'node' as const,
  target: 'node20',
  tsconfig: '../../tsconfig.build.json',
  sourcemap: true,
  clean: true,
  noExternal: REQUIRED,
  banner: {
    js: "import { createRequire as createRequireForBundle } from 'node:module';\nconst require = createRequireForBundle(import.meta.url);",
  },
  esbuildPlugins: [
    {
      name: 'load-by-require',
      setup(build) {
        const filter = new RegExp(`^(?:${REQUIRED.join('|')})$`);
        build.onResolve({ filter }, ({ path, namespace, kind }) => {
          // What is imported when it is needed keeps its names, and its search.
          const asItIs = namespace === 'required' || kind === 'dynamic-import';
          return asItIs ? { path, external: true } : { path, namespace: 'required' };
        });
        build.onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
          contents: `module.exports = require(${JSON.stringify(path)})`,
        }));
      },
    },
  ],
} satisfies Options;
