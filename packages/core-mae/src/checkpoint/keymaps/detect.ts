/*
 * checkpoint/keymaps/: other projects' names of parameters and ours, one project a file; this file tells which project
 * a checkpoint is from, and what its names begin with.
 * Not here: values, besides joining or splitting what another project stores apart.
 * Called by: `checkpoint/open-weights`.
 */

import { MaeError } from '../../base/errors.js';
import type { StoredTensor, StoredTensors } from '../files/stored-tensor.js';
import { detectron2KeyMap } from './detectron2.js';
import { huggingFaceKeyMap } from './hugging-face.js';
import type { KeyMap } from './key-map.js';
import { mmpretrainKeyMap } from './mmpretrain.js';
import { officialKeyMap } from './official.js';

const KEY_MAPS: readonly KeyMap[] = [officialKeyMap, huggingFaceKeyMap, detectron2KeyMap, mmpretrainKeyMap];

/** An encoder among a checkpoint's names. */
export interface FoundEncoder {
  readonly keyMap: KeyMap;
  /** What wrappers and training scripts put before each of its names: "model.", "teacher.backbone."; '' for nothing. */
  readonly prefix: string;
}

/**
 * The encoders that a checkpoint holds, in the order of their names: wherever there is a patch embedding. Of sources whose
 * names fit, that is taken which explains most of the name.
 */
export function findEncoders(names: Iterable<string>): FoundEncoder[] {
  const all = new Set(names);
  const found: FoundEncoder[] = [];
  for (const name of all) {
    if (!name.includes('patch_embed')) continue;
    let best: FoundEncoder | undefined;
    for (const keyMap of KEY_MAPS) {
      const prefix = keyMap.patchEmbed.exec(name)?.[1];
      if (prefix === undefined || (best !== undefined && best.prefix.length <= prefix.length)) continue;
      if (keyMap.recognizes?.(all, prefix) !== false) best = { keyMap, prefix };
    }
    if (best !== undefined) found.push(best);
  }
  return found;
}

/** A checkpoint's tensors without what stands before the names of its encoder. */
export interface PartedTensors {
  readonly inside: ReadonlyMap<string, StoredTensor>;
  /** The names of the others, which are none of the encoder's. */
  readonly outside: readonly string[];
}

/**
 * Tokens that change what an encoder computes, wherever a project keeps them: they are never left out for their place, so
 * that a strict merge shows them.
 */
const FURTHER_TOKENS = /(?:^|\.)(?:reg|registers?|storage|dist|distillation)_tokens?$/;

/** @param others prefixes of other encoders, whose tokens are theirs */
export function withoutPrefix(tensors: StoredTensors, prefix: string, others: readonly string[] = []): PartedTensors {
  const inside = new Map<string, StoredTensor>();
  const outside: string[] = [];
  for (const [name, tensor] of tensors) {
    if (name.startsWith(prefix)) inside.set(name.slice(prefix.length), tensor);
    else if (FURTHER_TOKENS.test(name) && !others.some((other) => name.startsWith(other))) inside.set(name, tensor);
    else outside.push(name);
  }
  return { inside, outside };
}

/** The error for names that are nobody's. */
export function unknownNames(names: readonly string[], path: string): MaeError {
  const listed = names.length === 0 ? 'it holds no tensors' : `it begins with ${names.slice(0, 6).join(', ')}`;
  return new MaeError('CHECKPOINT_INVALID', {
    what: `the checkpoint's names are those of no known Vision Transformer; ${listed}`,
    where: path,
    fix: `known are the names of ${KEY_MAPS.map(({ source }) => source).join(', ')}`,
  });
}
