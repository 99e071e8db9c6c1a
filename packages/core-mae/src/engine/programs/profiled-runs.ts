/**
 * Runs of each program whose operators are recorded, from its first on. More would say the same, slow the run down and
 * fill the memory: a training step of a large model is thousands of operators.
 */
export const PROFILED_RUNS = 10;
