import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import type { TestProject } from 'vitest/node';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = {
  'core-mae': {
    'sample-worker': 'data/loading/sample-worker.ts',
    'replica-worker': 'engine/onnx/session/replica-worker.ts',
  },
  'plugin-classify': { 'worker-transforms': 'augmentation/worker-transforms.ts' },
};

/**
 * What worker threads run is the one thing that tests cannot take from TypeScript sources. `npm run dev` bundles it, and
 * nothing else, when it starts and before each rerun; `npm test` builds everything instead.
 */
export default async function buildWorkers(project: TestProject): Promise<void> {
  await bundle();
  project.onTestsRerun(bundle);
}

async function bundle(): Promise<void> {
  for (const [name, files] of Object.entries(packages)) {
    await build({
      config: false,
      entry: Object.fromEntries(
        Object.entries(files).map(([entry, file]) => [entry, `${root}/packages/${name}/src/${file}`]),
      ),
      outDir: `${root}/packages/${name}/dist`,
      tsconfig: `${root}/tsconfig.json`,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      skipNodeModulesBundle: true,
      noExternal: [/^@mae-tasks\//],
      splitting: false,
      sourcemap: true,
      clean: false,
      silent: true,
    });
  }
}
