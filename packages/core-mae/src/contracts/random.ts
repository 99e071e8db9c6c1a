/**
 * A seeded stream of random numbers. Forks are independent of how far their parent has been read, so every use of
 * randomness is addressed by name (`random.fork('mask', step)`) and a resumed run draws the same numbers.
 */
export interface Random {
  /** A new stream, fully determined by this stream's seed and the path. */
  fork(...path: Array<string | number>): Random;
  /** Uniform in [0, 1), with 32 bits. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
  /** A uniformly random order of 0 … size − 1. */
  permutation(size: number): Int32Array;
}
