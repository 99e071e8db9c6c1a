import { type CocoEvaluation, evaluateCoco } from './evaluate.js';
import { loadCoco } from '../parse.js';
import { numbersOfNames } from './numbers-of-names.js';
import { loadResults } from '../results.js';

export interface ScoreOptions {
  /** The annotation file. */
  readonly annotations: string;
  /** The results file, in COCO's format. */
  readonly results: string;
  readonly type: 'bbox' | 'segm';
  /** Default false. */
  readonly classAgnostic?: boolean;
  /** Default COCO's, 0.5 to 0.95. */
  readonly iouThresholds?: readonly number[];
}

export interface ScoredResults {
  readonly evaluation: CocoEvaluation;
  /** Oddities of both files. */
  readonly warnings: readonly string[];
}

/**
 * The scores of any detector's results file, without a model.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `ANNOTATION_INVALID` naming file and entry, `CONFIG_INVALID`
 */
export function scoreResults({ annotations: file, results, type, ...options }: ScoreOptions): ScoredResults {
  const { annotations, warnings } = loadCoco(file);
  const loaded = loadResults(results, annotations);
  return {
    evaluation: evaluateCoco(annotations, loaded.detections, { type, ...options }),
    warnings: [...warnings, ...loaded.warnings, ...numbersOfNames(annotations, loaded.detections)],
  };
}
