// Runs at the end of `npm install` and `npm ci` in this repository. The install script of onnxruntime-node fetches CUDA
// libraries from a host of its own; where that host is out of reach npm leaves the whole package away without a word, and
// the suite would run sixty times slower. The CPU library lies inside the package, so it is installed again without scripts.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const isWanted = !(process.env.npm_config_omit ?? '').includes('optional');
if (isWanted && !existsSync(`${root}node_modules/onnxruntime-node/package.json`)) {
  console.log('onnxruntime-node was left away by its install script: installing again without scripts.');
  const { npm_execpath: npm } = process.env;
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save'];
  const [program, first] = npm === undefined ? ['npm', []] : [process.execPath, [npm]];
  const { status } = spawnSync(program, [...first, ...args], { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
