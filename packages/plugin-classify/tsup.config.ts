import { defineConfig } from 'tsup';
import { sharedOptions } from '../../tsup.shared.js';

export default defineConfig({
  ...sharedOptions,
  entry: { index: 'src/index.ts', 'worker-transforms': 'src/augmentation/worker-transforms.ts' },
  dts: { entry: { index: 'src/index.ts' } },
});
