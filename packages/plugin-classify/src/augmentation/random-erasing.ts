import type { Random, Sample } from '@mae-tasks/core-mae/task';

/** Share of the picture's area that a box covers, and the logarithm of its shape's bounds (timm's defaults). */
const AREA = [0.02, 1 / 3] as const;
const LOG_RATIO = [Math.log(0.3), Math.log(1 / 0.3)] as const;
const TRIES = 10;

/**
 * A transform that replaces a random box of normalised pixels by noise of mean 0 and deviation 1, with a probability
 * (Zhong et al. 2020; timm's `RandomErasing`, mode `pixel`). Runs in worker threads.
 *
 * @param options `probability`, 0 to 1
 */
export function randomErasing(options: Readonly<Record<string, unknown>>): (sample: Sample, random: Random) => Sample {
  const probability = options.probability as number;
  return (sample, random) => {
    if (random.uniform() >= probability) return sample;
    const { width, height, channels } = sample;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const area = width * height * (AREA[0] + (AREA[1] - AREA[0]) * random.uniform());
      const ratio = Math.exp(LOG_RATIO[0] + (LOG_RATIO[1] - LOG_RATIO[0]) * random.uniform());
      const [boxHeight, boxWidth] = [Math.round(Math.sqrt(area * ratio)), Math.round(Math.sqrt(area / ratio))];
      if (boxHeight >= height || boxWidth >= width) continue;
      const [top, left] = [random.integer(height - boxHeight + 1), random.integer(width - boxWidth + 1)];
      const pixels = Float32Array.from(sample.pixels);
      for (let y = top; y < top + boxHeight; y++) {
        const start = (y * width + left) * channels;
        for (let at = start; at < start + boxWidth * channels; at++) pixels[at] = random.normal();
      }
      return { ...sample, pixels };
    }
    return sample;
  };
}
