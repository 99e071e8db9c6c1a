import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { repositoryPath } from './install-project.js';

const PACKAGE = '@mae-tasks/core-mae';

interface PackageFile {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
}

/** The doors of core by the names of their files: what its package.json exports besides itself. */
export const doors = Object.keys(
  (JSON.parse(readFileSync(repositoryPath('packages/core-mae/package.json'), 'utf8')) as PackageFile).exports,
)
  .filter((path) => path !== './package.json')
  .map((path) => (path === '.' ? 'index' : path.slice('./'.length)));

/** What an import of this door names. */
export const specifierOf = (door: string): string => (door === 'index' ? PACKAGE : `${PACKAGE}/${door}`);

export const doorSource = (door: string): string =>
  readFileSync(repositoryPath(`packages/core-mae/src/${door}.ts`), 'utf8');

export interface DoorNames {
  readonly values: readonly string[];
  readonly types: readonly string[];
}

/** The names that a door exports, each kind sorted. @throws for a door that exports all of a file */
export function namesOf(door: string): DoorNames {
  const names: { values: string[]; types: string[] } = { values: [], types: [] };
  for (const statement of ts.createSourceFile(door, doorSource(door), ts.ScriptTarget.Latest).statements) {
    if (ts.isExportDeclaration(statement)) {
      const { exportClause, isTypeOnly } = statement;
      if (exportClause === undefined || !ts.isNamedExports(exportClause))
        throw new Error(`${door} exports a whole file`);
      for (const element of exportClause.elements) {
        names[isTypeOnly || element.isTypeOnly ? 'types' : 'values'].push(element.name.text);
      }
    } else if (isExported(statement)) {
      if (ts.isInterfaceDeclaration(statement)) names.types.push(statement.name.text);
      else if (ts.isFunctionDeclaration(statement)) names.values.push(statement.name!.text);
      else throw new Error(`${door} exports ${ts.SyntaxKind[statement.kind]}, which this function does not know`);
    }
  }
  return { values: names.values.sort(), types: names.types.sort() };
}

function isExported(statement: ts.Statement): boolean {
  return ts.canHaveModifiers(statement) && (ts.getModifiers(statement) ?? []).some(isExport);
}

const isExport = ({ kind }: ts.Modifier): boolean => kind === ts.SyntaxKind.ExportKeyword;
