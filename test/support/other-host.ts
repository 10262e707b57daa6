import { execFileSync } from 'node:child_process';
import * as native from '#native';

/** Addresses of the host that the test plays, and of the other one. The first host has two of each family. */
export const hostAddress = { 4: '192.0.2.1', 6: 'fd00:2::1' } as const;
export const secondAddress = { 4: '192.0.2.3', 6: 'fd00:2::3' } as const;
export const otherAddress = { 4: '192.0.2.2', 6: 'fd00:2::2' } as const;

const link = 'up0';

/**
 * Another host: a namespace joined to this one by a veth pair. It reaches the containers only through this host's
 * addresses, and sees them as this host only.
 */
export class OtherHost {
  readonly netns: string;

  constructor(directory: string) {
    this.netns = `${directory}/other-host`;
    native.createNetns(this.netns).socket.close();
    execFileSync('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.netns]);
    ipBatch(null, [
      `link set ${link} up`,
      `address add ${hostAddress[4]}/24 dev ${link}`,
      `address add ${secondAddress[4]}/24 dev ${link}`,
      `address add ${hostAddress[6]}/64 dev ${link} nodad`,
      // never chosen as a source, like the second of IPv4
      `address add ${secondAddress[6]}/64 dev ${link} nodad preferred_lft 0`,
    ]);
    // every UDP refusal is answered, not one a second
    for (const key of ['net.ipv4.icmp_ratelimit', 'net.ipv6.icmp.ratelimit']) native.setSysctl(null, key, '0');
    ipBatch(this.netns, [
      'link set lo up',
      'link set eth0 up',
      `address add ${otherAddress[4]}/24 dev eth0`,
      `address add ${otherAddress[6]}/64 dev eth0 nodad`,
    ]);
  }

  /** Makes it route these subnets through the first host, as a machine on a LAN may. */
  routeHere(...subnets: string[]): void {
    const via = (subnet: string) => hostAddress[subnet.includes(':') ? 6 : 4];
    ipBatch(
      this.netns,
      subnets.map((subnet) => `route add ${subnet} via ${via(subnet)}`),
    );
  }

  remove(): void {
    execFileSync('ip', ['link', 'delete', link]);
    native.removeNetns(this.netns);
  }
}

/** Runs several `ip` commands in one process; null: in the namespace of this test. */
export function ipBatch(netns: string | null, commands: string[]): void {
  const [file, ...args] = [...(netns === null ? [] : ['nsenter', `--net=${netns}`]), 'ip', '-batch', '-'];
  execFileSync(file as string, args, { input: `${commands.join('\n')}\n`, stdio: ['pipe', 'ignore', 'inherit'] });
}

/** A cable on this host, lan0 to lan1, both ends up; further commands of `ip -batch` follow. */
export function addLan(...more: string[]): void {
  ipBatch(null, ['link add lan0 type veth peer name lan1', 'link set lan0 up', 'link set lan1 up', ...more]);
}
