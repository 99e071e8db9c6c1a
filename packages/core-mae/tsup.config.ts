import { defineConfig } from 'tsup';

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
  entry: {
    ...doors,
    'sample-worker': 'src/data/loading/sample-worker.ts',
    'replica-worker': 'src/engine/onnx/session/replica-worker.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  tsconfig: '../../tsconfig.build.json',
  dts: { entry: doors },
  sourcemap: true,
  clean: true,
  // An optional dependency, loaded by dynamic import: never part of the bundle.
  external: ['onnxruntime-node'],
});
