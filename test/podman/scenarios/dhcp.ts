import { askFromNetns, definition, networkSettings, seenWithin } from '../ask.ts';
import type { PodmanHost } from '../host.ts';
import type { Scenario } from '../outcome.ts';

const lan = '/run/lan';
const leases = '/run/lan.leases';

/**
 * A LAN behind the host's link par0: 192.0.2.1, where dnsmasq gives 192.0.2.100 to 192.0.2.150. It is ready when the command returns,
 * for it becomes a daemon when its sockets are open.
 */
const lanUp = `
set -e
touch ${lan}; unshare --net=${lan} true
nsenter --net=${lan} ip link add srv0 type veth peer name par0 netns 1
ip link set par0 up
nsenter --net=${lan} sh -c 'ip link set lo up; ip addr add 192.0.2.1/24 dev srv0; ip link set srv0 up'
nsenter --net=${lan} dnsmasq --conf-file=/dev/null --user=root --pid-file=/run/lan.pid --port=0 \\
  --interface=srv0 --bind-interfaces --dhcp-authoritative --no-ping \\
  --dhcp-range=192.0.2.100,192.0.2.150,255.255.255.0,10m --dhcp-option=option:dns-server,192.0.2.53 \\
  --domain=lan.example --dhcp-leasefile=${leases} --log-facility=/run/lan.log`;

const lanDown = `
end() { pid=$(cat $1); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.02; done; rm -f $1; }
[ ! -e /run/proxy.pid ] || end /run/proxy.pid
[ ! -e /run/lan.pid ] || end /run/lan.pid
ip link delete par0 2>/dev/null
umount ${lan} 2>/dev/null; rm -f ${lan} ${leases} /run/lan.log
true`;

/** netavark's own DHCP client, which systemd starts elsewhere. netloom's daemon contains one. */
const proxyUp = `
setsid in-newer /usr/lib/podman/netavark dhcp-proxy </dev/null >/run/proxy.log 2>&1 & echo $! >/run/proxy.pid
timeout 10 sh -c 'until [ -S /run/podman/nv-proxy.sock ]; do sleep 0.02; done' || { cat /run/proxy.log >&2; exit 1; }`;

/** Checks whether the DHCP server has a lease for it; a lease that is about to end is waited for. */
async function isLeased(host: PodmanHost, address: string): Promise<'yes' | 'no'> {
  const text = await host.sh(`grep -c ' ${address} ' ${leases} || true`);
  return text.trim() === '0' ? 'no' : 'yes';
}

async function isReleased(host: PodmanHost, address: string): Promise<'yes' | 'no'> {
  await host.sh(`for _ in $(seq 500); do grep -q ' ${address} ' ${leases} || break; sleep 0.02; done`);
  return (await isLeased(host, address)) === 'yes' ? 'no' : 'yes';
}

/** The address that the DHCP server has chosen. */
async function addressOf(host: PodmanHost, container: string): Promise<string> {
  const { addresses } = await seenWithin(host, container);
  const [address = ''] = (addresses as Record<string, string[]>).eth0 ?? [];
  return address.replace('/24', '');
}

const isOfPool = (address: string): boolean => /^192\.0\.2\.1([0-4]\d|50)$/.test(address);

/** Replaced by a name, for it may be another one on the other host. */
const withoutAddress = <Value>(value: Value, address: string, name: string): Value =>
  JSON.parse(JSON.stringify(value).replaceAll(address, name)) as Value;

/** C13: since netavark 1.6. */
export const dhcp: readonly Scenario[] = [
  {
    title: 'macvlan with addresses from a DHCP server',
    probes: {
      'network.ipam_options.driver': 'dhcp',
      isOfPool: true,
      'within.addresses.eth0': ['<address>/24'],
      'within.routes.1': 'default via 192.0.2.1 dev eth0 metric 99',
      'within.resolver': ['nameserver 192.0.2.53', 'search lan.example'],
      'inspect.Networks.lan.IPAddress': '<address>',
      fromLan: 'a saw [192.0.2.1]',
      neighbour: { isOfPool: true, isAnother: true },
      leased: 'yes',
      released: 'yes',
    },
    async run(host) {
      try {
        await host.sh(lanUp);
        if (host.engine === 'netavark') await host.sh(proxyUp);
        await host.must('network create -d macvlan -o parent=par0 --ipam-driver dhcp lan');
        await host.start('a', '--network lan:mac=02:77:00:00:00:0d');
        // with one container in it: several would be listed in any order
        const network = await definition(host, 'lan');
        await host.start('b', '--network lan');
        const address = await addressOf(host, 'a');
        const other = await addressOf(host, 'b');
        const seen = {
          network,
          isOfPool: isOfPool(address),
          inspect: await networkSettings(host, 'a'),
          within: await seenWithin(host, 'a'),
          fromLan: await askFromNetns(host, lan, address),
          neighbour: { isOfPool: isOfPool(other), isAnother: other !== address },
          leased: await isLeased(host, address),
        };
        await host.must('rm -f -t 0 a b');
        const named = withoutAddress(withoutAddress(seen, `${address}/`, '<address>/'), `${other}/`, '<other>/');
        return { ...withoutAddress(named, address, '<address>'), released: await isReleased(host, address) };
      } finally {
        await host.podman('rm -f -t 0 a b');
        await host.run(lanDown);
      }
    },
  },
];
