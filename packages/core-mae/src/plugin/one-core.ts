import { realpathSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { dirname } from 'node:path';
import { enclosingPackage, installedPackage } from './package-files.js';

/** What a plugin shares with the core that loads it: each is there once, as the core finds it. */
const SHARED = ['@mae-tasks/core-mae', '@tensorflow/tfjs'];

/** Whether a module below this folder would import another copy of core or TF.js than the one that is running. */
function bringsCopies(folder: string): boolean {
  return SHARED.some((name) => {
    const found = installedPackage(name, folder);
    const own = ownFolder(name);
    return found !== undefined && own !== undefined && realpathSync(found.folder) !== own;
  });
}

/** The folder of the copy that is running; undefined where it is not installed as a package. */
function ownFolder(name: string): string | undefined {
  const own = enclosingPackage(import.meta.dirname);
  if (own === undefined) return undefined;
  const folder = own.name === name ? own.folder : installedPackage(name, own.folder)?.folder;
  return folder === undefined ? undefined : realpathSync(folder);
}

let isShared = false;

/**
 * Sees that a plugin's module imports the core that is running and its TF.js, also where its own folder has others, as
 * after `npm install` in it. Two copies of TF.js register every kernel twice, and warn of each.
 *
 * @param entry the module, an absolute path
 */
export function shareCore(entry: string): void {
  if (isShared || !bringsCopies(dirname(realpathSync(entry)))) return;
  isShared = true;
  const { registerHooks } = nodeModule as unknown as { readonly registerHooks?: (hooks: object) => void };
  if (registerHooks !== undefined) {
    registerHooks({ resolve: createResolve(SHARED, import.meta.url) });
    return;
  }
  // Before Node.js 22.15, hooks run in a thread of their own and are given as a module.
  const text = `export const resolve = (${createResolve.toString()})(${JSON.stringify(SHARED)}, ${JSON.stringify(import.meta.url)});`;
  nodeModule.register(`data:text/javascript,${encodeURIComponent(text)}`);
}

interface ResolveContext {
  readonly parentURL?: string;
}

/** A hook that resolves what is shared as the module at `from` does. Uses nothing outside itself: it is sent as text. */
function createResolve<Resolved>(shared: readonly string[], from: string) {
  return (
    specifier: string,
    context: ResolveContext,
    next: (specifier: string, context: ResolveContext) => Resolved,
  ): Resolved => {
    const isOurs = shared.some((name) => specifier === name || specifier.startsWith(`${name}/`));
    return next(specifier, isOurs ? { ...context, parentURL: from } : context);
  };
}
