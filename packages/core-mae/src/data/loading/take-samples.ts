import { append } from '../../base/long-lists.js';
import type { Sample } from '../../contracts/dataset.js';
import type { Loader } from './loader.js';

/** The first usable samples of a loader's first epoch, as many as asked for or as there are; closes the loader. */
export async function takeSamples(loader: Loader, count: number): Promise<Sample[]> {
  const taken: Sample[] = [];
  try {
    for await (const samples of loader.batches(0)) {
      append(taken, samples.slice(0, count - taken.length));
      if (taken.length >= count) break;
    }
    return taken;
  } finally {
    await loader.close();
  }
}
