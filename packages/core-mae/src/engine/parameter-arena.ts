import { type Parameter, type ParameterTree, type Shape, sizeOf } from '../contracts/tensor.js';
import { registerMemory } from './kernels/select.js';

/** New parameters of these shapes, all zeros (`AllocateParameters` of nn/params.ts). */
export type AllocateInArena = (shapes: Readonly<Record<string, Shape>>) => ParameterTree;

export interface ArenaOptions {
  /**
   * For how many trees of the same shapes there is room side by side (parameters, gradients, two moments, an average, an
   * accumulator). Default 6. Room that is never used costs address space, not memory.
   */
  readonly trees?: number;
  /** Largest size of one memory in pages of 64 KiB. Default 65,536, the 4 GiB that WebAssembly allows. */
  readonly pageLimit?: number;
}

const PAGE_BYTES = 65_536;
/** A cache line: no two tensors share one. */
const ALIGNMENT = 64;

/**
 * A place for parameter trees in WebAssembly memory, where the optimizer's kernels and ONNX Runtime work on the same
 * bytes without copies.
 *
 * Trees allocated one after another with the same names lie side by side: all arrays that one kernel call takes are in
 * one memory, though a large model needs several. Memories are made in their final size, for growing one would detach
 * every array in it. A tensor that is too large for any memory lies on the heap, where everything works, slower.
 */
export function createParameterArena({ trees = 6, pageLimit = 65_536 }: ArenaOptions = {}): AllocateInArena {
  const places = new Map<string, Place[]>();

  const reserve = (wanted: ReadonlyMap<string, Shape>): void => {
    const blocks = [...wanted].map(([name, shape]) => ({ name, shape, bytes: trees * strideOf(shape) }));
    const limit = pageLimit * PAGE_BYTES;
    const fitting = blocks.filter(({ bytes }) => bytes <= limit);
    for (const group of packed(fitting, limit)) {
      const pages = Math.ceil(group.reduce((sum, { bytes }) => sum + bytes, 0) / PAGE_BYTES);
      const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
      registerMemory(memory);
      let offset = 0;
      for (const { name, shape, bytes } of group) {
        places.set(keyOf(name, shape), [
          ...(places.get(keyOf(name, shape)) ?? []),
          { buffer: memory.buffer, offset, numFree: trees },
        ]);
        offset += bytes;
      }
    }
  };

  return (shapes) => {
    const free = (name: string, shape: Shape): Place | undefined =>
      places.get(keyOf(name, shape))?.find(({ numFree }) => numFree > 0);
    reserve(new Map(Object.entries(shapes).filter(([name, shape]) => free(name, shape) === undefined)));
    return new Map(
      Object.entries(shapes).map(([name, shape]): [string, Parameter] => {
        const place = free(name, shape);
        if (place === undefined) return [name, { name, shape, data: new Float32Array(sizeOf(shape)) }];
        const start = place.offset + (trees - place.numFree) * strideOf(shape);
        place.numFree--;
        return [name, { name, shape, data: new Float32Array(place.buffer, start, sizeOf(shape)) }];
      }),
    );
  };
}

interface Place {
  readonly buffer: ArrayBuffer;
  readonly offset: number;
  numFree: number;
}

interface Block {
  readonly name: string;
  readonly shape: Shape;
  readonly bytes: number;
}

/** Blocks in order, in as few groups as fit the limit. */
function packed(blocks: readonly Block[], limit: number): Block[][] {
  const groups: Block[][] = [];
  let room = 0;
  for (const block of blocks) {
    if (block.bytes > room) {
      groups.push([]);
      room = limit;
    }
    groups.at(-1)!.push(block);
    room -= block.bytes;
  }
  return groups;
}

function strideOf(shape: Shape): number {
  return Math.max(1, Math.ceil((sizeOf(shape) * Float32Array.BYTES_PER_ELEMENT) / ALIGNMENT)) * ALIGNMENT;
}

function keyOf(name: string, shape: Shape): string {
  return `${name}[${shape.join()}]`;
}
