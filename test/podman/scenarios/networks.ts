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

export const networks: Scenario[] = [
  {
    title: 'static addresses and MAC',
    probes: {
      'within.addresses.eth0': ['10.5.0.42/24', 'fd05::42/64'],
      link: '02:77:00:00:00:01',
      'taken.exitCode': 126,
      'outside.exitCode': 126,
      'badMac.exitCode': 125,
    },
    async run(host) {
      await host.must('network create --subnet 10.5.0.0/24 --subnet fd05::/64 --ipv6 web');
      const wish = '--network web --ip 10.5.0.42 --ip6 fd05::42 --mac-address 02:77:00:00:00:01';
      await host.start('a', wish);
      return {
        inspect: await networkSettings(host, 'a'),
        within: await seenWithin(host, 'a'),
        link: /02:77:\S+/.exec(await host.within('a', 'ip link show eth0'))?.[0],
        taken: failure(await host.tryStart('b', '--network web --ip 10.5.0.42')),
        outside: failure(await host.tryStart('c', '--network web --ip 10.6.0.42')),
        badMac: failure(await host.tryStart('d', '--network web --mac-address 02:77')),
      };
    },
  },
  {
    title: 'IPv4 and IPv6',
    probes: {
      'names.1': /^fd05::/,
      between: /^a saw \[fd05::/,
      outside4: 'a saw [10.77.0.2]',
      outside6: 'a saw [fd77::2]',
      host6: 'a saw [fd77::1]',
      outwards6: / saw \[fd77::1\]$/,
    },
    async run(host) {
      await host.must('network create --ipv6 --subnet 10.5.0.0/24 --subnet fd05::/64 web');
      await host.start('a', '--network web -p 8080:80');
      await host.start('b', '--network web');
      return {
        inspect: await networkSettings(host, 'a'),
        within: await seenWithin(host, 'a'),
        names: await resolved(host, 'b', 'a'),
        between: await askFrom(host, 'b', '[fd05::2]'),
        outside4: await askFromOutside(host, '10.77.0.1:8080'),
        outside6: await askFromOutside(host, '[fd77::1]:8080'),
        host6: await askFromHost(host, '[fd77::1]:8080'),
        loopback6: await askFromHost(host, '[::1]:8080'),
        outwards6: await askFrom(host, 'a', '[fd77::2]'),
      };
    },
  },
  {
    title: 'an internal network',
    probes: {
      between: /^a saw /,
      'name.0': '10.89.0.20',
      fromHost: 'a saw [10.89.0.1]',
    },
    async run(host) {
      await host.must('network create --internal inside');
      await host.start('a', '--network inside --ip 10.89.0.20 -p 8080:80');
      await host.start('b', '--network inside');
      return {
        network: await definition(host, 'inside'),
        inspect: await networkSettings(host, 'a'),
        within: await seenWithin(host, 'a'),
        between: await askFrom(host, 'b', '10.89.0.20'),
        name: await resolved(host, 'b', 'a'),
        outwards: await askFrom(host, 'a', '10.77.0.2'),
        fromHost: await askFromHost(host, '10.89.0.20'),
        published: await askFromOutside(host, '10.77.0.1:8080'),
      };
    },
  },
  {
    title: 'isolated networks',
    probes: {
      oneToOpen: 'open saw [10.89.2.1]',
      openToOne: 'one saw [10.89.0.1]',
      oneOutwards: / saw \[10\.77\.0\.1\]$/,
      hostToOne: 'one saw [10.89.0.1]',
    },
    async run(host) {
      // requested: podman remembers the values of an earlier network with this name
      const address = { one: '10.89.0.20', two: '10.89.1.20', open: '10.89.2.20' };
      for (const name of ['one', 'two', 'open'] as const) {
        await host.must(`network create ${name === 'open' ? '' : '--opt isolate=true'} ${name}`);
        await host.start(name, `--network ${name} --ip ${address[name]}`);
      }
      return {
        oneToTwo: await askFrom(host, 'one', address.two),
        twoToOne: await askFrom(host, 'two', address.one),
        oneToOpen: await askFrom(host, 'one', address.open),
        openToOne: await askFrom(host, 'open', address.one),
        oneOutwards: await askFrom(host, 'one', '10.77.0.2'),
        hostToOne: await askFromHost(host, address.one),
      };
    },
  },
  {
    title: 'two networks that are not isolated',
    probes: {
      oneToTwo: 'two saw [10.89.1.1]',
      twoToOne: 'one saw [10.89.0.1]',
      nameOfTheOther: ['NXDOMAIN'],
      ownName: ['10.89.0.20'],
    },
    async run(host) {
      const address = { one: '10.89.0.20', two: '10.89.1.20' };
      for (const name of ['one', 'two'] as const) {
        await host.must(`network create ${name}`);
        await host.start(name, `--network ${name} --ip ${address[name]}`);
      }
      return {
        oneToTwo: await askFrom(host, 'one', address.two),
        twoToOne: await askFrom(host, 'two', address.one),
        nameOfTheOther: await resolved(host, 'one', 'two'),
        ownName: await resolved(host, 'one', 'one'),
      };
    },
  },
  {
    title: 'macvlan on the wire of the host',
    probes: {
      'within.addresses.eth0.0': '10.77.0.50/24',
      outside: 'a saw [10.77.0.2]',
      between: 'a saw [10.77.0.51]',
      outwards: / saw \[10\.77\.0\.50\]$/,
    },
    async run(host) {
      await host.must('network create -d macvlan --opt parent=up0 --subnet 10.77.0.0/24 --gateway 10.77.0.2 wire');
      await host.start('a', '--network wire --ip 10.77.0.50');
      await host.start('b', '--network wire --ip 10.77.0.51');
      return {
        network: await definition(host, 'wire'),
        inspect: await networkSettings(host, 'a'),
        within: await seenWithin(host, 'a'),
        outside: await askFromOutside(host, '10.77.0.50'),
        between: await askFrom(host, 'b', '10.77.0.50'),
        outwards: await askFrom(host, 'a', '10.77.0.2'),
      };
    },
  },
  {
    title: 'a macvlan that has its parent for itself',
    probes: {
      plain: { isOfTheLink: true, isOfTheParent: true },
      after: true,
    },
    async run(host) {
      await host.sh('ip link add par0 type veth peer name par1; ip link set par0 up; ip link set par1 up');
      await host.must('network create -d macvlan --opt parent=par0 --opt mode=passthru --subnet 10.9.0.0/24 whole');
      const macOf = (text: string) => {
        const [, mac] = /ether (\S+)/.exec(text) ?? [];
        if (!mac) throw new Error(`no MAC address in ${text}`);
        return mac;
      };
      const parent = macOf(await host.sh('ip link show par0'));
      const told = async (name: string, options = '') => {
        await host.start(name, `--network whole ${options}`);
        const link = macOf(await host.within(name, 'ip link show eth0'));
        const { Networks } = await networkSettings(host, name);
        const { MacAddress } = (Networks as Record<string, { MacAddress: string }>).whole ?? {};
        await host.must(`rm -f -t 0 ${name}`);
        return { isOfTheLink: MacAddress === link, isOfTheParent: link === parent };
      };
      try {
        const outcome = { plain: await told('a'), asked: await told('b', '--mac-address 02:77:00:00:00:01') };
        return { ...outcome, after: macOf(await host.sh('ip link show par0')) === parent };
      } finally {
        await host.sh('ip link delete par0');
      }
    },
  },
  {
    title: 'networks and containers whose names have dots',
    probes: {
      'network.name': 'my.net',
      'name.0': /^10\.89\.0\.\d+$/,
      'alias.0': /^10\.89\.0\.\d+$/,
      'withDomain.0': /^10\.89\.0\.\d+$/,
      outside: 'a.x saw [10.77.0.2]',
      'inUse.exitCode': 2,
    },
    async run(host) {
      await host.must('network create my.net');
      await host.must('network create --internal back.end');
      await host.start('a.x', '--network my.net --network-alias www.example -p 8080:80');
      await host.start('b.x', '--network my.net --network back.end');
      const seen = {
        network: await definition(host, 'my.net'),
        inspect: await networkSettings(host, 'b.x'),
        within: await seenWithin(host, 'a.x'),
        name: await resolved(host, 'b.x', 'a.x'),
        alias: await resolved(host, 'b.x', 'www.example'),
        withDomain: await resolved(host, 'b.x', 'a.x.dns.podman'),
        outside: await askFromOutside(host, '10.77.0.1:8080'),
      };
      await host.must('network disconnect my.net b.x');
      await host.must('network connect back.end a.x');
      await host.must('rm -f -t 0 b.x');
      return {
        ...seen,
        after: await networkSettings(host, 'a.x'),
        inUse: failure(await host.podman('network rm back.end')),
      };
    },
  },
  {
    title: 'mtu',
    probes: { bridge: 'podman1 1342', 'within.mtu.eth0': 1342 },
    async run(host) {
      await host.must('network create --opt mtu=1342 small');
      await host.start('a', '--network small');
      const links = await host.sh("ip -o link | grep -o -e 'podman[0-9].*mtu [0-9]*' | sed 's/:.*mtu//'");
      return { within: await seenWithin(host, 'a'), bridge: links };
    },
  },
  {
    title: 'a network without names, and resolvers of the container',
    probes: {
      quiet: ['nameserver 10.77.0.2'],
      own: ['nameserver 10.77.0.9', 'search example.org'],
      quietOwn: ['nameserver 10.77.0.9'],
    },
    async run(host) {
      await host.must('network create --disable-dns quiet');
      await host.must('network create web');
      await host.start('a', '--network quiet');
      await host.start('b', '--network web --dns 10.77.0.9 --dns-search example.org');
      await host.start('c', '--network quiet --dns 10.77.0.9');
      return {
        quiet: (await seenWithin(host, 'a')).resolver,
        own: (await seenWithin(host, 'b')).resolver,
        quietOwn: (await seenWithin(host, 'c')).resolver,
        aliasRefused: failure(await host.tryStart('d', '--network quiet --network-alias x')),
      };
    },
  },
  {
    title: 'a machine beside the host that routes a subnet through it',
    probes: { port: 'a saw [10.77.0.2]', port6: 'a saw [fd77::2]' },
    async run(host) {
      await host.must('network create --ipv6 --subnet 10.5.0.0/24 --subnet fd05::/64 web');
      // requested: podman remembers the values of an earlier network with this subnet
      await host.start('a', '--network web --ip 10.5.0.2 --ip6 fd05::2 -p 8080:80');
      await host.outside('ip route add 10.5.0.0/24 via 10.77.0.1; ip -6 route add fd05::/64 via fd77::1');
      try {
        return {
          port: await askFromOutside(host, '10.77.0.1:8080'),
          port6: await askFromOutside(host, '[fd77::1]:8080'),
          address: await askFromOutside(host, '10.5.0.2'),
          address6: await askFromOutside(host, '[fd05::2]'),
        };
      } finally {
        await host.outside('ip route delete 10.5.0.0/24; ip -6 route delete fd05::/64');
      }
    },
  },
  {
    title: 'a container that gives itself another address',
    probes: { own: 'answered', other: 'silence' },
    async run(host) {
      await host.must('network create --subnet 10.5.0.0/24 web');
      await host.start('a', '--network web --ip 10.5.0.2 --cap-add NET_ADMIN,NET_RAW');
      await host.start('b', '--network web --ip 10.5.0.3');
      await host.within('a', 'ip addr add 10.5.0.200/24 dev eth0');
      const ping = (source: string) =>
        host.within('a', `ping -c 1 -W 1 -I ${source} 10.5.0.3 >/dev/null && echo answered || echo silence`);
      return { own: (await ping('10.5.0.2')).trim(), other: (await ping('10.5.0.200')).trim() };
    },
  },
];
