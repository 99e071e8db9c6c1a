import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { explain } from '#core/base/check-settings.js';
import { finetuneConfig } from '#core/train/settings/finetune-config.js';
import { pretrainConfig } from '#core/train/settings/pretrain-config.js';
import { classifyTask } from '../../packages/plugin-classify/src/task.js';
import { detectTask } from '../../packages/plugin-detect/src/task.js';
import { segmentTask } from '../../packages/plugin-segment/src/task.js';
import { createProgram } from '../../packages/cli/src/program.js';

const PACKAGES = ['cli', 'core-mae', 'plugin-classify', 'plugin-detect', 'plugin-segment'];
const TASKS = { classify: classifyTask, detect: detectTask, segment: segmentTask };

interface Literal {
  /** `core-mae/base/errors.ts:12`. */
  readonly place: string;
  /** With `…` for what is put in. */
  readonly text: string;
}

/** Every text of the sources, but for what is imported. */
function literals(): Literal[] {
  return PACKAGES.flatMap((folder) => {
    const root = join('packages', folder, 'src');
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    return names.flatMap((name) => {
      const file = ts.createSourceFile(name, readFileSync(join(root, name), 'utf8'), ts.ScriptTarget.Latest, true);
      const found: Literal[] = [];
      const visit = (node: ts.Node): void => {
        const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
        const place = `${folder}/${name}:${line + 1}`;
        if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
        if (ts.isStringLiteralLike(node)) found.push({ place, text: node.text });
        else if (ts.isTemplateExpression(node)) {
          const rest = node.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
          found.push({ place, text: node.head.text + rest });
        }
        ts.forEachChild(node, visit);
      };
      visit(file);
      return found;
    });
  });
}

const schemas: Readonly<Record<string, z.ZodType>> = {
  pretrain: pretrainConfig,
  ...Object.fromEntries(Object.entries(TASKS).map(([name, task]) => [name, finetuneConfig(task as never)])),
};

interface Described {
  readonly properties?: Readonly<Record<string, Described>>;
  readonly anyOf?: readonly Described[];
}

function settingsOf(schema: z.ZodType): string[] {
  const namesIn = ({ properties = {}, anyOf = [] }: Described, path: string): string[] => [
    ...Object.entries(properties).flatMap(([key, below]) => [path + key, ...namesIn(below, `${path}${key}.`)]),
    ...anyOf.flatMap((option) => namesIn(option, path)),
  ];
  return namesIn(z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) as Described, '');
}

const settings = new Set(Object.values(schemas).flatMap(settingsOf));
const groups = new Set([...settings].filter((name) => name.includes('.')).map((name) => name.split('.')[0]!));
const leaves = new Map([...settings].map((name) => [name.split('.').at(-1)!, name]));

interface CommandLike {
  readonly options: ReadonlyArray<{ readonly long?: string | null }>;
  readonly commands: readonly CommandLike[];
}

function flagsOf(command: CommandLike): string[] {
  return [...command.options.map(({ long }) => long ?? ''), ...command.commands.flatMap(flagsOf)];
}
/** Each task adds flags of its own when it is named. */
const taskFlags = Object.values(TASKS).flatMap((task) => (task.flags ?? []).map(({ name }) => `--${name}`));
const flags = new Set([...flagsOf(createProgram()), ...taskFlags, '--help', '--version']);

/** Files of other programs, and what else has dots in its name and is no setting. */
const OTHER_DOTTED = /\.(?:json|jsonl|yaml|yml|txt|xml|pkl|png|svg|csv|safetensors|md|js|ts|css|html|index)\b/u;
/** Texts with flags in them that are no flags of the command: variables of style sheets, npm's, the examples' own. */
const OTHER_FLAGS = /:root|var\(|npm i|npm run|npm test|npm's|<!--|-->/u;

const all = literals();

describe('what messages tell people to do', () => {
  it('is found', () => {
    expect(all.length).toBeGreaterThan(3000);
    expect(settings.has('data.ignoreIndex') && settings.has('detect.masks')).toBe(true);
  });

  it('names settings that there are', () => {
    const wrong = all.flatMap(({ place, text }) =>
      [...text.matchAll(/(?:^|[\s`("'])([a-zA-Z]+(?:\.[a-zA-Z][a-zA-Z\d]*)+)(?=[\s`)=,;:"']|\.\s|\.?$)/gu)]
        .map(([, name = '']) => name)
        .filter((name) => groups.has(name.split('.')[0]!) && !OTHER_DOTTED.test(name) && !settings.has(name))
        // Names of programs and of parameters are no sentences.
        .filter(() => /\s|`/u.test(text))
        .map((name) => `${place}: ${name} in ${text}`),
    );
    expect(wrong).toEqual([]);
  });

  it('names settings in full, or the command line says what their full names are', () => {
    const bare = new Set(
      all.flatMap(({ text }) =>
        [...text.matchAll(/`([a-z][a-zA-Z]*)(?:=[^`]*)?`/gu)]
          .map(([, name = '']) => name)
          .filter((name) => leaves.has(name) && !settings.has(name)),
      ),
    );
    expect(bare.size).toBeGreaterThan(3);
    for (const name of bare) {
      const [command = ''] = Object.entries(schemas).find(([, schema]) =>
        settingsOf(schema).includes(leaves.get(name)!),
      )!;
      const given = { ...(command === 'pretrain' ? {} : { task: command }), data: { path: 'x' }, [name]: 1 };
      const { error } = schemas[command]!.safeParse(given);
      const issues = error!.issues.filter(({ code }) => code === 'unrecognized_keys');
      expect(explain(schemas[command]!, given, new z.ZodError(issues)).fix, name).toMatch(
        new RegExp(`did you mean \`[\\w.]+\\.${name}\``),
      );
    }
  });

  it('names no settings of a library that the command lacks', () => {
    // What stands in backticks beside settings: keys of files, functions for plugins, and names of transforms.
    const known =
      /^(?:names|nc|kpt_shape|dtype|shape|data_offsets|default|decode|createStep|update|register|definePlugin|print|module|normalize|gradients|loss|features|dataSync|pos_embed|train|val|pretrain|finetune|fpn|cascade|world|rank|stages|areaRanges|arraySync|numClasses|windowSize|globalBlocks|channels|coco|ade20k|idx|folder|auto|accurate|fast|skip|fail|full|ignore|class)$/u;
    const wrong = all.flatMap(({ place, text }) =>
      [...text.matchAll(/`([a-z][a-zA-Z_]*)(?:=[^`]*)?`/gu)]
        .map(([, name = '']) => name)
        .filter((name) => !settings.has(name) && !leaves.has(name) && !known.test(name))
        .map((name) => `${place}: ${name} in ${text}`),
    );
    expect(wrong).toEqual([]);
  });

  it('names flags that there are', () => {
    const wrong = all.flatMap(({ place, text }) =>
      OTHER_FLAGS.test(text)
        ? []
        : [...text.matchAll(/(?:^|[\s`("'])(--[a-z][a-z-]*)/gu)]
            .map(([, flag = '']) => flag)
            .filter((flag) => !flags.has(flag) && !flags.has(flag.replace('--', '--no-')))
            .map((flag) => `${place}: ${flag} in ${text.slice(0, 80)}`),
    );
    expect(wrong).toEqual([]);
  });
});
