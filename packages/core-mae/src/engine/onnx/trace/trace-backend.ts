import * as tf from '@tensorflow/tfjs';
import type { DType } from '../../../contracts/tensor.js';
import type { GraphBuilder } from '../graph.js';
import { activationKernels } from '../rules/activations.js';
import { arithmeticKernels } from '../rules/arithmetic.js';
import { convolutionKernels } from '../rules/convolution.js';
import { creationKernels } from '../rules/creation.js';
import { fusedKernels } from '../rules/fused.js';
import { indexingKernels } from '../rules/indexing.js';
import { layoutKernels } from '../rules/layout.js';
import { logicKernels } from '../rules/logic.js';
import { matrixKernels } from '../rules/matrix.js';
import { normalizationKernels } from '../rules/normalization.js';
import { poolingKernels } from '../rules/pooling.js';
import { reductionKernels } from '../rules/reductions.js';
import { resizeKernels } from '../rules/resize.js';
import type { KernelRule, KernelRules } from '../rules/rule.js';
import { computed, constant, knownValues, type LazyTensor } from '../operators/lazy-tensors.js';
import { reshape } from '../operators/layout.js';
import { unsupported } from '../operators/unsupported.js';

/** The name under which the backend is registered with TF.js. */
export const TRACE_BACKEND = 'mae-trace';

const rules: KernelRules = {
  ...activationKernels,
  ...arithmeticKernels,
  ...convolutionKernels,
  ...creationKernels,
  ...fusedKernels,
  ...indexingKernels,
  ...layoutKernels,
  ...logicKernels,
  ...matrixKernels,
  ...normalizationKernels,
  ...poolingKernels,
  ...reductionKernels,
  ...resizeKernels,
};

interface Stored {
  readonly tensor: LazyTensor;
  numReferences: number;
}

/**
 * A TF.js backend whose kernels compute nothing and write what they would compute into a graph. Saved tensors share
 * data with their originals (Identity, Reshape), so data is counted by reference as TF.js expects.
 */
class TraceBackend extends tf.KernelBackend {
  private readonly stored = new WeakMap<object, Stored>();
  private numStored = 0;
  private builder: GraphBuilder | undefined;

  /** Starts writing into this graph; tensors of earlier graphs become unusable, their constants do not. */
  begin(builder: GraphBuilder): void {
    this.builder = builder;
  }

  get graph(): GraphBuilder {
    if (this.builder === undefined) throw new Error(`${TRACE_BACKEND} is only active inside trace().`);
    return this.builder;
  }

  /** What a kernel's input stands for. */
  lazy({ dataId, shape, dtype }: tf.TensorInfo): LazyTensor {
    const tensor = this.stored.get(dataId)?.tensor ?? this.capture(dataId, shape, dtype as DType);
    if (tensor.kind === 'computed' && tensor.graph !== this.builder) {
      throw unsupported('a tensor kept from an earlier run', 'return it from the function, or compute it again');
    }
    return reshape(this.graph, tensor, shape);
  }

  add(tensor: LazyTensor): tf.TensorInfo {
    const dataId = {};
    this.stored.set(dataId, { tensor, numReferences: 1 });
    this.numStored++;
    return { dataId, shape: [...tensor.shape], dtype: tensor.dtype };
  }

  /** A tensor made before tracing, on another backend, is a constant of the graph. */
  private capture(dataId: object, shape: readonly number[], dtype: DType): LazyTensor {
    return constant(tf.engine().readSync(dataId) as Float32Array, shape, dtype);
  }

  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object {
    if (dtype === 'string' || dtype === 'complex64') throw unsupported(`a tensor of dtype ${dtype}`);
    const tensor = constant(values as unknown as number[], shape, dtype);
    if (tensor.kind === 'constant') refuseRandom();
    return this.add(tensor).dataId;
  }

  override readSync(dataId: object): tf.backend_util.BackendValues {
    const tensor = this.stored.get(dataId)?.tensor;
    const values = tensor && knownValues(tensor);
    if (values !== undefined) return values as tf.backend_util.BackendValues;
    throw unsupported(
      'reading a value (`dataSync`, `arraySync`, `print`) while the function is traced: its tensors have no values yet; it',
      'return the tensor from the function and read it there',
    );
  }

  override read(dataId: object): Promise<tf.backend_util.BackendValues> {
    return Promise.resolve().then(() => this.readSync(dataId));
  }

  override incRef(dataId: object): void {
    const stored = this.stored.get(dataId);
    if (stored !== undefined) stored.numReferences++;
  }

  override refCount(dataId: object): number {
    return this.stored.get(dataId)?.numReferences ?? 0;
  }

  override disposeData(dataId: object, force = false): boolean {
    const stored = this.stored.get(dataId);
    if (stored === undefined) return true;
    stored.numReferences--;
    if (!force && stored.numReferences > 0) return false;
    this.stored.delete(dataId);
    this.numStored--;
    return true;
  }

  override numDataIds(): number {
    return this.numStored;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override epsilon(): number {
    return 1e-7;
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override dispose(): void {
    this.builder = undefined;
  }
}

/** Random values written while tracing would be the same in every run, in silence. */
function refuseRandom(): void {
  const made = new Error('a random tensor');
  if (!/\b(random\w*_|rand_|truncatedNormal_)\b/.test(made.stack ?? '')) return;
  throw unsupported(
    'a tensor of random numbers, which would be the same in every run,',
    'draw them outside (`contracts/random.ts`) and pass them in the batch',
    made,
  );
}

let instance: TraceBackend | undefined;

/** The backend, registered with TF.js at the first call; it never becomes the default backend. */
export function traceBackend(): TraceBackend {
  if (instance === undefined) {
    const created = new TraceBackend();
    instance = created;
    tf.registerBackend(TRACE_BACKEND, () => created, -1);
    for (const [kernelName, rule] of Object.entries(rules)) register(kernelName, rule);
    registerIdentity();
  }
  return instance;
}

function register(kernelName: string, rule: KernelRule): void {
  tf.registerKernel({
    kernelName,
    backendName: TRACE_BACKEND,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const trace = backend as TraceBackend;
      const lazyInputs: Record<string, LazyTensor> = {};
      for (const [name, input] of Object.entries(inputs as Record<string, tf.TensorInfo | undefined>)) {
        if (input !== undefined && input !== null) lazyInputs[name] = trace.lazy(input);
      }
      const result = rule(trace.graph, lazyInputs, attrs);
      return Array.isArray(result) ? result.map((tensor) => trace.add(tensor)) : trace.add(result);
    },
  });
}

/** The clone that TF.js saves for gradients shares its original's data. */
function registerIdentity(): void {
  tf.registerKernel({
    kernelName: 'Identity',
    backendName: TRACE_BACKEND,
    kernelFunc: ({ inputs, backend }) => {
      const trace = backend as TraceBackend;
      const { dataId, shape, dtype } = (inputs as { x: tf.TensorInfo }).x;
      if (trace.refCount(dataId) === 0) return trace.add(trace.lazy({ dataId, shape, dtype }));
      trace.incRef(dataId);
      return { dataId, shape, dtype };
    },
  });
}

/** Wraps a value of the graph as a TF.js tensor, so that a function can be run on it. */
export function tracedTensor(trace: TraceBackend, name: string, shape: readonly number[], dtype: DType): tf.Tensor {
  const value = trace.graph.input(name, shape, dtype);
  return tf.engine().makeTensorFromTensorInfo(trace.add(computed(trace.graph, value, dtype)));
}
