import { askFromHost, failure } from '../ask.ts';
import type { PodmanHost } from '../host.ts';
import type { Scenario } from '../outcome.ts';

/** podman 4.3 chooses the bridge's name itself; its file says which. */
async function createOn(host: PodmanHost, bridge: string, network: string): Promise<void> {
  await host.must(`network create ${network}`);
  await host.sh(`sed -i 's/"podman[0-9]*"/"${bridge}"/' /etc/containers/networks/${network}.json`);
}

/** What is left when the links have gone that the kernel takes down after podman was answered. */
async function remainsOf(host: PodmanHost): ReturnType<PodmanHost['remains']> {
  await host.sh('for _ in $(seq 100); do ls /sys/class/net | grep -q -e ^veth -e ^nl || break; sleep 0.02; done');
  return host.remains();
}

export const failures: Scenario[] = [
  {
    title: 'a set-up that fails leaves nothing, and can be tried again',
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
    async run(host) {
      await host.must('network create good');
      await createOn(host, 'mine0', 'bad');
      await host.sh('ip link add mine0 type veth peer name mine1');
      const refused = failure(await host.tryStart('a', '--network good --network bad -p 8080:80'));
      const remains = await host.remains();
      await host.sh('ip link delete mine0');
      return { refused, remains };
    },
  },
  {
    title: 'a macvlan whose parent has gone',
    async run(host) {
      await host.sh('ip link add par0 type veth peer name par1');
      await host.must('network create -d macvlan --opt parent=par0 --subnet 10.9.0.0/24 wire');
      await host.sh('ip link delete par0');
      return { refused: failure(await host.tryStart('a', '--network wire')), remains: await host.remains() };
    },
  },
  {
    title: 'what somebody deletes below a container: its link, its bridge',
    async run(host) {
      await host.must('network create web');
      await host.start('a', '--network web -p 8080:80');
      await host.sh('for l in $(ls /sys/class/net | grep -e ^veth -e ^nl); do ip link delete $l; done');
      const removedWithoutLink = failure(await host.podman('rm -f -t 0 a'));
      await host.start('a', '--network web -p 8080:80');
      await host.sh('ip link delete podman1 || true');
      const removedWithoutBridge = failure(await host.podman('rm -f -t 0 a'));
      return {
        removedWithoutLink,
        removedWithoutBridge,
        remains: await remainsOf(host),
      };
    },
  },
];
