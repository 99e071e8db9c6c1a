import type { DataReader } from '../contracts/data-reader.js';
import { idxReader } from './idx.js';
import { folderReader } from './image-folder.js';

/** The readers that core brings. */
export const dataReaders: readonly DataReader[] = [idxReader, folderReader];
