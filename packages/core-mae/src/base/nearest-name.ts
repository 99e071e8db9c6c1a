import { distance } from 'fastest-levenshtein';

/** The name closest to a misspelt one, if it is close enough to be meant. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[-_]/g, '');
  let best: { name: string; edits: number } | undefined;
  for (const candidate of known) {
    const edits = distance(plain(name), plain(candidate));
    if (best === undefined || edits < best.edits) best = { name: candidate, edits };
  }
  return best !== undefined && best.edits <= Math.max(1, Math.floor(name.length / 3)) ? best.name : undefined;
}
