import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { messageOf } from '../../base/errors.js';
import { type CheckpointFile, invalidCheckpoint, MAX_NAME, shortName } from '../files/checkpoint-file.js';

/** A file with an optimizer's state has some thousand. */
const MAX_RECORDS = 20_000;

/** The records of a torch file by name, without the folder that all of them are in: `data.pkl`, `data/0`, `version`. */
export interface TorchArchive {
  readonly names: readonly string[];
  /** A record's bytes, their checksum verified. @throws MaeError `CHECKPOINT_INVALID` */
  read(name: string, maxBytes?: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): void;
}

/**
 * The records of a `.pth` file as torch ≥ 1.6 writes it: a zip archive whose entries are stored uncompressed. Names
 * are looked up and never used as paths; compressed entries (zip bombs) and doubled names are refused.
 *
 * @throws MaeError `CHECKPOINT_INVALID`
 */
export async function openTorchArchive(file: CheckpointFile): Promise<TorchArchive> {
  const { path } = file;
  let zip: ZipFile;
  const entries = new Map<string, Entry>();
  try {
    zip = await openPromise(path, { autoClose: false, lazyEntries: true, strictFileNames: true });
  } catch (error) {
    throw invalidCheckpoint(path, `the zip archive is damaged or cut off (${messageOf(error)})`, error);
  }
  try {
    // Before they are read, which takes a quarter of a millisecond each.
    if (zip.entryCount > MAX_RECORDS) throw new Error(`it has ${zip.entryCount} records (at most ${MAX_RECORDS})`);
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.length > MAX_NAME) throw new Error(`a record is named ${shortName(entry.fileName)}`);
      if (entries.has(entry.fileName)) throw new Error(`two records are named ${entry.fileName}`);
      entries.set(entry.fileName, entry);
    }
    const prefix = findPrefix([...entries.keys()]);
    return {
      names: [...entries.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
      read: (name, maxBytes) => readRecord(file, zip, entries.get(prefix + name), name, maxBytes),
      close: () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw invalidCheckpoint(path, `the zip archive is not a torch checkpoint (${messageOf(error)})`, error);
  }
}

/** The folder, with its slash, in which `data.pkl` lies; torch names it after the file. */
function findPrefix(names: readonly string[]): string {
  const pickles = names.filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) throw new Error(`it has ${pickles.length} records named data.pkl`);
  return pickles[0]!.slice(0, -'data.pkl'.length);
}

async function readRecord(
  file: CheckpointFile,
  zip: ZipFile,
  entry: Entry | undefined,
  name: string,
  maxBytes = Number.MAX_SAFE_INTEGER,
): Promise<Uint8Array<ArrayBuffer>> {
  const { path } = file;
  if (entry === undefined) throw invalidCheckpoint(path, `the record \`${name}\` is missing`);
  if (entry.compressionMethod !== 0 || entry.isEncrypted()) {
    throw invalidCheckpoint(path, `the record \`${name}\` is compressed or encrypted, which torch never does`);
  }
  if (entry.uncompressedSize > maxBytes) {
    throw invalidCheckpoint(path, `the record \`${name}\` has ${entry.uncompressedSize} bytes (at most ${maxBytes})`);
  }
  let start: number;
  try {
    ({ fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true }));
  } catch (error) {
    throw invalidCheckpoint(path, `the record \`${name}\` is damaged (${messageOf(error)})`, error);
  }
  const bytes = await file.read(start, entry.uncompressedSize);
  if (crc32(bytes) !== entry.crc32) {
    throw invalidCheckpoint(path, `the record \`${name}\` is damaged: its checksum does not match`);
  }
  return bytes;
}
