import { cp, rm } from 'node:fs/promises';
import { defineConfig } from 'tsup';
import { sharedOptions } from '../../tsup.shared.js';

export default defineConfig({
  ...sharedOptions,
  entry: { main: 'src/main.ts' },
  dts: false,
  // `create plugin` writes the example that is tested, under another name.
  async onSuccess() {
    const template = 'dist/plugin-template';
    await rm(template, { recursive: true, force: true });
    for (const part of ['package.json', 'tsconfig.build.json', 'README.md', 'src']) {
      await cp(`../../examples/custom-plugin/${part}`, `${template}/${part}`, { recursive: true });
    }
  },
});
