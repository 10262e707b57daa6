import { persistedSettings } from '../../../src/core/plan/interface-settings.ts';
import type { SettingSteps } from '../../../src/core/steps/settings.ts';
import type { Step, StepOutput } from '../../../src/core/steps/step.ts';
import type { FakeLink, FakeLinux } from '../fake-linux.ts';
import { type FakeVerbs, netnsAt, Refused } from './verb.ts';

export const settingVerbs = (linux: FakeLinux): FakeVerbs<keyof SettingSteps> => ({
  'sysctl.set': {
    perform: ({ netns, key, value }) => void netnsAt(linux, netns).sysctls.set(key, value),
    isSet: ({ netns, key, value }) => linux.netns(netns)?.sysctls.get(key) === value,
  },
  'sysctl.turn': {
    perform: (step) => turnSysctl(linux, step),
    isSet: ({ key, from }) => sysctlOf(linux, key) !== from,
  },
  'settings.persist': {
    perform: ({ link, traits }) => void linux.settingsFiles.set(link, persistedSettings(link, traits)),
    isSet: ({ link, traits }) => linux.settingsFiles.get(link) === persistedSettings(link, traits),
  },
  'settings.forget': { perform: ({ link }) => void linux.settingsFiles.delete(link) },
});

/** A value of this host; null: there is no such key. */
export function sysctlOf({ host }: FakeLinux, key: string): string | null {
  const name = linkOfAcceptRa(key);
  if (name === undefined) return host.sysctls.get(key) ?? '0';
  if (name === 'default') return `${host.ipv6.acceptRa}`;
  const link = host.links.get(name);
  return link ? `${{ ...host.ipv6, ...link.ipv6 }.acceptRa}` : null;
}

const linkOfAcceptRa = (key: string): string | undefined => /^net\/ipv6\/conf\/(.+)\/accept_ra$/.exec(key)?.[1];

function turnSysctl(linux: FakeLinux, { key, from, to, optional }: Step<'sysctl.turn'>): StepOutput {
  const { host } = linux;
  const found = sysctlOf(linux, key);
  if (found === null && !optional) throw new Refused('turn sysctl', 'ENOENT', key);
  if (found !== from) return {};
  const name = linkOfAcceptRa(key);
  if (name === undefined) host.sysctls.set(key, to);
  else if (name === 'default') host.ipv6 = { ...host.ipv6, acceptRa: Number(to) };
  else {
    const link = host.links.get(name) as FakeLink;
    link.ipv6 = { ...link.ipv6, acceptRa: Number(to) };
  }
  // the kernel sets it for later links, too
  const family = { 'net/ipv4/ip_forward': 4, 'net/ipv6/conf/all/forwarding': 6 }[key];
  if (family) host.sysctls.set(`net/ipv${family}/conf/default/forwarding`, to);
  return { drifted: [{ key: key.replaceAll('/', '.'), found, wanted: to }] };
}
