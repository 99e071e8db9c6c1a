import { cp, rm } from 'node:fs/promises';
import { defineConfig } from 'tsup';
import { sharedOptions } from '../../tsup.shared.js';

export default defineConfig({
  ...sharedOptions,
  entry: { main: 'src/main.ts' },
  dts: false,
  // `create plugin` writes the example that is tested, under another name.
  async onSuccess() {
    const example = '../../examples/custom-plugin';
    const template = 'dist/plugin-template';
    await rm(template, { recursive: true, force: true });
    for (const part of ['package.json', 'tsconfig.build.json', 'README.md', 'src', 'test']) {
      await cp(`${example}/${part}`, `${template}/${part}`, { recursive: true });
    }
    // npm leaves files of this name out of a package.
    await cp(`${example}/.gitignore`, `${template}/gitignore`);
  },
});
