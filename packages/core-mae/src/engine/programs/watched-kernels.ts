import * as tf from '@tensorflow/tfjs';

/** A kernel that is about to run: what it is called, what goes in, and how to run it. */
export interface KernelCall {
  readonly name: string;
  readonly inputs: ReadonlyArray<readonly [name: string, tensor: tf.TensorInfo]>;
  run(): readonly tf.TensorInfo[];
}

/**
 * What `fn` returns, with every kernel that this backend runs meanwhile handed to `watch`, which runs it. For backends
 * that have computed a kernel when it returns: all but those of GPUs.
 */
export function withWatchedKernels<Result>(
  backend: string,
  watch: (call: KernelCall) => void,
  fn: () => Result,
): Result {
  const kernels = tf.getKernelsForBackend(backend);
  const replace = (wrap: (kernel: tf.KernelConfig) => tf.KernelConfig): void => {
    for (const kernel of kernels) {
      tf.unregisterKernel(kernel.kernelName, backend);
      tf.registerKernel(wrap(kernel));
    }
  };
  replace((kernel) => ({ ...kernel, kernelFunc: watched(kernel, watch) }));
  try {
    return fn();
  } finally {
    replace((kernel) => kernel);
  }
}

function watched({ kernelName, kernelFunc }: tf.KernelConfig, watch: (call: KernelCall) => void): tf.KernelFunc {
  return (parameters) => {
    let result: ReturnType<tf.KernelFunc> | undefined;
    watch({
      name: kernelName,
      inputs: Object.entries(parameters.inputs).flatMap(([name, value]) =>
        tensorsOf(value).map((each) => [name, each] as const),
      ),
      run: () => tensorsOf((result = kernelFunc(parameters))),
    });
    if (result === undefined) throw new Error(`The watched kernel ${kernelName} was not run.`);
    return result;
  };
}

/** Optional inputs are left out; some kernels take lists. */
function tensorsOf(value: tf.TensorInfo | readonly tf.TensorInfo[] | null | undefined): readonly tf.TensorInfo[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? (value as readonly tf.TensorInfo[]) : [value as tf.TensorInfo];
}
