import type { DnsSteps } from '../../../src/core/steps/dns.ts';
import type { Step, StepOutput } from '../../../src/core/steps/step.ts';
import type { FakeLinux } from '../fake-linux.ts';
import { type FakeVerbs, Refused } from './verb.ts';

export const dnsVerbs = (linux: FakeLinux): FakeVerbs<keyof DnsSteps> => ({
  'dns.serve': {
    perform: (step) => serve(linux, step),
    isSet: ({ verb: _, ...network }) => linux.isLed(network),
  },
  'dns.retire': { perform: ({ network }) => linux.retire(network) },
  'dns.add': {
    perform: ({ network, container, names }) => {
      if (!linux.served.has(network)) throw new Refused('resolver.add', 'ENOENT', `network ${network} is not served`);
      linux.names.set(`${network}/${container}`, names);
    },
  },
  'dns.remove': { perform: ({ network, container }) => void linux.names.delete(`${network}/${container}`) },
});

/** Another thread is asked: others continue meanwhile. */
async function serve(linux: FakeLinux, { verb: _, link, ...network }: Step<'dns.serve'>): Promise<StepOutput> {
  await linux.resolverAnswers();
  if (link !== undefined) {
    const servers = linux.addressesIn(link, network.subnets);
    const fault = linux.serve({ ...network, listen: servers });
    if (!fault) return { names: { servers, refused: null } };
    linux.serve({ ...network, listen: [] });
    return { names: { servers: [], refused: fault.detail } };
  }
  const fault = linux.serve(network);
  if (!fault) return {};
  throw new Refused('resolver.serve', fault.errno, fault.detail);
}
