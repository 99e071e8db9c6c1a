import js from '@eslint/js';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const core = './packages/core-mae/src';

/**
 * Inside core, dependencies point one way: each room may import only from rooms listed before it.
 * (`data` and `checkpoint` know nothing of models; models know nothing of training.)
 */
const rooms = [
  ['contracts'],
  ['engine'],
  ['nn'],
  ['data', 'checkpoint', 'models', 'optim'],
  ['plugin', 'report'],
  ['train'],
];
const zones = rooms
  .flatMap((level, index) =>
    level.map((room) => ({
      target: `${core}/${room}`,
      from: rooms
        .slice(index)
        .flat()
        .filter((other) => other !== room && !(index === 3 && other === 'nn'))
        .map((other) => `${core}/${other}`),
      message: `${room}/ may not import from here: dependencies point one way (see ARCHITECTURE.md).`,
    })),
  )
  // The last room may import from every other.
  .filter(({ from }) => from.length > 0);

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
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
