// Whether the task keeps the contract that every command relies on: npm test
import test from 'node:test';
import { testTaskPlugin } from '@mae-tasks/core-mae/testing';
import plugin from '../dist/index.js';

/** Pictures whose brightness grows from left to right, some faster than others. */
const pictures = {
  name: 'slopes',
  size: 6,
  item: (index) => ({
    id: `slope-${index}`,
    image: { kind: 'pixels', data: slope(3 + index), width: 32, height: 32, channels: 3 },
    target: undefined,
  }),
  warnings: [],
};

function slope(steepness) {
  return Uint8Array.from({ length: 32 * 32 * 3 }, (_, at) => (Math.floor(at / 3) % 32) * steepness);
}

for (const { name, run } of testTaskPlugin({ plugin, task: 'rotation', data: pictures })) test(name, run);
