import type { Family } from '../../../src/core/address.ts';
import { isHostEnd } from '../../../src/core/object-names.ts';
import type { ForwardingSurvey, HostSteps } from '../../../src/core/steps/host.ts';
import type { FakeLink, FakeLinux } from '../fake-linux.ts';
import { sysctlOf } from './settings.ts';
import type { FakeVerbs } from './verb.ts';

export const hostVerbs = (linux: FakeLinux): FakeVerbs<keyof HostSteps> => ({
  'host.survey': {
    perform: () => ({
      survey: {
        ...linux.host.ways(),
        linkNames: [...linux.host.links.keys()],
        bridges: bridgesOf([...linux.host.links.values()]),
      },
    }),
  },
  'forwarding.survey': { perform: () => ({ forwarding: surveyForwarding(linux) }) },
  'firewalld.trust': {
    perform: ({ subnets }) => {
      for (const subnet of subnets) linux.trusted?.add(subnet);
    },
    isSet: ({ subnets }) => subnets.every((subnet) => linux.trusted?.has(subnet) ?? true),
  },
  'firewalld.distrust': {
    perform: ({ subnets }) => {
      for (const subnet of subnets) linux.trusted?.delete(subnet);
    },
  },
});

const bridgesOf = (links: readonly FakeLink[]): string[] =>
  links.filter(({ kind }) => kind === 'bridge').map(({ name }) => name);

function surveyForwarding(linux: FakeLinux): ForwardingSurvey {
  const isOurs = ({ name, settings }: FakeLink) =>
    isHostEnd({ name, group: settings.group ?? 0 }) || settings.alias?.startsWith('netloom ');
  const others = [...linux.host.links.values()].filter((link) => link.kind !== 'loopback' && !isOurs(link));
  const on = (key: (family: Family) => string) =>
    ([4, 6] as const).filter((family) => sysctlOf(linux, key(family)) === '1');
  const acceptRa = [...others.map(({ name }) => name), 'default'].map((name) => [
    name,
    Number(sysctlOf(linux, `net/ipv6/conf/${name}/accept_ra`)),
  ]);
  return {
    on: on((family) => (family === 4 ? 'net/ipv4/ip_forward' : 'net/ipv6/conf/all/forwarding')),
    future: on((family) => `net/ipv${family}/conf/default/forwarding`),
    acceptRa: Object.fromEntries(acceptRa),
    bridges: bridgesOf(others),
  };
}
