import type { VectorKernels } from '../vector-kernels.js';
import { plainKernels } from './plain.js';

/** The fastest kernels for wherever the arrays of a call lie. */
export const vectorKernels: VectorKernels = plainKernels;
