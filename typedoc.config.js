/**
 * The pages of docs/api, one for each door of core (`npm run docs:api` writes them; a test sees that they are current).
 * They hold nothing that changes without a change of the interface: no line numbers, revisions or dates.
 */
const doors = ['index', 'task', 'coco', 'run', 'testing', 'find-plugins'];

/**
 * Properties need no link of their own, rules between sections say nothing that headings do not, and an argument that a
 * function takes apart has no name.
 */
function plainPages({ renderer }) {
  renderer.on('endPage', (page) => {
    page.contents = page.contents
      ?.replace(/<a id="[^"]*"><\/a> /gu, '')
      .replace(/^\*\*\*\n\n/gmu, '')
      .replaceAll('__namedParameters', 'options');
  });
}

/** The task door gives out TF.js as it is, and that has pages of its own. */
function withoutTfjs({ converter }) {
  converter.on('resolveBegin', ({ project }) => {
    for (const reflection of Object.values(project.reflections)) {
      if (reflection.name === 'tf' && reflection.parent?.name === 'task') project.removeReflection(reflection);
    }
  });
}

/** @type {Partial<import('typedoc').TypeDocOptions & import('typedoc-plugin-markdown').PluginOptions>} */
export default {
  plugin: ['typedoc-plugin-markdown', withoutTfjs, plainPages],
  entryPoints: doors.map((door) => `packages/core-mae/src/${door}.ts`),
  sortEntryPoints: false,
  tsconfig: 'tsconfig.json',
  // `npm run typecheck` is there for the rest.
  skipErrorChecking: true,
  treatWarningsAsErrors: true,
  // What an exported type is made from: the pages show the type.
  intentionallyNotExported: ['TUNING_MODES', 'commonConfig', 'modelDimensions', 'StoredTensors'],
  name: '@mae-tasks/core-mae',
  readme: 'none',
  out: 'docs/api',
  router: 'module',
  disableSources: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  pageTitleTemplates: {
    module: ({ name }) => (name === 'index' ? '@mae-tasks/core-mae' : `@mae-tasks/core-mae/${name}`),
  },
  groupOrder: ['Functions', 'Variables', 'Classes', '*'],
  indexFormat: 'table',
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  propertyMembersFormat: 'table',
  tableColumnSettings: { hideModifiers: true, hideInherited: true, hideOverrides: true },
};
