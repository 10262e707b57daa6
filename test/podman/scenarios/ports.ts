import {
  askFrom,
  askFromHost,
  askFromOutside,
  echoFromHost,
  echoFromOutside,
  failure,
  networkSettings,
  publishedPorts,
} from '../ask.ts';
import type { Scenario } from '../outcome.ts';

export const ports: Scenario[] = [
  {
    title: 'ports on one address of the host',
    probes: {
      'fromHost.127.0.0.1:8080': 'a saw [10.88.0.1]',
      'fromHost.10.77.0.1:8081': 'a saw [10.77.0.1]',
      'fromHost.10.77.0.1:8082': 'a saw [10.77.0.1]',
      outside: ['nothing', 'a saw [10.77.0.2]'],
    },
    async run(host) {
      await host.start('a', '-p 127.0.0.1:8080:80 -p 10.77.0.1:8081:80 -p 0.0.0.0:8082:80');
      const asked = ['127.0.0.1:8080', '10.77.0.1:8080', '127.0.0.1:8081', '10.77.0.1:8081', '10.77.0.1:8082'];
      const fromHost: Record<string, string> = {};
      for (const address of asked) fromHost[address] = await askFromHost(host, address);
      return {
        fromHost,
        outside: [await askFromOutside(host, '10.77.0.1:8080'), await askFromOutside(host, '10.77.0.1:8081')],
        port: await publishedPorts(host, 'a'),
        inspect: await networkSettings(host, 'a'),
      };
    },
  },
  {
    title: 'a range of ports, and ports that podman chooses',
    probes: {
      first: 'a saw [10.77.0.2]',
      second: 'a saw [10.77.0.2]',
      chosen: 'a saw [10.77.0.2]',
    },
    async run(host) {
      await host.start('a', '-p 8090-8092:80-82 -p 80');
      await host.within('a', 'httpd -p 81 -h /www </dev/null >/dev/null 2>&1');
      const [, chosen] = /^80\/tcp -> 0\.0\.0\.0:(?!8090)(\d+)$/m.exec(await host.must('port a')) ?? [];
      return {
        first: await askFromOutside(host, '10.77.0.1:8090'),
        second: await askFromOutside(host, '10.77.0.1:8091'),
        behind: await askFromOutside(host, '10.77.0.1:8093'),
        chosen: await askFromOutside(host, `10.77.0.1:${chosen}`),
        port: (await publishedPorts(host, 'a')).map((line) => line.replace(`:${chosen}`, ':<chosen>')),
      };
    },
  },
  {
    title: 'UDP, and one port for both protocols',
    probes: {
      host: /^a saw /,
      loopback: /^a saw /,
      outside: 'a saw 10.77.0.2',
      tcp: 'b saw [10.77.0.2]',
      udp: 'b saw 10.77.0.2',
    },
    async run(host) {
      await host.start('a', '-p 9000:9000/udp', 'udp-echo 9000');
      await host.start('b', '-p 8080:80/tcp -p 8080:9000/udp');
      const nobody = await echoFromOutside(host, '10.77.0.1', 8080);
      await host.within('b', 'udp-echo 9000 </dev/null >/dev/null 2>&1 &');
      await host.serves('b', 'udp-echo 9000');
      return {
        host: await echoFromHost(host, '10.77.0.1', 9000),
        loopback: await echoFromHost(host, '127.0.0.1', 9000),
        outside: await echoFromOutside(host, '10.77.0.1', 9000),
        nobody,
        udp: await echoFromOutside(host, '10.77.0.1', 8080),
        tcp: await askFromOutside(host, '10.77.0.1:8080'),
        port: await publishedPorts(host, 'b'),
      };
    },
  },
  {
    title: 'a container through published ports: its own, and those of others',
    probes: {
      own: 'a saw [10.89.0.1]',
      sameNetwork: 'b saw [10.89.0.1]',
      otherNetwork: 'a saw [10.89.0.1]',
      byGateway: 'a saw [10.89.0.1]',
    },
    async run(host) {
      await host.must('network create web');
      await host.must('network create data');
      await host.start('a', '--network web -p 8080:80');
      await host.start('b', '--network web -p 8081:80');
      await host.start('c', '--network data');
      return {
        own: await askFrom(host, 'a', '10.77.0.1:8080'),
        sameNetwork: await askFrom(host, 'a', '10.77.0.1:8081'),
        otherNetwork: await askFrom(host, 'c', '10.77.0.1:8080'),
        byGateway: await askFrom(host, 'c', '10.89.1.1:8080'),
      };
    },
  },
  {
    title: 'two containers that publish one port, each over another family',
    probes: {
      starts: 0,
      'heard.10.77.0.1:8080': 'a saw [10.77.0.2]',
      // podman before 5 passes on the first one's for both families
      'heard.[fd77::1]:8080': /^[ab] saw \[fd77::2\]$/,
      'heard.10.77.0.1:8081': 'b saw [10.77.0.2]',
      'heard.[fd77::1]:8081': 'a saw [fd77::2]',
    },
    async run(host) {
      await host.must('network create --ipv6 --subnet 10.5.0.0/24 --subnet fd05::/64 web');
      await host.start('a', '--network web -p 8080:80 -p [::]:8081:80');
      const second = failure(await host.tryStart('b', '--network web -p [::]:8080:80 -p 8081:80'));
      const asked = ['10.77.0.1:8080', '[fd77::1]:8080', '10.77.0.1:8081', '[fd77::1]:8081'];
      const heard: Record<string, string> = {};
      for (const address of asked) heard[address] = await askFromOutside(host, address);
      return { starts: second.exitCode, heard };
    },
  },
  {
    title: 'a port that is taken',
    probes: { 'byContainer.exitCode': 126, 'byProcess.exitCode': 126, namespaces: 1, stillServed: 'a saw [10.77.0.2]' },
    async run(host) {
      await host.must('network create web');
      await host.start('a', '--network web -p 8080:80');
      const byContainer = failure(await host.tryStart('b', '--network web -p 8080:80'));
      const remains = await host.remains();
      await host.sh('busybox httpd -p 127.0.0.1:8099 -h /');
      const byProcess = failure(await host.tryStart('c', '--network web -p 8099:80'));
      await host.sh('kill $(pgrep -f "httpd -p 127.0.0.1:809[9]")');
      return {
        byContainer,
        byProcess,
        links: remains.links.length,
        namespaces: remains.namespaces.length,
        stillServed: await askFromOutside(host, '10.77.0.1:8080'),
      };
    },
  },
];
