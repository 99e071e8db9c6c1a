/** A transform as a plugin brings it: its factory is loaded by URL in worker threads. */
export function invert({ from = 255 }) {
  return (sample) => ({ ...sample, pixels: sample.pixels.map((value) => from - value) });
}

/** Throws for one sample, to see how the loader names it. */
export function failOn({ id }) {
  return (sample) => {
    if (sample.id === id) throw new TypeError('this transform has a bug');
    return sample;
  };
}
