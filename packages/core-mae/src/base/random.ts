import type { Random } from '../contracts/random.js';

/**
 * A seeded stream: xoshiro128** (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018), its
 * state filled by splitmix32 from a hash of the seed and the path of forks.
 *
 * @param seed any integer of up to 53 bits
 */
export function createRandom(seed: number): Random {
  return new Xoshiro128(mix(mix(0x9e3779b9, seed >>> 0), Math.floor(seed / 0x100000000) >>> 0));
}

class Xoshiro128 implements Random {
  private readonly key: number;
  private a: number;
  private b: number;
  private c: number;
  private d: number;
  private spareNormal: number | undefined;

  constructor(key: number) {
    this.key = key;
    this.a = mix(key, 1);
    this.b = mix(key, 2);
    this.c = mix(key, 3);
    this.d = mix(key, 4) | 1;
  }

  fork(...path: Array<string | number>): Random {
    let key = this.key;
    for (const step of path) {
      if (typeof step === 'number') {
        key = mix(mix(mix(key, 0x6e756d), step >>> 0), Math.floor(step / 0x100000000) >>> 0);
      } else {
        key = mix(key, step.length);
        for (let i = 0; i < step.length; i++) key = mix(key, step.charCodeAt(i));
      }
    }
    return new Xoshiro128(key);
  }

  uniform(): number {
    return this.next() / 0x100000000;
  }

  normal(): number {
    if (this.spareNormal !== undefined) {
      const value = this.spareNormal;
      this.spareNormal = undefined;
      return value;
    }
    // Box–Muller; 1 − u keeps the logarithm finite.
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  integer(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  permutation(size: number): Int32Array {
    const order = Int32Array.from({ length: size }, (_, index) => index);
    for (let i = size - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const swapped = order[i]!;
      order[i] = order[j]!;
      order[j] = swapped;
    }
    return order;
  }

  private next(): number {
    const product = Math.imul(this.b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result >>> 0;
  }
}

/** Mixes a 32-bit value into a 32-bit key (murmur3's block and final steps). */
function mix(key: number, value: number): number {
  let block = Math.imul(value, 0xcc9e2d51);
  block = (block << 15) | (block >>> 17);
  let hash = key ^ Math.imul(block, 0x1b873593);
  hash = (hash << 13) | (hash >>> 19);
  hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
