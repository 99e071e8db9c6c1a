/*
 * checkpoint/keymaps/: other projects' names of parameters and ours, one project a file; this file tells which project
 * a checkpoint is from.
 * Not here: values, besides joining or splitting what another project stores apart.
 * Called by: `checkpoint/open-weights`.
 */

import { MaeError } from '../../base/errors.js';
import type { StoredTensors } from '../files/stored-tensor.js';
import { detectron2KeyMap } from './detectron2.js';
import { huggingFaceKeyMap } from './hugging-face.js';
import type { KeyMap } from './key-map.js';
import { mmpretrainKeyMap } from './mmpretrain.js';
import { officialKeyMap } from './official.js';

const KEY_MAPS: readonly KeyMap[] = [officialKeyMap, huggingFaceKeyMap, detectron2KeyMap, mmpretrainKeyMap];

/**
 * The key map of the source that these names come from.
 *
 * @throws MaeError `CHECKPOINT_INVALID`, listing the first names, if none knows them
 */
export function detectKeyMap(tensors: StoredTensors, path: string): KeyMap {
  const names = [...tensors.keys()];
  const found = KEY_MAPS.find((keyMap) => keyMap.recognizes(names));
  if (found !== undefined) return found;
  const listed = names.length === 0 ? 'it holds no tensors' : `it begins with ${names.slice(0, 6).join(', ')}`;
  throw new MaeError('CHECKPOINT_INVALID', {
    what: `the checkpoint's names are those of no known Vision Transformer; ${listed}`,
    where: path,
    fix: `known are the names of ${KEY_MAPS.map(({ source }) => source).join(', ')}`,
  });
}
