import * as tf from '@tensorflow/tfjs';

/**
 * Lets a TF.js backend run kernels that it lacks by those of the JavaScript backend, values copied there and back. TF.js's
 * WebAssembly backend misses what training needs (the gradients of convolutions and of gathering among them): a step
 * with a slow kernel is better than none.
 *
 * Both backends must have started.
 */
export function borrowKernels(backendName: string, lenderName = 'cpu'): void {
  const lender = tf.findBackend(lenderName);
  for (const { kernelName, kernelFunc } of tf.getKernelsForBackend(lenderName)) {
    if (tf.getKernel(kernelName, backendName) !== undefined) continue;
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs, backend }) => {
        const lent: Record<string, tf.TensorInfo> = {};
        for (const [name, input] of Object.entries(inputs as Record<string, tf.TensorInfo | undefined>)) {
          if (input !== undefined && input !== null) lent[name] = copied(input, backend as tf.KernelBackend, lender);
        }
        const result = kernelFunc({ inputs: sameForm(inputs, lent), attrs: attrs ?? {}, backend: lender });
        const results = Array.isArray(result) ? result : [result];
        const returned = results.map((output) => copied(output, lender, backend as tf.KernelBackend));
        for (const { dataId } of [...Object.values(lent), ...results]) lender.disposeData(dataId, true);
        return Array.isArray(result) ? returned : returned[0]!;
      },
    });
  }
}

function copied({ dataId, shape, dtype }: tf.TensorInfo, from: tf.KernelBackend, to: tf.KernelBackend): tf.TensorInfo {
  return { dataId: to.write(from.readSync(dataId), shape, dtype), shape, dtype };
}

/** Some kernels take a list of tensors instead of named ones. */
function sameForm(inputs: unknown, lent: Record<string, tf.TensorInfo>): tf.NamedTensorInfoMap {
  return (Array.isArray(inputs) ? Object.values(lent) : lent) as tf.NamedTensorInfoMap;
}
