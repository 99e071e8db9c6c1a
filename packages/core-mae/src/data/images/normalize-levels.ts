import type { AllocateFloats } from '../../contracts/transform.js';
import { wasmBase64 } from './normalize-kernel.wasm.js';
import { instantiateWasm, layOut, type WasmMemory } from '../../base/wasm-module.js';

/** `(level / 255 − mean) / std` of levels `[…, C]`, in float32 arithmetic as torch computes it. */
export type NormalizeLevels = (levels: Uint8Array, allocate?: AllocateFloats) => Float32Array;

/** The function of normalize-kernel.wat; addresses, and a number of values. */
interface Kernel {
  readonly memory: WasmMemory;
  normalize(input: number, count: number, means: number, stds: number, output: number): void;
}

/** Values that the kernel takes at a time. */
const GROUP = 12;

/** Made at the first use; null where the machine has no SIMD. */
let kernel: Kernel | null | undefined;

/** @param mean per channel, in units of 0–1; as many as `std` */
export function levelNormalizer(mean: readonly number[], std: readonly number[]): NormalizeLevels {
  if (kernel === undefined) kernel = instantiateWasm<Kernel>(wasmBase64) ?? null;
  const isWhole = GROUP % mean.length === 0;
  return kernel === null || !isWhole ? plainNormalizer(mean, std) : simdNormalizer(kernel, mean, std);
}

function simdNormalizer(kernel: Kernel, mean: readonly number[], std: readonly number[]): NormalizeLevels {
  const repeated = (values: readonly number[]) =>
    Float32Array.from({ length: GROUP }, (_, at) => values[at % values.length]!);
  const [means, stds] = [repeated(mean), repeated(std)];
  return (levels, allocate = newFloats) => {
    const padded = Math.ceil(levels.length / GROUP) * GROUP;
    const layout = layOut(kernel.memory, { means: 4 * GROUP, stds: 4 * GROUP, input: padded, output: 4 * padded });
    const { buffer } = kernel.memory;
    new Float32Array(buffer, layout.means, GROUP).set(means);
    new Float32Array(buffer, layout.stds, GROUP).set(stds);
    new Uint8Array(buffer, layout.input, levels.length).set(levels);
    if (levels.length > 0) kernel.normalize(layout.input, levels.length, layout.means, layout.stds, layout.output);
    const output = allocate(levels.length);
    output.set(new Float32Array(buffer, layout.output, levels.length));
    return output;
  };
}

/** The same by a table of the 256 levels of each channel, for any number of channels and any machine. */
export function plainNormalizer(mean: readonly number[], std: readonly number[]): NormalizeLevels {
  const round = Math.fround;
  const table = Float32Array.from({ length: mean.length * 256 }, (_, at) => {
    const channel = at >> 8;
    return round(round(round((at & 255) / 255) - round(mean[channel]!)) / round(std[channel]!));
  });
  return (levels, allocate = newFloats) => {
    const output = allocate(levels.length);
    for (let at = 0; at < output.length; at++) output[at] = table[((at % mean.length) << 8) + levels[at]!]!;
    return output;
  };
}

function newFloats(length: number): Float32Array {
  return new Float32Array(length);
}
