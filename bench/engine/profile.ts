import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stepSettings, timeSteps } from '../training/mae-step.js';

interface TraceEvent {
  readonly cat?: string;
  readonly name: string;
  readonly dur?: number;
  readonly args?: { readonly op_name?: string; readonly input_type_shape?: unknown };
}

const STEPS = 2;
const SHOWN = 12;

/**
 * Where the time of a training step goes, by ONNX Runtime's own profile with one thread: each operator's share of the
 * time of all nodes, and the largest shares of operators on inputs of one shape. Not a comparison.
 */
export async function run(): Promise<object[]> {
  const results: object[] = [];
  for (const [key, setting] of Object.entries(stepSettings)) {
    const folder = await mkdtemp(join(tmpdir(), 'mae-tasks-profile-'));
    try {
      await timeSteps({ ...setting, steps: STEPS }, { threads: 1, profile: join(folder, 'step') });
      const [file] = await readdir(folder);
      const events = JSON.parse(await readFile(join(folder, file!), 'utf8')) as TraceEvent[];
      const nodes = events.filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'));
      const shapeOf = ({ args }: TraceEvent): string =>
        `${args?.op_name ?? ''} ${JSON.stringify(args?.input_type_shape).replace(/[{}"]|float:?/gu, '')}`;
      results.push({
        name: `profile (${key})`,
        operators: largestShares(nodes, ({ args }) => args?.op_name ?? 'unknown'),
        shapes: largestShares(nodes, shapeOf),
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  return results;
}

function largestShares(nodes: readonly TraceEvent[], keyOf: (node: TraceEvent) => string): Record<string, number> {
  const sums = new Map<string, number>();
  for (const node of nodes) sums.set(keyOf(node), (sums.get(keyOf(node)) ?? 0) + (node.dur ?? 0));
  const total = [...sums.values()].reduce((sum, value) => sum + value, 0);
  const sorted = [...sums].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  return Object.fromEntries(sorted.map(([key, value]) => [key, Number((value / total).toFixed(4))]));
}
