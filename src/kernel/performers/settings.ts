import * as native from '#native';
import { SystemError } from '../../core/fault.ts';
import { persistedSettings } from '../../core/plan/interface-settings.ts';
import type { SettingSteps } from '../../core/steps/settings.ts';
import type { Step } from '../../core/steps/step.ts';
import type { KernelServices } from '../services.ts';
import { systemFaultOf } from '../system-fault.ts';
import { acts, changedIf, type Outcome, type Performers, unchanged } from './performer.ts';

export const settingPerformers = (files: KernelServices['settings']): Performers<keyof SettingSteps> => ({
  'sysctl.set': (step) => changedIf(setSysctl(step)),
  'sysctl.turn': turnSysctl,
  'settings.persist': ({ link, traits }) => changedIf(files.write(link, persistedSettings(link, traits))),
  'settings.forget': acts(({ link }) => files.remove(link)),
});

/** Sets a sysctl. If /proc/sys is read-only, the right value is enough; another one is reported. */
function setSysctl({ netns, key, value }: Omit<Step<'sysctl.set'>, 'verb'>): boolean {
  try {
    return native.setSysctl(netns, key, value);
  } catch (error) {
    if (systemFaultOf(error, 'set sysctl').errno !== 'EROFS') throw error;
    const present = native.getSysctl(netns, key);
    const name = key.replaceAll('/', '.');
    throw new SystemError(
      'set sysctl',
      'EROFS',
      `${name} is ${present} and must be ${value}, but /proc/sys is read-only here`,
    );
  }
}

function turnSysctl({ key, from, to, optional }: Step<'sysctl.turn'>): Outcome {
  const found = native.getSysctl(null, key);
  if (found === null && !optional) throw new SystemError('turn sysctl', 'ENOENT', key);
  if (found !== from) return unchanged();
  setSysctl({ netns: null, key, value: to });
  return { output: { drifted: [{ key: key.replaceAll('/', '.'), found, wanted: to }] }, changed: true };
}
