import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders and files whose tests take longest, the longest first: what is left for the end should be short. */
const LONGEST = ['commands/docs', 'commands/', 'contract/', 'faults/', 'detect/', 'segment/', 'packaging/'];

/** Starts the longest files first, so that no processor waits at the end for one file that another began late. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((part) => moduleId.includes(`/test/${part}`));
      return found < 0 ? LONGEST.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
