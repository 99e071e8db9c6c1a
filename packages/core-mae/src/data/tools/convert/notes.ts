/** What a conversion left out or repaired, told in lines for people; of a kind that is frequent, the first and a count. */
export interface Notes {
  /** @param kind notes of one kind are counted together; it ends the line "… and 12 more: " */
  add(kind: string, line: string): void;
  lines(): string[];
}

export function createNotes(limitPerKind = 20): Notes {
  const kinds = new Map<string, { readonly lines: string[]; count: number }>();
  return {
    add(kind, line) {
      let entry = kinds.get(kind);
      if (entry === undefined) kinds.set(kind, (entry = { lines: [], count: 0 }));
      entry.count++;
      if (entry.lines.length < limitPerKind) entry.lines.push(line);
    },
    lines: () =>
      [...kinds].flatMap(([kind, { lines, count }]) =>
        count > lines.length ? [...lines, `… and ${count - lines.length} more: ${kind}`] : lines,
      ),
  };
}

/** `a, b, c and 4 more`. */
export function someOf(names: readonly string[], shown = 3): string {
  const rest = names.length - shown;
  return names.slice(0, shown).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
