import { copyFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
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

export default defineConfig({
  ...sharedOptions,
  entry: {
    ...doors,
    'sample-worker': 'src/data/loading/sample-worker.ts',
    'replica-worker': 'src/engine/onnx/session/replica-worker.ts',
  },
  dts: { entry: doors },
  // InversifyJS is 270 small files, which every command would open at its start: it stands in the bundle, beside its
  // licence. A plugin's own copy works with it: the two know each other by structure and by names of metadata.
  noExternal: [...sharedOptions.noExternal, /^(?:inversify$|@inversifyjs\/)/],
  async onSuccess() {
    const license = createRequire(import.meta.url)
      .resolve('inversify')
      .replace(/lib\/index\.js$/u, 'LICENSE');
    await copyFile(license, 'dist/inversify-LICENSE.txt');
  },
  // An optional dependency, loaded by dynamic import: never part of the bundle.
  external: ['onnxruntime-node'],
});
