/** The version of the contract between core and plugins; it changes when plugins must. */
export const PLUGIN_API_VERSION = 1;
