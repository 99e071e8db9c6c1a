import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Tracker } from '#core/contracts/tracker.js';
import { maskedCrc32c } from '#core/report/metrics/crc32c.js';
import { createTensorboard } from '#core/report/metrics/tensorboard.js';
import { readFields, readRecords } from './read-events.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tensorboard-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

let clock = 1_700_000_000.5;
const open = (): Tracker => createTensorboard({ folder, now: () => clock });
const files = (): string[] => readdirSync(folder).sort();
const eventsOf = (name: string): Array<ReturnType<typeof readFields>> =>
  readRecords(readFileSync(join(folder, name))).map(readFields);
const bytesOf = (fields: ReturnType<typeof readFields>, field: number): Buffer => fields.get(field)![0] as Buffer;

describe('the CRC of TFRecord files', () => {
  // RFC 3720, appendix B.4, and the check value of the digits 1 to 9.
  it.each([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['0 … 31', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    ['31 … 0', Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
    ['the digits 1 to 9', Buffer.from('123456789'), 0xe3069283],
  ])('of %s is the masked CRC-32C', (_, bytes, crc) => {
    expect(maskedCrc32c(bytes)).toBe((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  });
});

describe('TensorBoard events', () => {
  it('begin with the version and hold each value as a tagged scalar', async () => {
    const tracker = open();
    await tracker.log({ step: 300, epoch: 2, phase: 'train', values: { loss: 0.5, lr: 1e-4 } });
    await tracker.close();
    const [version, summary] = eventsOf(files()[0]!);
    expect(bytesOf(version!, 3).toString()).toBe('brain.Event:2');
    expect(bytesOf(version!, 1).readDoubleLE()).toBe(1_700_000_000.5);
    expect(summary!.get(2)).toEqual([300n]);
    const values = readFields(bytesOf(summary!, 5))
      .get(1)!
      .map((value) => readFields(value as Buffer));
    expect(values.map((value) => bytesOf(value, 1).toString())).toEqual(['train/loss', 'train/lr']);
    expect(values.map((value) => bytesOf(value, 2).readFloatLE())).toEqual([0.5, Math.fround(1e-4)]);
  });

  it('hold pictures with their size', async () => {
    const png = await sharp({ create: { width: 300, height: 20, channels: 3, background: '#c00' } })
      .png()
      .toBuffer();
    const tracker = open();
    await tracker.logPicture?.({ step: 1, name: 'reconstructions', png });
    await tracker.close();
    const value = readFields(bytesOf(readFields(bytesOf(eventsOf(files()[0]!)[1]!, 5)), 1));
    const image = readFields(bytesOf(value, 4));
    expect(bytesOf(value, 1).toString()).toBe('reconstructions');
    expect([image.get(1), image.get(2)]).toEqual([[20n], [300n]]);
    expect(bytesOf(image, 4)).toEqual(png);
  });

  it('refuse a picture that is no PNG', async () => {
    const tracker = open();
    const picture = { step: 1, name: 'sheet', png: Buffer.from('GIF89a, and then some more bytes') };
    await expect(async () => tracker.logPicture?.(picture)).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  it('go on in a new file that sorts last and purges what comes again', async () => {
    const first = open();
    await first.log({ step: 9, epoch: 1, phase: 'train', values: { loss: 1 } });
    await first.close();
    clock -= 3600; // the clock was set back in between
    const second = open();
    await second.resume?.(5);
    await second.log({ step: 6, epoch: 1, phase: 'train', values: { loss: 1 } });
    await second.close();
    const [older, newer] = files();
    expect(eventsOf(older!)).toHaveLength(2);
    const [version, restart, summary] = eventsOf(newer!);
    expect(version!.has(3)).toBe(true);
    expect(restart!.get(2)).toEqual([6n]);
    expect(readFields(bytesOf(restart!, 7)).get(1)).toEqual([1n]);
    expect(summary!.get(2)).toEqual([6n]);
  });

  it('are refused loudly where they cannot be written', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    const tracker = createTensorboard({ folder: join(file, 'below'), now: () => clock });
    const record = { step: 1, epoch: 1, phase: 'train', values: { loss: 1 } } as const;
    await expect(async () => tracker.log(record)).rejects.toMatchObject({ code: 'WRITE_FAILED' });
  });
});
