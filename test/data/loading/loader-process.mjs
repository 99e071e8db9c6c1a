// Uses a pool of the built worker as the loader does, and does not close it: the process must end all the same.
import { Piscina } from 'piscina';

const pool = new Piscina({ filename: process.argv[2], minThreads: 2, maxThreads: 2 });
const image = { kind: 'pixels', data: new Uint8Array(12), width: 2, height: 2, channels: 3 };
const jobs = [{ item: { id: 'black', image }, seed: 1 }];
const { outcomes } = await pool.run({ pipeline: { transforms: [] }, jobs });
console.log(outcomes.filter((outcome) => 'sample' in outcome).length);
