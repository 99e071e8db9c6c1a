import { type HostTensor, sizeOf, type TensorData, type TensorSpec } from '../../../contracts/tensor.js';

/** A cache line: threads that write neighbouring tensors do not share one. */
const ALIGNMENT = 64;

/** Tensors by name, each at a fixed place of one buffer. */
export type BlockSpecs = Readonly<Record<string, TensorSpec>>;

/** Bytes of a buffer that holds these tensors; never 0. */
export function blockBytes(specs: BlockSpecs): number {
  return Object.values(specs).reduce((sum, spec) => sum + strideOf(spec), ALIGNMENT);
}

/** The tensors of a buffer of {@link blockBytes}, in the specs' order; the same specs give the same places. */
export function tensorsIn(buffer: ArrayBufferLike, specs: BlockSpecs): Map<string, HostTensor> {
  let offset = 0;
  return new Map(
    Object.entries(specs).map(([name, spec]): [string, HostTensor] => {
      const data = valuesAt(buffer, offset, spec);
      offset += strideOf(spec);
      return [name, { ...spec, data }];
    }),
  );
}

/** Copies a whole block. */
export function copyBlock(from: ArrayBufferLike, to: ArrayBufferLike): void {
  new Uint8Array(to).set(new Uint8Array(from));
}

function valuesAt(buffer: ArrayBufferLike, offset: number, { shape, dtype }: TensorSpec): TensorData {
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer, offset, sizeOf(shape));
    case 'int32':
      return new Int32Array(buffer, offset, sizeOf(shape));
    case 'bool':
      return new Uint8Array(buffer, offset, sizeOf(shape));
  }
}

function strideOf({ shape, dtype }: TensorSpec): number {
  const bytes = sizeOf(shape) * (dtype === 'bool' ? 1 : 4);
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
