import { MaeError } from '../../../base/errors.js';

/** An element of an annotation file: its text, and the elements inside it in order. */
export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const TOKEN = /<\?[^]*?\?>|<!--[^]*?-->|<!\[CDATA\[([^]*?)\]\]>|<(\/?)([A-Za-z_][\w.:-]*)([^<>]*?)(\/?)>|([^<]+)|</gu;
const MAX_DEPTH = 32;

/**
 * The root element of a small XML document, of the kind that annotation tools write: elements and text. Attributes are
 * passed over. Document types are refused: they can name files and grow without bound.
 *
 * @throws MaeError `DATA_INVALID` naming the file
 */
export function parseXmlElements(document: string, file: string): XmlElement {
  const invalid = (problem: string): MaeError =>
    new MaeError('DATA_INVALID', { what: `the XML is broken: ${problem}`, where: file, fix: 'write the file again' });
  if (document.includes('<!DOCTYPE')) throw invalid('it declares a document type');
  const open: Array<{ name: string; text: string; children: XmlElement[] }> = [{ name: '', text: '', children: [] }];
  for (const [token, raw, slash, name, , selfClosing, text] of document.matchAll(TOKEN)) {
    const parent = open.at(-1)!;
    if (text !== undefined) parent.text += unescapeXml(text.replace(/^\ufeff/u, ''));
    else if (raw !== undefined) parent.text += raw;
    else if (name === undefined) {
      if (token === '<') throw invalid('a "<" begins no element');
    } else if (slash === '/') {
      if (open.length === 1 || parent.name !== name) throw invalid(`</${name}> closes <${parent.name}>`);
      open.pop();
      open.at(-1)!.children.push({ ...parent, text: parent.text.trim() });
    } else if (selfClosing === '/') parent.children.push({ name, text: '', children: [] });
    else if (open.length > MAX_DEPTH) throw invalid(`elements are nested more than ${MAX_DEPTH} deep`);
    else open.push({ name, text: '', children: [] });
  }
  const [root, ...rest] = open[0]!.children;
  if (open.length > 1) throw invalid(`<${open.at(-1)!.name}> is not closed`);
  if (root === undefined || rest.length > 0 || open[0]!.text.trim() !== '')
    throw invalid('it has not exactly one root');
  return root;
}

/** The first element of this name inside another. */
export function childOf({ children }: XmlElement, name: string): XmlElement | undefined {
  return children.find((child) => child.name === name);
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/giu, (whole: string, ...groups: unknown[]) => {
    const [decimal, hex, name] = groups as Array<string | undefined>;
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
