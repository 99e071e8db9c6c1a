/** What each candidate box (an anchor, a proposal) is matched to. */
export interface Matches {
  /** `[n]`: the true box of greatest overlap, the first of equals; 0 without true boxes. */
  readonly indices: Int32Array;
  /** `[n]`: 1 for an object, 0 for background, −1 for neither. */
  readonly labels: Int8Array;
}

export interface MatchOptions {
  /** Below this overlap: background. */
  readonly low: number;
  /** From this overlap on: an object. */
  readonly high: number;
  /** Whether the candidates that overlap a true box most are objects too, however little that is (Ren et al. 2015, §3.1.2). */
  readonly allowLowQuality: boolean;
}

const round = Math.fround;

/**
 * Matches candidates to true boxes by intersection over union (detectron2's `Matcher` on `pairwise_iou`, in float32 as
 * there, since ties decide). A true box that overlaps nothing, for want of area say, is matched to nothing.
 *
 * @param candidates `[n, 4]`, `[x0, y0, x1, y1]`
 * @param truth `[g, 4]`
 */
export function matchBoxes(candidates: Float32Array, truth: Float32Array, options: MatchOptions): Matches {
  const { low, high, allowLowQuality } = options;
  const numCandidates = candidates.length / 4;
  const best = new Float32Array(numCandidates);
  const indices = new Int32Array(numCandidates);
  const closest = allowLowQuality ? new Uint8Array(numCandidates) : undefined;
  const areas = Float32Array.from({ length: numCandidates }, (_, i) => areaOf(candidates, 4 * i));
  for (let t = 0; t < truth.length / 4; t++) {
    const [x0, y0, x1, y1] = [truth[4 * t]!, truth[4 * t + 1]!, truth[4 * t + 2]!, truth[4 * t + 3]!];
    const area = areaOf(truth, 4 * t);
    let greatest = 0;
    let ties: number[] = [];
    for (let i = 0, at = 0; i < numCandidates; i++, at += 4) {
      const width = round(Math.min(x1, candidates[at + 2]!) - Math.max(x0, candidates[at]!));
      if (!(width > 0)) continue;
      const height = round(Math.min(y1, candidates[at + 3]!) - Math.max(y0, candidates[at + 1]!));
      if (!(height > 0)) continue;
      const shared = round(width * height);
      const overlap = round(shared / round(round(area + areas[i]!) - shared));
      if (overlap > best[i]!) {
        best[i] = overlap;
        indices[i] = t;
      }
      if (overlap > greatest) {
        greatest = overlap;
        ties = [i];
      } else if (overlap === greatest && overlap > 0) {
        ties.push(i);
      }
    }
    if (closest !== undefined) for (const i of ties) closest[i] = 1;
  }
  // Comparing in float32: 0.7 rounded is not 0.7.
  const [lowest, highest] = [round(low), round(high)];
  const labels = Int8Array.from(best, (overlap, i) =>
    overlap >= highest || closest?.[i] === 1 ? 1 : overlap >= lowest ? -1 : 0,
  );
  return { indices, labels };
}

function areaOf(boxes: Float32Array, at: number): number {
  return round(round(boxes[at + 2]! - boxes[at]!) * round(boxes[at + 3]! - boxes[at + 1]!));
}
