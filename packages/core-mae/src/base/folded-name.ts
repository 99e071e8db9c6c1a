/**
 * The name as a file system takes it that ignores case and forms of Unicode (macOS, Windows): names that are equal here
 * are one file there.
 */
export function foldedName(name: string): string {
  // Case folding is not closed under composition, so the form is made after it.
  return name.normalize('NFC').toLowerCase().normalize('NFC');
}

/**
 * A function that keeps names of files apart: a name that an earlier one is equal to, case and form ignored, gets a
 * number before its ending (`a.png`, `A 2.png`).
 */
export function distinctNames(): (name: string) => string {
  const taken = new Set<string>();
  return (name) => {
    const dot = name.lastIndexOf('.');
    const end = dot > name.lastIndexOf('/') + 1 ? dot : name.length;
    let distinct = name;
    for (let number = 2; taken.has(foldedName(distinct)); number++) {
      distinct = `${name.slice(0, end)} ${number}${name.slice(end)}`;
    }
    taken.add(foldedName(distinct));
    return distinct;
  };
}
