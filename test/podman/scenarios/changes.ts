import { askFrom, askFromHost, askFromOutside, failure, networkSettings, resolved, seenWithin } from '../ask.ts';
import type { PodmanHost } from '../host.ts';
import type { Scenario } from '../outcome.ts';

/** Waits until its interface is gone: the kernel needs some time for that after podman's reply. */
const gone = (host: PodmanHost, container: string, link: string) =>
  host.within(container, `busybox timeout 5 sh -c "while ip link show ${link}; do :; done >/dev/null 2>&1"`);

export const changes: Scenario[] = [
  {
    title: 'podman network connect and disconnect of a running container',
    probes: {
      before: 'db saw [10.89.1.1]',
      'joined.reach': /^db saw /,
      'joined.alias.0': /^10\.89\.1\.\d+$/,
      'joined.outside': 'a saw [10.77.0.2]',
      'twice.exitCode': 125,
      'left.name.0': 'NXDOMAIN',
      'left.outside': 'a saw [10.77.0.2]',
      'alone.within.mtu': { lo: 65536 },
    },
    async run(host) {
      await host.must('network create web');
      await host.must('network create data');
      await host.start('a', '--network web -p 8080:80');
      await host.start('db', '--network data --ip 10.89.1.30');
      const before = await askFrom(host, 'a', '10.89.1.30');
      await host.must('network connect --alias api data a');
      const joined = {
        inspect: await networkSettings(host, 'a'),
        within: await seenWithin(host, 'a'),
        reach: await askFrom(host, 'a', 'db'),
        alias: await resolved(host, 'db', 'api'),
        outside: await askFromOutside(host, '10.77.0.1:8080'),
      };
      const twice = failure(await host.podman('network connect data a'));
      await host.must('network disconnect data a');
      const left = {
        inspect: await networkSettings(host, 'a'),
        within: await seenWithin(host, 'a'),
        name: await resolved(host, 'db', 'api'),
        outside: await askFromOutside(host, '10.77.0.1:8080'),
      };
      const twiceLeft = failure(await host.podman('network disconnect data a'));
      await host.must('network disconnect web a');
      await gone(host, 'a', 'eth0');
      return { before, joined, twice, left, twiceLeft, alone: { within: await seenWithin(host, 'a') } };
    },
  },
  {
    title: 'connect and disconnect of a container that does not run',
    probes: {
      'started.addresses.eth1.0': '10.89.1.77/24',
      'again.addresses.eth1.0': '10.89.1.77/24',
      host: / saw \[10\.89\.1\.1\]$/,
    },
    async run(host) {
      await host.must('network create web');
      await host.must('network create data');
      await host.create('a', '--network web -p 8080:80');
      await host.must('network connect --ip 10.89.1.77 data a');
      const created = await networkSettings(host, 'a');
      await host.startAgain('a');
      const started = await seenWithin(host, 'a');
      await host.must('stop -t 0 a');
      await host.must('network disconnect web a');
      await host.startAgain('a');
      return { created, started, again: await seenWithin(host, 'a'), host: await askFromHost(host, '127.0.0.1:8080') };
    },
  },
  {
    title: 'podman network reload',
    probes: {
      unchanged: true,
      'within.addresses.eth0.0': /^10\.89\.0\.\d+\/24$/,
      'other.addresses.eth0.0': '10.88.0.40/16',
      outside: 'a saw [10.77.0.2]',
      'name.0': /^10\.89\.0\.\d+$/,
      'ofNone.exitCode': 125,
    },
    async run(host) {
      await host.must('network create web');
      await host.start('a', '--network web -p 8080:80');
      await host.start('b', '--ip 10.88.0.40');
      const before = await networkSettings(host, 'a');
      const said = await host.must('network reload a');
      const after = await networkSettings(host, 'a');
      await host.must('network reload --all');
      return {
        said,
        unchanged: JSON.stringify(before) === JSON.stringify(after),
        within: await seenWithin(host, 'a'),
        other: await seenWithin(host, 'b'),
        outside: await askFromOutside(host, '10.77.0.1:8080'),
        name: await resolved(host, 'a', 'a'),
        ofNone: failure(await host.podman('network reload nosuch')),
      };
    },
  },
  {
    title: 'two networks from the start, each with its address, alias and interface name',
    probes: {
      'within.addresses.front0.0': '10.89.0.20/24',
      'within.addresses.eth0.0': '10.89.1.20/24',
      alias: ['10.89.1.20'],
      outside: 'a saw [10.77.0.2]',
      across: 'a saw [10.89.0.1]',
    },
    async run(host) {
      await host.must('network create web');
      await host.must('network create data');
      const data = '--network data:ip=10.89.1.20,alias=store,mac=02:77:00:00:00:02';
      await host.start('a', `--network web:interface_name=front0,ip=10.89.0.20 ${data} -p 8080:80`);
      await host.start('b', '--network data');
      return {
        inspect: await networkSettings(host, 'a'),
        within: await seenWithin(host, 'a'),
        alias: await resolved(host, 'b', 'store'),
        name: await resolved(host, 'b', 'a'),
        outside: await askFromOutside(host, '10.77.0.1:8080'),
        across: await askFrom(host, 'b', '10.89.0.20'),
      };
    },
  },
  {
    title: 'a pod',
    probes: {
      'up.within.addresses.eth0.0': /^10\.89\.0\.\d+\/24$/,
      'up.ownLoopback': 'p saw [127.0.0.1]',
      'up.podByName.0': /^10\.89\.0\.\d+$/,
      'up.outside': 'p saw [10.77.0.2]',
      started: 'p saw [10.77.0.2]',
      'gone.0': 'NXDOMAIN',
    },
    async run(host) {
      await host.must('network create web');
      await host.sh(`tar -C ${host.rootfs} -c . | podman import - localhost/pause`);
      await host.must(
        'pod create --name p --network web -p 8080:80 --share-parent=false --infra-image localhost/pause --infra-command "sleep 1000" --infra-name p-infra',
      );
      await host.start('server', '--pod p');
      await host.must(`run -d --pod p --name beside --rootfs ${host.rootfs} sleep 1000`);
      await host.start('client', '--network web');
      const [pod] = await host
        .json<{ InfraConfig: object }>('pod inspect p')
        .then((inspected) => [inspected].flat() as { InfraConfig: object }[]);
      const up = {
        infra: pod?.InfraConfig,
        inspect: await networkSettings(host, 'p-infra'),
        member: await networkSettings(host, 'server'),
        within: await seenWithin(host, 'beside'),
        ownLoopback: await askFrom(host, 'beside', '127.0.0.1'),
        podByName: await resolved(host, 'client', 'p'),
        memberByName: await resolved(host, 'client', 'server'),
        infraByName: await resolved(host, 'client', 'p-infra'),
        port: await host.must('port server'),
        outside: await askFromOutside(host, '10.77.0.1:8080'),
      };
      await host.must('pod stop -t 0 p');
      const stopped = await askFromOutside(host, '10.77.0.1:8080');
      await host.must('pod start p');
      // its server may need a moment more than podman
      await host.within('server', 'until busybox netstat -ltn | grep -q :80; do :; done');
      const started = await askFromOutside(host, '10.77.0.1:8080');
      await host.must('pod rm -f -t 0 p');
      await host.must('rmi -f localhost/pause');
      return { up, stopped, started, gone: await resolved(host, 'client', 'p') };
    },
  },
];
