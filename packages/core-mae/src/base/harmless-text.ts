/**
 * Controls of terminals (C0, C1, delete), ends of lines, and what changes the direction of other text or takes no room.
 * Joiners and variation selectors stay: scripts and emoji are made of them.
 */
export const CONTROLS = /[\p{Cc}\u00AD\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]/gu;

const known = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/**
 * The string with every control written out, as a programming language would: `\n`, `\x1b`, `\u202e`. Names of files and
 * classes come from anywhere: so written, a terminal shows them and does not obey them.
 *
 * @param options whether it consists of lines, whose ends stay. Default false
 */
export function withoutControls(text: string, { lines = false }: { readonly lines?: boolean } = {}): string {
  return text.replace(CONTROLS, (control) => {
    if (lines && control === '\n') return control;
    const code = control.codePointAt(0)!.toString(16);
    return known.get(control) ?? (code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`);
  });
}

/** JSON that a terminal can be shown as well: the same value, its controls as escapes. */
export function harmlessJson(json: string): string {
  return json.replace(CONTROLS, (control) =>
    // Ends of lines and tabs stand between values, where no escape may be; inside strings JSON has escaped them.
    control === '\n' || control === '\t' || control === '\r'
      ? control
      : `\\u${control.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}
