import { SaxesParser } from 'saxes';
import { MaeError } from '../../../base/errors.js';

/** An element of an annotation file: its text, and the elements inside it in order. */
export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
  /** Where it begins, counted from 1. */
  readonly line: number;
}

interface OpenElement {
  readonly name: string;
  /** Pieces of text; they are joined once, when the element ends. */
  readonly text: string[];
  readonly children: XmlElement[];
  readonly line: number;
}

const MAX_DEPTH = 32;
/** Of the parser's own faults, those that can be said more plainly. */
const PLAINLY: ReadonlyArray<readonly [RegExp, string]> = [
  [/^unclosed tag: (.*)$/u, '<$1> is not closed'],
  [/^.*(?:outside of root|must contain a root|only one root).*$/u, 'it has not exactly one root'],
  [/^unexpected end\.$/u, 'it ends in the middle'],
  [/^disallowed character in tag name.*$/u, 'a "<" begins no element'],
  [/^(?:undefined entity|empty entity name|disallowed character in entity name).*$/u, 'an "&" begins no known entity'],
];

/**
 * The root element of a small XML document, of the kind that annotation tools write: elements and text. Attributes are
 * passed over. Document types are refused: they can name files and grow without bound.
 *
 * @throws MaeError `DATA_INVALID` naming the file and the line
 */
export function parseXmlElements(document: string, file: string): XmlElement {
  const parser = new SaxesParser({ position: true });
  // Empty lines before the declaration are not allowed, and not rare.
  const content = document.trimStart();
  const skippedLines = document.slice(0, document.length - content.length).split('\n').length - 1;
  const open: OpenElement[] = [];
  let root: XmlElement | undefined;
  let closed: string | undefined;
  const invalid = (problem: string, line = parser.line + skippedLines): MaeError =>
    new MaeError('DATA_INVALID', {
      what: `the XML is broken: ${problem}`,
      where: `${file}, line ${line}`,
      fix: 'correct it there, or write the file again',
    });
  const addText = (text: string): void => {
    open.at(-1)?.text.push(text);
  };
  parser.on('error', ({ message }) => {
    const fault = message.replace(/^\d+:\d+: /u, '');
    if (/^un(?:matched closing|expected close)/u.test(fault)) {
      // The parser has closed the element by then.
      const end = content.slice(content.lastIndexOf('</', parser.position - 1), parser.position);
      throw invalid(closed === undefined ? `${end} closes nothing` : `${end} closes <${closed}>`);
    }
    // The parser looks for the end of an entity to the end of the file.
    const bare = fault.startsWith('unclosed tag') ? content.search(/&(?!#?\w{1,32};)/u) : -1;
    if (bare >= 0) {
      const line = skippedLines + content.slice(0, bare).split('\n').length;
      throw invalid('an "&" begins no known entity; a plain one is written "&amp;"', line);
    }
    throw invalid(PLAINLY.reduce((text, plainly) => text.replace(...plainly), fault).replace(/\.$/u, ''));
  });
  parser.on('doctype', () => {
    throw invalid('it declares a document type');
  });
  parser.on('opentag', ({ name }) => {
    if (open.length >= MAX_DEPTH) throw invalid(`elements are nested more than ${MAX_DEPTH} deep`);
    open.push({ name, text: [], children: [], line: parser.line + skippedLines });
  });
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const { name, text, children, line } = open.pop()!;
    closed = name;
    const element = { name, text: text.join('').trim(), children, line };
    const parent = open.at(-1);
    if (parent === undefined) root = element;
    else parent.children.push(element);
  });
  parser.write(content).close();
  if (root === undefined) throw invalid('it has not exactly one root');
  return root;
}

/** The first element of this name inside another. */
export function childOf({ children }: XmlElement, name: string): XmlElement | undefined {
  return children.find((child) => child.name === name);
}
