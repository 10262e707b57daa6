import { SettingsFiles } from '../../src/kernel/links/settings-files.ts';
import { type KernelServices, noFirewalld, noNames } from '../../src/kernel/services.ts';
import { DefinitionStore } from '../../src/networks/definition-store.ts';

/** The other services of a NativeKernel, for tests of networks without names. */
export function servicesIn(directory: string): KernelServices {
  return {
    definitions: new DefinitionStore(`${directory}/networks`),
    names: noNames,
    firewalld: noFirewalld,
    settings: new SettingsFiles(`${directory}/sysctl.d`),
  };
}
