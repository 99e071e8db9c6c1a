import { isAbsolute, posix } from 'node:path';

/** Why a file's name for a picture cannot be used as it is; undefined where it can. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'there is no file_name';
  if (name.includes('\0')) return 'file_name holds a zero byte';
  const parts = name.split(/[/\\]/u);
  if (isAbsolute(name) || /^[A-Za-z]:/u.test(name) || name.startsWith('\\')) {
    return `file_name (=${name}) is an absolute path`;
  }
  return parts.includes('..') ? `file_name (=${name}) leads out of the folder of pictures` : undefined;
}

/**
 * What a file's name for a picture may stand for, the likeliest first, as paths with `/` relative to a folder: the name
 * itself, with `\` as a separator, with percent-encoding undone, and the path within a URL. Only those that lead
 * nowhere else are given.
 */
export function pathsMeant(name: string): string[] {
  const plain = name.replaceAll('\\', '/');
  const decoded = percentDecoded(plain);
  const ofUrl = pathOfUrl(plain);
  const paths = [name, plain, decoded, ...(ofUrl === undefined ? [] : [ofUrl, percentDecoded(ofUrl)])];
  return [...new Set(paths.filter((path) => nameProblem(path) === undefined).map((path) => posix.normalize(path)))];
}

/** The last part of what a name stands for: the picture's own name. */
export function baseNamesMeant(name: string): string[] {
  const plain = name.replaceAll('\\', '/');
  const paths = [plain, percentDecoded(plain), ...(pathOfUrl(plain) === undefined ? [] : [pathOfUrl(plain)!])];
  const all = paths.flatMap((path) => [posix.basename(path), posix.basename(percentDecoded(path))]);
  return [...new Set(all)].filter((base) => base !== '' && base !== '.' && base !== '..' && !base.includes('\0'));
}

/** The path in a URL, or what its `d` names, as Label Studio writes local files; undefined for what is no URL. */
function pathOfUrl(name: string): string | undefined {
  if (!/^[a-z][a-z\d+.-]+:\/\//iu.test(name) && !/^\/?data\/local-files\/\?/u.test(name)) return undefined;
  try {
    const url = new URL(name, 'http://localhost/');
    const local = url.searchParams.get('d');
    return (local ?? url.pathname).replace(/^\/+/u, '');
  } catch {
    return undefined;
  }
}

function percentDecoded(name: string): string {
  if (!name.includes('%')) return name;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
