/**
 * The name as a file system takes it that ignores case and forms of Unicode (macOS, Windows): names that are equal here
 * are one file there.
 */
export function foldedName(name: string): string {
  // Case folding is not closed under composition, so the form is made after it.
  return name.normalize('NFC').toLowerCase().normalize('NFC');
}
