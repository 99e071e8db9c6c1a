import { copyFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { defineConfig } from 'tsup';
import { sharedOptions } from '../../tsup.shared.js';

/** The doors: what package.json exports. */
const doors = {
  index: 'src/index.ts',
  task: 'src/task.ts',
  coco: 'src/coco.ts',
  run: 'src/run.ts',
  testing: 'src/testing.ts',
  'find-plugins': 'src/find-plugins.ts',
};

/** What stands in the bundle, beside its licence: many small files, or what doors use that need no package. */
const BUNDLED = [
  ...[
    'd3-array',
    'd3-color',
    'd3-format',
    'd3-interpolate',
    'd3-path',
    'd3-scale',
    'd3-shape',
    'd3-time',
    'd3-time-format',
  ],
  ...['entities', 'fastest-levenshtein', 'internmap', 'inversify', 'resolve.exports'],
];

export default defineConfig({
  ...sharedOptions,
  entry: {
    ...doors,
    'sample-worker': 'src/data/loading/sample-worker.ts',
    'replica-worker': 'src/engine/onnx/session/replica-worker.ts',
  },
  dts: { entry: doors },
  // InversifyJS alone is 270 files, which every command would open at its start. A plugin's own InversifyJS works with the
  // bundled one: the two know each other by structure and by names of metadata.
  noExternal: [...sharedOptions.noExternal, new RegExp(`^(?:${BUNDLED.join('|')}|@inversifyjs/.*)$`, 'u')],
  async onSuccess() {
    const require = createRequire(import.meta.url);
    for (const name of BUNDLED) {
      const folder = /^.*node_modules\/[^/]+/u.exec(require.resolve(name).replaceAll('\\', '/'))![0];
      const license = (await readdir(folder)).find((file) => /^licen[cs]e/iu.test(file))!;
      await copyFile(join(folder, license), `dist/${name}-LICENSE.txt`);
    }
  },
  // An optional dependency, loaded by dynamic import: never part of the bundle.
  external: ['onnxruntime-node'],
});
