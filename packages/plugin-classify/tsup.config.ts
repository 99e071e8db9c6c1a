import { defineConfig } from 'tsup';

export default defineConfig({
  entry: { index: 'src/index.ts', 'worker-transforms': 'src/augmentation/worker-transforms.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  tsconfig: '../../tsconfig.build.json',
  dts: { entry: { index: 'src/index.ts' } },
  sourcemap: true,
  clean: true,
});
