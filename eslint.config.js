import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import js from '@eslint/js';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * The rooms of core, from the ground floor up: a room may import only from floors below its own, and rooms that share a
 * floor know nothing of each other. A room's folders stand in order too, each may import only from those before it.
 */
const coreFloors = [
  { contracts: [''] },
  { base: [''] },
  {
    engine: [
      'programs',
      'kernels',
      'onnx',
      'onnx/passes',
      'onnx/operators',
      'onnx/rules',
      'onnx/trace',
      'onnx/session',
      '',
    ],
  },
  { nn: [''] },
  {
    data: [
      'masks',
      'images',
      'images/resampling',
      'targets',
      'transforms',
      'loading',
      'coco',
      'coco/evaluation',
      'readers',
      'tools',
      'tools/convert',
    ],
    checkpoint: ['files', 'pickle', 'keymaps', ''],
    models: [''],
    optim: [''],
  },
  { plugin: [''], report: ['charts', 'metrics', 'profile', 'sheets', 'pages'] },
  { train: ['settings', 'loop', 'inputs', 'run', 'pretraining', 'finetuning', 'export'] },
];

/**
 * Sees that the list names every folder of sources, and no other: a folder that it misses could import from anywhere.
 *
 * @param {string} root
 * @param {ReadonlyArray<Readonly<Record<string, readonly string[]>>>} floors
 */
export function requireListedRooms(root, floors) {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const folders = new Set(files.map((file) => dirname(file)).filter((folder) => folder !== '.'));
  const listed = new Set(
    floors.flatMap((floor) =>
      Object.entries(floor).flatMap(([room, inside]) => inside.map((folder) => join(room, folder))),
    ),
  );
  const wrong = [
    ...[...folders].filter((folder) => !listed.has(folder)).map((folder) => `${folder} is not in the list of rooms`),
    ...[...listed].filter((folder) => !folders.has(folder)).map((folder) => `${folder} is listed and has no files`),
  ];
  if (wrong.length > 0) throw new Error(`${root}: ${wrong.join(', ')} — correct the list in eslint.config.js`);
}

/**
 * One rule for each folder: the files in it (not those of folders inside it) may not import from the folders named.
 *
 * @param {string} root
 * @param {ReadonlyArray<Readonly<Record<string, readonly string[]>>>} floors
 */
function roomRules(root, floors) {
  requireListedRooms(join(import.meta.dirname, root), floors);
  const pathOf = (room, folder) => `${root}/${[room, folder].filter((part) => part !== '').join('/')}/*`;
  const everything = floors.flatMap((floor) =>
    Object.entries(floor).flatMap(([room, folders]) => folders.map((folder) => pathOf(room, folder))),
  );
  return floors.flatMap((floor, level) => {
    const below = floors
      .slice(0, level)
      .flatMap((lower) =>
        Object.entries(lower).flatMap(([room, folders]) => folders.map((each) => pathOf(room, each))),
      );
    return Object.entries(floor).flatMap(([room, folders]) =>
      folders.map((folder, place) => {
        const allowed = new Set([...below, ...folders.slice(0, place + 1).map((each) => pathOf(room, each))]);
        return {
          target: pathOf(room, folder),
          from: everything.filter((path) => !allowed.has(path)),
          message: `${[room, folder].filter((part) => part !== '').join('/')}/ may not import from here: rooms import from those below them (see ARCHITECTURE.md).`,
        };
      }),
    );
  });
}

/** The rooms of a plugin; its settings and facts stand below them all, its model and task above. */
const pluginFloors = {
  classify: [{ augmentation: [''] }],
  segment: [{ decoders: [''] }, { inference: [''] }],
  detect: [
    { boxes: [''] },
    { network: [''] },
    { pooling: [''] },
    { inference: [''], training: [''] },
    { 'one-stage': [''] },
  ],
};

/** The rooms of the command line. */
const cliFloors = [
  { terminal: [''] },
  { settings: [''] },
  { plugins: [''] },
  { training: [''] },
  { commands: ['data', ''] },
];

const zones = [
  ...roomRules('./packages/core-mae/src', coreFloors),
  {
    target: coreFloors.flatMap((floor) => Object.keys(floor).map((room) => `./packages/core-mae/src/${room}/**`)),
    from: ['./packages/core-mae/src/*.ts'],
    message: "Core's rooms know nothing of its doors: these are for those who come from outside.",
  },
  ...roomRules('./packages/cli/src', cliFloors),
  ...Object.entries(pluginFloors).flatMap(([plugin, floors]) => {
    const root = `./packages/plugin-${plugin}/src`;
    const top = {
      target: floors.flatMap((floor) => Object.keys(floor).map((room) => `${root}/${room}/*`)),
      from: ['index', 'task', 'model'].map((name) => `${root}/${name}.ts`),
      message: "A plugin's rooms know nothing of its model, task and index: these are made of them.",
    };
    return [...roomRules(root, floors), top];
  }),
].filter(({ from }) => from.length > 0);

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', 'test/fixtures/**', '**/runs/**', 'coverage/**'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    files: ['**/*.{ts,mts}'],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver({ project: './tsconfig.json' })] },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            ...zones,
            {
              target: './packages/core-mae/src',
              from: [
                './packages/cli/src',
                './packages/plugin-classify',
                './packages/plugin-segment',
                './packages/plugin-detect',
              ],
              message: 'Dependencies point one way: cli → plugins → core.',
            },
            ...['classify', 'segment', 'detect'].map((name) => ({
              target: `./packages/plugin-${name}/src`,
              from: ['./packages/cli/src'],
              message: 'Dependencies point one way: cli → plugins → core.',
            })),
          ],
        },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/prefer-for-of': 'off',
      '@typescript-eslint/array-type': ['error', { default: 'array-simple' }],
      // `const { time: _, ...rest }` is how a field is left out.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      eqeqeq: 'error',
    },
  },
  {
    // Only the contracts, plugin/ and the composition root know that Inversify exists.
    files: ['packages/core-mae/src/**/*.ts'],
    ignores: [
      'packages/core-mae/src/contracts/**',
      'packages/core-mae/src/plugin/**',
      'packages/core-mae/src/testing.ts',
    ],
    rules: { 'no-restricted-imports': ['error', { paths: ['inversify', 'reflect-metadata'] }] },
  },
  {
    // What is written to a person's terminal goes through `terminal/`, which shows controls and never sends them.
    files: ['packages/cli/src/**/*.ts'],
    ignores: ['packages/cli/src/terminal/**'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        ...['stdout', 'stderr'].map((property) => ({ object: 'process', property, message: 'Write by a Terminal.' })),
      ],
    },
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
