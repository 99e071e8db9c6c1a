import { readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../../', import.meta.url));

interface CodeBlock {
  /** What the block's first line names it, `// src/index.ts`, or a name by its place. */
  readonly file: string;
  readonly code: string;
}

/** A guide's blocks of one language. */
export function codeBlocks(guide: string, language: string): CodeBlock[] {
  const text = readFileSync(join(root, guide), 'utf8');
  const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gmu)].filter(([, named]) => named === language);
  return blocks.map(([, , code], index) => ({
    file: /^\/\/ (\S+\.ts)\n/u.exec(code!)?.[1] ?? `block-${index}.${language}`,
    code: code!,
  }));
}

/** The TypeScript of a guide as a package that finds this workspace's packages, not yet compiled. */
export async function writeGuideCode(guide: string, folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const { file, code } of codeBlocks(guide, 'ts')) {
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, code);
    paths.push(path);
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  return paths;
}

/** The plugin of docs/plugins.md, as its `tsc` would build it: sources in `dist/`, the test in `dist-test/test/`. */
export async function writeGuidePlugin(folder: string): Promise<void> {
  const guide = 'docs/plugins.md';
  await writeGuideCode(guide, folder);
  await writeFile(join(folder, 'package.json'), codeBlocks(guide, 'json')[0]!.code);
  for (const { file, code } of codeBlocks(guide, 'ts')) {
    const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    const { outputText } = ts.transpileModule(code, { compilerOptions });
    const script = file.replace(/\.ts$/u, '.js');
    for (const out of [
      join('dist-test', script),
      ...(file.startsWith('src/') ? [script.replace('src', 'dist')] : []),
    ]) {
      await mkdir(dirname(join(folder, out)), { recursive: true });
      await writeFile(join(folder, out), outputText);
    }
  }
}
