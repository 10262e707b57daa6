import type { BridgeTraits } from '../plan/interface-settings.ts';
import { type StepKinds, within } from './kind.ts';

export interface SettingSteps {
  /** sysctl -w <key>=<value> */
  'sysctl.set': { netns: string | null; key: string; value: string };
  /** sysctl -w <key>=<to> on this host, if it is `from`; another value stays. optional: a missing key is no failure. Output: the changes */
  'sysctl.turn': { key: string; from: string; to: string; optional?: true };
  /** writes the settings of a bridge to a file that systemd-sysctl reads, so that it does not reset them */
  'settings.persist': { link: string; traits: Omit<BridgeTraits, 'onLoopback'> };
  /** removes that file */
  'settings.forget': { link: string };
}

const linkOf = ({ link }: { link: string }): string => link;

export const settingSteps: StepKinds<keyof SettingSteps> = {
  'sysctl.set': { inverse: null, describe: ({ key, value, netns }) => `${key}=${value}${within(netns)}` },
  'sysctl.turn': {
    inverse: (step) => ({ ...step, from: step.to, to: step.from }),
    describe: ({ key, to }) => `${key.replaceAll('/', '.')}=${to}`,
  },
  'settings.persist': { inverse: ({ link }) => ({ verb: 'settings.forget', link }), describe: linkOf },
  'settings.forget': { inverse: null, describe: linkOf },
};
