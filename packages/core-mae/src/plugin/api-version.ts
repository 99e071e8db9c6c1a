/** The version of the contract between core and plugins; it changes when plugins must. */
export const PLUGIN_API_VERSION = 2;

/** What each version asked of plugins of the one before. */
const CHANGES: Readonly<Record<number, string>> = {
  2: 'a `createStep` forward pass returns answers of any type, and `update` and `decode` receive them as they are, no longer as named tensors; a task whose forward passes are single functions stays as it is',
};

/** Why a plugin written for this version cannot be used, and what to do; undefined where it can. */
export function versionProblem(apiVersion: number): { readonly what: string; readonly fix: string } | undefined {
  if (apiVersion === PLUGIN_API_VERSION) return undefined;
  const what = `it is written for plugin API version ${apiVersion}, and this core has ${PLUGIN_API_VERSION}`;
  if (apiVersion > PLUGIN_API_VERSION) return { what, fix: 'update @mae-tasks/core-mae' };
  const since = Object.entries(CHANGES).filter(([version]) => Number(version) > apiVersion);
  const changes = since.map(([version, change]) => `since version ${version} ${change}`).join('; ');
  return {
    what,
    fix: `update the plugin; or, if it is yours: ${changes}. Then write \`apiVersion: ${PLUGIN_API_VERSION}\` in definePlugin and package.json`,
  };
}
