import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { type FirewallDriver, netavarkCommand, netavarkVersion } from './peers/netavark.ts';
import { findIn, searchPath } from './peers/programs.ts';

/** What a reader must know about the origin of the figures: label and value. */
export function describeMachine(): [label: string, value: string][] {
  const [cpu] = cpus();
  return [
    ['processor', `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}`],
    ['memory', `${Math.round(totalmem() / 2 ** 30)} GiB`],
    ['kernel', release()],
    ['Node', process.versions.node],
    ['nats-server', versionOf('nats-server', '--version')],
    ['nft', versionOf('nft', '--version')],
    ['iptables', versionOf('iptables', '--version')],
    ['netavark with iptables', netavarkOf('iptables')],
    ['netavark with nftables', netavarkOf('nftables')],
  ];
}

function netavarkOf(driver: FirewallDriver): string {
  const command = netavarkCommand(driver);
  return (command && netavarkVersion(command)) ?? 'not installed';
}

/** The first dotted number in its output. */
function versionOf(program: string, ...args: string[]): string {
  const path = findIn(searchPath(), program);
  if (path === null) return 'not installed';
  const text = execFileSync(path, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return /\d+(\.\d+)+/.exec(text)?.[0] ?? text.trim();
}
