import type { DataReader } from '../../contracts/data-reader.js';
import { ade20kReader } from './ade20k.js';
import { cocoReader } from './coco-instances.js';
import { cocoSemanticReader } from './coco-semantic.js';
import { idxReader } from './idx.js';
import { folderReader } from './image-folder.js';

/** The readers that core brings. */
export const dataReaders: readonly DataReader[] = [
  cocoReader,
  cocoSemanticReader,
  ade20kReader,
  idxReader,
  folderReader,
];
