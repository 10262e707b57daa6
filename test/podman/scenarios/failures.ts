import { askFrom, askFromHost, askFromOutside, failure, seenWithin } from '../ask.ts';
import type { PodmanHost } from '../host.ts';
import type { Scenario } from '../outcome.ts';

/** podman 4.3 chooses the bridge's name itself; its file contains it. */
async function createOn(host: PodmanHost, bridge: string, network: string): Promise<void> {
  await host.must(`network create ${network}`);
  await host.sh(`sed -i 's/"podman[0-9]*"/"${bridge}"/' /etc/containers/networks/${network}.json`);
}

/** What is left when the links have gone that the kernel takes down after podman's reply. */
async function remainsOf(host: PodmanHost): ReturnType<PodmanHost['remains']> {
  await host.sh('for _ in $(seq 100); do ls /sys/class/net | grep -q -e ^veth -e ^nl || break; sleep 0.02; done');
  return host.remains();
}

const published = '10.77.0.1:8080';

/** Deleted things return within milliseconds or not at all: the last of three silences of three seconds proves it. */
async function reachedAgain(host: PodmanHost, attempts = 3): Promise<string> {
  const heard = await askFromOutside(host, published);
  return heard === 'nothing' && attempts > 1 ? reachedAgain(host, attempts - 1) : heard;
}

export const failures: Scenario[] = [
  {
    title: 'a set-up that fails leaves nothing, and can be tried again',
    probes: { 'refused.exitCode': 126, 'remains.namespaces': [], again: /^a saw / },
    async run(host) {
      await createOn(host, 'mine0', 'web');
      await host.sh('ip link add mine0 type veth peer name mine1');
      const refused = failure(await host.tryStart('a', '--network web -p 8080:80'));
      const remains = await host.remains();
      await host.sh('ip link delete mine0');
      await host.startAgain('a');
      return { refused, remains, again: await askFromHost(host, '127.0.0.1:8080') };
    },
  },
  {
    title: 'the second of two networks fails',
    probes: { 'refused.exitCode': 126, 'remains.namespaces': [], again: /^a saw / },
    async run(host) {
      await host.must('network create good');
      await createOn(host, 'mine0', 'bad');
      await host.sh('ip link add mine0 type veth peer name mine1');
      const refused = failure(await host.tryStart('a', '--network good --network bad -p 8080:80'));
      const remains = await host.remains();
      await host.sh('ip link delete mine0');
      await host.startAgain('a');
      return {
        refused,
        remains,
        again: (await askFromHost(host, '127.0.0.1:8080')).replace(/10\.89\.[01]\.1/, 'a gateway'),
      };
    },
  },
  {
    title: 'a macvlan whose parent has gone',
    probes: { 'refused.exitCode': 126, again: ['10.9.0.20/24'] },
    async run(host) {
      await host.sh('ip link add par0 type veth peer name par1');
      await host.must('network create -d macvlan --opt parent=par0 --subnet 10.9.0.0/24 wire');
      await host.sh('ip link delete par0');
      const refused = failure(await host.tryStart('a', '--network wire --ip 10.9.0.20'));
      const remains = await host.remains();
      await host.sh('ip link add par0 type veth peer name par1; ip link set par0 up; ip link set par1 up');
      try {
        await host.startAgain('a');
        const { addresses } = await seenWithin(host, 'a');
        await host.must('rm -f -t 0 a');
        return { refused, remains, again: (addresses as Record<string, string[]>).eth0 };
      } finally {
        await host.sh('ip link delete par0');
      }
    },
  },
  {
    title: 'a gateway at either end of its subnet',
    probes: { lowest: 0, 'within.addresses.eth0.0': '10.5.0.2/24', outside: 'a saw [10.77.0.2]' },
    async run(host) {
      await host.must('network create --subnet 10.5.0.0/24 --gateway 10.5.0.0 lowest');
      await host.must('network create --subnet 10.6.0.0/24 --gateway 10.6.0.255 highest');
      const lowest = failure(await host.tryStart('a', '--network lowest --ip 10.5.0.2 -p 8080:80'));
      const highest = failure(await host.tryStart('b', '--network highest --ip 10.6.0.2'));
      // it leaves the bridge of a set-up that failed
      if (host.engine === 'netavark') await host.sh('ip link delete podman2 2>/dev/null || true');
      return {
        lowest: lowest.exitCode,
        within: await seenWithin(host, 'a'),
        outside: await askFromOutside(host, published),
        outwards: await askFrom(host, 'a', '10.77.0.2'),
        highest,
      };
    },
  },
  {
    title: 'the link and the bridge of a running container are deleted',
    probes: {
      'removedWithoutLink.exitCode': 0,
      'removedWithoutBridge.exitCode': 0,
      served: ['a saw [10.77.0.2]', 'a saw [10.77.0.2]'],
      'reachedAgain.link': 'a saw [10.77.0.2]',
      'reachedAgain.bridge': 'a saw [10.77.0.2]',
    },
    async run(host) {
      await host.must('network create web');
      const served: string[] = [];
      const start = async () => {
        await host.start('a', '--network web -p 8080:80');
        served.push(await askFromOutside(host, published));
      };
      await start();
      await host.sh('for l in $(ls /sys/class/net | grep -e ^veth -e ^nl); do ip link delete $l; done');
      const link = await reachedAgain(host);
      const removedWithoutLink = failure(await host.podman('rm -f -t 0 a'));
      await start();
      await host.sh('ip link delete podman1');
      const bridge = await reachedAgain(host);
      const removedWithoutBridge = failure(await host.podman('rm -f -t 0 a'));
      return {
        served,
        reachedAgain: { link, bridge },
        removedWithoutLink,
        removedWithoutBridge,
        remains: await remainsOf(host),
      };
    },
  },
];
