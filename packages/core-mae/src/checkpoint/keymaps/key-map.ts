import { MaeError } from '../../base/errors.js';
import type { StoredTensor, StoredTensors } from '../files/stored-tensor.js';

/** Translates one source's names into the official ones. */
export interface KeyMap {
  /** For messages: "hugging-face". */
  readonly source: string;
  /** The name of the patch embedding's weight; its first group is what stands before the names of this source. */
  readonly patchEmbed: RegExp;
  /** Whether names that begin with a prefix, a patch embedding's among them, come from this source. Default: yes. */
  recognizes?(names: ReadonlySet<string>, prefix: string): boolean;
  /**
   * @param path for messages
   * @throws MaeError `CHECKPOINT_INVALID`, naming the tensor, if parts of a joined tensor are missing
   */
  toOfficial(tensors: StoredTensors, path: string): Translation;
}

export interface Translation {
  /** By official name. What has no official name keeps its own, so that a strict merge shows it. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Tensors that the official model has no use for, by their own names. */
  readonly ignored: readonly string[];
}

/** A pattern over a whole name, and what it becomes, in the syntax of `String.replace`. */
export type Renaming = readonly [pattern: RegExp, official: string];

/** The name after the first renaming that fits, or as it is. */
export function renamed(name: string, renamings: readonly Renaming[]): string {
  const match = renamings.find(([pattern]) => pattern.test(name));
  return match === undefined ? name : name.replace(...match);
}

/**
 * The tensors under new names, in the same order.
 *
 * @throws MaeError `CHECKPOINT_INVALID` if two of them become one
 */
export function renameAll(
  tensors: StoredTensors,
  rename: (name: string) => string,
  path: string,
): Map<string, StoredTensor> {
  const result = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    const official = rename(name);
    if (result.has(official)) {
      throw new MaeError('CHECKPOINT_INVALID', {
        what: `\`${name}\` and another tensor both stand for \`${official}\``,
        where: path,
      });
    }
    result.set(official, tensor);
  }
  return result;
}
