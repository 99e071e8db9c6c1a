import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    testing: 'src/testing.ts',
    'find-plugins': 'src/plugin/find-plugins.ts',
    'sample-worker': 'src/data/loading/sample-worker.ts',
    'replica-worker': 'src/engine/onnx/session/replica-worker.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  tsconfig: '../../tsconfig.build.json',
  dts: { entry: { index: 'src/index.ts', testing: 'src/testing.ts', 'find-plugins': 'src/plugin/find-plugins.ts' } },
  sourcemap: true,
  clean: true,
  // An optional dependency, loaded by dynamic import: never part of the bundle.
  external: ['onnxruntime-node'],
});
