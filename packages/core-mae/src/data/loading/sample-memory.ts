import type { AllocateFloats } from '../../contracts/transform.js';
import { append } from '../../base/long-lists.js';

/** Memory for the floats of samples, shared between threads and used again once a batch is done with. */
export interface SampleMemory {
  /** Memory for the samples of some jobs; undefined as long as none was ever given back. */
  take(): SharedArrayBuffer | undefined;
  /** Notes how many bytes the samples of some jobs asked for. */
  note(bytes: number): void;
  /** Memory that nobody reads any more. */
  giveBack(memories: readonly SharedArrayBuffer[]): void;
}

/**
 * An array of a picture's size costs the worker time to hand over, and brings V8's next collection of the whole heap
 * nearer in the thread that it is handed to. Shared memory that is used again costs neither.
 */
export function createSampleMemory(): SampleMemory {
  const free: SharedArrayBuffer[] = [];
  let largest = 0;
  let isGivenBack = false;
  return {
    take() {
      if (!isGivenBack || largest === 0) return undefined;
      // What was made before a larger picture came is let go.
      for (let memory = free.pop(); memory !== undefined; memory = free.pop()) {
        if (memory.byteLength >= largest) return memory;
      }
      return new SharedArrayBuffer(largest);
    },
    note(bytes) {
      largest = Math.max(largest, bytes);
    },
    giveBack(memories) {
      isGivenBack = true;
      append(free, memories);
    },
  };
}

export interface Allocation {
  readonly allocate: AllocateFloats;
  /** Bytes asked for so far, whether there was room or not. */
  readonly bytes: () => number;
}

/** Arrays within the memory, one after the other; arrays of their own where it has no room. */
export function allocateWithin(memory: SharedArrayBuffer | undefined): Allocation {
  let used = 0;
  return {
    allocate(length) {
      const start = used;
      used += length * Float32Array.BYTES_PER_ELEMENT;
      const hasRoom = memory !== undefined && used <= memory.byteLength;
      return hasRoom ? new Float32Array(memory, start, length) : new Float32Array(length);
    },
    bytes: () => used,
  };
}
