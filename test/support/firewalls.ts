import { untilAnswered } from './daemon.ts';
import { DebianRoot, type Running } from './debian-root.ts';
import { unpackedDebian } from './unpacked-debian.ts';

/** Firewalls and similar programs beside netloom: the real ones of this machine's Debian, unpacked and never installed. */
export const firewalls = {
  name: 'firewalls',
  packages: [
    ...['firewalld', 'dbus-daemon', 'ufw', 'docker.io', 'iptables', 'nftables'],
    ...['iproute2', 'busybox-static', 'procps', 'grep', 'sed', 'tar', 'findutils'],
  ],
};

export async function firewallRoot(): Promise<DebianRoot> {
  const root = await DebianRoot.open(await unpackedDebian(firewalls));
  // as the package does when it is installed
  await root.sh(`for name in iptables ip6tables; do for what in '' -save -restore; do
    ln -s $name-nft$what /usr/sbin/$name$what
  done; done`);
  return root;
}

/** firewalld on a system bus of its own. */
export class TestFirewalld {
  #bus: Running | null = null;
  #process: Running | null = null;

  constructor(private readonly root: DebianRoot) {}

  /** For DBUS_SYSTEM_BUS_ADDRESS. */
  get busAddress(): string {
    return `unix:path=${this.root.runDirectory}/dbus/system_bus_socket`;
  }

  /** The bus of Debian's own configuration, but as root: there are no other users. */
  async startBus(): Promise<void> {
    await this.root.sh('sed "/<user>/d; /<pidfile>/d" /usr/share/dbus-1/system.conf >/usr/share/dbus-1/here.conf');
    this.#bus = this.root.spawn('dbus-daemon', '--config-file=/usr/share/dbus-1/here.conf', '--nofork', '--nopidfile');
    await untilAnswered(() => this.root.run('test', '-S', '/run/dbus/system_bus_socket'));
  }

  signalBus(signal: NodeJS.Signals): void {
    this.#bus?.signal(signal);
  }

  async endBus(): Promise<void> {
    await this.#bus?.end();
    await this.root.run('rm', '-f', '/run/dbus/system_bus_socket');
  }

  /** Resolves when its rules are in place. */
  async start(): Promise<void> {
    const process = this.root.spawn('firewalld', '--nofork', '--nopid', '--system-config', '/etc/firewalld');
    this.#process = process;
    await untilAnswered(() => this.command('--state')).catch((error: Error) => {
      throw new Error(`${error.message}\n${process.said}`);
    });
  }

  command(...args: string[]): Promise<string> {
    return this.root.run('firewall-cmd', ...args);
  }

  /** The trusted sources, at run time. */
  async sources(...more: string[]): Promise<string[]> {
    const text = await this.command(...more, '--zone=trusted', '--list-sources');
    return text.split(' ').filter(Boolean).sort();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.signal(signal);
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#process?.end(signal);
  }
}
