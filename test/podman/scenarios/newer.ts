import { askFrom, askFromOutside, failure, networkSettings, resolved, seenWithin } from '../ask.ts';
import type { Scenario } from '../outcome.ts';

/** What later podmans ask of netavark, and earlier ones do not. */
export const newWords: Scenario[] = [
  {
    title: 'podman info asks for versions, podman network update for other resolvers',
    probes: {
      backend: 'netavark',
      tellsVersions: [true, true],
      'update.exitCode': 0,
      servers: '[10.77.0.9]',
      'unknown.exitCode': 125,
    },
    async run(host) {
      await host.must('network create web');
      await host.start('a', '--network web');
      const info = await host.json<{
        host: { networkBackendInfo: { backend: string; version?: string; dns: object } };
      }>('info --format json');
      const { backend, version, dns } = info.host.networkBackendInfo;
      return {
        backend,
        tellsVersions: [version, (dns as { version?: string }).version].map((text) =>
          /^[\w-]+ \d+\.\d+\.\d+$/.test(text ?? ''),
        ),
        update: failure(await host.podman('network update web --dns-add 10.77.0.9')),
        servers: await host.must('network inspect web --format "{{.NetworkDNSServers}}"'),
        drop: failure(await host.podman('network update web --dns-drop 10.77.0.9')),
        unknown: failure(await host.podman('network update nosuch --dns-add 10.77.0.9')),
      };
    },
  },
];

/** What later podmans can ask for. */
export const newLinks: Scenario[] = [
  {
    title: 'several static addresses of one subnet',
    // podman 5 takes one of them
    probes: { first: 'a saw [10.5.0.2]', published: 'a saw [10.77.0.2]' },
    async run(host) {
      await host.must('network create --ipv6 --subnet 10.5.0.0/24 --subnet fd05::/64 web');
      await host.start('a', '--network web:ip=10.5.0.42,ip=10.5.0.41,ip=fd05::42 -p 8080:80');
      await host.start('b', '--network web');
      return {
        inspect: await networkSettings(host, 'a'),
        within: (await seenWithin(host, 'a')).addresses,
        names: await resolved(host, 'b', 'a'),
        first: await askFrom(host, 'b', '10.5.0.42'),
        second: await askFrom(host, 'b', '10.5.0.41'),
        published: await askFromOutside(host, '10.77.0.1:8080'),
        taken: failure(await host.tryStart('c', '--network web:ip=10.5.0.50,ip=10.5.0.41')),
        twice: failure(await host.tryStart('d', '--network web:ip=10.5.0.60,ip=10.5.0.60')),
      };
    },
  },
  {
    title: 'a name for the link on the host',
    probes: { first: 0, there: 'veth-a', after: '', again: 0 },
    async run(host) {
      await host.must('network create web');
      const first = failure(await host.tryStart('a', '--network web:host_interface_name=veth-a'));
      const named = async () => (await host.sh("ip -o link | grep -o ' veth-a' || true")).trim();
      const there = await named();
      const second = failure(await host.tryStart('b', '--network web:host_interface_name=veth-a'));
      await host.must('rm -f -t 0 a');
      // the link goes with the namespace, which is dropped a moment later
      await host.sh("for _ in $(seq 500); do ip -o link | grep -q ' veth-a' || break; sleep 0.02; done");
      const after = await named();
      const again = failure(await host.tryStart('c', '--network web:host_interface_name=veth-a'));
      return { first: first.exitCode, there, second, after, again: again.exitCode };
    },
  },
];
