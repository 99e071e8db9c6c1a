import { noRecorder, type OperatorTime } from '../../packages/core-mae/src/contracts/recorder.js';
import { stepSettings, timeSteps } from '../training/mae-step.js';

const STEPS = 2;
const SHOWN = 12;

/**
 * Where the time of a training step goes, by ONNX Runtime's own profile with one thread: each operator's share of the
 * time of all nodes, and the largest shares of operators on inputs of one shape. Not a comparison.
 */
export async function run(): Promise<object[]> {
  const results: object[] = [];
  for (const [key, setting] of Object.entries(stepSettings)) {
    const nodes: OperatorTime[] = [];
    const recorder = {
      ...noRecorder,
      recordOperators: (_program: string, _run: number, operators: readonly OperatorTime[]) => {
        nodes.push(...operators);
      },
    };
    await timeSteps({ ...setting, steps: STEPS }, { threads: 1, recorder });
    results.push({
      name: `profile (${key})`,
      operators: largestShares(nodes, ({ operator }) => operator),
      shapes: largestShares(nodes, ({ operator, shapes }) => `${operator} ${shapes}`),
    });
  }
  return results;
}

function largestShares(nodes: readonly OperatorTime[], keyOf: (node: OperatorTime) => string): Record<string, number> {
  const sums = new Map<string, number>();
  for (const node of nodes) sums.set(keyOf(node), (sums.get(keyOf(node)) ?? 0) + node.duration);
  const total = [...sums.values()].reduce((sum, value) => sum + value, 0);
  const sorted = [...sums].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  return Object.fromEntries(sorted.map(([key, value]) => [key, Number((value / total).toFixed(4))]));
}
