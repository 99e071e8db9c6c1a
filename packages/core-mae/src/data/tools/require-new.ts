import { lstatSync } from 'node:fs';
import { MaeError } from '../../base/errors.js';

/** @throws MaeError `WRITE_FAILED` where something of this name is there */
export function requireNew(file: string): void {
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return;
  throw new MaeError('WRITE_FAILED', {
    what: 'there is a file of this name already',
    where: file,
    fix: 'name another folder with --out, or replace it with --force',
  });
}
