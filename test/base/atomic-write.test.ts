import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as nodeFiles from 'node:fs/promises';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFolder, type FileSystem, writeFileAtomically } from '#core/base/atomic-write.js';
import { useTemporaryFolders } from '../temporary-folder.js';

const temporaryFolder = useTemporaryFolders();

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: refused`), { code });
}

/** The real file system, except that the named operation fails. */
function failing(operation: keyof FileSystem | 'write' | 'sync' | 'close', code: string): FileSystem {
  const fail = (): Promise<never> => Promise.reject(systemError(code));
  const open: FileSystem['open'] = async (path, flags) => {
    const file = await nodeFiles.open(path, flags);
    let bytes = 0;
    return {
      // A disk fills up in the middle of a file, not at its beginning.
      write: async (piece, offset, length) => {
        bytes += length;
        if (operation === 'write' && bytes > 100) return fail();
        return file.write(piece, offset, length);
      },
      sync: async () => (operation === 'sync' ? fail() : file.sync()),
      close: async () => {
        await file.close();
        if (operation === 'close') await fail();
      },
    };
  };
  return { ...nodeFiles, open, ...(operation in nodeFiles ? { [operation]: fail } : {}) };
}

describe('atomic writes', () => {
  it('writes text, bytes and pieces, and leaves nothing beside', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    await writeFileAtomically(path, 'text');
    expect(await readFile(path, 'utf8')).toBe('text');
    await writeFileAtomically(path, Uint8Array.of(1, 2));
    expect([...(await readFile(path))]).toEqual([1, 2]);
    await writeFileAtomically(path, [Uint8Array.of(3), Uint8Array.of(4, 5), new Uint8Array(0)]);
    expect([...(await readFile(path))]).toEqual([3, 4, 5]);
    const lines = Array.from({ length: 300_000 }, (_, index) => `Zeile ${index} – ä\n`);
    await writeFileAtomically(path, [...lines, Uint8Array.of(0x41), 'end']);
    expect(await readFile(path, 'utf8')).toBe(`${lines.join('')}Aend`);
    expect(await readdir(folder)).toEqual(['file']);
  });

  it.each([
    ['write', 'ENOSPC', /disk is full/],
    ['sync', 'EIO', /EIO/],
    ['close', 'EDQUOT', /quota/],
    ['rename', 'EACCES', /permission denied/],
    ['open', 'EROFS', /read-only/],
    ['open', 'EACCES', /permission denied/],
  ] as const)('is loud when %s fails with %s, and keeps the previous file', async (operation, code, message) => {
    const folder = await temporaryFolder();
    const path = join(folder, 'last.safetensors');
    await writeFileAtomically(path, 'previous');
    const write = writeFileAtomically(path, new Uint8Array(1000), failing(operation, code));
    await expect(write).rejects.toMatchObject({ code: 'WRITE_FAILED', where: path });
    await expect(write).rejects.toThrow(message);
    expect(await readFile(path, 'utf8')).toBe('previous');
    expect(await readdir(folder)).toEqual(['last.safetensors']);
  });

  it.runIf(process.platform === 'linux')('is loud on a device that is really full', async () => {
    // Linux answers every write to /dev/full with ENOSPC.
    const full: FileSystem = {
      ...nodeFiles,
      open: (_path, flags) => nodeFiles.open('/dev/full', flags === 'wx' ? 'r+' : flags),
    };
    const path = join(await temporaryFolder(), 'last.safetensors');
    await writeFileAtomically(path, 'previous');
    await expect(writeFileAtomically(path, new Uint8Array(5000), full)).rejects.toThrow(/disk is full \(ENOSPC\)/);
    expect(await readFile(path, 'utf8')).toBe('previous');
  });

  it('names a folder that does not exist, and passes on what the content itself throws', async () => {
    const folder = await temporaryFolder();
    await expect(writeFileAtomically(join(folder, 'no', 'x'), 'x')).rejects.toThrow(/folder does not exist/);
    const broken = function* (): Generator<Uint8Array> {
      yield new Uint8Array(10);
      throw new RangeError('made up');
    };
    await expect(writeFileAtomically(join(folder, 'x'), broken())).rejects.toThrow(RangeError);
    expect(await readdir(folder)).toEqual([]);
  });

  it("removes a killed process's temporary files for this path, and no other", async () => {
    const folder = await temporaryFolder();
    const ended = spawn(process.execPath, ['-e', '']);
    await once(ended, 'exit');
    const stale = `.file.${ended.pid}.0123456789ab.tmp`;
    const own = `.file.${process.pid}.0123456789ab.tmp`;
    const reused = `.file.${process.pid}.ba9876543210.tmp`;
    const others = [`.other.${ended.pid}.0123456789ab.tmp`, '.file.tmp', own, `.file.${process.ppid}.0123456789ab.tmp`];
    for (const name of [stale, reused, ...others]) await writeFile(join(folder, name), '');
    await utimes(join(folder, reused), 1, 1);
    await writeFileAtomically(join(folder, 'file'), 'x');
    expect((await readdir(folder)).sort()).toEqual([...others, 'file'].sort());
  });

  it('say so where a folder cannot be made', async () => {
    const path = join(await temporaryFolder(), 'file');
    await writeFile(path, '');
    await createFolder(join(dirname(path), 'a', 'b'));
    expect(await readdir(join(dirname(path), 'a'))).toEqual(['b']);
    await expect(createFolder(join(path, 'x'))).rejects.toMatchObject({ code: 'WRITE_FAILED', where: join(path, 'x') });
  });
});
