/** Coordinates and other 64-bit numbers, appended one at a time. */
export class GrowingFloat64 {
  data: Float64Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 1024) {
    this.data = new Float64Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.data.length) this.data = enlarged(this.data, new Float64Array(largerSize(this.length)));
    this.data[this.length++] = value;
  }

  /** The numbers so far. Shares memory when little of it is unused. */
  finish(): Float64Array {
    return trimmed(this.data, this.length);
  }
}

/** 32-bit whole numbers, appended one at a time. */
export class GrowingInt32 {
  data: Int32Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 1024) {
    this.data = new Int32Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.data.length) this.data = enlarged(this.data, new Int32Array(largerSize(this.length)));
    this.data[this.length++] = value;
  }

  finish(): Int32Array {
    return trimmed(this.data, this.length);
  }
}

/** Bytes, appended one at a time or in pieces. */
export class GrowingBytes {
  data: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 1024) {
    this.data = new Uint8Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.data.length) this.reserve(1);
    this.data[this.length++] = value;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.data.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Makes room for `extra` more bytes. */
  reserve(extra: number): void {
    const needed = this.length + extra;
    if (needed > this.data.length) {
      this.data = enlarged(this.data, new Uint8Array(Math.max(needed, largerSize(this.length))));
    }
  }

  finish(): Uint8Array {
    return trimmed(this.data, this.length);
  }
}

interface Settable<Self> {
  set(source: Self): void;
}

function enlarged<Values extends Settable<Values>>(from: Values, to: Values): Values {
  to.set(from);
  return to;
}

/** Half as much again: less waste than doubling where arrays reach hundreds of megabytes. */
function largerSize(size: number): number {
  return Math.max(64, Math.ceil(size * 1.5));
}

interface Sliceable<Self> {
  readonly length: number;
  slice(start: number, end: number): Self;
  subarray(start: number, end: number): Self;
}

function trimmed<Values extends Sliceable<Values>>(data: Values, length: number): Values {
  // Pages never written take no memory, so a large array is cut rather than copied.
  return data.length > 1 << 20 ? data.subarray(0, length) : data.slice(0, length);
}
