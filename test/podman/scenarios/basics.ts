import {
  askFrom,
  askFromHost,
  askFromOutside,
  definition,
  failure,
  networkSettings,
  resolved,
  seenWithin,
} from '../ask.ts';
import type { Scenario } from '../outcome.ts';

export const basics: Scenario[] = [
  {
    title: 'the default network, with a published port',
    probes: {
      'within.addresses.eth0.0': /^10\.88\.0\.\d+\/16$/,
      outside: 'a saw [10.77.0.2]',
      loopback: /^a saw /,
      direct: 'a saw [10.88.0.1]',
      outwards: / saw \[10\.77\.0\.1\]$/,
    },
    async run(host) {
      await host.start('a', '-p 8080:80');
      return {
        network: await definition(host, 'podman'),
        inspect: await networkSettings(host, 'a'),
        within: await seenWithin(host, 'a'),
        port: await host.must('port a'),
        ps: await host.must('ps --format "{{.Names}} {{.Ports}} {{.Networks}}"'),
        outside: await askFromOutside(host, '10.77.0.1:8080'),
        host: await askFromHost(host, '10.77.0.1:8080'),
        loopback: await askFromHost(host, '127.0.0.1:8080'),
        direct: await askFromHost(host, '10.88.0.2'),
        outwards: await askFrom(host, 'a', '10.77.0.2'),
      };
    },
  },
  {
    title: 'podman network create, with all that it can say',
    probes: {
      'plain.exitCode': 0,
      'again.exitCode': 125,
      'chosen.said': 'chosen',
      'dual.exitCode': 0,
      'internal.exitCode': 0,
      'overlapping.exitCode': 125,
      'definitions.1.options.mtu': '1400',
    },
    async run(host) {
      const create = async (options: string) => failure(await host.podman(`network create ${options}`));
      return {
        plain: await create('plain'),
        again: await create('plain'),
        chosen: await create(
          '--subnet 10.5.0.0/24 --gateway 10.5.0.9 --ip-range 10.5.0.128/25 --label tier=front --opt mtu=1400 --opt isolate=true chosen',
        ),
        dual: await create('--ipv6 --subnet 10.6.0.0/24 --subnet fd06::/64 dual'),
        internal: await create('--internal --disable-dns internal'),
        overlapping: await create('--subnet 10.5.0.0/16 overlapping'),
        outOfSubnet: await create('--subnet 10.7.0.0/24 --gateway 10.8.0.1 strange'),
        unknownOption: await create('--opt colour=red coloured'),
        list: await host.must('network ls --format "{{.Name}} {{.Driver}}"'),
        definitions: await host.json('network inspect plain chosen dual internal'),
        files: await host.sh('ls /etc/containers/networks | grep json'),
      };
    },
  },
  {
    title: 'containers find each other by name and alias',
    probes: {
      'name.0': /^10\.89\.0\.\d+$/,
      'alias.1': /^10\.89\.0\.\d+$/,
      'withDomain.0': /^10\.89\.0\.\d+$/,
      'ownNetwork.0': /^10\.89\.1\.\d+$/,
      http: /^a saw /,
      'gone.0': 'NXDOMAIN',
    },
    async run(host) {
      await host.must('network create web');
      await host.must('network create other');
      await host.start('a', '--network web --network-alias front');
      await host.start('b', '--network web --network-alias front');
      await host.start('c', '--network other');
      const found = {
        name: await resolved(host, 'b', 'a'),
        alias: await resolved(host, 'b', 'front'),
        own: await resolved(host, 'b', 'b'),
        withDomain: await resolved(host, 'b', 'a.dns.podman'),
        ofAnotherNetwork: await resolved(host, 'c', 'a'),
        ownNetwork: await resolved(host, 'c', 'c'),
        http: await askFrom(host, 'b', 'a'),
        resolver: (await host.within('b', 'cat /etc/resolv.conf')).split('\n'),
        hosts: (await host.within('b', 'cat /etc/hosts')).split('\n').slice(-3),
      };
      await host.must('rm -f -t 0 a');
      return { ...found, gone: await resolved(host, 'b', 'a'), aliasOfOne: await resolved(host, 'b', 'front') };
    },
  },
  {
    title: 'stop, start, restart, and the death of a container',
    probes: {
      'stopped.outside': 'nothing',
      'started.outside': 'a saw [10.77.0.2]',
      'started.within.addresses.eth0.0': /^10\.89\.0\.\d+\/24$/,
      'restarted.outside': 'a saw [10.77.0.2]',
    },
    async run(host) {
      await host.must('network create web');
      await host.start('a', '--network web -p 8080:80');
      await host.must('stop -t 0 a');
      const stopped = {
        inspect: await networkSettings(host, 'a'),
        outside: await askFromOutside(host, '10.77.0.1:8080'),
      };
      const remains = await host.remains();
      await host.startAgain('a');
      const started = { within: await seenWithin(host, 'a'), outside: await askFromOutside(host, '10.77.0.1:8080') };
      await host.startAgain('a', 'restart -t 0');
      const restarted = {
        inspect: await networkSettings(host, 'a'),
        outside: await askFromOutside(host, '10.77.0.1:8080'),
      };
      await host.must('kill a');
      await host.must('wait a');
      await host.settled();
      return { stopped, remains, started, restarted, killedRemains: await host.remains() };
    },
  },
  {
    title: 'a container that ends by itself, and takes itself away',
    probes: { 'said.6': /^10\.89\.0\.\d+\/24$/ },
    async run(host) {
      await host.must('network create web');
      const said = await host.must(
        `run --rm --network web -p 8080:80 --rootfs ${host.rootfs} sh -c "ip -o -4 addr show eth0"`,
      );
      await host.settled();
      return { said: said.split(' ').slice(0, 7), remains: await host.remains() };
    },
  },
  {
    title: 'podman network rm and prune',
    probes: { 'inUse.exitCode': 2, 'pruned.said': 'idle', 'forced.said': 'used', list: 'podman' },
    async run(host) {
      await host.must('network create used');
      await host.must('network create idle');
      await host.start('a', '--network used');
      return {
        inUse: failure(await host.podman('network rm used')),
        unknown: failure(await host.podman('network rm nosuch')),
        pruned: failure(await host.podman('network prune -f')),
        forced: failure(await host.podman('network rm -f -t 0 used')),
        list: await host.must('network ls --format "{{.Name}}"'),
        containers: await host.must('ps -a --format "{{.Names}}"'),
      };
    },
  },
  {
    title: 'modes: host, none, another container',
    probes: {
      'inHost.6': '10.77.0.1/24',
      'insideNone.mtu.lo': 65536,
      'withinGuest.addresses.eth0.0': /^10\.88\./,
      guestAsksItself: 'a saw [127.0.0.1]',
    },
    async run(host) {
      await host.start('a', '-p 8080:80');
      await host.start('guest', '--network container:a', 'sleep 1000');
      await host.start('none', '--network none');
      const inHost = await host.must(`run --rm --network host --rootfs ${host.rootfs} ip -o -4 addr show up0`);
      return {
        inHost: inHost.split(' ').slice(0, 7),
        insideNone: await seenWithin(host, 'none'),
        withinGuest: await seenWithin(host, 'guest'),
        inspectGuest: await networkSettings(host, 'guest'),
        inspectNone: await networkSettings(host, 'none'),
        guestAsksItself: await askFrom(host, 'guest', '127.0.0.1'),
      };
    },
  },
];
