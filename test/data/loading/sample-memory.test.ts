import { describe, expect, it } from 'vitest';
import { allocateWithin, createSampleMemory } from '#core/data/loading/sample-memory.js';

describe('createSampleMemory', () => {
  it('makes none until some is given back: whoever keeps batches gains nothing by it', () => {
    const memory = createSampleMemory();
    memory.note(64);
    expect(memory.take()).toBeUndefined();
    memory.giveBack([]);
    expect(memory.take()!.byteLength).toBe(64);
  });

  it('gives what came back, once, and lets go what has become too small', () => {
    const memory = createSampleMemory();
    memory.note(64);
    memory.giveBack([]);
    const [first, second] = [memory.take()!, memory.take()!];
    expect(first).not.toBe(second);
    memory.giveBack([first]);
    expect(memory.take()).toBe(first);
    memory.giveBack([first, second]);
    memory.note(128);
    expect(memory.take()!.byteLength).toBe(128);
    memory.note(16);
    expect(memory.take()!.byteLength).toBe(128);
  });
});

describe('allocateWithin', () => {
  it('hands out pieces that do not overlap, then arrays of their own', () => {
    const memory = new SharedArrayBuffer(24);
    const { allocate, bytes } = allocateWithin(memory);
    const pieces = [3, 3, 2].map((length, at) => allocate(length).fill(at));
    expect(pieces.map((piece) => [...piece])).toEqual([
      [0, 0, 0],
      [1, 1, 1],
      [2, 2],
    ]);
    expect(pieces.map(({ buffer }) => buffer === memory)).toEqual([true, true, false]);
    expect(bytes()).toBe(32);
  });

  it('without memory makes arrays', () => {
    const { allocate, bytes } = allocateWithin(undefined);
    expect(allocate(5).buffer).toBeInstanceOf(ArrayBuffer);
    expect(bytes()).toBe(20);
  });
});
