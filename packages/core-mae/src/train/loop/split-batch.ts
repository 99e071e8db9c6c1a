import { type Batch, type HostTensor, sizeOf, type TensorSpec } from '../../contracts/tensor.js';

/**
 * Equal parts of a batch, each entry cut along the axis that holds the samples: the one in which its shape changes with
 * the size of the batch. For entries whose values do not speak of other samples (a map of rows does).
 *
 * @param specOf the batch's entries for a number of samples
 * @param batchSize of the whole
 */
export function splitBatch(
  batch: Batch,
  specOf: (batchSize: number) => Readonly<Record<string, TensorSpec>>,
  { batchSize, count }: { readonly batchSize: number; readonly count: number },
): Batch[] {
  const specs = specOf(batchSize / count);
  return Array.from({ length: count }, (_, part) =>
    Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, partOf(batch[name]!, spec, part, count)])),
  );
}

function partOf(whole: HostTensor, spec: TensorSpec, part: number, count: number): HostTensor {
  if (count === 1) return whole;
  const axis = whole.shape.findIndex((size, index) => size !== spec.shape[index]);
  // An entry that does not grow with the batch belongs to every part.
  if (axis === -1) return whole;
  const rows = sizeOf(whole.shape.slice(0, axis));
  const width = sizeOf(spec.shape.slice(axis));
  const data = whole.data.slice(0, sizeOf(spec.shape));
  for (let row = 0; row < rows; row++) {
    const start = (row * count + part) * width;
    data.set(whole.data.subarray(start, start + width), row * width);
  }
  return { ...spec, data };
}
